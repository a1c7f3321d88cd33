import type { KernelSpec } from "#domain/kernel";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** Rows kept of a stream, as their scores are estimated from them. */
export interface WeightedRows {
  /** S K S with S = diag(p_i^−½), n×n. */
  readonly matrix: Float64Array;
  readonly n: number;
  /** p, n; in (0, 1]. */
  readonly probability: Float64Array;
}

/** S K S of rows x (n×d) that are kept with these probabilities. */
export const weightedRows = (
  la: LinearAlgebra,
  kernel: KernelSpec,
  x: Float64Array,
  n: number,
  d: number,
  probability: Float64Array,
): WeightedRows => {
  const matrix = kernelMatrix(la, kernel, x, n, x, n, d);
  const weight = probability.map((p) => 1 / Math.sqrt(p));
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) matrix[i * n + j]! *= weight[i]! * weight[j]!;
  return { matrix, n, probability };
};

/**
 * Ridge leverage scores τ_i = p_i (1 − γ_i [(M + Γ)⁻¹]_ii) with M = S K S: the exact scores [K (K + Γ)⁻¹]_ii where every p is 1, and otherwise SQUEAK's
 * estimate of the scores among all rows that the kept ones stand for (Calandriello, Lazaric & Valko 2017, eq. 4 without its factor 1 − ε). Never above
 * p_i, so scores only fall while rows keep coming.
 * @param regularisation γ_i, K²: row i's noise variance, n. Returns n scores. Inputs that are not finite throw CholeskyError.
 */
export const ridgeLeverageScores = (
  la: LinearAlgebra,
  { matrix, n, probability }: WeightedRows,
  regularisation: Float64Array,
): Float64Array => {
  const ridged = matrix.slice();
  for (let i = 0; i < n; i++) ridged[i * n + i]! += regularisation[i]!;
  const { lower } = choleskyWithJitter(la, n, ridged, () => undefined);
  const root = la.inverseLower(n, lower);
  const inverseDiagonal = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) inverseDiagonal[j]! += root[i * n + j]! ** 2;
  return inverseDiagonal.map((value, i) => probability[i]! * Math.min(1, Math.max(0, 1 - regularisation[i]! * value)));
};

/** d_eff = Σ τ_i: how many rows' worth the data hold at this noise. */
export const effectiveDimension = (scores: Float64Array): number => scores.reduce((sum, score) => sum + score, 0);
