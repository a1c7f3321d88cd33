import { instantsAt } from "#math/localInstants";

/** A price or an intensity per kWh from a moment on (Unix ms). A value that is not a number is a gap. */
export interface RateRow {
  readonly startMs: number;
  readonly value: number;
}

/** Half-open spans [start, end) in ascending order, none over another; what lies between them is unknown. */
export interface RateSeries {
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  readonly value: Float64Array;
}

export const noRates: RateSeries = { startMs: new Float64Array(), endMs: new Float64Array(), value: new Float64Array() };

export interface RateLimits {
  /** About what a value is: the flat price, the mean intensity. */
  readonly usual: number;
  /** Whether values below 0 are possible, as prices are. */
  readonly mayBeNegative: boolean;
}

/** Further from the usual one than so many times it no value is believed: spot prices reach a hundred times theirs, a megawatt-hour is a thousand kilowatt-hours. */
const MOST_TIMES = 100;
/** Where not one of a day's values reaches this share of the usual one, their unit is another: something per MWh read as per kWh. */
const LEAST_SHARE = 1 / 300;
const DAY_OF_ROWS = 24;

export type CleanRates =
  | { readonly ok: true; readonly rows: readonly RateRow[]; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Rows in the order of time, each moment once (the later of two rows counts), without gaps and without what nobody believes; `notes` say what went.
 * Refused as a whole: no usable row, more than half beyond `MOST_TIMES` the usual value, or a day and more all below `LEAST_SHARE` of it (a wrong unit).
 */
export const cleanRates = (rows: readonly RateRow[], { usual, mayBeNegative }: RateLimits): CleanRates => {
  const most = MOST_TIMES * (usual > 0 ? usual : 1);
  const least = mayBeNegative ? -most : 0;
  const byStart = new Map<number, number>();
  let [missing, absurd, twice, usable, largest] = [0, 0, 0, 0, 0];
  for (const { startMs, value } of rows) {
    if (!Number.isFinite(startMs) || !Number.isFinite(value)) {
      missing++;
      continue;
    }
    usable++;
    largest = Math.max(largest, Math.abs(value));
    if (value > most || value < least) {
      absurd++;
      continue;
    }
    const before = byStart.get(startMs);
    if (before !== undefined && before !== value) twice++;
    byStart.set(startMs, value);
  }
  if (usable === 0) return { ok: false, problem: `it holds no usable row (${rows.length} in all)` };
  if (2 * absurd > usable)
    return { ok: false, problem: `${absurd} of ${usable} values are not between ${least} and ${most} per kWh; its unit is another` };
  if (usable >= DAY_OF_ROWS && largest > 0 && largest < LEAST_SHARE * usual)
    return { ok: false, problem: `its largest value is ${largest} per kWh where ${usual} is usual; its unit is another` };
  const some = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`]);
  return {
    ok: true,
    rows: [...byStart].map(([startMs, value]) => ({ startMs, value })).sort((a, b) => a.startMs - b.startMs),
    notes: [
      ...some(missing, "rows without a value"),
      ...some(absurd, `values not between ${least} and ${most} per kWh`),
      ...some(twice, "moments with two values, of which the later counts"),
    ],
  };
};

/** Rows of which the newer ones replace the older ones at the same moment, from `sinceMs` on. Both in the order of time, as is the result. */
export const mergeRates = (older: readonly RateRow[], newer: readonly RateRow[], sinceMs: number): readonly RateRow[] => {
  const byStart = new Map([...older, ...newer].map(({ startMs, value }) => [startMs, value]));
  return [...byStart]
    .filter(([startMs]) => startMs >= sinceMs)
    .map(([startMs, value]) => ({ startMs, value }))
    .sort((a, b) => a.startMs - b.startMs);
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Spans from cleaned rows: a value holds until the next row, but no longer than the longer of the two steps beside it and never longer than a day, so that a missing row is a gap
 * and a change from hours to quarter-hours is none. With d_i = start_{i+1} − start_i:
 *   end_i = start_i + min(d_i, max(d_{i−1}, d_{i+1}), 24 h),   the last one + min(d_{last−1}, 24 h); a row alone holds for an hour.
 */
export const rateSeries = (rows: readonly RateRow[]): RateSeries => {
  const step = (i: number): number => (i >= 0 && i + 1 < rows.length ? rows[i + 1]!.startMs - rows[i]!.startMs : 0);
  return {
    startMs: Float64Array.from(rows, ({ startMs }) => startMs),
    endMs: Float64Array.from(rows, ({ startMs }, i) => {
      const beside = Math.max(step(i - 1), step(i + 1)) || step(i) || HOUR_MS;
      return startMs + Math.min(step(i) || beside, beside, DAY_MS);
    }),
    value: Float64Array.from(rows, ({ value }) => value),
  };
};

/** The value at a moment; NaN where none is known. */
export const rateAt = ({ startMs, endMs, value }: RateSeries, timeMs: number): number => {
  let [low, high] = [0, startMs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startMs[middle]! <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low > 0 && timeMs < endMs[low - 1]! ? value[low - 1]! : Number.NaN;
};

/** Days back that a gap is filled from. */
const DAYS_BACK = 7;

export interface RateFill {
  /** Where no day before has a value either. */
  readonly otherwise: (timeMs: number) => number;
  /** Wall-clock time of an instant, written as if it were UTC: "the same hour" is the one on the wall. */
  readonly toLocalMs: (timeMs: number) => number;
}

export interface FilledRates {
  /** Entry t for the step that ends at `stepEndMs[t]`: the mean over it. Always finite where `otherwise` is. */
  readonly values: Float64Array;
  /** Steps that took a value of an earlier day, in part or in whole. */
  readonly fromEarlierDay: number;
  /** Steps that took the configured value, in part or in whole. */
  readonly fromConfigured: number;
}

/** Samples of a step for its mean: prices change at quarter-hours at the finest. */
const SAMPLE_S = 300;

/**
 * Rates over coming steps. The rule for a gap: the newest of the seven days before that knows the same hour on the wall, else `otherwise`.
 * @param stepEndMs ends of the steps, Unix ms; each is `stepS` seconds long.
 */
export const ratesOver = (series: RateSeries, stepEndMs: ArrayLike<number>, stepS: number, fill: RateFill): FilledRates => {
  const samples = Math.max(1, Math.round(stepS / SAMPLE_S));
  let [fromEarlierDay, fromConfigured] = [0, 0];
  const values = Float64Array.from({ length: stepEndMs.length }, (_, t) => {
    let [earlier, configured] = [false, false];
    let first = Number.NaN;
    let sum = 0;
    for (let j = 0; j < samples; j++) {
      const timeMs = stepEndMs[t]! - stepS * 1000 * (1 - (j + 0.5) / samples);
      let value = rateAt(series, timeMs);
      if (Number.isNaN(value)) {
        value = rateOfEarlierDay(series, timeMs, fill.toLocalMs);
        if (Number.isNaN(value)) {
          value = fill.otherwise(timeMs);
          configured = true;
        } else earlier = true;
      }
      // Differences from the first sample: a constant price comes out as it is, without rounding.
      if (j === 0) first = value;
      sum += value - first;
    }
    if (earlier) fromEarlierDay++;
    if (configured) fromConfigured++;
    return first + sum / samples;
  });
  return { values, fromEarlierDay, fromConfigured };
};

const rateOfEarlierDay = (series: RateSeries, timeMs: number, toLocalMs: (timeMs: number) => number): number => {
  if (series.value.length === 0) return Number.NaN;
  for (let days = 1; days <= DAYS_BACK; days++)
    for (const instant of instantsAt(toLocalMs(timeMs) - days * DAY_MS, toLocalMs)) {
      const value = rateAt(series, instant);
      if (!Number.isNaN(value)) return value;
    }
  return Number.NaN;
};
