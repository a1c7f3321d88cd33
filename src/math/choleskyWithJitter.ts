import { IsothermError } from "#domain/errors";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** Added to the diagonal one after the other until the matrix factorises: 1e-8 · 10^i, as GPyTorch does for float64. */
export const JITTERS = [1e-8, 1e-7, 1e-6] as const;

/** The matrix has no Cholesky factor, even with jitter, or holds values that are not finite. */
export class CholeskyError extends IsothermError {
  override readonly name: string = "CholeskyError";
  constructor(
    readonly reason: "not-finite" | "not-positive-definite",
    message: string,
    options: { todo: string; cause?: unknown },
  ) {
    super("permanent", message, options);
  }
}

export interface JitteredCholesky {
  /** L, n×n row-major, zeros above the diagonal, L Lᵀ = A + jitter · I. */
  readonly lower: Float64Array;
  /** 0 where A factorised as it was. */
  readonly jitter: number;
}

/**
 * Cholesky factor of a symmetric A (n×n, left untouched): plain first, then with A + jitter · I for each of JITTERS, one warning each.
 * Values that are not finite and matrices that stay indefinite throw CholeskyError.
 */
export const choleskyWithJitter = (la: LinearAlgebra, n: number, a: Float64Array, onWarning: (text: string) => void): JitteredCholesky => {
  const lower = a.slice(0, n * n);
  let order = la.cholesky(n, lower);
  if (order === 0) return { lower, jitter: 0 };
  if (!allFinite(n, a)) {
    throw new CholeskyError("not-finite", `The ${n}×${n} covariance matrix holds values that are not finite numbers.`, {
      todo: "Look for missing or infinite values in the inputs, or hyperparameters that ran away.",
    });
  }
  for (const jitter of JITTERS) {
    onWarning(`A ${n}×${n} covariance matrix is not positive definite (minor ${order}); adding ${jitter} to its diagonal.`);
    lower.set(n * n === a.length ? a : a.subarray(0, n * n));
    for (let i = 0; i < n; i++) lower[i * n + i]! += jitter;
    order = la.cholesky(n, lower);
    if (order === 0) return { lower, jitter };
  }
  throw new CholeskyError(
    "not-positive-definite",
    `A ${n}×${n} covariance matrix is not positive definite, even with ${JITTERS.at(-1)} added to its diagonal.`,
    {
      todo: "Increase the noise variance, or remove rows that contradict each other.",
      cause: new Error(`The leading minor of order ${order} is not positive.`),
    },
  );
};

const allFinite = (n: number, a: Float64Array): boolean => {
  for (let i = 0; i < n * n; i++) if (!Number.isFinite(a[i]!)) return false;
  return true;
};
