import { isConstantLeaf, type RecordPlaces } from "#controllers/rollout/webgpu/layout";
import type { LeafColumn, OwnLeaf, PosteriorPlan } from "#controllers/rollout/webgpu/posteriorPlan";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** What multiplies r in a stationary kernel's exponential: a = factor · r; rbf works on r² itself. */
export const DISTANCE_FACTOR = { rbf: 1, matern32: Math.sqrt(3), matern52: Math.sqrt(5) } as const;

/** WᵀW (m×m): with k0 the covariances of a point, k0ᵀ WᵀW k0 is what the data explain there and WᵀW k0 its slope. */
export const explainingMatrix = (la: LinearAlgebra, { posterior: { varianceRoot, p, m } }: PosteriorPlan): Float64Array => {
  const matrix = new Float64Array(m * m);
  la.gemm(true, false, m, m, p, 1, varianceRoot, varianceRoot, 0, matrix);
  return matrix;
};

/** Column means of the basis: inputs are stored relative to them, so that float32 keeps the digits of their differences. */
export const basisCentre = ({ posterior: { basisInputs, m, d } }: PosteriorPlan): Float64Array => {
  const centre = new Float64Array(d);
  for (let i = 0; i < m; i++) for (let c = 0; c < d; c++) centre[c]! += basisInputs[i * d + c]! / m;
  return centre;
};

/** Finite values as they are; 0 for the others, which `known` tells apart. */
const put = (out: Float32Array, at: number, value: number): void => {
  out[at] = Number.isFinite(value) ? value : 0;
};

export interface RecordSource {
  readonly la: LinearAlgebra;
  readonly plan: PosteriorPlan;
  readonly places: RecordPlaces;
  readonly explaining: Float64Array;
  readonly centre: Float64Array;
}

/**
 * Writes into every step's record (`out`, at `offset` + t · `stride`) what one posterior says at the reference points `rows` (steps · regimes × d), in float64
 * but for the last rounding: f0, k(x0, x0) − ‖W k0‖², and what the shaders need to compute differences from there.
 * `meanOffset`: taken off f0 before it is rounded. A point that is not finite is marked as not known.
 */
export const writePosteriorRecords = (
  { la, plan, places, explaining, centre }: RecordSource,
  rows: Float64Array,
  steps: number,
  meanOffset: number,
  out: Float32Array,
  offset: number,
  stride: number,
): void => {
  const { posterior, regimes: R, withVariance } = plan;
  const { kernel, basisInputs, m, d, alpha, meanCoefficients } = posterior;
  const n = steps * R;
  const k0 = kernelMatrix(la, kernel, rows, n, basisInputs, m, d);
  const mean = new Float64Array(n);
  la.gemm(false, false, n, 1, m, 1, k0, alpha, 0, mean);
  const prior = kernelDiagonal(kernel, rows, n, d);
  const gains = new Float64Array(withVariance ? n * m : 0);
  if (withVariance) la.gemm(false, false, n, m, m, 1, k0, explaining, 0, gains);
  for (let r = 0; r < n; r++) {
    const g = r % R;
    const at = offset + Math.floor(r / R) * stride;
    let f0 = mean[r]! - meanOffset;
    for (let c = 0; c < d; c++) f0 += meanCoefficients[c]! * rows[r * d + c]!;
    let variance = prior[r]!;
    if (withVariance) for (let i = 0; i < m; i++) variance -= k0[r * m + i]! * gains[r * m + i]!;
    put(out, at + places.mean + g, f0);
    put(out, at + places.variance + g, variance);
    out[at + places.known + g] = Number.isFinite(f0) && Number.isFinite(variance) ? 1 : 0;
    if (withVariance) {
      for (let i = 0; i < m && plan.rows > 0; i++) put(out, at + places.gains + g * m + i, gains[r * m + i]!);
      writeSlopes(plan, places, rows, gains, r, out, at);
    }
  }
  writeLeaves(plan, places, centre, rows, steps, out, offset, stride);
};

