import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { KernelSpec } from "#domain/kernel";
import type { ZoneModel } from "#domain/model";
import { kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { standardDeviation } from "#math/statistics";
import { columnKey } from "#models/columns";

/** What one input does to a zone's step. */
export interface InputSensitivity {
  /** Name as in priors (`columnKey`), the same in every building. */
  readonly key: string;
  /** Input c of the model. */
  readonly column: number;
  /** √mean (∂f/∂x_c)² times the input's standard deviation over the rows: K per step for a usual change of it. */
  readonly effectK: number;
  /** Mean ∂f/∂x_c times that standard deviation, with its sign. */
  readonly meanEffectK: number;
  /** 1/ℓ_c of the smooth part times the input's standard deviation: how bent f is along it (ARD); null where the smooth part does not see it. */
  readonly ard: number | null;
}

/** One direction of the input space along which f changes. */
export interface ActiveDirection {
  /** Share of the mean squared gradient. */
  readonly share: number;
  /** Unit vector over the standardised inputs, as weights by input. */
  readonly weights: readonly { readonly key: string; readonly column: number; readonly weight: number }[];
}

export interface Sensitivity {
  /** From the strongest to the weakest. */
  readonly inputs: readonly InputSensitivity[];
  readonly directions: readonly ActiveDirection[];
}

const MOST_ROWS = 160;
const STEP = 1e-3;
const DIRECTIONS = 3;

/** Lengthscales of the first stationary leaf that sees many inputs, by input. */
const smoothLengthscales = (kernel: KernelSpec, d: number): ReadonlyMap<number, number> => {
  const leaves: { dims: readonly number[]; lengthscales: readonly number[] }[] = [];
  const walk = (spec: KernelSpec): void => {
    if (spec.kind === "scale") walk(spec.base);
    else if (spec.kind === "sum" || spec.kind === "product") {
      for (const part of spec.parts) walk(part);
    } else if (spec.kind === "rbf" || spec.kind === "matern32" || spec.kind === "matern52") {
      const dims = spec.dims ?? Array.from({ length: d }, (_, c) => c);
      leaves.push({ dims, lengthscales: dims.map((_, at) => spec.lengthscales[at] ?? spec.lengthscales[0]!) });
    }
  };
  walk(kernel);
  const widest = leaves.reduce((best, leaf) => (leaf.dims.length > best.dims.length ? leaf : best), {
    dims: [],
    lengthscales: [],
  } as (typeof leaves)[number]);
  return new Map(widest.dims.map((c, at) => [c, widest.lengthscales[at]!]));
};

/**
 * Which inputs matter, from the posterior mean f(x) = βᵀx + k(x, X) α over the model's own rows X (at most 160, evenly picked): gradients by central
 * differences, C = mean of (S ∇f)(S ∇f)ᵀ with S the inputs' standard deviations. Its eigenvectors are the active subspace (Constantine, Dow & Wang 2014,
 * eq. 2.4); √C_cc is one input's effect. Inputs that never change have none. A model without rows gives empty lists.
 */
export const sensitivity = (la: LinearAlgebra, model: ZoneModel): Sensitivity => {
  const { posterior } = model;
  const { basisInputs: x, m, d, alpha, kernel, meanCoefficients: beta, features } = posterior;
  if (m < 2) return { inputs: [], directions: [] };
  const stride = Math.max(1, m / MOST_ROWS);
  const rows = Array.from({ length: Math.min(m, MOST_ROWS) }, (_, i) => Math.floor(i * stride));
  const n = rows.length;
  const scales = Array.from({ length: d }, (_, c) => standardDeviation(Float64Array.from({ length: m }, (_, i) => x[i * d + c]!)));
  const picked = new Float64Array(n * d);
  for (const [k, row] of rows.entries()) picked.set(x.subarray(row * d, (row + 1) * d), k * d);
  const gradients = new Float64Array(n * d);
  const valuesAt = (inputs: Float64Array): Float64Array => {
    const values = new Float64Array(n);
    la.gemm(false, false, n, 1, m, 1, kernelMatrix(la, kernel, inputs, n, x, m, d), alpha, 0, values);
    return values;
  };
  for (let c = 0; c < d; c++) {
    if (!(scales[c]! > 0)) continue;
    const moved = (sign: number): Float64Array => {
      const inputs = picked.slice();
      for (let k = 0; k < n; k++) inputs[k * d + c]! += sign * STEP;
      return inputs;
    };
    const [above, below] = [valuesAt(moved(1)), valuesAt(moved(-1))];
    for (let k = 0; k < n; k++) gradients[k * d + c] = scales[c]! * ((above[k]! - below[k]!) / (2 * STEP) + beta[c]!);
  }
  const covariance = Matrix.zeros(d, d);
  for (let k = 0; k < n; k++)
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++) covariance.set(a, b, covariance.get(a, b) + (gradients[k * d + a]! * gradients[k * d + b]!) / n);
  const keys = features.map(({ term }) => columnKey(term));
  const lengthscales = smoothLengthscales(kernel, d);
  const inputs = keys.map((key, c): InputSensitivity => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += gradients[k * d + c]!;
    const lengthscale = lengthscales.get(c);
    return {
      key,
      column: c,
      effectK: Math.sqrt(covariance.get(c, c)),
      meanEffectK: sum / n,
      ard: lengthscale === undefined ? null : scales[c]! / lengthscale,
    };
  });
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const total = realEigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0);
  const directions = realEigenvalues
    .map((value, i) => ({ value, i }))
    .sort((a, b) => b.value - a.value)
    .slice(0, total > 0 ? DIRECTIONS : 0)
    .map(({ value, i }): ActiveDirection => {
      const vector = eigenvectorMatrix.getColumn(i);
      const strongest = vector.reduce((most, weight) => (Math.abs(weight) > Math.abs(most) ? weight : most), 0);
      const sign = strongest < 0 ? -1 : 1;
      return {
        share: Math.max(0, value) / total,
        weights: keys
          .map((key, c) => ({ key, column: c, weight: sign * vector[c]! }))
          .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)),
      };
    });
  return { inputs: inputs.sort((a, b) => b.effectK - a.effectK), directions };
};
