import type { DatasetRows } from "#math/datasetRows";
import type { Factorisation } from "#math/gaussianProcess";
import { kernelMatrix } from "#math/kernels";
import { factoriseRows, type PosteriorProblem } from "#models/posterior";
import { type Bounds, boundsOf, brokenBounds, INSIDE_K, PSEUDO_STD_DEV_K } from "#models/thermostat/censoring";
import { instability, linearWeights, tightenDynamics } from "#models/thermostat/stability";
import type { TrainingRows } from "#models/thermostat/trainingRows";

const ROUNDS = 4;
const TIGHTENINGS = 12;
const TIGHTEN_BY = 1.6;

export interface BoundedPosterior {
  readonly problem: PosteriorProblem;
  readonly factorisation: Factorisation;
}

/**
 * The zone's posterior with what held steps imply and without run-away.
 * Held steps are censored observations; they enter by imputation: every bound that the posterior mean breaks becomes a pseudo-observation 0.1 K inside
 * it with standard deviation 0.3 K, and the posterior is taken again, up to four times. Where the linear part is
 * unstable (see `instability`), the prior spread of its dynamic coefficients is divided by 1.6 until it is not: they move towards the prior mean, which is
 * contractive.
 */
export const boundedPosterior = (
  problem: PosteriorProblem,
  first: Factorisation,
  rows: TrainingRows,
  data: DatasetRows,
): BoundedPosterior => {
  const bounds = boundsOf(rows.structure, data, rows.held);
  let current: BoundedPosterior = { problem, factorisation: first };
  const imputed = new Set<number>();
  for (let round = 0; round <= ROUNDS; round++) {
    current = stabilise(current, rows, data.dataset.stepS);
    if (round === ROUNDS) break;
    const broken = brokenBounds(bounds, meansAt(current, bounds)).filter((i) => !imputed.has(i));
    if (broken.length === 0) break;
    for (const i of broken) imputed.add(i);
    const extended = withPseudoRows({ ...problem, kernel: current.problem.kernel }, bounds, [...imputed]);
    current = { problem: extended, factorisation: factoriseRows(extended) };
  }
  return current;
};

const stabilise = (start: BoundedPosterior, rows: TrainingRows, stepS: number): BoundedPosterior => {
  let current = start;
  for (let i = 0; i < TIGHTENINGS; i++) {
    const { kernel, meanCoefficients, x, n, d } = current.problem;
    const weights = linearWeights(kernel, meanCoefficients, x, n, d, current.factorisation.alpha);
    if (instability(rows.structure, weights, stepS) <= 0) return current;
    const problem = { ...current.problem, kernel: tightenDynamics(rows.structure, kernel, TIGHTEN_BY) };
    current = { problem, factorisation: factoriseRows(problem) };
  }
  current.problem.onWarning("The linear part of a zone's model stays close to unstable; its coefficients are those of the prior.");
  return current;
};

const meansAt = ({ problem, factorisation }: BoundedPosterior, bounds: Bounds): Float64Array => {
  const { la, kernel, x, n, d, meanCoefficients } = problem;
  const means = new Float64Array(bounds.count);
  if (bounds.count === 0) return means;
  la.gemm(false, false, bounds.count, 1, n, 1, kernelMatrix(la, kernel, bounds.x, bounds.count, x, n, d), factorisation.alpha, 0, means);
  for (let i = 0; i < bounds.count; i++) for (let c = 0; c < d; c++) means[i]! += meanCoefficients[c]! * bounds.x[i * d + c]!;
  return means;
};

const withPseudoRows = (problem: PosteriorProblem, bounds: Bounds, chosen: readonly number[]): PosteriorProblem => {
  const { d, n, meanCoefficients } = problem;
  const total = n + chosen.length;
  const x = new Float64Array(total * d);
  const residuals = new Float64Array(total);
  const extraNoiseVariance = new Float64Array(total);
  x.set(problem.x);
  residuals.set(problem.residuals);
  if (problem.extraNoiseVariance !== undefined) extraNoiseVariance.set(problem.extraNoiseVariance);
  chosen.forEach((i, k) => {
    const row = bounds.x.subarray(i * d, (i + 1) * d);
    x.set(row, (n + k) * d);
    let target = bounds.boundK[i]! + bounds.side[i]! * INSIDE_K;
    for (let c = 0; c < d; c++) target -= meanCoefficients[c]! * row[c]!;
    residuals[n + k] = target;
    extraNoiseVariance[n + k] = PSEUDO_STD_DEV_K ** 2;
  });
  return { ...problem, x, n: total, residuals, extraNoiseVariance };
};
