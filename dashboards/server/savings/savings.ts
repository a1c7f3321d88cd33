import type { DecisionHistory, DecisionStep } from "#dashboards/server/decisionHistory";
import type { LocalCalendar } from "#dashboards/server/localTime";
import { type BaselineHour, type BaselineModel, blockOf, fitBaseline } from "#dashboards/server/savings/baselineModel";
import { type FitFigures, fitFigures, regressionHalfWidthKwh, sumHalfWidthKwh } from "#dashboards/server/savings/uncertainty";
import type { SavingsDayView, SavingsExclusion, SavingsFit, SavingsMethod, SavingsView } from "#dashboards/server/wireViews";
import { buildingPoint, sitePoint } from "#domain/points";
import type { SavingsAdjustment } from "#domain/savings";
import type { SeriesBucket, StoreReader } from "#domain/store";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const powerPoint = buildingPoint("hvacPowerW");
const outdoorPoint = sitePoint("outdoorAirTempC");

/** Five days of hours: fewer cannot tell a working day from a day off. */
export const baselineHoursNeeded = 120;
const baselineDays = 60;
const confidence = 0.9;
/** A day counts where this share of its hours does. */
const countedFraction = 0.75;
/** Weather this far beyond what the baseline saw is not extrapolated to, K. */
const extrapolationK = 2;
const limits = { cvRmsePct: 30, nmbePct: 10 };

