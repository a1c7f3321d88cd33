import type { Dataset, Forecast, ForecastProvider } from "#domain/dataset";
import { configurationError, unavailableError } from "#domain/errors";
import { type PointName, sitePoint, siteQuantities } from "#domain/points";

export interface PersistenceOptions {
  /** Rows up to now on the grid of the forecast; a week of them gives a good daily course, none at all no forecast. */
  readonly history: () => Dataset;
  /** Local wall-clock time written as if it were UTC, ms: people come and go by it. */
  readonly toLocalMs?: (timeMs: number) => number;
  /** Days of the daily course; default 7. */
  readonly days?: number;
}

const DAY_MS = 86_400_000;
/** τ: how long weather that is not as usual stays so. Weather of a day is remembered for about one. */
const ANOMALY_MS = 24 * 3_600_000;
/** Clouds move faster than air masses. */
const CLEARNESS_MS = 3 * 3_600_000;
const CLEARNESS_WINDOW_MS = 2 * 3_600_000;
/** Sun that is twice as strong as usual is the edge of a cloud, not the coming hours. */
const MOST_CLEARNESS = 1.5;
/** Irradiance below which the ratio to the usual course says nothing, W/m². */
const LEAST_SUN_WM2 = 30;

const isSun = (point: PointName): boolean => point.endsWith("IrradianceWm2");
const isPeople = (point: PointName): boolean => point.endsWith(".occupancyCount");
const isWeekend = (localMs: number): boolean => [0, 6].includes(new Date(localMs).getUTCDay());

/**
 * Weather and occupancy of the coming steps from the site's own sensors, for sites without a weather service:
 *   ŷ(t₀ + h) = s(t₀ + h) + (y(t₀) − s(t₀)) exp(−h/τ), s the mean of the last days at the same local time;
 * for the sun the ratio of the last two hours to the usual course instead of the difference, for people the mean of the same kind of day (workday, weekend).
 * A point with less than a day of history keeps its last value. Throws a retryable `IsothermError` where there is no outdoor temperature at all.
 */
export const createPersistenceForecast = (options: PersistenceOptions): ForecastProvider => {
  const days = options.days ?? 7;
  const toLocalMs = options.toLocalMs ?? ((timeMs: number) => timeMs);
  return {
    name: "persistence",
    forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
      const { stepS: historyStepS, timesMs, columns } = options.history();
      if (historyStepS !== stepS)
        throw configurationError(`A forecast on steps of ${stepS} s cannot be made from a history on steps of ${historyStepS} s.`);
      const stepMs = stepS * 1000;
      const rowOf = new Map<number, number>();
      timesMs.forEach((timeMs, row) => {
        if (timeMs <= fromMs) rowOf.set(Math.round(timeMs / stepMs), row);
      });
      const stepEndMs = Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepMs);
      const result = new Map<PointName, Float64Array>();
      for (const point of [...siteQuantities.map(sitePoint), ...[...columns.keys()].filter(isPeople)]) {
        const column = columns.get(point);
        if (column === undefined) continue;
        const valueAt = (timeMs: number): number => column[rowOf.get(Math.round(timeMs / stepMs)) ?? -1] ?? Number.NaN;
        const values = courseOf(point, valueAt, stepEndMs, { fromMs, stepMs, days, toLocalMs });
        if (values !== null) result.set(point, values);
      }
      if (!result.has("site.outdoorAirTempC"))
        throw unavailableError("No outdoor temperature has been measured in the last days.", {
          todo: "Map site.outdoorAirTempC to a sensor in the site file, or check that it speaks.",
        });
      return { issuedAtMs: fromMs, provider: "persistence", stepEndMs, columns: result };
    },
  };
};

interface Course {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly days: number;
  readonly toLocalMs: (timeMs: number) => number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** One point's coming values; null where nothing of it is known. */
function courseOf(point: PointName, valueAt: (timeMs: number) => number, stepEndMs: Float64Array, course: Course): Float64Array | null {
  const { fromMs, stepMs, days, toLocalMs } = course;
  let lastMs = fromMs;
  while (!Number.isFinite(valueAt(lastMs)) && lastMs > fromMs - DAY_MS) lastMs -= stepMs;
  const last = valueAt(lastMs);
  /** s(t); NaN where no earlier day has the time. */
  const usual = (timeMs: number): number => {
    const localMs = toLocalMs(timeMs);
    const all: number[] = [];
    const alike: number[] = [];
    for (let day = 1; day <= days; day++) {
      const plainMs = timeMs - day * DAY_MS;
      // The same time on the wall, also across a change of the clocks.
      const thenMs = plainMs + (localMs - timeMs) - (toLocalMs(plainMs) - plainMs);
      const value = valueAt(thenMs);
      if (!Number.isFinite(value)) continue;
      all.push(value);
      if (isWeekend(toLocalMs(thenMs)) === isWeekend(localMs)) alike.push(value);
    }
    if (all.length === 0) return Number.NaN;
    return mean(isPeople(point) && alike.length > 0 ? alike : all);
  };
  const clearness = isSun(point) ? clearnessOf(valueAt, usual, lastMs, stepMs) : 1;
  const anomaly = last - usual(lastMs);
  let known = false;
  const values = stepEndMs.map((endMs) => {
    const s = usual(endMs);
    let value = Number.isFinite(s) ? s : last;
    if (Number.isFinite(s) && isSun(point)) value = s * (1 + (clearness - 1) * Math.exp(-(endMs - lastMs) / CLEARNESS_MS));
    else if (Number.isFinite(s) && !isPeople(point) && Number.isFinite(anomaly))
      value = s + anomaly * Math.exp(-(endMs - lastMs) / ANOMALY_MS);
    known ||= Number.isFinite(value);
    return within(point, value);
  });
  return known ? values : null;
}

/** Measured sun of the last hours over the usual one, at most 1.5; 1 where there is none to compare. */
function clearnessOf(valueAt: (timeMs: number) => number, usual: (timeMs: number) => number, lastMs: number, stepMs: number): number {
  let measured = 0;
  let expected = 0;
  for (let timeMs = lastMs; timeMs > lastMs - CLEARNESS_WINDOW_MS; timeMs -= stepMs) {
    const value = valueAt(timeMs);
    const s = usual(timeMs);
    if (!Number.isFinite(value) || !(s > LEAST_SUN_WM2)) continue;
    measured += value;
    expected += s;
  }
  return expected > 0 ? Math.min(MOST_CLEARNESS, measured / expected) : 1;
}

const within = (point: PointName, value: number): number => {
  if (point.endsWith("TempC")) return value;
  const notBelow = Math.max(0, value);
  return point.endsWith("Pct") ? Math.min(100, notBelow) : notBelow;
};
