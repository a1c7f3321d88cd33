import type { FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { factorise } from "#math/gaussianProcess";
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
  readonly onWarning: (text: string) => void;
}

/** X = training inputs, α = (K + σ²I)⁻¹ r, W = L⁻¹. (Rasmussen & Williams 2006, algorithm 2.1.) */
export const exactPosterior = (problem: PosteriorProblem): PosteriorData => {
  const { la, kernel, x, n, d, residuals, noiseVariance, onWarning, features, meanCoefficients } = problem;
  const { alpha, choleskyLower } = factorise({
    la,
    kernel,
    x,
    n,
    d,
    y: residuals,
    noiseVariance: new Float64Array(n).fill(noiseVariance),
    onWarning,
  });
  return { features, kernel, meanCoefficients, basisInputs: x, m: n, d, alpha, varianceRoot: la.inverseLower(n, choleskyLower), p: n };
};

/**
 * Row numbers of at most `budget` inputs chosen greedily, each time the one with the largest prior variance left given those chosen
 * (pivoted Cholesky of K; its residual trace bounds the error of the Nyström approximation). Fewer when nothing above `tolerance` · max k is left.
 */
export const chooseInducingRows = (
  kernel: KernelSpec,
  la: LinearAlgebra,
  x: Float64Array,
  n: number,
  d: number,
  budget: number,
  tolerance = 1e-10,
): number[] => {
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
  return chosen;
};

/**
 * The posterior on m ≤ budget inducing inputs Z (deterministic training conditional; Quiñonero-Candela & Rasmussen 2005, eq. 20):
 * with L Lᵀ = K_zz, V = L⁻¹ K_zx / σ, B = I + V Vᵀ: α = L⁻ᵀ B⁻¹ V r / σ, W = Cᵀ L⁻¹ where C Cᵀ = I − B⁻¹,
 * so that variance(x) = k(x, x) − k(x, Z)(K_zz⁻¹ − L⁻ᵀ B⁻¹ L⁻¹) k(Z, x). Cost n m²; equal to the exact one where m = n.
 */
export const budgetedPosterior = (problem: PosteriorProblem, budget: number): PosteriorData => {
  const { la, kernel, x, n, d, residuals, noiseVariance, onWarning, features, meanCoefficients } = problem;
  const rows = chooseInducingRows(kernel, la, x, n, d, budget);
  const m = rows.length;
  const z = new Float64Array(m * d);
  rows.forEach((row, i) => z.set(x.subarray(row * d, (row + 1) * d), i * d));
  const { lower } = choleskyWithJitter(la, m, kernelMatrix(la, kernel, z, m, z, m, d), onWarning);
  const v = kernelMatrix(la, kernel, z, m, x, n, d);
  la.solveLower(m, n, lower, v, false);
  const sigma = Math.sqrt(noiseVariance);
  for (let i = 0; i < v.length; i++) v[i]! /= sigma;
  const b = new Float64Array(m * m);
  la.gemm(false, true, m, m, n, 1, v, v, 0, b);
  for (let i = 0; i < m; i++) b[i * m + i]! += 1;
  if (la.cholesky(m, b) !== 0) throw new RangeError("The budgeted posterior's matrix I + V Vᵀ is not positive definite.");
  const alpha = new Float64Array(m);
  la.gemm(false, false, m, 1, n, 1 / sigma, v, residuals, 0, alpha);
  la.solveLower(m, 1, b, alpha, false);
  la.solveLower(m, 1, b, alpha, true);
  la.solveLower(m, 1, lower, alpha, true);
  const gain = la.inverseFromCholesky(m, b);
  for (let i = 0; i < gain.length; i++) gain[i] = -gain[i]!;
  for (let i = 0; i < m; i++) gain[i * m + i]! += 1;
  const { lower: c } = choleskyWithJitter(la, m, gain, () => undefined);
  const varianceRoot = new Float64Array(m * m);
  la.gemm(true, false, m, m, m, 1, c, la.inverseLower(m, lower), 0, varianceRoot);
  return { features, kernel, meanCoefficients, basisInputs: z, m, d, alpha, varianceRoot, p: m };
};
