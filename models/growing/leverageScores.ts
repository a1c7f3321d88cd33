import type { KernelSpec } from "#domain/kernel";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";

/**
 * Ridge leverage scores of weighted rows, τ_i = p_i [M (M + γI)⁻¹]_ii with M = S K S and S = diag(p_i^−½): the exact scores
 * [K (K + γI)⁻¹]_ii where every p is 1, and otherwise SQUEAK's estimate of the scores among all rows that the kept ones stand for, each kept with
 * probability p_i (Calandriello, Lazaric & Valko 2017, eq. 4 without its factor 1 − ε). Never above p_i, so scores only fall while rows keep coming.
 * @param x n×d. @param probability p, n; in (0, 1]. @param regularisation γ, K²: the noise variance. Returns n scores.
 * Inputs that are not finite throw CholeskyError.
 */
export const ridgeLeverageScores = (
  la: LinearAlgebra,
  kernel: KernelSpec,
  x: Float64Array,
  n: number,
  d: number,
  probability: Float64Array,
  regularisation: number,
): Float64Array => {
  const matrix = kernelMatrix(la, kernel, x, n, x, n, d);
  const weight = probability.map((p) => 1 / Math.sqrt(p));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) matrix[i * n + j]! *= weight[i]! * weight[j]!;
    matrix[i * n + i]! += regularisation;
  }
  const { lower } = choleskyWithJitter(la, n, matrix, () => undefined);
  const root = la.inverseLower(n, lower);
  const inverseDiagonal = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) inverseDiagonal[j]! += root[i * n + j]! ** 2;
  return inverseDiagonal.map((value, i) => probability[i]! * Math.min(1, Math.max(0, 1 - regularisation * value)));
};

/** d_eff = Σ τ_i: how many rows' worth the data hold at this noise. */
export const effectiveDimension = (scores: Float64Array): number => scores.reduce((sum, score) => sum + score, 0);
