import type { LinearAlgebra } from "#math/linearAlgebra";
import { stationaryInPlainTypeScript } from "#math/stationary";

/** Rows and inner columns of B kept in cache at a time; correctness does not depend on it. */
const BLOCK = 64;

/** Copy of op(A) without the flag: rows×columns, row-major. */
const transposed = (rows: number, columns: number, source: Float64Array): Float64Array => {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[i * columns + j] = source[j * rows + i]!;
  return out;
};

const gemm: LinearAlgebra["gemm"] = (transposeA, transposeB, m, n, k, alpha, a, b, beta, c) => {
  const left = transposeA ? transposed(m, k, a) : a;
  const right = transposeB ? transposed(k, n, b) : b;
  // beta = 0 overwrites whatever C holds, NaN too, as in BLAS.
  if (beta === 0) c.fill(0, 0, m * n);
  else if (beta !== 1) for (let i = 0; i < m * n; i++) c[i]! *= beta;
  for (let k0 = 0; k0 < k; k0 += BLOCK) {
    const kEnd = Math.min(k, k0 + BLOCK);
    for (let i = 0; i < m; i++) {
      for (let p = k0; p < kEnd; p++) {
        const factor = alpha * left[i * k + p]!;
        const row = p * n;
        for (let j = 0, at = i * n; j < n; j++, at++) c[at]! += factor * right[row + j]!;
      }
    }
  }
};

const cholesky: LinearAlgebra["cholesky"] = (n, a) => {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let p = 0; p < j; p++) sum -= a[i * n + p]! * a[j * n + p]!;
      if (i !== j) a[i * n + j] = sum / a[j * n + j]!;
      else if (sum > 0) a[i * n + i] = Math.sqrt(sum);
      else return i + 1;
    }
    a.fill(0, i * n + i + 1, (i + 1) * n);
  }
  return 0;
};

const solveLower: LinearAlgebra["solveLower"] = (n, m, l, b, transpose) => {
  for (let step = 0; step < n; step++) {
    const i = transpose ? n - 1 - step : step;
    const from = transpose ? i + 1 : 0;
    const to = transpose ? n : i;
    for (let p = from; p < to; p++) {
      const factor = transpose ? l[p * n + i]! : l[i * n + p]!;
      if (factor === 0) continue;
      for (let j = 0; j < m; j++) b[i * m + j]! -= factor * b[p * m + j]!;
    }
    const diagonal = l[i * n + i]!;
    for (let j = 0; j < m; j++) b[i * m + j]! /= diagonal;
  }
};

const inverseLower: LinearAlgebra["inverseLower"] = (n, l) => {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < i; p++) {
      const factor = l[i * n + p]!;
      for (let j = 0; j <= p; j++) out[i * n + j]! -= factor * out[p * n + j]!;
    }
    out[i * n + i] = 1;
    const diagonal = l[i * n + i]!;
    for (let j = 0; j <= i; j++) out[i * n + j]! /= diagonal;
  }
  return out;
};

const inverseFromCholesky: LinearAlgebra["inverseFromCholesky"] = (n, l) => {
  const inverse = inverseLower(n, l);
  const out = new Float64Array(n * n);
  for (let p = 0; p < n; p++) {
    for (let i = 0; i <= p; i++) {
      const factor = inverse[p * n + i]!;
      for (let j = 0; j <= i; j++) out[i * n + j]! += factor * inverse[p * n + j]!;
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!;
  return out;
};

export const squaredDistancesInPlainTypeScript: LinearAlgebra["squaredDistances"] = (n, m, d, x, y, r2) => {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let c = 0; c < d; c++) {
        const difference = x[i * d + c]! - y[j * d + c]!;
        sum += difference * difference;
      }
      r2[i * m + j] = sum;
    }
  }
};

/** Plain TypeScript: slow, obviously right, always there; what the other providers are compared with. */
export const createReferenceLinearAlgebra = (): LinearAlgebra => ({
  name: "reference",
  gemm,
  cholesky,
  solveLower,
  inverseFromCholesky,
  inverseLower,
  stationary: stationaryInPlainTypeScript,
  squaredDistances: squaredDistancesInPlainTypeScript,
});
