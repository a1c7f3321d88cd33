import type { DriftModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import type { Factorisation } from "#math/gaussianProcess";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { leaveDayOut } from "#models/calibration";
import { factoriseRows, type PosteriorProblem } from "#models/posterior";
import type { Prior } from "#models/prior";
import { accumulatedErrors, chooseDrift, errorsByStep } from "#models/thermostat/driftFit";
import { withHeavyTails } from "#models/thermostat/heavyTails";
import {
  type HyperparameterSpace,
  hyperparameterSpace,
  maximumAPosteriori,
  meanCoefficients,
  residualsOf,
} from "#models/thermostat/hyperparameters";
import type { TrainingRows } from "#models/thermostat/trainingRows";

/** The name of what takes a prior at its word. */
export const AS_IT_IS = "prior";
const DATA_ALONE = "data alone";

/** One way from a prior to hyperparameters. */
export interface Candidate {
  readonly name: string;
  /** Speaks of hyperparameters; null: the generic one. */
  readonly hyperprior: Prior | null;
  readonly likelihoodPower: number;
  readonly maxIterations: number;
  /** Goes on where the candidate before it ended. */
  readonly goesOn?: boolean;
}

export interface CandidateFit {
  readonly name: string;
  readonly space: HyperparameterSpace;
  /** θ. */
  readonly theta: Float64Array;
  /** The rows with heavy-tailed noise, and their factorisation. */
  readonly problem: PosteriorProblem;
  readonly factorisation: Factorisation;
  /** Every row predicted without its own day. */
  readonly heldOut: { readonly errors: Float64Array; readonly variances: Float64Array };
  readonly drift: DriftModel;
  /** log p(rows | θ) at the end less at the prior's location, per row: how far the prior had to give way. */
  readonly gainPerRow: number;
  /** Σ_H log of the error that accumulates over 1, 4 and 20 steps on days left out: the lower the better. */
  readonly score: number;
}

export interface CandidateOptions {
  readonly onWarning: (text: string) => void;
  readonly onIteration?: (iteration: number) => void;
  /** Every candidate that was tried. */
  readonly onCandidate?: (fit: CandidateFit) => void;
  readonly signal?: AbortSignal;
  /** The name of the one that is wanted, where it was chosen before: nothing is compared then. */
  readonly only?: string;
}

/** What all candidates of a zone share. */
export interface CandidateData {
  readonly la: LinearAlgebra;
  readonly data: DatasetRows;
  readonly rows: TrainingRows;
  /** The prior whose mean coefficients count. */
  readonly prior: Prior | null;
  /** Local day of each training row. */
  readonly day: readonly number[];
}

/**
 * From this gain on a prior is foreign to the building. Measured on 24 weeks: priors of the same building in other cities gain 0.1–0.2 nats a row
 * (once 0.5), priors of other buildings 0.4–1.8.
 */
const FOREIGN_GAIN = 0.3;
/** From fewer days nothing can be told: whoever is right about a Sunday is not about the Monday after. */
const FEWEST_DAYS = 3;

/** The same prior with its say over hyperparameters dropped, and looser ways to listen to it: tried where a prior is foreign. */
const looser = (prior: Prior): readonly Candidate[] => [
  { name: "prior, looser", hyperprior: prior, likelihoodPower: 0.3, maxIterations: 15, goesOn: true },
  { name: "prior's coefficients", hyperprior: null, likelihoodPower: 0.1, maxIterations: 12 },
  { name: "prior's coefficients, looser", hyperprior: null, likelihoodPower: 1, maxIterations: 45, goesOn: true },
];

/**
 * MAP hyperparameters of one zone. A prior that the rows bear out is taken at its word. Where it has to give way by more than 0.3 nats a row it comes from
 * buildings unlike this one: then it is also listened to less, and for its mean coefficients alone, and what errs least on days left out is
 * taken. With fewer than three days it is taken at its word as well.
 */
export const chosenFit = async (
  shared: CandidateData,
  first: Pick<Candidate, "likelihoodPower" | "maxIterations">,
  options: CandidateOptions,
): Promise<CandidateFit> => {
  const { prior } = shared;
  const asItIs: Candidate = { name: prior === null ? DATA_ALONE : AS_IT_IS, hyperprior: prior, ...first };
  const others = prior === null ? [] : looser(prior);
  if (options.only !== undefined) return wanted(shared, [asItIs, ...others], options.only, options);
  let best = await fitCandidate(shared, asItIs, null, options);
  options.onCandidate?.(best);
  if (best.gainPerRow <= FOREIGN_GAIN || new Set(shared.day).size < FEWEST_DAYS) return best;
  let before = best;
  for (const candidate of others) {
    before = await fitCandidate(shared, candidate, candidate.goesOn === true ? before.theta : null, options);
    options.onCandidate?.(before);
    if (before.score < best.score) best = before;
  }
  return best;
};

/** The candidate of that name, by way of the ones that it goes on from; the first where none has it. */
const wanted = async (
  shared: CandidateData,
  candidates: readonly Candidate[],
  name: string,
  options: CandidateOptions,
): Promise<CandidateFit> => {
  const last = Math.max(
    0,
    candidates.findIndex((one) => one.name === name),
  );
  let from = last;
  while (candidates[from]!.goesOn === true) from--;
  let fit = await fitCandidate(shared, candidates[from]!, null, options);
  for (let k = from + 1; k <= last; k++) fit = await fitCandidate(shared, candidates[k]!, fit.theta, options);
  return fit;
};

const fitCandidate = async (
  { la, data, rows, prior, day }: CandidateData,
  { name, hyperprior, likelihoodPower, maxIterations }: Candidate,
  from: Float64Array | null,
  { onWarning, onIteration, signal }: CandidateOptions,
): Promise<CandidateFit> => {
  const { n, d, x } = rows;
  const { stepS } = data.dataset;
  const beta = meanCoefficients(rows.structure, prior, stepS);
  const residuals = residualsOf(rows, beta);
  const own = hyperparameterSpace(rows.structure, hyperprior);
  const space = from === null ? own : { ...own, start: from };
  const { x: theta } = await maximumAPosteriori(la, rows, residuals, space, {
    likelihoodPower,
    maxIterations,
    ...(signal === undefined ? {} : { signal }),
    ...(onIteration === undefined ? {} : { onIteration }),
  });
  signal?.throwIfAborted();
  const at = (parameters: Float64Array): PosteriorProblem => ({
    la,
    features: rows.structure.features,
    meanCoefficients: beta,
    x,
    n,
    d,
    residuals,
    ...own.at(parameters),
    onWarning,
  });
  const problem = at(theta);
  const plain = factoriseRows(problem);
  const gain = prior === null ? 0 : plain.logMarginalLikelihood - factoriseRows(at(own.start)).logMarginalLikelihood;
  const robust = withHeavyTails(problem, plain);
  const { choleskyLower, alpha } = robust.factorisation;
  const heldOut = leaveDayOut(la, n, choleskyLower, alpha, day);
  const byStep = errorsByStep(rows.rows, heldOut.errors, data.length - 1);
  const drift = chooseDrift(byStep, stepS);
  const score = accumulatedErrors(byStep, drift).reduce((sum, value) => sum + 0.5 * Math.log(value), 0);
  return { name, space, theta, ...robust, heldOut, drift, gainPerRow: gain / n, score };
};