/** One unit of a linear column adds 2 Λ x0 to k(x, x) and takes 2 (WᵀW k0)ᵀ X Λ off it. */
const writeSlopes = (
  plan: PosteriorPlan,
  places: RecordPlaces,
  rows: Float64Array,
  gains: Float64Array,
  r: number,
  out: Float32Array,
  at: number,
): void => {
  const { basisInputs, m, d } = plan.posterior;
  const g = r % plan.regimes;
  plan.linearColumns.forEach((o, l) => {
    const c = plan.ownColumns[o]!;
    let explained = 0;
    for (let i = 0; i < m; i++) explained += gains[r * m + i]! * basisInputs[i * d + c]!;
    const slope = 2 * plan.linear[c]! * (rows[r * d + c]! - explained);
    put(out, at + places.slopes + g * plan.linearColumns.length + l, slope);
  });
};

const writeLeaves = (
  plan: PosteriorPlan,
  places: RecordPlaces,
  centre: Float64Array,
  rows: Float64Array,
  steps: number,
  out: Float32Array,
  offset: number,
  stride: number,
): void => {
  const { regimes: R, ownRegimes: G, leaves } = plan;
  const { d } = plan.posterior;
  for (const leaf of leaves) {
    for (let t = 0; t < steps; t++) {
      const at = offset + t * stride;
      for (let g = 0; g < G; g++) {
        const x0 = rows.subarray((t * R + g) * d, (t * R + g + 1) * d);
        leaf.own.forEach(({ column, inverse }, i) => {
          const point = leaf.kind === "linear" ? x0[column]! : x0[column]! - centre[column]!;
          put(out, at + places.points[leaf.index]! + g * leaf.own.length + i, point * inverse);
        });
        writeLeafRows(plan, places, leaf, x0, g, out, at);
      }
      if (plan.hasConstantPrior) continue;
      for (let g = 0; g < R; g++) {
        const x0 = rows.subarray((t * R + g) * d, (t * R + g + 1) * d);
        const squares = [...leaf.own, ...leaf.shared].reduce((sum, { column, inverse }) => sum + (x0[column]! * inverse) ** 2, 0);
        put(out, at + places.diagonals[leaf.index]! + g, leaf.kind === "linear" ? squares : 1);
      }
    }
  }
};

const writeLeafRows = (
  plan: PosteriorPlan,
  places: RecordPlaces,
  leaf: OwnLeaf,
  x0: Float64Array,
  g: number,
  out: Float32Array,
  at: number,
): void => {
  const { basisInputs, m, d } = plan.posterior;
  const columns: readonly LeafColumn[] = [...leaf.own, ...leaf.shared];
  const first = at + places.first[leaf.index]! + g * m;
  const second = at + places.second[leaf.index]! + g * m;
  for (let i = 0; i < m; i++) {
    let sum = 0;
    for (const { column, inverse } of columns) {
      const a = x0[column]! * inverse;
      const b = basisInputs[i * d + column]! * inverse;
      sum += leaf.kind === "linear" ? a * b : (a - b) ** 2;
    }
    if (leaf.kind === "linear") {
      put(out, first + i, sum);
      continue;
    }
    // rbf: a = r²/2, so that every kind decays with exp(−a).
    const a = leaf.kind === "rbf" ? sum / 2 : DISTANCE_FACTOR[leaf.kind] * Math.sqrt(sum);
    const decay = Math.exp(-a);
    if (isConstantLeaf(leaf)) put(out, first + i, decay * polynomial(leaf.kind, a));
    else {
      put(out, first + i, a);
      put(out, second + i, decay);
    }
  }
};

/** k = polynomial(a) exp(−a). (Rasmussen & Williams 2006, eq. 4.17.) */
const polynomial = (kind: "rbf" | "matern32" | "matern52", a: number): number =>
  kind === "rbf" ? 1 : kind === "matern32" ? 1 + a : 1 + a + (a * a) / 3;
