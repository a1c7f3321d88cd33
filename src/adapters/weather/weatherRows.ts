import { type SiteQuantity, siteQuantities } from "#domain/points";

/** One moment of a weather service's table: its time (Unix ms) and the values of `siteQuantities` in their order; null where it has none. */
export type WeatherRow = readonly [timeMs: number, ...values: (number | null)[]];

const HOUR_MS = 3_600_000;
/** What can be weather at all. */
const possible: Readonly<Record<SiteQuantity, readonly [number, number]>> = {
  outdoorAirTempC: [-70, 60],
  outdoorRelativeHumidityPct: [0, 110],
  windSpeedMps: [0, 100],
  globalHorizontalIrradianceWm2: [-5, 1600],
  directNormalIrradianceWm2: [-5, 1600],
  diffuseHorizontalIrradianceWm2: [-5, 1600],
};
/** Fronts bring less than this in an hour. */
const MOST_KELVIN_PER_HOUR = 20;
/** Nowhere is the temperature the same to the last digit for so many hours. */
const STUCK_ROWS = 24;
/** Share of the coming temperatures that may be missing. */
const MOST_MISSING = 0.25;

export interface WeatherTableLimits {
  readonly nowMs: number;
  /** How far from now the table must reach, ms. */
  readonly leastAheadMs: number;
}

/**
 * Why a weather table is not believed, in words; null where it is. Times must grow; the temperature must reach `leastAheadMs` from now without too many gaps, be possible
 * (−70…60 °C), move by at most 20 K/h and not stand still for a day; humidity, wind and sun must be possible where they are there.
 */
export function weatherProblem(rows: readonly WeatherRow[], { nowMs, leastAheadMs }: WeatherTableLimits): string | null {
  if (rows.length < 2) return "it holds no hours";
  for (let i = 1; i < rows.length; i++) if (!(rows[i]![0] > rows[i - 1]![0])) return "its times are not in order";
  const lastMs = rows.at(-1)![0];
  if (lastMs < nowMs) return `it ends at ${new Date(lastMs).toISOString().slice(0, 16)}Z, in the past`;
  if (rows[0]![0] > nowMs + HOUR_MS) return "it begins in the future only";
  const hours = (ms: number): string => (ms / HOUR_MS).toFixed(1);
  if (lastMs < nowMs + leastAheadMs) return `it looks ${hours(lastMs - nowMs)} h ahead, ${hours(leastAheadMs)} h are needed`;
  let missing = 0;
  let coming = 0;
  let same = 0;
  let before: { readonly timeMs: number; readonly tempC: number } | null = null;
  for (const [timeMs, ...values] of rows) {
    for (const [index, quantity] of siteQuantities.entries()) {
      const value = values[index] ?? null;
      const [low, high] = possible[quantity];
      if (value !== null && !(value >= low && value <= high)) return `${quantity} ${value} is impossible`;
    }
    const tempC = values[0] ?? null;
    if (timeMs >= nowMs - HOUR_MS && timeMs <= nowMs + leastAheadMs) {
      coming++;
      if (tempC === null) missing++;
    }
    if (tempC === null) continue;
    if (before !== null) {
      const allowedK = MOST_KELVIN_PER_HOUR * Math.max(1, (timeMs - before.timeMs) / HOUR_MS);
      if (Math.abs(tempC - before.tempC) > allowedK)
        return `the temperature jumps from ${before.tempC} to ${tempC} °C at ${new Date(timeMs).toISOString().slice(0, 16)}Z`;
      same = tempC === before.tempC ? same + 1 : 0;
      if (same >= STUCK_ROWS) return `the temperature stays ${tempC} °C for ${STUCK_ROWS} hours`;
    }
    before = { timeMs, tempC };
  }
  return missing > MOST_MISSING * coming ? `${missing} of the ${coming} coming temperatures are missing` : null;
}

/** Value of column `index` at `timeMs`, linear between the rows beside it where they are at most three hours apart; NaN elsewhere. `shiftMs` moves the rows' times. */
function valueAt(rows: readonly WeatherRow[], index: number, timeMs: number, shiftMs: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows[middle]![0] + shiftMs <= timeMs) low = middle;
    else high = middle - 1;
  }
  const columnAt = (row: WeatherRow | undefined): number => (row?.[index + 1] as number | null | undefined) ?? Number.NaN;
  const left = rows[low];
  const right = rows[low + 1];
  if (left === undefined || left[0] + shiftMs > timeMs) return Number.NaN;
  if (left[0] + shiftMs === timeMs) return columnAt(left);
  if (right === undefined || right[0] - left[0] > 3 * HOUR_MS) return Number.NaN;
  const fraction = (timeMs - left[0] - shiftMs) / (right[0] - left[0]);
  return columnAt(left) + fraction * (columnAt(right) - columnAt(left));
}

/**
 * The table on control steps, each judged at its middle: temperature, humidity and wind hold at the times of the table, irradiance is the mean of the hour before (so it stands at that
 * hour's middle); linear in between. Columns by quantity, [j] for the step that ends at `stepEndMs[j]`; NaN where the table has nothing.
 */
export function weatherOnSteps(rows: readonly WeatherRow[], stepEndMs: ArrayLike<number>, stepS: number): Map<SiteQuantity, Float64Array> {
  const columns = new Map<SiteQuantity, Float64Array>();
  for (const [index, quantity] of siteQuantities.entries()) {
    const isSun = quantity.endsWith("IrradianceWm2");
    const values = Float64Array.from(stepEndMs, (endMs) => {
      const value = valueAt(rows, index, endMs - stepS * 500, isSun ? -HOUR_MS / 2 : 0);
      return isSun ? Math.max(0, value) : value;
    });
    if (values.some((value) => Number.isFinite(value))) columns.set(quantity, values);
  }
  return columns;
}
