import type { KernelSpec } from "#domain/kernel";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import { backward, forward } from "#math/kernelTape";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";

/** Training rows of an exact GP with mean zero: subtract a mean function from the targets first. */
export interface TrainingSet {
  readonly la: LinearAlgebra;
  readonly kernel: KernelSpec;
  /** n×d, row-major, standardised. */
  readonly x: Float64Array;
  readonly n: number;
  readonly d: number;
  /** Targets, n. */
  readonly y: Float64Array;
  readonly onWarning: (text: string) => void;
}

export interface Factorisation {
  /** (K + diag(noiseVariance))⁻¹ y, n. */
  readonly alpha: Float64Array;
  /** L, n×n row-major, L Lᵀ = K + diag(noiseVariance) (+ jitter · I). */
  readonly choleskyLower: Float64Array;
  readonly logMarginalLikelihood: number;
  /** What choleskyWithJitter had to add; 0 nearly always. */
  readonly jitter: number;
}

const LOG_2PI = Math.log(2 * Math.PI);

/**
 * log p(y) = −½ yᵀ α − Σ log L_ii − ½ n log 2π with one noise variance a row (n). (Rasmussen & Williams 2006, algorithm 2.1.)
 * Inputs, targets or noise that are not finite throw CholeskyError or RangeError.
 */
export const factorise = (set: TrainingSet & { readonly noiseVariance: Float64Array }): Factorisation => {
  const { la, kernel, x, n, d, noiseVariance } = set;
  return solve(set, kernelMatrix(la, kernel, x, n, x, n, d), noiseVariance);
};

/** Adds the noise to the covariance in place and solves. */
const solve = ({ la, n, y, onWarning }: TrainingSet, covariance: Float64Array, noiseVariance: Float64Array): Factorisation => {
  checkRows("targets", y, n);
  checkRows("noise variances", noiseVariance, n);
  for (let i = 0; i < n; i++) covariance[i * n + i]! += noiseVariance[i]!;
  const { lower, jitter } = choleskyWithJitter(la, n, covariance, onWarning);
  const alpha = y.slice(0, n);
  la.solveLower(n, 1, lower, alpha, false);
  la.solveLower(n, 1, lower, alpha, true);
  let logMarginalLikelihood = -0.5 * n * LOG_2PI;
  for (let i = 0; i < n; i++) logMarginalLikelihood -= 0.5 * y[i]! * alpha[i]! + Math.log(lower[i * n + i]!);
  return { alpha, choleskyLower: lower, logMarginalLikelihood, jitter };
};

const checkRows = (what: string, values: Float64Array, n: number): void => {
  if (values.length !== n) throw new RangeError(`${values.length} ${what} for ${n} rows.`);
  if (!values.every(Number.isFinite)) throw new RangeError(`The ${what} hold values that are not finite numbers.`);
};

export interface LikelihoodGradient extends Factorisation {
  /** ∂/∂θ of every kernel log hyperparameter, in the order of logHyperparameters. */
  readonly kernelGradient: Float64Array;
  /** ∂/∂ log σ²_g of every noise group. */
  readonly noiseGradient: Float64Array;
  /** ∂/∂y = −α, n. */
  readonly targetGradient: Float64Array;
}

/**
 * Log marginal likelihood and its gradient, ∂/∂θ = Σ_ij W_ij ∂(K + Σ)_ij/∂θ with W = ½ (α αᵀ − (K + Σ)⁻¹) (Rasmussen & Williams 2006, eq. 5.9).
 * Row i has the noise variance exp(logNoiseVariance[noiseGroup[i]]), plus fixedNoiseVariance[i] (no hyperparameter) where given.
 */
