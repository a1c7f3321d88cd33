/**
 * Counter-based random numbers: a value depends only on (seed, stream, index), so any part can be drawn in any order on any thread.
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High 32 bits of the product of two 32-bit unsigned numbers. */
const multiplyHigh = (a: number, b: number): number => {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000)) >>> 0;
};

/** One block: `out[0..3]` ← Philox4x32-10 of the counter words c0…c3 under the key words k0, k1 (all 32-bit). */
export const philox4x32 = (out: Uint32Array, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void => {
  let [a, b, c, d] = [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
  let [key0, key1] = [k0 >>> 0, k1 >>> 0];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, a);
    const low0 = Math.imul(MULTIPLIER_0, a);
    const high1 = multiplyHigh(MULTIPLIER_1, c);
    const low1 = Math.imul(MULTIPLIER_1, c);
    a = (high1 ^ b ^ key0) >>> 0;
    b = low1 >>> 0;
    c = (high0 ^ d ^ key1) >>> 0;
    d = low0 >>> 0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
};

/** 53 random bits as a number in [0, 1). */
const toUnit = (high: number, low: number): number => ((high >>> 5) * 0x4000000 + (low >>> 6)) / 2 ** 53;

const words = (value: number): [low: number, high: number] => [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];

const checkCounters = (...counters: readonly number[]): void => {
  if (!counters.every((value) => Number.isSafeInteger(value) && value >= 0)) {
    throw new RangeError(`Seeds, streams and indices are whole numbers from 0 to 2^53 − 1, not ${counters.join(", ")}.`);
  }
};

/** Calls `use(block, pair)` for every pair of values that overlaps [offset, offset + length). */
const forPairs = (seed: number, stream: number, offset: number, length: number, use: (block: Uint32Array, pair: number) => void): void => {
  checkCounters(seed, stream, offset);
  const [k0, k1] = words(seed);
  const [c2, c3] = words(stream);
  const block = new Uint32Array(4);
  for (let pair = Math.floor(offset / 2); 2 * pair < offset + length; pair++) {
    const [c0, c1] = words(pair);
    philox4x32(block, c0, c1, c2, c3, k0, k1);
    use(block, pair);
  }
};

/** out[i] ← the uniform number in [0, 1) with index offset + i of this seed and stream. */
export const uniforms = (seed: number, stream: number, out: Float64Array, offset = 0): void => {
  forPairs(seed, stream, offset, out.length, (block, pair) => {
    const at = 2 * pair - offset;
    if (at >= 0) out[at] = toUnit(block[0]!, block[1]!);
    if (at + 1 < out.length) out[at + 1] = toUnit(block[2]!, block[3]!);
  });
};

/** The uniform number in [0, 1) with this index. */
export const uniform = (seed: number, stream: number, index: number): number => {
  const out = new Float64Array(1);
  uniforms(seed, stream, out, index);
  return out[0]!;
};

/**
 * out[i] ← the standard normal number with index offset + i of this seed and stream.
 * Box–Muller: √(−2 ln(1 − u)) · (cos 2πv, sin 2πv) for the two uniforms of one block; largest magnitude 8.57.
 */
export const normals = (seed: number, stream: number, out: Float64Array, offset = 0): void => {
  forPairs(seed, stream, offset, out.length, (block, pair) => {
    const radius = Math.sqrt(-2 * Math.log(1 - toUnit(block[0]!, block[1]!)));
    const angle = 2 * Math.PI * toUnit(block[2]!, block[3]!);
    const at = 2 * pair - offset;
    if (at >= 0) out[at] = radius * Math.cos(angle);
    if (at + 1 < out.length) out[at + 1] = radius * Math.sin(angle);
  });
};
