import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** What a budgeted posterior may be off by, against the exact one of the same rows. */
export interface NystromBound {
  /** r = λ_max(D^−½ (K − K̃) D^−½), D the rows' noise. */
  readonly residualOverNoise: number;
  /** 1/(1 + t) ≤ budgeted variance / exact variance ≤ (1 + t)(1 + u), everywhere. */
  readonly leastVarianceRatio: number;
  readonly largestVarianceRatio: number;
  /** |budgeted mean − exact mean| ≤ √G · exact standard deviation of the latent function, everywhere. */
  readonly meanErrorInStdDevs: number;
}

/**
 * Bounds that hold for these rows whatever the query, computed from them afterwards (nothing is assumed of how Z was chosen). In feature space,
 * A Aᵀ = K, P the projection on Z, Λ = I + Aᵀ D⁻¹ A: with r above and t = (r + √(r² + 4r))/2, Aᵀ D⁻¹ A ≼ (1 + t') P Aᵀ D⁻¹ A P + (1 + 1/t') r (I − P) and its mirror
 * give Λ/(1 + t) ≼ Λ_Z ≼ (1 + t) Λ for noise D; the budgeted posterior's noise D + e lies within 1 + u of it, u = max e_i/D_i. The mean's coefficients w̃
 * minimise a strongly convex objective up to its duality gap G = J(w̃) − (2aᵀr − aᵀ(K + D)a), a = D⁻¹(r − K_xz α): ‖w̃ − w‖²_Λ ≤ G.
 * Costs n² covariances. @param x n×d. @param residuals y − βᵀx, n. @param noise D, K², n.
 */
export const nystromBound = (
  la: LinearAlgebra,
  kernel: KernelSpec,
  posterior: Pick<PosteriorData, "basisInputs" | "m" | "alpha">,
  x: Float64Array,
  residuals: Float64Array,
  noise: Float64Array,
  d: number,
): NystromBound => {
  const n = residuals.length;
  const { basisInputs: z, m, alpha } = posterior;
  const k = kernelMatrix(la, kernel, x, n, x, n, d);
  const cross = kernelMatrix(la, kernel, z, m, x, n, d);
  const kzz = kernelMatrix(la, kernel, z, m, z, m, d);
  const fitted = new Float64Array(n);
  la.gemm(true, false, n, 1, m, 1, cross, alpha, 0, fitted);
  const a = residuals.map((value, i) => (value - fitted[i]!) / noise[i]!);
  const primal = quadraticForm(la, m, kzz, alpha) + a.reduce((sum, value, i) => sum + value * value * noise[i]!, 0);
  const dual = a.reduce((sum, value, i) => sum + value * (2 * residuals[i]! - noise[i]! * value), 0) - quadraticForm(la, n, k, a);
  const v = cross;
  la.solveLower(m, n, choleskyWithJitter(la, m, kzz, () => undefined).lower, v, false);
  la.gemm(true, false, n, n, m, -1, v, v, 1, k);
  let unexplained = 0;
  for (let i = 0; i < n; i++) {
    unexplained = Math.max(unexplained, k[i * n + i]! / noise[i]!);
    for (let j = 0; j < n; j++) k[i * n + j]! /= Math.sqrt(noise[i]! * noise[j]!);
  }
  const r = largestEigenvalueBound(la, n, k);
  const t = (r + Math.sqrt(r * r + 4 * r)) / 2;
  return {
    residualOverNoise: r,
    leastVarianceRatio: 1 / (1 + t),
    largestVarianceRatio: (1 + t) * (1 + Math.max(0, unexplained)),
    meanErrorInStdDevs: Math.sqrt(Math.max(0, primal - dual)),
  };
};

const quadraticForm = (la: LinearAlgebra, n: number, matrix: Float64Array, v: Float64Array): number => {
  const out = new Float64Array(n);
  la.gemm(false, false, n, 1, n, 1, matrix, v, 0, out);
  return out.reduce((sum, value, i) => sum + value * v[i]!, 0);
};

const SQUARINGS = 5;

/** An upper bound on λ_max of a symmetric positive semi-definite matrix, at most n^(1/64) times it: tr(A^64)^(1/64), by squaring the scaled matrix. */
const largestEigenvalueBound = (la: LinearAlgebra, n: number, matrix: Float64Array): number => {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += matrix[i * n + i]!;
  if (!(trace > 0)) return 0;
  let power = matrix.map((value) => value / trace);
  let logScale = Math.log(trace);
  for (let s = 1; s <= SQUARINGS; s++) {
    const squared = new Float64Array(n * n);
    la.gemm(false, false, n, n, n, 1, power, power, 0, squared);
    // Powers of what is at most 1 would underflow: the largest entry's scale is carried apart.
    const largest = squared.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    power = squared.map((value) => value / largest);
    logScale += Math.log(largest) / 2 ** s;
  }
  // ‖A^32‖_F² = tr(A^64).
  const frobenius = power.reduce((sum, value) => sum + value * value, 0);
  return Math.exp(logScale + Math.log(frobenius) / 2 ** (SQUARINGS + 1));
};
