import type { FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { type Factorisation, factorise } from "#math/gaussianProcess";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** Training rows of one GP: targets have the prior mean βᵀx taken off. */
export interface PosteriorProblem {
  readonly la: LinearAlgebra;
  readonly features: FeatureSpec;
  readonly kernel: KernelSpec;
  readonly meanCoefficients: Float64Array;
  /** n×d. */
  readonly x: Float64Array;
  readonly n: number;
  readonly d: number;
  /** y − βᵀx, n. */
  readonly residuals: Float64Array;
  readonly noiseVariance: number;
  /** Added to the noise variance of single rows, n; none when absent. */
  readonly extraNoiseVariance?: Float64Array;
  readonly onWarning: (text: string) => void;
}

/** L Lᵀ = K + σ²I and α = (K + σ²I)⁻¹ r. (Rasmussen & Williams 2006, algorithm 2.1.) Values that are not finite throw CholeskyError or RangeError. */
export const factoriseRows = (problem: PosteriorProblem): Factorisation =>
  factorise({ ...problem, y: problem.residuals, noiseVariance: rowNoise(problem) });

const rowNoise = ({ n, noiseVariance, extraNoiseVariance }: PosteriorProblem): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => noiseVariance + (extraNoiseVariance?.[i] ?? 0));

/** X = training inputs, α = (K + σ²I)⁻¹ r, W = L⁻¹, from the rows' factorisation. */
export const exactPosterior = (problem: PosteriorProblem, { alpha, choleskyLower } = factoriseRows(problem)): PosteriorData => {
  const { la, kernel, x, n, d, features, meanCoefficients } = problem;
  return { features, kernel, meanCoefficients, basisInputs: x, m: n, d, alpha, varianceRoot: la.inverseLower(n, choleskyLower), p: n };
};

/**
 * At most `budget` inputs chosen greedily, each time the one with the largest prior variance left given those chosen
 * (pivoted Cholesky of K; its residual trace bounds the error of the Nyström approximation). Fewer when nothing above `tolerance` · max k is left.
 * Returns their row numbers and every row's prior variance that they leave unexplained, diag(K − K_xz K_zz⁻¹ K_zx), n.
 */
export const chooseInducingRows = (
  kernel: KernelSpec,
  la: LinearAlgebra,
  x: Float64Array,
  n: number,
  d: number,
  budget: number,
  tolerance = 1e-10,
): { readonly rows: readonly number[]; readonly unexplained: Float64Array } => {
  const left = kernelDiagonal(kernel, x, n, d);
  const floor = tolerance * left.reduce((a, b) => Math.max(a, b), 0);
  const factor: Float64Array[] = [];
  const chosen: number[] = [];
  while (chosen.length < Math.min(budget, n)) {
    let pivot = 0;
    for (let i = 1; i < n; i++) if (left[i]! > left[pivot]!) pivot = i;
    if (!(left[pivot]! > floor)) break;
    const row = kernelMatrix(la, kernel, x.subarray(pivot * d, (pivot + 1) * d), 1, x, n, d);
    for (const earlier of factor) {
      const weight = earlier[pivot]!;
      for (let i = 0; i < n; i++) row[i]! -= weight * earlier[i]!;
    }
    const scale = 1 / Math.sqrt(left[pivot]!);
    for (let i = 0; i < n; i++) {
      row[i]! *= scale;
      left[i] = Math.max(0, left[i]! - row[i]! ** 2);
    }
    left[pivot] = 0;
    factor.push(row);
    chosen.push(pivot);
  }
  return { rows: chosen, unexplained: left };
};

/**
 * The posterior on m ≤ budget inducing inputs Z (fully independent training conditional; Quiñonero-Candela & Rasmussen 2005, eq. 24):
 * with L Lᵀ = K_zz, V = L⁻¹ K_zx D^−½, B = I + V Vᵀ and D = noise variances + diag(K − K_xz K_zz⁻¹ K_zx): α = L⁻ᵀ B⁻¹ V D^−½ r,
 * W = M L⁻¹ where Mᵀ M = I − B⁻¹ with M lower triangular, so that W is too, which halves what a variance costs, and variance(x) = k(x, x) − k(x, Z)(K_zz⁻¹ − L⁻ᵀ B⁻¹ L⁻¹) k(Z, x). Cost n m²; equal to the exact one
 * where m = n. The second part of D lets a row count for less the less Z can say about it; without it the linear coefficients bend to explain what Z
 * cannot, and roll-outs run away.
 * Inputs or residuals that are not finite throw RangeError.
 */
export const budgetedPosterior = (problem: PosteriorProblem, budget: number): PosteriorData => {
  const { la, kernel, x, n, d, residuals, onWarning, features, meanCoefficients } = problem;
  if (!x.every(Number.isFinite) || !residuals.every(Number.isFinite))
    throw new RangeError("The training rows hold values that are not finite.");
  const { rows, unexplained } = chooseInducingRows(kernel, la, x, n, d, budget);
  const m = rows.length;
  const z = new Float64Array(m * d);
  for (const [i, row] of rows.entries()) z.set(x.subarray(row * d, (row + 1) * d), i * d);
  const { lower } = choleskyWithJitter(la, m, kernelMatrix(la, kernel, z, m, z, m, d), onWarning);
  const v = kernelMatrix(la, kernel, z, m, x, n, d);
  la.solveLower(m, n, lower, v, false);
  const precision = rowNoise(problem).map((variance, i) => 1 / Math.sqrt(variance + unexplained[i]!));
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) v[i * n + j]! *= precision[j]!;
  const b = new Float64Array(m * m);
  la.gemm(false, true, m, m, n, 1, v, v, 0, b);
  for (let i = 0; i < m; i++) b[i * m + i]! += 1;
  if (la.cholesky(m, b) !== 0) throw new RangeError("The budgeted posterior's matrix I + V Vᵀ is not positive definite.");
  const alpha = new Float64Array(m);
  const whitened = residuals.map((value, i) => value * precision[i]!);
  la.gemm(false, false, m, 1, n, 1, v, whitened, 0, alpha);
  la.solveLower(m, 1, b, alpha, false);
  la.solveLower(m, 1, b, alpha, true);
  la.solveLower(m, 1, lower, alpha, true);
  const gain = la.inverseFromCholesky(m, b);
  for (let i = 0; i < gain.length; i++) gain[i] = -gain[i]!;
  for (let i = 0; i < m; i++) gain[i * m + i]! += 1;
  // With rows and columns in reverse order C Cᵀ = I − B⁻¹, and M is Cᵀ put back: entry (i, j) is C's (m−1−j, m−1−i).
  const { lower: c } = choleskyWithJitter(la, m, gain.reverse(), () => undefined);
  const factor = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j <= i; j++) factor[i * m + j] = c[(m - 1 - j) * m + (m - 1 - i)]!;
  const varianceRoot = new Float64Array(m * m);
  la.gemm(false, false, m, m, m, 1, factor, la.inverseLower(m, lower), 0, varianceRoot);
  return { features, kernel, meanCoefficients, basisInputs: z, m, d, alpha, varianceRoot, p: m };
};
