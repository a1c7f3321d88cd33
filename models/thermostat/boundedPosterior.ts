import type { DatasetRows } from "#math/datasetRows";
import type { Factorisation } from "#math/gaussianProcess";
import { kernelMatrix } from "#math/kernels";
import { factoriseRows, type PosteriorProblem } from "#models/posterior";
import { type Bounds, boundsOf, brokenBounds, INSIDE_K, PSEUDO_STD_DEV_K } from "#models/thermostat/censoring";
import { instability, linearLeaf, linearWeights, radiusGradient, tightenDynamics, worstExcess } from "#models/thermostat/stability";
import type { TrainingRows } from "#models/thermostat/trainingRows";

const ROUNDS = 4;
const SHIFTS = 25;
/** Inside the limit by so much, so that rounding does not put it outside again. */
const MARGIN = 1e-5;
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
 * unstable (see `instability`), its coefficients are conditioned on being stable, the least change that the data allow (see `stabilise`).
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
    const { kernel, meanCoefficients, residuals } = current.problem;
    const extended = withPseudoRows({ ...problem, kernel, meanCoefficients, residuals: residuals.subarray(0, problem.n) }, bounds, [
      ...imputed,
    ]);
    current = { problem: extended, factorisation: factoriseRows(extended) };
  }
  return current;
};

/**
 * The posterior conditioned on a stable linear part. To first order that is one linear condition on its coefficients, gᵀw = gᵀŵ − excess with g = ∂ρ/∂w, and conditioning
 * a Gaussian process on it moves its prior mean along Λg, Λ = diag(1/ℓ_c²): β ← β + γ Λg with γ = −excess / Var(gᵀw), Var(gᵀw) = gᵀΛg − qᵀ(K + Σ)⁻¹q, q = XΛg;
 * taken again until it holds. All other parts follow the data as before. (Dividing the prior's spread until the posterior gave way, as this once did, took a factor of seven
 * for an excess of a tenth of a posterior standard deviation, and left the model sure of coefficients that the data contradict.)
 */
const stabilise = (start: BoundedPosterior, rows: TrainingRows, stepS: number): BoundedPosterior => {
  let current = start;
  for (let i = 0; i < SHIFTS; i++) {
    const { kernel, meanCoefficients, x, n, d } = current.problem;
    const weights = linearWeights(kernel, meanCoefficients, x, n, d, current.factorisation.alpha);
    const { mode, excess } = worstExcess(rows.structure, weights, stepS);
    if (excess <= 0) return current;
    const next = conditioned(current, radiusGradient(rows.structure, weights, stepS, mode), -(excess + MARGIN));
    if (next === null) break;
    current = next;
  }
  return tightened(start, rows, stepS);
};

/** Conditioned on gᵀw being moved by `change`; null where the data leave gᵀw no freedom. */
const conditioned = ({ problem, factorisation }: BoundedPosterior, g: Float64Array, change: number): BoundedPosterior | null => {
  const { la, kernel, x, n, d, meanCoefficients, residuals } = problem;
  const direction = new Float64Array(d);
  const { dims, lengthscales } = linearLeaf(kernel);
  dims.forEach((c, at) => {
    direction[c] = g[c]! / lengthscales[at]! ** 2;
  });
  const q = new Float64Array(n);
  la.gemm(false, false, n, 1, d, 1, x, direction, 0, q);
  const solved = q.slice();
  la.solveLower(n, 1, factorisation.choleskyLower, solved, false);
  const prior = direction.reduce((sum, value, c) => sum + value * g[c]!, 0);
  const variance = prior - solved.reduce((sum, value) => sum + value * value, 0);
  // What is left is rounding.
  if (!(variance > 1e-12 * prior)) return null;
  la.solveLower(n, 1, factorisation.choleskyLower, solved, true);
  const gamma = change / variance;
  return {
    problem: {
      ...problem,
      meanCoefficients: meanCoefficients.map((value, c) => value + gamma * direction[c]!),
      residuals: residuals.map((value, i) => value - gamma * q[i]!),
    },
    factorisation: { ...factorisation, alpha: factorisation.alpha.map((value, i) => value - gamma * solved[i]!) },
  };
};

/** Where no shift helps: the prior spread of the dynamic coefficients divided by 1.6 until they are stable; they move towards the prior mean, which is contractive. */
const tightened = (start: BoundedPosterior, rows: TrainingRows, stepS: number): BoundedPosterior => {
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
