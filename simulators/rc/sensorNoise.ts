/** 32-bit mix of three whole numbers (the finaliser of MurmurHash3): the same arguments give the same bits, in any order of calls. */
function bits(seed: number, index: number, stream: number): number {
  let h = Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(index | 0, 0x85ebca77) ^ Math.imul(stream | 0, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Standard normal deviate that belongs to a seed, a minute and a sensor (Box–Muller); no state, so a restored run continues with the same noise. */
export function sensorNoise(seed: number, minute: number, sensor: number): number {
  const u1 = (bits(seed, minute, 2 * sensor) + 0.5) / 2 ** 32;
  const u2 = (bits(seed, minute, 2 * sensor + 1) + 0.5) / 2 ** 32;
  return Math.sqrt(-2 * Math.log(u1)) * Math.cos(2 * Math.PI * u2);
}
