import type { ViewContext } from "#dashboards/server/views";
import type { LearningDayView, ModelLiveView, ModelZoneLiveView } from "#dashboards/server/wireViews";
import type { ZoneInfo } from "#domain/building";
import { buildingPoint, type PointName, sitePoint, zonePoint } from "#domain/points";
import type { SeriesBucket } from "#domain/store";

const dayMs = 86_400_000;
/** A point counts as missing on a day in which more than this share of its steps has no value. */
const missingFraction = 0.1;

/** Series on the control grid by the end of their step: a bucket's time is its start, just after the step before. */
type ByEnd = ReadonlyMap<number, number>;
const byStepEnd = (buckets: readonly SeriesBucket[] | undefined, stepMs: number): ByEnd =>
  new Map((buckets ?? []).map(({ timeMs, mean }) => [Math.floor(timeMs / stepMs) * stepMs + stepMs, mean]));

class Errors {
  private count = 0;
  private sumK = 0;
  private squaresK2 = 0;

  add(errorK: number): void {
    this.count += 1;
    this.sumK += errorK;
    this.squaresK2 += errorK * errorK;
  }

  get samples(): number {
    return this.count;
  }
  get biasK(): number {
    return this.sumK / this.count;
  }
  get rmseK(): number {
    return Math.sqrt(this.squaresK2 / this.count);
  }
}

/** What learning reads of every step. */
const learnedPoints = (zones: readonly ZoneInfo[]): PointName[] => [
  ...zones.map(({ id }) => zonePoint(id, "zoneAirTempC")),
  sitePoint("outdoorAirTempC"),
  buildingPoint("hvacPowerW"),
];

/**
 * One-step predictions that were stored while they were made, beside what was measured at their end: residual r = measured − predicted, its mean and root mean square by
 * zone and local hour; the live coverage as it was stored; and of every local day the share of steps that learning can use.
 */
export const modelLiveView = async (
  { reader, site, history, calendar, status }: ViewContext,
  range: { readonly fromMs: number; readonly toMs: number },
  learning: ModelLiveView["learning"],
): Promise<ModelLiveView> => {
  const stepMs = status().tickIntervalS * 1000;
  const fromMs = Math.floor(range.fromMs / stepMs) * stepMs;
  const toMs = Math.ceil(range.toMs / stepMs) * stepMs;
  const predicted = (zone: string): PointName => `${zone}.predictedAirTempC`;
  const coverage = (zone: string): PointName => `${zone}.coverage90Fraction`;
  const needed = learnedPoints(site.zones);
  const points = [...needed, ...site.zones.flatMap(({ id }) => [predicted(id), coverage(id)])];
  const [series, steps] = await Promise.all([
    reader.series(points, fromMs + 1, toMs + 1, Math.round((toMs - fromMs) / stepMs)),
    history.range(fromMs - 2 * stepMs, toMs + stepMs),
  ]);
  const measured = new Map(steps.map(({ observedMs, zoneAirTempC }) => [Math.round(observedMs / stepMs) * stepMs, zoneAirTempC]));

  const zones = site.zones.map(({ id, label }): ModelZoneLiveView => {
    const all = new Errors();
    const hours = new Map<number, Errors>();
    for (const [endMs, predictedC] of byStepEnd(series.get(predicted(id)), stepMs)) {
      const measuredC = measured.get(endMs)?.get(id);
      if (measuredC === undefined) continue;
      const errorK = measuredC - predictedC;
      all.add(errorK);
      // A step that ends on the hour lies in the hour before.
      const hour = calendar.hour(endMs - 1);
      const own = hours.get(hour) ?? new Errors();
      own.add(errorK);
      hours.set(hour, own);
    }
    return {
      zone: id,
      label,
      samples: all.samples,
      biasK: all.samples === 0 ? null : all.biasK,
      rmseK: all.samples === 0 ? null : all.rmseK,
      hours: [...hours]
        .sort(([a], [b]) => a - b)
        .map(([hour, own]) => ({ hour, samples: own.samples, biasK: own.biasK, rmseK: own.rmseK })),
      coverage: [...byStepEnd(series.get(coverage(id)), stepMs)].map(([timeMs, fraction]) => ({ timeMs, fraction })),
    };
  });

  const has = needed.map((point) => [point, byStepEnd(series.get(point), stepMs)] as const);
  const days: LearningDayView[] = [];
  for (let startMs = calendar.dayStartMs(fromMs); startMs < toMs; startMs = calendar.dayStartMs(startMs + 26 * 3_600_000)) {
    const endMs = Math.min(calendar.dayStartMs(startMs + 26 * 3_600_000), toMs);
    const ends: number[] = [];
    for (let end = Math.max(startMs, fromMs) + stepMs; end <= endMs; end += stepMs) ends.push(end);
    if (ends.length === 0) continue;
    const complete = ends.filter((end) => has.every(([, values]) => values.has(end))).length;
    const missing = has
      .filter(([, values]) => ends.filter((end) => !values.has(end)).length > missingFraction * ends.length)
      .map(([point]) => point);
    days.push({ day: calendar.dayKey(startMs), startMs, completeFraction: complete / ends.length, missing });
  }
  const trainedMs = toMs - (learning?.trainingDays ?? Number.POSITIVE_INFINITY) * dayMs;
  const completeDays = days
    .filter(({ startMs }) => startMs + dayMs > trainedMs)
    .reduce((total, { startMs, completeFraction }) => total + completeFraction * Math.min(1, (toMs - startMs) / dayMs), 0);
  return { fromMs, toMs, zones, days, completeDays, learning };
};
