import { configurationError, IsothermError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import { kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean, standardDeviation } from "#math/statistics";
import { leaveDayOut, spreadScaleFrom } from "#models/calibration";
import { budgetedPosterior, exactPosterior, factoriseRows, type PosteriorProblem } from "#models/posterior";
import type { Prior } from "#models/prior";
import { boundedPosterior } from "#models/thermostat/boundedPosterior";
import { chooseDrift, errorsByStep, remainingErrors, withDriftInput } from "#models/thermostat/driftFit";
import { withHeavyTails } from "#models/thermostat/heavyTails";
import { hyperparameterSpace, maximumAPosteriori, meanCoefficients, residualsOf } from "#models/thermostat/hyperparameters";
import { type TrainingRows, trainingRows } from "#models/thermostat/trainingRows";

export interface FitOptions {
  /** Inducing inputs at most; null: exact. */
  readonly budget: number | null;
  readonly likelihoodPower?: number;
  readonly maxIterations?: number;
  readonly onWarning?: (text: string) => void;
  readonly onIteration?: (iteration: number) => void;
  readonly signal?: AbortSignal;
}

export interface ZoneFit {
  readonly model: ZoneModel;
  /** θ found: log hyperparameters by name. */
  readonly logHyperparameters: Readonly<Record<string, number>>;
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
  const rows = trainingRows(data, zone, neighbours);
  const needed = prior === null ? MIN_ROWS : MIN_ROWS_WITH_PRIOR;
  if (rows.n < needed) throw tooFewRows(zone, rows, needed);
  const beta = meanCoefficients(rows.structure, prior, stepS);
  const residuals = residualsOf(rows, beta);
  const space = hyperparameterSpace(rows.structure, prior);
  const { signal, onIteration } = options;
  const { x: theta } = await maximumAPosteriori(la, rows, residuals, space, {
    ...effort(prior, options),
    ...(signal === undefined ? {} : { signal }),
    ...(onIteration === undefined ? {} : { onIteration }),
  });
  signal?.throwIfAborted();
  const { kernel, noiseVariance } = space.at(theta);
  const onWarning = options.onWarning ?? (() => undefined);
  const { n, d, x } = rows;
  const problem: PosteriorProblem = {
    la,
    features: rows.structure.features,
    kernel,
    meanCoefficients: beta,
    x,
    n,
    d,
    residuals,
    noiseVariance,
    onWarning,
  };
  const plain = factoriseRows(problem);
  const { problem: robust, factorisation: first } = withHeavyTails(problem, plain);
  const day = rows.rows.map((row) => Math.floor((data.localMs(row + 1) - 1) / 86_400_000));
  const heldOut = leaveDayOut(la, n, first.choleskyLower, first.alpha, day);
  const drift = chooseDrift(errorsByStep(rows.rows, heldOut.errors, data.length - 1), stepS);
  const spreadScale = spreadScaleFrom(remainingErrors(rows.rows, heldOut.errors, data.length - 1, drift), heldOut.variances);
  const bounded = boundedPosterior(robust, first, rows, data);
  const { budget } = options;
  const posterior =
    budget !== null && budget < bounded.problem.n
      ? budgetedPosterior(bounded.problem, budget)
      : exactPosterior(bounded.problem, bounded.factorisation);
  const held = rows.heldOffsetsK;
  return {
    model: {
      zone,
      transition: "thermostat",
      posterior: withDriftInput(posterior, zone),
      noiseVarianceK2: noiseVariance,
      heldOffsetK: held.length > 0 ? mean(held) : 0,
      heldStdDevK: Math.max(held.length > 1 ? standardDeviation(held) : 0.02, 0.01),
      stateGain: stateGain(rows, bounded.factorisation.alpha, bounded.problem),
      spreadScale,
      drift,
    },
    logHyperparameters: Object.fromEntries(space.names.map((name, i) => [name, theta[i]!])),
    trainRows: n,
    leftOut: rows.leftOut,
    fitMs: performance.now() - started,
    leaveDayOutRmseK: Math.sqrt(mean(heldOut.errors.map((error) => error * error))),
  };
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

/**
 * Mean of ∂T'/∂T over idle training rows for an error of T that lasts (T and its lags move together by ±0.1 K, so the trend stays; masses and offsets feel it).
 * Within [0.3, 0.98]: a free-floating zone forgets, it does not amplify.
 */
const stateGain = (rows: TrainingRows, alpha: Float64Array, { la, kernel, x, n, d, meanCoefficients: beta }: PosteriorProblem): number => {
  // How each input moves with a T that has been off for a while: offsets from T by −1 / scale, the trend not at all.
  const slope = Float64Array.from(rows.structure.columns, ({ feature: { term, scale } }) =>
    term.kind === "slowMean" || term.kind === "offset" || term.kind === "neighbour" ? -1 / scale : 0,
  );
  const heating = rows.structure.columns.findIndex(({ key }) => key === "heating*constant");
  const idle: number[] = [];
  for (let i = 0; i < n && idle.length < 200; i++) {
    if (x[i * d + heating] === 0 && x[i * d + rows.structure.coolingGate] === 0) idle.push(i);
  }
  if (idle.length === 0) return 0.9;
  const h = 0.1;
  const moved = (sign: number): Float64Array => {
    const out = new Float64Array(idle.length * d);
    idle.forEach((row, k) => {
      for (let c = 0; c < d; c++) out[k * d + c] = x[row * d + c]! + sign * h * slope[c]!;
    });
    return out;
  };
  const value = (inputs: Float64Array): number => {
    const covariance = kernelMatrix(la, kernel, inputs, idle.length, x, n, d);
    let sum = 0;
    for (let k = 0; k < idle.length; k++) {
      for (let j = 0; j < n; j++) sum += covariance[k * n + j]! * alpha[j]!;
      for (let c = 0; c < d; c++) sum += beta[c]! * inputs[k * d + c]!;
    }
    return sum / idle.length;
  };
  const gain = 1 + (value(moved(1)) - value(moved(-1))) / (2 * h);
  return Math.min(Math.max(gain, 0.3), 0.98);
};
