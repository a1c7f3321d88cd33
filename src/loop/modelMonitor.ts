import type { Dataset } from "#domain/dataset";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { AlarmBoard, AlarmText } from "#loop/alarmBoard";
import { type CoverageWindow, createCoverageWindow, type JudgedStep, type ZoneFigures } from "#loop/coverageWindow";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { createModelDoubt, type ZoneDoubt } from "#loop/modelDoubt";

/** Compares one model with steps that are over: what it says of each, given what acted in it. */
export interface StepJudge {
  readonly modelVersion: string;
  /** One-step error on days left out of training, K; null where it was not measured. */
  readonly heldOutRmseK: number | null;
  /** Rows up to here taught the model, so they say nothing of it. */
  readonly trainedToMs: number;
  /** Steps of `data` that end after `fromMs`; those that cannot be predicted or were not measured are left out. */
  judge(data: Dataset, fromMs: number): readonly JudgedStep[];
}

export interface MonitorLimits {
  /** Length of the rolling window, ms. */
  readonly windowMs: number;
  /** Steps off the setpoint below which nothing is said. */
  readonly enoughSteps: number;
  /** Coverage of the 90 % interval that is as it should be. */
  readonly lowestCoverage: number;
  readonly highestCoverage: number;
  /** A standing alarm ends this far inside the band, so that it does not flutter. */
  readonly marginBelow: number;
  readonly marginAbove: number;
  /** Times the held-out error beyond which the model has drifted, and below which that is over. */
  readonly driftFactor: number;
  readonly driftEndFactor: number;
}

export const defaultMonitorLimits: MonitorLimits = {
  windowMs: 2 * 86_400_000,
  enoughSteps: 50,
  lowestCoverage: 0.75,
  highestCoverage: 0.98,
  marginBelow: 0.03,
  marginAbove: 0.01,
  driftFactor: 2,
  driftEndFactor: 1.7,
};

/** Points that tell what the model said of a zone's step (at its end) and how true it has been of late. */
export const monitorPoints = (zone: string): Readonly<Record<"mean" | "stdDev" | "coverage" | "rmse", PointName>> => ({
  mean: `${zone}.predictedAirTempC`,
  stdDev: `${zone}.predictionStdDevK`,
  coverage: `${zone}.coverage90Fraction`,
  rmse: `${zone}.predictionRmseK`,
});

export interface ModelMonitor {
  /**
   * The model in use from now on. `isOwnPast`: the window is made anew from what this model says of the history that it did not learn from (at a start, or
   * where a person chose a version); otherwise what the models before it said goes on to count until it has enough steps of its own.
   */
  use(judge: StepJudge, isOwnPast: boolean): void;
  /** To be called once per control step, when its row is in the history. Never rejects and never holds up control: what fails is told to `onError`. */
  step(nowMs: number): Promise<void>;
  /** Zones in which the model in use has been so wrong of late that no plan may rest on it. */
  doubted(): readonly ZoneDoubt[];
  /** In the order of the zones; empty before there is a model. */
  figures(): readonly (ZoneFigures & { readonly heldOutRmseK: number | null })[];
}

export interface MonitorParts {
  readonly zones: readonly string[];
  readonly history: Pick<HistoryBuffer, "stepS" | "phaseS" | "newestMs" | "dataset">;
  /** History that a prediction needs before its step: lags and slow masses, ms. */
  readonly lookBackMs: number;
  readonly alarms: AlarmBoard;
  /** Takes points for the store; must not wait for it. */
  readonly write: (points: readonly TelemetryPoint[]) => void;
  readonly onError: (error: unknown) => void;
  readonly limits?: MonitorLimits;
}

/** Clocks of control ticks are this exact, ms. */
const TICK_TOLERANCE_MS = 1_000;
/** An error counts as this many times the held-out one at most: one open window for an hour is no drift of the model. */
const MOST_TIMES_HELD_OUT = 5;

/**
 * Watches how true the model in use is while it controls: every step's one-step prediction beside what was measured. An alarm stands where the share of steps off
 * the setpoint inside the 90 % interval leaves its band, and where the error exceeds a multiple of the held-out one.
 */
