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

/** A⁻¹ b, without touching b. */
export const solved = (la: LinearAlgebra, { n, lower }: Factor, b: Float64Array): Float64Array => {
  const out = b.slice();
  la.solveLower(n, 1, lower, out, false);
  la.solveLower(n, 1, lower, out, true);
  return out;
};

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
