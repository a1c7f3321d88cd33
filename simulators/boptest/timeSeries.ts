/** Zero of the Celsius scale, K. */
const zeroCelsiusK = 273.15;
/** Digits kept at the edge: 290.4 K − 273.15 K is 17.25 °C, not 17.249999999999943. */
const digits = 1e9;
const tidy = (value: number): number => Math.round(value * digits) / digits;

export const kelvinToC = (value: number): number => tidy(value - zeroCelsiusK);
export const celsiusToK = (value: number): number => tidy(value + zeroCelsiusK);

/**
 * Mean over [fromS, untilS] of a curve that runs straight between samples (level beyond the first and last): ∫ v dt / (untilS − fromS).
 * `timesS` grows, equal times allowed (BOPTEST stores both sides of an event); NaN samples are left out; NaN where none is left.
 */
export function meanOver(timesS: ArrayLike<number>, values: ArrayLike<number>, fromS: number, untilS: number): number {
  let area = 0;
  let lastS = fromS;
  let last = Number.NaN;
  for (let i = 0; i < timesS.length; i++) {
    const t = timesS[i]!;
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (t <= fromS) {
      last = value;
      // A sample before the interval: the curve enters between it and the next one.
      const next = nextSample(timesS, values, i);
      if (next !== null && next.t > fromS) last = value + ((next.value - value) * (fromS - t)) / (next.t - t);
      continue;
    }
    if (Number.isNaN(last)) last = value;
    if (t >= untilS) {
      const end = t === lastS ? value : last + ((value - last) * (untilS - lastS)) / (t - lastS);
      area += ((last + end) / 2) * (untilS - lastS);
      return area / (untilS - fromS);
    }
    area += ((last + value) / 2) * (t - lastS);
    lastS = t;
    last = value;
  }
  return (area + last * (untilS - lastS)) / (untilS - fromS);
}

function nextSample(timesS: ArrayLike<number>, values: ArrayLike<number>, after: number): { t: number; value: number } | null {
  for (let i = after + 1; i < timesS.length; i++) if (Number.isFinite(values[i])) return { t: timesS[i]!, value: values[i]! };
  return null;
}

/** The sample in force at `atS`: the last one not after it, else the first; NaN without samples. */
export function valueAt(timesS: ArrayLike<number>, values: ArrayLike<number>, atS: number): number {
  let found = values.length === 0 ? Number.NaN : values[0]!;
  for (let i = 0; i < timesS.length && timesS[i]! <= atS; i++) found = values[i]!;
  return found;
}