/** One local hour with everything that a baseline of either kind needs; null: not known. */
interface Hour {
  readonly startMs: number;
  readonly actualKwh: number | null;
  readonly outdoorC: number | null;
  /** By what was chosen and by the rule, as the model expected each step from where the building was. */
  readonly chosenKwh: number | null;
  readonly ruleKwh: number | null;
  readonly inCharge: boolean;
  readonly overridden: boolean;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export interface SavingsSource {
  readonly reader: StoreReader;
  readonly history: DecisionHistory;
  readonly calendar: LocalCalendar;
  readonly stepS: number;
  /** Keeps the baseline of the time before, which does not change any more; absent: made anew. */
  readonly keepBaseline?: (controlSinceMs: number, make: () => Promise<Baseline | null>) => Promise<Baseline | null>;
}

const localBlock = (calendar: LocalCalendar, startMs: number): number => {
  const weekday = new Date(`${calendar.dayKey(startMs)}T12:00:00Z`).getUTCDay();
  return blockOf(calendar.hour(startMs), weekday !== 0 && weekday !== 6);
};

/** Whole hours of [fromMs, toMs). A step's row tells of the step that ended at its time; an hour with a missing step is not known. */
const readHours = async (
  { reader, history, stepS }: SavingsSource,
  fromMs: number,
  toMs: number,
  withDecisions: boolean,
): Promise<readonly Hour[]> => {
  const stepMs = stepS * 1000;
  const perHour = Math.max(1, Math.round(hourMs / stepMs));
  const firstMs = Math.ceil(fromMs / hourMs) * hourMs;
  const lastMs = Math.floor(toMs / hourMs) * hourMs;
  if (lastMs <= firstMs) return [];
  const [series, steps] = await Promise.all([
    reader.series([powerPoint, outdoorPoint], firstMs + 1, lastMs + 1, Math.round((lastMs - firstMs) / (hourMs / perHour))),
    // Two months of whole plans are hundreds of megabytes.
    withDecisions ? history.range(firstMs - stepMs, lastMs) : [],
  ]);
  const group = <T>(items: readonly T[], timeOf: (item: T) => number): Map<number, T[]> => {
    const groups = new Map<number, T[]>();
    for (const item of items) {
      const key = Math.floor(timeOf(item) / hourMs) * hourMs;
      const own = groups.get(key);
      if (own === undefined) groups.set(key, [item]);
      else own.push(item);
    }
    return groups;
  };
  const bucketMeans = (buckets: readonly SeriesBucket[] | undefined): Map<number, SeriesBucket[]> =>
    group(buckets ?? [], ({ timeMs }) => timeMs);
  const power = bucketMeans(series.get(powerPoint));
  const outdoor = bucketMeans(series.get(outdoorPoint));
  const decided = group(steps, ({ stepEndMs }) => stepEndMs - 1);
  const meanOf = (buckets: readonly SeriesBucket[] | undefined): number | null =>
    buckets === undefined || buckets.length < perHour ? null : sum(buckets.map(({ mean }) => mean)) / buckets.length;
  const predicted = (own: readonly DecisionStep[], key: "chosenPowerW" | "rulePowerW"): number | null => {
    const values = own.map((step) => step[key]);
    return own.length < perHour || values.includes(null) ? null : sum(values as number[]) / values.length / 1000;
  };
  const hours: Hour[] = [];
  for (let startMs = firstMs; startMs < lastMs; startMs += hourMs) {
    const own = decided.get(startMs) ?? [];
    const meanW = meanOf(power.get(startMs));
    hours.push({
      startMs,
      actualKwh: meanW === null ? null : meanW / 1000,
      outdoorC: meanOf(outdoor.get(startMs)),
      chosenKwh: predicted(own, "chosenPowerW"),
      ruleKwh: predicted(own, "rulePowerW"),
      inCharge: own.length >= perHour && own.every(({ mode }) => mode === "auto"),
      overridden: own.some(({ overrides }) => overrides.size > 0),
    });
  }
  return hours;
};

const fitView = (
  figures: FitFigures,
  fromMs: number,
  toMs: number,
  parameters: number,
  model: Pick<BaselineModel, "heatingBalanceC" | "coolingBalanceC"> | null,
): SavingsFit => ({
  fromMs,
  toMs,
  hours: figures.hours,
  parameters,
  cvRmsePct: figures.cvRmsePct,
  nmbePct: figures.nmbePct,
  r2: figures.r2,
  autocorrelation: figures.autocorrelation,
  heatingBalanceC: model?.heatingBalanceC ?? null,
  coolingBalanceC: model?.coolingBalanceC ?? null,
  isCalibrated: figures.cvRmsePct <= limits.cvRmsePct && Math.abs(figures.nmbePct) <= limits.nmbePct,
});

/** What one way of making a baseline says of an hour, and how unsure the sum over the counted hours is. */
export interface Baseline {
  readonly fit: SavingsFit;
  readonly kwh: (hour: Hour) => number | null;
  readonly exclusion: (hour: Hour) => SavingsExclusion | null;
  readonly halfWidthKwh: (baselineKwh: number, hours: number) => number;
}

const exclusionOf = (hour: Hour): SavingsExclusion | null =>
  hour.actualKwh === null ? "no-meter" : !hour.inCharge ? "not-in-charge" : hour.overridden ? "override" : null;

const baselineFromBefore = async (source: SavingsSource, controlSinceMs: number): Promise<Baseline | null> => {
  const known = (await readHours(source, controlSinceMs - baselineDays * dayMs, controlSinceMs, false)).flatMap((hour): BaselineHour[] =>
    hour.actualKwh === null || hour.outdoorC === null
      ? []
      : [
          {
            startMs: hour.startMs,
            energyKwh: hour.actualKwh,
            outdoorC: hour.outdoorC,
            block: localBlock(source.calendar, hour.startMs),
          },
        ],
  );
  if (known.length < baselineHoursNeeded || sum(known.map(({ energyKwh }) => energyKwh)) <= 0) return null;
  const model = fitBaseline(known);
  const figures = fitFigures(
    known.map(({ energyKwh }) => energyKwh),
    known.map(model.predictKwh),
    known.map(({ startMs }) => startMs),
    model.parameters,
  );
  const lowestC = Math.min(...known.map(({ outdoorC }) => outdoorC)) - extrapolationK;
  const highestC = Math.max(...known.map(({ outdoorC }) => outdoorC)) + extrapolationK;
  return {
    fit: fitView(figures, known[0]!.startMs, known.at(-1)!.startMs + hourMs, model.parameters, model),
    kwh: ({ startMs, outdoorC }) =>
      outdoorC === null ? null : model.predictKwh({ outdoorC, block: localBlock(source.calendar, startMs) }),
    exclusion: ({ outdoorC }) => (outdoorC === null ? "no-weather" : outdoorC < lowestC || outdoorC > highestC ? "weather" : null),
    halfWidthKwh: (baselineKwh, countedHours) =>
      regressionHalfWidthKwh({
        cvFraction: figures.cvRmsePct / 100,
        hours: figures.hours,
        autocorrelation: figures.autocorrelation,
        parameters: model.parameters,
        countedHours,
        baselineKwh,
        confidence,
      }),
  };
};

/**
 * The rule as the model predicted it at each step, from where the building was: baseline = measured + (rule − chosen). What a plan stored in the building before (a room
 * heated early) is already there for the rule, so that this errs towards smaller savings in the hours after, and towards larger ones in those before.
 */
const baselineFromRule = (hours: readonly Hour[]): Baseline | null => {
  const known = hours.filter((hour) => exclusionOf(hour) === null && hour.chosenKwh !== null && hour.ruleKwh !== null);
  const measured = known.map(({ actualKwh }) => actualKwh!);
  if (known.length < 2 || sum(measured) <= 0) return null;
  const figures = fitFigures(
    measured,
    known.map(({ chosenKwh }) => chosenKwh!),
    known.map(({ startMs }) => startMs),
    0,
  );
  return {
    fit: fitView(figures, known[0]!.startMs, known.at(-1)!.startMs + hourMs, 0, null),
    kwh: ({ actualKwh, chosenKwh, ruleKwh }) =>
      actualKwh === null || chosenKwh === null || ruleKwh === null ? null : actualKwh + ruleKwh - chosenKwh,
    exclusion: ({ chosenKwh, ruleKwh }) => (chosenKwh === null || ruleKwh === null ? "no-prediction" : null),
    halfWidthKwh: (_baselineKwh, countedHours) => sumHalfWidthKwh(figures.rmseKwh, countedHours, figures.autocorrelation, confidence),
  };
};

const mostFrequent = (reasons: readonly SavingsExclusion[]): SavingsExclusion => {
  const counts = new Map<SavingsExclusion, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "incomplete";
};

const dayViews = (
  hours: readonly Hour[],
  baseline: Baseline,
  calendar: LocalCalendar,
  adjustments: readonly SavingsAdjustment[],
  controlSinceMs: number,
): readonly SavingsDayView[] => {
  const days = new Map<string, Hour[]>();
  for (const hour of hours) {
    const day = calendar.dayKey(hour.startMs);
    days.set(day, [...(days.get(day) ?? []), hour]);
  }
  return [...days].map(([day, own]): SavingsDayView => {
    const startMs = calendar.dayStartMs(own[0]!.startMs);
    const wholeHours = Math.round((calendar.dayStartMs(startMs + 26 * hourMs) - startMs) / hourMs);
    const counted = own.filter((hour) => exclusionOf(hour) === null && baseline.exclusion(hour) === null);
    const excluded =
      own[0]!.startMs < controlSinceMs
        ? "before-control"
        : own.length < wholeHours
          ? "incomplete"
          : counted.length < countedFraction * wholeHours
            ? mostFrequent(own.flatMap((hour) => exclusionOf(hour) ?? baseline.exclusion(hour) ?? []))
            : null;
    const adjustmentKwh = sum(
      adjustments
        .filter(({ first, last, withdrawn }) => withdrawn === null && first <= day && day <= last)
        .map(({ kwhPerDay }) => kwhPerDay),
    );
    return {
      day,
      startMs,
      countedHours: counted.length,
      hours: own.length,
      actualKwh: counted.length === 0 ? null : sum(counted.map(({ actualKwh }) => actualKwh!)),
      baselineKwh: counted.length === 0 ? null : sum(counted.map((hour) => baseline.kwh(hour)!)),
      adjustmentKwh,
      excluded,
    };
  });
};

/**
 * Savings after IPMVP option C: saved = baseline + adjustments − measured, over the days that count, with the interval of the baseline's own uncertainty at 90 %.
 * `before`: a regression of the time before control; `rule`: the rule's predicted use at every step.
 */
export const savingsView = async (
  source: SavingsSource,
  range: { readonly fromMs: number; readonly toMs: number },
  method: SavingsMethod,
  controlSinceMs: number | null,
  adjustments: readonly SavingsAdjustment[],
): Promise<SavingsView> => {
  const shared = {
    ...range,
    method,
    controlSinceMs,
    baselineHoursNeeded,
    confidencePct: 100 * confidence,
    adjustments: [...adjustments].sort((a, b) => b.timeMs - a.timeMs),
  };
  if (controlSinceMs === null) return { ...shared, fit: null, missing: "no-control", total: null, days: [] };
  const hours = await readHours(source, range.fromMs, range.toMs, true);
  const make = (): Promise<Baseline | null> => baselineFromBefore(source, controlSinceMs);
  const baseline = method === "before" ? await (source.keepBaseline?.(controlSinceMs, make) ?? make()) : baselineFromRule(hours);
  if (baseline === null)
    return { ...shared, fit: null, missing: method === "before" ? "short-baseline" : "no-days", total: null, days: [] };
  const days = dayViews(hours, baseline, source.calendar, adjustments, controlSinceMs);
  const counted = days.filter(({ excluded }) => excluded === null);
  if (counted.length === 0) return { ...shared, fit: baseline.fit, missing: "no-days", total: null, days };
  const actualKwh = sum(counted.map((day) => day.actualKwh!));
  const adjustmentKwh = sum(counted.map((day) => day.adjustmentKwh));
  const unadjustedKwh = sum(counted.map((day) => day.baselineKwh!));
  const countedHours = sum(counted.map((day) => day.countedHours));
  const baselineKwh = unadjustedKwh + adjustmentKwh;
  const savedKwh = baselineKwh - actualKwh;
  const halfWidthKwh = baseline.halfWidthKwh(unadjustedKwh, countedHours);
  return {
    ...shared,
    fit: baseline.fit,
    missing: null,
    total: {
      days: counted.length,
      hours: countedHours,
      actualKwh,
      baselineKwh,
      adjustmentKwh,
      savedKwh,
      savedLowKwh: savedKwh - halfWidthKwh,
      savedHighKwh: savedKwh + halfWidthKwh,
      savedPct: baselineKwh > 0 ? (100 * savedKwh) / baselineKwh : null,
    },
    days,
  };
};
