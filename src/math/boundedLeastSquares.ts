/**
 * Minimises ½ ‖A w − b‖² + ½ Σ_c λ_c (w_c − w⁰_c)² subject to w_c ≥ lower_c, by cyclic coordinate descent on the normal equations: each coordinate's
 * unconstrained minimum is clipped to its bound, until no coordinate moves by more than 1e-10 of the largest. The problem is convex, so this is its
 * minimum (Tseng 2001). A: n×d row-major, b: n, all others d; λ_c > 0 makes it unique. Values that are not finite throw RangeError.
 */
export const boundedLeastSquares = (problem: {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly n: number;
  readonly d: number;
  readonly ridge: Float64Array;
  readonly centre: Float64Array;
  readonly lower: Float64Array;
}): Float64Array => {
  const { a, b, n, d, ridge, centre, lower } = problem;
  if (!a.every(Number.isFinite) || !b.every(Number.isFinite)) throw new RangeError("Least squares over values that are not finite.");
  const gram = new Float64Array(d * d);
  const right = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < d; c++) {
      const value = a[i * d + c]!;
      right[c]! += value * b[i]!;
      for (let e = 0; e <= c; e++) gram[c * d + e]! += value * a[i * d + e]!;
    }
  }
  for (let c = 0; c < d; c++) {
    for (let e = 0; e < c; e++) gram[e * d + c] = gram[c * d + e]!;
    gram[c * d + c]! += ridge[c]!;
    right[c]! += ridge[c]! * centre[c]!;
  }
  const w = centre.map((value, c) => Math.max(value, lower[c]!));
  for (let sweep = 0; sweep < 20_000; sweep++) {
    let moved = 0;
    let largest = 1e-300;
    for (let c = 0; c < d; c++) {
      let rest = right[c]!;
      for (let e = 0; e < d; e++) if (e !== c) rest -= gram[c * d + e]! * w[e]!;
      const next = Math.max(rest / gram[c * d + c]!, lower[c]!);
      moved = Math.max(moved, Math.abs(next - w[c]!));
      largest = Math.max(largest, Math.abs(next));
      w[c] = next;
    }
    if (moved <= 1e-10 * largest) break;
  }
  return w;
};