export const createModelMonitor = (parts: MonitorParts): ModelMonitor => {
  const { zones, history, alarms } = parts;
  const limits = parts.limits ?? defaultMonitorLimits;
  const windows = new Map<string, CoverageWindow>(zones.map((zone) => [zone, createCoverageWindow()]));
  const doubt = createModelDoubt();
  let inUse: StepJudge | null = null;
  let isAnew = false;
  /** The model has not been asked about the window yet. */
  let isFresh = false;
  let judgedToMs = Number.NEGATIVE_INFINITY;
  let latest: readonly ZoneFigures[] = [];

  const figuresAt = (judge: StepJudge, nowMs: number): readonly ZoneFigures[] => {
    const limitK = judge.heldOutRmseK === null ? Number.POSITIVE_INFINITY : MOST_TIMES_HELD_OUT * judge.heldOutRmseK;
    return zones.map((zone) => ({
      zone,
      ...windows.get(zone)!.figures(nowMs - limits.windowMs, judge.modelVersion, limits.enoughSteps, limitK),
    }));
  };

  /** Steps that are over and have not been judged by this model. */
  const judgeSteps = (judge: StepJudge, nowMs: number): readonly JudgedStep[] => {
    const stepMs = history.stepS * 1000;
    const phaseMs = history.phaseS * 1000;
    const oldestMs = nowMs - limits.windowMs;
    const untaughtMs = Math.max(oldestMs, judge.trainedToMs, isAnew ? Number.NEGATIVE_INFINITY : judgedToMs);
    // What a model says of steps that taught it is no figure of its accuracy, but a model that errs there is not of this building.
    const fromMs = isFresh ? oldestMs : untaughtMs;
    if (isAnew) for (const window of windows.values()) window.clear();
    if (isFresh) doubt.clear();
    isAnew = false;
    isFresh = false;
    judgedToMs = Math.max(fromMs, Math.floor((nowMs + TICK_TOLERANCE_MS - phaseMs) / stepMs) * stepMs + phaseMs);
    if (judgedToMs <= fromMs) return [];
    // A decision between two ticks folds its values into the row of the tick to come: that step is not over yet.
    const steps = judge.judge(history.dataset(fromMs - parts.lookBackMs), fromMs).filter(({ endMs }) => endMs <= judgedToMs);
    doubt.add(steps);
    const untaught = steps.filter(({ endMs }) => endMs > untaughtMs);
    for (const step of untaught) windows.get(step.zone)?.add(step, judge.modelVersion);
    return untaught;
  };

  const setAlarms = async (judge: StepJudge, figures: ZoneFigures, hadOwnPast: boolean, nowMs: number): Promise<void> => {
    const stands = (id: string): boolean => alarms.active().some((alarm) => alarm.id === id);
    const coverage = coverageAlarm(figures, judge, limits);
    const drift = driftAlarm(figures, judge);
    if (figures.coverage90Fraction === null || figures.rmseK === null) {
      // Too little is known to raise or end an alarm; but one about another model is over.
      if (!hadOwnPast) return;
      await alarms.set(false, coverage, nowMs);
      await alarms.set(false, drift, nowMs);
      return;
    }
    const isStanding = stands(coverage.id);
    const [below, above] = isStanding ? [limits.marginBelow, limits.marginAbove] : [0, 0];
    const share = figures.coverage90Fraction;
    // Every one of fifty steps inside is no rarity where 95 % are: too careful is said from twice as many.
    const isTooCareful = share > limits.highestCoverage - above && figures.samples >= (isStanding ? 1 : 2) * limits.enoughSteps;
    await alarms.set(share < limits.lowestCoverage + below || isTooCareful, coverage, nowMs);
    const factor = stands(drift.id) ? limits.driftEndFactor : limits.driftFactor;
    await alarms.set(judge.heldOutRmseK !== null && figures.rmseK > factor * judge.heldOutRmseK, drift, nowMs);
  };

  const pointsOf = (steps: readonly JudgedStep[], nowMs: number): TelemetryPoint[] => {
    const newest = steps.filter(({ endMs }) => endMs > nowMs - 2 * history.stepS * 1000);
    return newest.flatMap(({ zone, endMs, meanC, stdDevK }) => {
      const points = monitorPoints(zone);
      const { coverage90Fraction = null, rmseK = null } = latest.find((figures) => figures.zone === zone) ?? {};
      const values: readonly (readonly [PointName, number | null])[] = [
        [points.mean, meanC],
        [points.stdDev, stdDevK],
        [points.coverage, coverage90Fraction],
        [points.rmse, rmseK],
      ];
      return values.flatMap(([point, value]) => (value === null || !Number.isFinite(value) ? [] : [{ timeMs: endMs, point, value }]));
    });
  };

  return {
    use: (judge, isOwnPast) => {
      inUse = judge;
      isAnew ||= isOwnPast;
      isFresh = true;
    },
    step: async (nowMs) => {
      const judge = inUse;
      if (judge === null) return;
      const hadOwnPast = isAnew;
      try {
        const steps = judgeSteps(judge, nowMs);
        latest = figuresAt(judge, nowMs);
        parts.write(pointsOf(steps, nowMs));
        for (const figures of latest) await setAlarms(judge, figures, hadOwnPast, nowMs);
        const doubted = doubt.zones();
        for (const zone of zones) {
          const found = doubted.find((one) => one.zone === zone);
          await alarms.set(found !== undefined, doubtAlarm(found ?? { zone, rmsZ: 0, steps: 0 }, judge), nowMs);
        }
      } catch (error) {
        parts.onError(error);
      }
    },
    doubted: () => doubt.zones(),
    figures: () => latest.map((figures) => ({ ...figures, heldOutRmseK: inUse?.heldOutRmseK ?? null })),
  };
};

