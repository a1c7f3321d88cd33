import type { DecisionHistory, DecisionStep } from "#dashboards/server/decisionHistory";
import type { LocalCalendar } from "#dashboards/server/localTime";
import type { EnergyPeriodView, EnergyView } from "#dashboards/server/wire";
import { buildingPoint, type PointName, sitePoint } from "#domain/points";
import type { StoreReader } from "#domain/store";

const powerPoint = buildingPoint("hvacPowerW");
const outdoorPoint = sitePoint("outdoorAirTempC");
const otherMeters = { wholeKwh: buildingPoint("powerW"), fuelKwh: buildingPoint("fuelPowerW") } as const;
const quarterHourMs = 900_000;

/** The decision in force at the start of a step: the last one, as long as it is not older than two steps. */
const createDecisionLookup = (steps: readonly DecisionStep[]): ((timeMs: number) => DecisionStep | null) => {
  let next = 0;
  return (timeMs) => {
    // Called with growing times: one pass over both lists.
    while (next < steps.length && steps[next]!.timeMs <= timeMs) next++;
    const step = steps[next - 1];
    return step !== undefined && timeMs < step.timeMs + 2 * step.stepS * 1000 ? step : null;
  };
};

const meanOf = (buckets: readonly { readonly mean: number }[]): number | null =>
  buckets.length === 0 ? null : buckets.reduce((sum, { mean }) => sum + mean, 0) / buckets.length;

interface Sums {
  energyKwh: number;
  pricedKwh: number;
  cost: number;
  measuredMs: number;
}

const emptySums = (): Sums => ({ energyKwh: 0, pricedKwh: 0, cost: 0, measuredMs: 0 });

const add = (sums: Sums, energyKwh: number, pricePerKwh: number | null, stepMs: number): void => {
  sums.energyKwh += energyKwh;
  sums.measuredMs += stepMs;
  if (pricePerKwh !== null) {
    sums.pricedKwh += energyKwh;
    sums.cost += energyKwh * pricePerKwh;
  }
};

const periodView = (startMs: number, lengthMs: number, sums: Sums): EnergyPeriodView => ({
  startMs,
  energyKwh: sums.energyKwh,
  cost: sums.pricedKwh > 0 ? sums.cost : null,
  coverageFraction: Math.min(1, sums.measuredMs / lengthMs),
});

/**
 * Energy of [fromMs, toMs) by local hour and day: Σ mean power of a step × its length; cost: each step's energy × the price then in force, so that a new tariff never changes the past;
 * emissions likewise with its carbon intensity.
 * A measured row describes the step that ended at its time, hence the intervals (start, end]. Steps without a measurement count nothing and lower `coverageFraction`.
 */
export const energyView = async (
  reader: StoreReader,
  history: DecisionHistory,
  calendar: LocalCalendar,
  currency: string,
  range: { readonly fromMs: number; readonly toMs: number },
  stepS: number,
): Promise<Omit<EnergyView, "tariff">> => {
  const stepMs = Math.max(quarterHourMs, stepS * 1000);
  const fromMs = Math.floor(range.fromMs / stepMs) * stepMs;
  const toMs = Math.ceil(range.toMs / stepMs) * stepMs;
  const buckets = Math.round((toMs - fromMs) / stepMs);
  const [series, steps] = await Promise.all([
    reader.series([powerPoint, outdoorPoint, ...Object.values(otherMeters)], fromMs + 1, toMs + 1, buckets),
    history.range(fromMs - 2 * stepMs, toMs),
  ]);
  const decisionAt = createDecisionLookup(steps);
  let emissionsKg = 0;
  let emittingKwh = 0;
  const total = emptySums();
  const hours = new Map<number, Sums>();
  const days = new Map<number, Sums>();
  const power: EnergyView["power"][number][] = [];
  for (const bucket of series.get(powerPoint) ?? []) {
    const startMs = Math.floor(bucket.timeMs / stepMs) * stepMs;
    const meanKw = bucket.mean / 1000;
    const decision = decisionAt(startMs);
    const pricePerKwh = decision?.pricePerKwh ?? null;
    const energyKwh = (meanKw * stepMs) / 3_600_000;
    power.push({ startMs, meanKw, pricePerKwh });
    for (const [periods, key] of [
      [hours, calendar.hourStartMs(startMs)],
      [days, calendar.dayStartMs(startMs)],
    ] as const) {
      const sums = periods.get(key) ?? emptySums();
      add(sums, energyKwh, pricePerKwh, stepMs);
      periods.set(key, sums);
    }
    add(total, energyKwh, pricePerKwh, stepMs);
    if (decision?.carbonKgPerKwh != null) {
      emissionsKg += energyKwh * decision.carbonKgPerKwh;
      emittingKwh += energyKwh;
    }
  }
  const metered = (point: PointName): number | null => {
    const steps = series.get(point) ?? [];
    return steps.length === 0 ? null : steps.reduce((sum, { mean }) => sum + (mean * stepMs) / 3.6e9, 0);
  };
  const peak = power.reduce<(typeof power)[number] | null>(
    (best, step) => (best === null || step.meanKw > best.meanKw ? step : best),
    null,
  );
  return {
    fromMs,
    toMs,
    stepS: stepMs / 1000,
    currency,
    energyKwh: total.energyKwh,
    cost: total.pricedKwh > 0 ? total.cost : null,
    costCoverageFraction: total.energyKwh > 0 ? total.pricedKwh / total.energyKwh : null,
    peakKw: peak?.meanKw ?? null,
    peakMs: peak?.startMs ?? null,
    emissionsKg: emittingKwh > 0 ? emissionsKg : null,
    emissionsCoverageFraction: total.energyKwh > 0 ? emittingKwh / total.energyKwh : null,
    wholeKwh: metered(otherMeters.wholeKwh),
    fuelKwh: metered(otherMeters.fuelKwh),
    meanOutdoorC: meanOf(series.get(outdoorPoint) ?? []),
    hours: [...hours].map(([startMs, sums]) => periodView(startMs, 3_600_000, sums)),
    days: [...days].map(([startMs, sums]) => ({
      day: calendar.dayKey(startMs),
      // A day at the edge of the range, or a day of 23 or 25 hours, is measured against the part of it that was asked for.
      ...periodView(startMs, Math.min(toMs, calendar.dayStartMs(startMs + 26 * 3_600_000)) - Math.max(fromMs, startMs), sums),
    })),
    power,
  };
};
