import { configurationError, IsothermError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import type { EffortLaw } from "#math/effort";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean, standardDeviation } from "#math/statistics";
import { spreadScaleFrom } from "#models/calibration";
import type { LeftOutDay } from "#models/calibration/leftOutDays";
import { budgetedPosterior, exactPosterior } from "#models/posterior";
import type { Prior } from "#models/prior";
import { boundedPosterior } from "#models/thermostat/boundedPosterior";
import { chosenFit } from "#models/thermostat/candidates";
import { remainingErrors, withDriftInput } from "#models/thermostat/driftFit";
import { isSlow, likeliestEmitter } from "#models/thermostat/slowEmitter";
import { fitSpread } from "#models/thermostat/spreadFit";
import { stateGain } from "#models/thermostat/stateGain";
import { type TrainingRows, trainingRows } from "#models/thermostat/trainingRows";

export interface FitOptions {
  /** Inducing inputs at most; null: exact. */
  readonly budget: number | null;
  readonly likelihoodPower?: number;
  readonly maxIterations?: number;
  /** The name of what was taken of the prior before: taken again, without comparing. */
  readonly only?: string;
  /** The thermostat of a slow emitter, null: heating acts at once; absent: the data tell. */
  readonly emitter?: EffortLaw | null;
  readonly onWarning?: (text: string) => void;
  readonly onIteration?: (iteration: number) => void;
  readonly signal?: AbortSignal;
}

export interface ZoneFit {
  readonly model: ZoneModel;
  /** θ found: log hyperparameters by name. */
  readonly logHyperparameters: Readonly<Record<string, number>>;
  /** How the prior was listened to: see `chosenFit`. */
  readonly chosen: string;
  readonly trainRows: number;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly fitMs: number;
  readonly leaveDayOutRmseK: number;
}

/** Without a prior, fewer uncensored rows than half a day of quarter hours teach nothing worth having. */
export const MIN_ROWS = 48;
/** With what other buildings taught, two hours already say more than none. */
export const MIN_ROWS_WITH_PRIOR = 8;

/** Tempering and iterations: with a learned prior a few careful steps, without one the likelihood decides. */
const effort = (prior: Prior | null, options: FitOptions): { likelihoodPower: number; maxIterations: number } => ({
  likelihoodPower: options.likelihoodPower ?? (prior === null ? 1 : 0.1),
  maxIterations: options.maxIterations ?? (prior === null ? 60 : 12),
});

/**
 * Fits the thermostat-aware GP of one zone to its data: MAP hyperparameters from the prior, then the posterior, exact or budgeted, with its spread
 * calibrated on days left out. Too few usable rows throw an IsothermError that says how many there are and why the others were left out, a prior made
 * for another time step is refused.
 */
export const fitZone = async (
  la: LinearAlgebra,
  data: DatasetRows,
  zone: string,
  neighbours: readonly string[],
  prior: Prior | null,
  options: FitOptions,
): Promise<ZoneFit> => {
  const started = performance.now();
  const { stepS } = data.dataset;
  if (prior !== null && prior.stepS !== stepS) throw otherStep(prior, stepS);
  const within = (emitter: EffortLaw | null): Promise<KindFit> =>
    fitKind(la, data, zone, neighbours, emitter === null ? prior : null, emitter, options);
  const timed = ({ fit }: KindFit): ZoneFit => ({ ...fit, fitMs: performance.now() - started });
  if (options.emitter !== undefined) return timed(await within(options.emitter));
  const emitter = likeliestEmitter(la, data, zone, neighbours);
  if (emitter === null) return timed(await within(null));
  const slow = await within(emitter);
  const usual = await within(null);
  return timed(isSlow(usual.days, slow.days, data) ? slow : usual);
};

interface KindFit {
  readonly fit: ZoneFit;
  readonly days: readonly LeftOutDay[];
}

/** The zone as one of the two kinds. What a prior knows is of heating that acts at once. */
const fitKind = async (
  la: LinearAlgebra,
  data: DatasetRows,
  zone: string,
  neighbours: readonly string[],
  prior: Prior | null,
  emitter: EffortLaw | null,
  options: FitOptions,
): Promise<KindFit> => {
  const { stepS } = data.dataset;
  const rows = trainingRows(data, zone, neighbours, undefined, emitter);
  const needed = prior === null ? MIN_ROWS : MIN_ROWS_WITH_PRIOR;
  if (rows.n < needed) throw tooFewRows(zone, rows, needed);
  const day = rows.rows.map((row) => Math.floor((data.localMs(row + 1) - 1) / 86_400_000));
  const { signal, onIteration } = options;
  const fit = await chosenFit({ la, data, rows, prior, day }, effort(prior, options), {
    onWarning: options.onWarning ?? (() => undefined),
    ...(signal === undefined ? {} : { signal }),
    ...(onIteration === undefined ? {} : { onIteration }),
    ...(options.only === undefined ? {} : { only: options.only }),
  });
  const { problem: robust, factorisation: first, heldOut, drift, space, theta } = fit;
  const spreadScale = spreadScaleFrom(remainingErrors(rows.rows, heldOut.errors, data.length - 1, drift), heldOut.variances);
  const bounded = boundedPosterior(robust, first, rows, data);
  const { budget } = options;
  const posterior =
    budget !== null && budget < bounded.problem.n
      ? budgetedPosterior(bounded.problem, budget)
      : exactPosterior(bounded.problem, bounded.factorisation);
  const held = rows.heldOffsetsK;
  const model: ZoneModel = {
    zone,
    ...(emitter === null
      ? { transition: "thermostat" as const }
      : { transition: "increment" as const, call: { kind: "effort" as const, ...emitter, timeConstantS: null } }),
    posterior: withDriftInput(posterior, zone),
    noiseVarianceK2: robust.noiseVariance,
    heldOffsetK: held.length > 0 ? mean(held) : 0,
    heldStdDevK: Math.max(held.length > 1 ? standardDeviation(held) : 0.02, 0.01),
    stateGain: stateGain(rows.structure, bounded.problem, bounded.factorisation.alpha, stepS),
    spreadScale,
    drift,
  };
  const { spread, days } = fitSpread(
    la,
    model,
    { problem: robust, factorisation: first },
    bounded,
    { rows: rows.rows, day, ...heldOut },
    data,
  );
  const fitted: ZoneFit = {
    model: { ...model, spread },
    logHyperparameters: Object.fromEntries(space.names.map((name, i) => [name, theta[i]!])),
    chosen: fit.name,
    trainRows: rows.n,
    leftOut: rows.leftOut,
    fitMs: 0,
    leaveDayOutRmseK: Math.sqrt(mean(heldOut.errors.map((error) => error * error))),
  };
  return { fit: fitted, days };
};

const otherStep = (prior: Prior, stepS: number): IsothermError =>
  configurationError(`The prior ${prior.name} was learned at steps of ${prior.stepS} s, the data have steps of ${stepS} s.`, {
    todo: "Choose a prior of the same step, or none.",
  });

export const tooFewRows = (zone: string, rows: TrainingRows, needed = MIN_ROWS): IsothermError => {
  const { missing = 0, held = 0 } = rows.leftOut;
  return new IsothermError(
    "permanent",
    `Zone ${zone} has ${rows.n} usable rows of training data, ${needed} are needed (${missing} rows with missing values and ${held} rows on a setpoint do not count).`,
    { todo: "Collect more data, 7 days are wanted, or check the sensors that are missing.", exitCode: 78 },
  );
};
