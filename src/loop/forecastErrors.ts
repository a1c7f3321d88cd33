import type { Forecast } from "#domain/dataset";
import { type ForecastErrorAtLead, PEOPLE_POINT, PEOPLE_PROVIDER } from "#domain/forecastError";
import { type PointName, sitePoint } from "#domain/points";

/** A forecast value that waits for its measurement. */
interface Pending {
  readonly provider: string;
  readonly point: PointName;
  readonly leadS: number;
  readonly targetMs: number;
  readonly value: number;
}
/** Σw, Σw e / Σw, Σw (e − mean)², number of errors, time of the newest. */
interface Tally {
  readonly provider: string;
  readonly point: PointName;
  readonly leadS: number;
  weight: number;
  mean: number;
  squares: number;
  count: number;
  newestMs: number;
}
/** Plain JSON, kept across restarts. */
export interface ForecastErrorMemory {
  readonly pending: readonly Pending[];
  readonly tallies: readonly Readonly<Tally>[];
}

export interface ForecastErrors {
  /** Remembers what a provider says of the steps at the leads that are watched. The same provider, target and lead again replaces. */
  issued(forecast: Forecast, fromMs: number): void;
  /** The same of the people who are expected in the building, whoever expects them. */
  expected(people: Pick<Forecast, "stepEndMs" | "columns">, fromMs: number): void;
  /** What was measured over the step that ended at `stepEndMs`. */
  measured(stepEndMs: number, values: ReadonlyMap<PointName, number>): void;
  /** By provider, point and lead. */
  all(): readonly ForecastErrorAtLead[];
  memory(): ForecastErrorMemory;
}

const HOUR_S = 3_600;
export const watchedLeadsS: readonly number[] = [1, 3, 6, 12, 24].map((hours) => hours * HOUR_S);
const watchedPoints: readonly PointName[] = [sitePoint("outdoorAirTempC"), sitePoint("globalHorizontalIrradianceWm2")];
const HALF_LIFE_MS = 14 * 86_400_000;
/** Nights say nothing about a forecast of the sun, W/m². */
const LEAST_SUN_WM2 = 20;
/** Nor do hours in which nobody is expected and nobody comes. */
const LEAST_PEOPLE = 0.5;
const MOST_PENDING = 5_000;

/**
 * Learns how far forecasts are off, by provider and lead, from what was issued and what was then measured. With e = measured − forecast and weights halved every 14 days:
 *   W ← λW + 1,  δ = e − m,  m ← m + δ/W,  S ← λS + δ (e − m),   bias m, standard deviation √(S/W),   λ = 2^(−Δt/14 d)
 * Sun counts where forecast or measurement exceed 20 W/m², people (all of the building's, where every zone that expects any counts them) where either is above a half.
 */
export const createForecastErrors = (memory: ForecastErrorMemory = { pending: [], tallies: [] }): ForecastErrors => {
  const key = (provider: string, point: PointName, leadS: number): string => `${provider} ${point} ${leadS}`;
  const pending = new Map<string, Pending>(
    memory.pending.map((one) => [`${key(one.provider, one.point, one.leadS)} ${one.targetMs}`, one]),
  );
  const tallies = new Map<string, Tally>(memory.tallies.map((one) => [key(one.provider, one.point, one.leadS), { ...one }]));

  let peopled: readonly PointName[] = [];
  const watch = (provider: string, point: PointName, values: Float64Array, stepEndMs: Float64Array, fromMs: number): void => {
    for (const leadS of watchedLeadsS) {
      const targetMs = fromMs + leadS * 1000;
      const value = values[stepEndMs.indexOf(targetMs)];
      if (value === undefined || !Number.isFinite(value)) continue;
      pending.set(`${key(provider, point, leadS)} ${targetMs}`, { provider, point, leadS, targetMs, value });
    }
    for (const oldest of pending.keys()) {
      if (pending.size <= MOST_PENDING) break;
      pending.delete(oldest);
    }
  };
  const measuredAt = (point: PointName, values: ReadonlyMap<PointName, number>): number | undefined =>
    point !== PEOPLE_POINT
      ? values.get(point)
      : peopled.length === 0
        ? undefined
        : peopled.reduce((sum, zone) => sum + (values.get(zone) ?? Number.NaN), 0);
  const isTelling = ({ point, value }: Pending, measured: number): boolean => {
    const most = Math.max(value, measured);
    if (point === PEOPLE_POINT) return most >= LEAST_PEOPLE;
    return !point.endsWith("IrradianceWm2") || most >= LEAST_SUN_WM2;
  };

  const add = ({ provider, point, leadS, targetMs }: Pending, error: number): void => {
    const id = key(provider, point, leadS);
    let tally = tallies.get(id);
    if (tally === undefined) {
      tally = { provider, point, leadS, weight: 0, mean: 0, squares: 0, count: 0, newestMs: targetMs };
      tallies.set(id, tally);
    }
    const decay = 2 ** (-Math.max(0, targetMs - tally.newestMs) / HALF_LIFE_MS);
    tally.weight = decay * tally.weight + 1;
    const delta = error - tally.mean;
    tally.mean += delta / tally.weight;
    tally.squares = decay * tally.squares + delta * (error - tally.mean);
    tally.count++;
    tally.newestMs = Math.max(tally.newestMs, targetMs);
  };

  return {
    issued: ({ provider, stepEndMs, columns }, fromMs) => {
      for (const point of watchedPoints) {
        const values = columns.get(point);
        if (values !== undefined) watch(provider, point, values, stepEndMs, fromMs);
      }
    },
    expected: ({ stepEndMs, columns }, fromMs) => {
      const zones = [...columns].filter(([point, values]) => point.endsWith(".occupancyCount") && values.every(Number.isFinite));
      peopled = zones.map(([point]) => point);
      if (zones.length === 0) return;
      const total = stepEndMs.map((_, t) => zones.reduce((sum, [, values]) => sum + values[t]!, 0));
      watch(PEOPLE_PROVIDER, PEOPLE_POINT, total, stepEndMs, fromMs);
    },
    measured: (stepEndMs, values) => {
      for (const [id, one] of [...pending]) {
        if (one.targetMs > stepEndMs) continue;
        pending.delete(id);
        const value = measuredAt(one.point, values);
        // A step that nobody measured teaches nothing.
        if (one.targetMs < stepEndMs || value === undefined || !Number.isFinite(value)) continue;
        if (!isTelling(one, value)) continue;
        add(one, value - one.value);
      }
    },
    all: () =>
      [...tallies.values()].map(({ provider, point, leadS, count, mean, weight, squares }) => ({
        provider,
        point,
        leadS,
        count,
        bias: mean,
        stdDev: count < 2 ? Number.NaN : Math.sqrt(Math.max(0, squares / weight)),
      })),
    memory: () => ({ pending: [...pending.values()], tallies: [...tallies.values()] }),
  };
};