const doubtAlarm = ({ zone, rmsZ, steps }: ZoneDoubt, { modelVersion }: StepJudge): AlarmText => ({
  id: `model-doubt:${zone}`,
  level: "warning",
  zone,
  text: `Zone ${zone}: the last ${steps} steps ended ${rmsZ.toFixed(1)} times as far from what model ${modelVersion} said as it should be; the rule acts there.`,
  action:
    "Look at the zone's sensor, its equipment and the model's origin. The planner takes over again by itself once its predictions come true.",
});

const days = (ms: number): string => `${ms / 86_400_000} days`;
const pct = (fraction: number): string => `${Math.round(100 * fraction)} %`;

const coverageAlarm = (
  { zone, samples, coverage90Fraction }: ZoneFigures,
  { modelVersion }: StepJudge,
  { windowMs, lowestCoverage, highestCoverage }: MonitorLimits,
): AlarmText => {
  const share = coverage90Fraction ?? Number.NaN;
  // An alarm that stands while the share comes back keeps its side.
  const isTooSure = share < (lowestCoverage + highestCoverage) / 2;
  return {
    id: `model-coverage:${zone}`,
    // Too sure risks comfort; too careful only wastes some of the planner's freedom.
    level: isTooSure ? "warning" : "info",
    zone,
    text: `Zone ${zone}: ${pct(share)} of ${samples} steps of the last ${days(windowMs)} ended inside the 90 % band of model ${modelVersion} (${pct(lowestCoverage)} to ${pct(highestCoverage)} is right): it is ${isTooSure ? "surer than it should be" : "less sure than it could be"}.`,
    action: isTooSure
      ? "Look at what changed in the zone (windows, sensor, equipment, use). The model learns from it tonight; isotherm model rollback goes back to the one before."
      : "Nothing is unsafe; the planner is more careful than it need be. The model learns anew tonight.",
  };
};

const driftAlarm = ({ zone, samples, rmseK }: ZoneFigures, { modelVersion, heldOutRmseK }: StepJudge): AlarmText => ({
  id: `model-drift:${zone}`,
  level: "warning",
  zone,
  text: `Zone ${zone}: model ${modelVersion} has been off by ${(rmseK ?? Number.NaN).toFixed(2)} K a step over ${samples} steps, on days left out of its training it was ${(heldOutRmseK ?? Number.NaN).toFixed(2)} K.`,
  action:
    "Look at what changed in the zone (windows, sensor, equipment, use). The model learns from it tonight; isotherm model rollback goes back to the one before.",
});