export const logMarginalLikelihoodAndGradient = (
  set: TrainingSet & {
    readonly logNoiseVariance: Float64Array;
    readonly noiseGroup: Uint8Array;
    readonly fixedNoiseVariance?: Float64Array;
    /** Keep one between the evaluations of a fit: it saves the page faults of fresh matrices. No result lives in it. */
    readonly pool?: MatrixPool;
  },
): LikelihoodGradient => {
  const { la, kernel, x, n, d, logNoiseVariance, noiseGroup, fixedNoiseVariance } = set;
  if (noiseGroup.length !== n) throw new RangeError(`${noiseGroup.length} noise groups for ${n} rows.`);
  if (noiseGroup.some((group) => group >= logNoiseVariance.length)) throw new RangeError("A row names a noise group that has no variance.");
  const groupVariance = logNoiseVariance.map(Math.exp);
  const noiseVariance = Float64Array.from(noiseGroup, (group, i) => groupVariance[group]! + (fixedNoiseVariance?.[i] ?? 0));
  const pool = set.pool ?? new MatrixPool();
  pool.reset();
  const tape = forward(la, kernel, x, n, d, pool);
  // The tape's value may be read again by the gradient, so the noise goes on a copy.
  const covariance = pool.take(n * n);
  covariance.set(tape.value);
  const factorisation = solve(set, covariance, noiseVariance);
  const { alpha, choleskyLower } = factorisation;
  const w = la.inverseFromCholesky(n, choleskyLower);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const half = 0.5 * alpha[i]!;
    for (let j = 0; j < n; j++) w[row + j] = half * alpha[j]! - 0.5 * w[row + j]!;
  }
  const noiseGradient = new Float64Array(groupVariance.length);
  for (let i = 0; i < n; i++) noiseGradient[noiseGroup[i]!]! += groupVariance[noiseGroup[i]!]! * w[i * n + i]!;
  return { ...factorisation, kernelGradient: backward(la, tape, n, w, pool), noiseGradient, targetGradient: alpha.map((value) => -value) };
};

/** What prediction needs of a fitted GP. */
export interface FittedProcess {
  readonly la: LinearAlgebra;
  readonly kernel: KernelSpec;
  readonly x: Float64Array;
  readonly n: number;
  readonly d: number;
  readonly alpha: Float64Array;
  readonly choleskyLower: Float64Array;
}

export interface Prediction {
  /** k(X*, X) α, count. */
  readonly mean: Float64Array;
  /** k(x*, x*) − ‖L⁻¹ k(X, x*)‖² of the latent function (no noise), never negative, count. */
  readonly variance: Float64Array;
}

/** Mean and variance of the latent function at `inputs` (count×d). (Rasmussen & Williams 2006, eqs. 2.25, 2.26.) */
export const predict = (process: FittedProcess, inputs: Float64Array, count: number): Prediction => {
  const { kernel, n, d } = process;
  const { mean, root } = project(process, inputs, count);
  const variance = kernelDiagonal(kernel, inputs, count, d);
  for (let i = 0; i < n; i++) for (let q = 0; q < count; q++) variance[q]! -= root[i * count + q]! ** 2;
  for (let q = 0; q < count; q++) variance[q] = clampVariance(variance[q]!);
  return { mean, variance };
};

/** Mean and the full covariance (count×count) of the latent function at `inputs` (count×d); no variance is negative. */
export const predictCovariance = (
  process: FittedProcess,
  inputs: Float64Array,
  count: number,
): { readonly mean: Float64Array; readonly covariance: Float64Array } => {
  const { la, kernel, n, d } = process;
  const { mean, root } = project(process, inputs, count);
  const covariance = kernelMatrix(la, kernel, inputs, count, inputs, count, d);
  la.gemm(true, false, count, count, n, -1, root, root, 1, covariance);
  for (let q = 0; q < count; q++) covariance[q * count + q] = clampVariance(covariance[q * count + q]!);
  return { mean, covariance };
};

/** Mean and L⁻¹ k(X, X*) (n×count). */
const project = (process: FittedProcess, inputs: Float64Array, count: number): { mean: Float64Array; root: Float64Array } => {
  const { la, kernel, x, n, d, alpha, choleskyLower } = process;
  const root = kernelMatrix(la, kernel, x, n, inputs, count, d);
  const mean = new Float64Array(count);
  la.gemm(true, false, count, 1, n, 1, root, alpha, 0, mean);
  la.solveLower(n, count, choleskyLower, root, false);
  return { mean, root };
};

/** Rounding may leave a variance slightly below 0; NaN stays NaN, so that a caller sees it. */
const clampVariance = (variance: number): number => Math.max(0, variance);
