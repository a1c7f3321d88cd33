import type { LinearAlgebra } from "#math/linearAlgebra";

/** Rows evaluated at a time, so that a strip of the triangle stays in cache. */
const STRIP_ROWS = 64;

/**
 * K = k(Z, Z) (n×n) of a stationary kernel on scaled inputs Z (n×size), and ∂k/∂(r²) where `derivative` is given:
 * only the lower triangle is evaluated, the upper one is its mirror image.
 */
export const selfCovariance = (
  la: LinearAlgebra,
  kind: "rbf" | "matern32" | "matern52",
  z: Float64Array,
  n: number,
  size: number,
  value: Float64Array,
  derivative: Float64Array | null,
): void => {
  const strip = new Float64Array(Math.min(n, STRIP_ROWS) * n);
  const stripDerivative = derivative === null ? null : new Float64Array(strip.length);
  for (let start = 0; start < n; start += STRIP_ROWS) {
    const rows = Math.min(STRIP_ROWS, n - start);
    const width = start + rows;
    la.squaredDistances(rows, width, size, z.subarray(start * size, width * size), z, strip);
    la.stationary(kind, rows * width, strip, strip, stripDerivative);
    place(strip, start, rows, n, value);
    if (derivative !== null && stripDerivative !== null) place(stripDerivative, start, rows, n, derivative);
  }
};

/** Rows start … start + rows of the lower triangle and their mirror image, from a strip as wide as its last row. */
const place = (strip: Float64Array, start: number, rows: number, n: number, out: Float64Array): void => {
  const width = start + rows;
  for (let i = 0; i < rows; i++) out.set(strip.subarray(i * width, (i + 1) * width), (start + i) * n);
  for (let j = 0; j < start; j++) {
    const row = j * n + start;
    for (let i = 0; i < rows; i++) out[row + i] = strip[i * width + j]!;
  }
};
