import type { LinearAlgebra } from "#math/linearAlgebra";

/** A symmetric positive definite matrix (n×n) by its lower Cholesky factor. */
export interface Factor {
  readonly n: number;
  readonly lower: Float64Array;
  readonly logDeterminant: number;
}

/** Throws a RangeError where the matrix is not positive definite. */
export const factorOf = (la: LinearAlgebra, n: number, matrix: Float64Array): Factor => {
  const lower = matrix.slice();
  if (la.cholesky(n, lower) !== 0) throw new RangeError("A covariance is not positive definite.");
  let logDeterminant = 0;
  for (let i = 0; i < n; i++) logDeterminant += 2 * Math.log(lower[i * n + i]!);
  return { n, lower, logDeterminant };
};

export const inverseOf = (la: LinearAlgebra, { n, lower }: Factor): Float64Array => la.inverseFromCholesky(n, lower);

/** A b of an n×n matrix. */
export const times = (n: number, a: Float64Array, b: ArrayLike<number>): Float64Array => {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += a[i * n + j]! * b[j]!;
    out[i] = sum;
  }
  return out;
};

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/**
 * (S⁻¹ + A)⁻¹ and log|I + S A| for S = L Lᵀ and a positive semidefinite A, as L (I + Lᵀ A L)⁻¹ Lᵀ: the matrix in the middle has no eigenvalue
 * below 1, however much or little A says.
 */
export const posteriorOf = (
  la: LinearAlgebra,
  { n, lower }: Factor,
  a: Float64Array,
): { readonly covariance: Float64Array; readonly logDeterminant: number } => {
  const al = new Float64Array(n * n);
  la.gemm(false, false, n, n, n, 1, a, lower, 0, al);
  const middle = new Float64Array(n * n);
  for (let i = 0; i < n; i++) middle[i * n + i] = 1;
  la.gemm(true, false, n, n, n, 1, lower, al, 1, middle);
  const factor = factorOf(la, n, middle);
  // R = M⁻½ Lᵀ, so that RᵀR is the covariance.
  const root = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) root[j * n + i] = lower[i * n + j]!;
  la.solveLower(n, n, factor.lower, root, false);
  const covariance = new Float64Array(n * n);
  la.gemm(true, false, n, n, n, 1, root, root, 0, covariance);
  return { covariance, logDeterminant: factor.logDeterminant };
};
