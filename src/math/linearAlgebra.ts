/**
 * Dense float64 linear algebra on row-major arrays, one contract for three implementations: `reference` (plain TypeScript),
 * `wasm` (AssemblyScript SIMD), `blas` (OpenBLAS or Accelerate through koffi). All arguments are ordinary Float64Arrays.
 */
export interface LinearAlgebra {
  readonly name: "reference" | "wasm" | "blas";
  /** C (m×n) ← alpha · op(A) · op(B) + beta · C, op = transpose where the flag says so; `k` is the inner dimension. */
  gemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: Float64Array,
    b: Float64Array,
    beta: number,
    c: Float64Array,
  ): void;
  /** In place: the lower triangle of A (n×n, symmetric) becomes L with L Lᵀ = A, the strict upper triangle becomes 0. Returns 0, or the 1-based order of the first minor that is not positive. */
  cholesky(n: number, a: Float64Array): number;
  /** In place: B (n×m) ← L⁻¹ B, or L⁻ᵀ B when `transpose`; L lower triangular n×n. */
  solveLower(n: number, m: number, l: Float64Array, b: Float64Array, transpose: boolean): void;
  /** (L Lᵀ)⁻¹ as a full symmetric n×n matrix. */
  inverseFromCholesky(n: number, l: Float64Array): Float64Array;
  /** L⁻¹, lower triangular, n×n. */
  inverseLower(n: number, l: Float64Array): Float64Array;
  /**
   * Elementwise over the first `length` squared scaled distances: `k[i]` = covariance of the kind, and where `dk` is given `dk[i]` = ∂k/∂(r²).
   * `k` may be the same array as `r2`. At r = 0, matern32's ∂k/∂(r²) is its limit −3/2.
   */
  stationary(kind: "rbf" | "matern32" | "matern52", length: number, r2: Float64Array, k: Float64Array, dk: Float64Array | null): void;
  /**
   * Squared Euclidean distances by direct differences, r2[i·m + j] = Σ_c (x[i·d + c] − y[j·d + c])²: x is n×d, y m×d, r2 n×m.
   * Not by the product identity ‖x‖² + ‖y‖² − 2x·y, which loses the digits that near-duplicate rows need.
   */
  squaredDistances(n: number, m: number, d: number, x: Float64Array, y: Float64Array, r2: Float64Array): void;
}
