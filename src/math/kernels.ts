import type { KernelSpec } from "#domain/kernel";
import { leafInputs } from "#math/kernelInputs";
import { backward, forward } from "#math/kernelTape";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { selfCovariance } from "#math/selfCovariance";

/**
 * Covariance matrix K[i·m + j] = k(x_i, y_j), n×m row-major, of x (n×d) and y (m×d).
 * Distances are taken by direct differences, so near-duplicate rows keep their digits and r² = 0 exactly where rows are equal.
 * (Rasmussen & Williams 2006, ch. 4.) A kernel that does not fit d inputs is refused.
 */
export const kernelMatrix = (
  la: LinearAlgebra,
  spec: KernelSpec,
  x: Float64Array,
  n: number,
  y: Float64Array,
  m: number,
  d: number,
  pool?: MatrixPool,
): Float64Array => {
  const matrix = (): Float64Array => pool?.take(n * m) ?? new Float64Array(n * m);
  switch (spec.kind) {
    case "scale":
      return scaleInPlace(kernelMatrix(la, spec.base, x, n, y, m, d, pool), spec.outputScale);
    case "sum":
    case "product": {
      const out = matrix().fill(spec.kind === "sum" ? 0 : 1);
      for (const part of spec.parts) combineInPlace(spec.kind, out, kernelMatrix(la, part, x, n, y, m, d, pool));
      return out;
    }
    default: {
      const out = matrix();
      const zx = leafInputs(spec, x, n, d);
      const zy = x === y && n === m ? zx : leafInputs(spec, y, m, d);
      const size = spec.lengthscales.length;
      if (spec.kind === "linear") la.gemm(false, true, n, m, size, 1, zx, zy, 0, out);
      else if (zx === zy) selfCovariance(la, spec.kind, zx, n, size, out, null);
      else {
        la.squaredDistances(n, m, size, zx, zy, out);
        la.stationary(spec.kind, n * m, out, out, null);
      }
      return out;
    }
  }
};

/** Prior variances k(x_i, x_i) of the n rows of x (n×d). */
export const kernelDiagonal = (spec: KernelSpec, x: Float64Array, n: number, d: number): Float64Array => {
  switch (spec.kind) {
    case "scale":
      return scaleInPlace(kernelDiagonal(spec.base, x, n, d), spec.outputScale);
    case "sum":
    case "product": {
      const out = new Float64Array(n).fill(spec.kind === "sum" ? 0 : 1);
      for (const part of spec.parts) combineInPlace(spec.kind, out, kernelDiagonal(part, x, n, d));
      return out;
    }
    case "linear": {
      const z = leafInputs(spec, x, n, d);
      const size = spec.lengthscales.length;
      const out = new Float64Array(n);
      for (let i = 0; i < n; i++) for (let c = 0; c < size; c++) out[i]! += z[i * size + c]! ** 2;
      return out;
    }
    default:
      return new Float64Array(n).fill(1);
  }
};

/**
 * Logarithms of every hyperparameter, depth first: a scale's output scale (a variance) before those of its base,
 * the lengthscales of a leaf in their order, the parts of a sum or product in theirs.
 */
export const logHyperparameters = (spec: KernelSpec): Float64Array => Float64Array.from(hyperparameters(spec), Math.log);

const hyperparameters = (spec: KernelSpec): readonly number[] => {
  if (spec.kind === "scale") return [spec.outputScale, ...hyperparameters(spec.base)];
  return "parts" in spec ? spec.parts.flatMap(hyperparameters) : spec.lengthscales;
};

/** The same kernel with the hyperparameters exp(theta), in the order of logHyperparameters; a theta of another length is refused. */
export const withLogHyperparameters = (spec: KernelSpec, theta: Float64Array): KernelSpec => {
  const count = hyperparameters(spec).length;
  if (theta.length !== count) throw new RangeError(`This kernel has ${count} hyperparameters, not ${theta.length}.`);
  let next = 0;
  const take = (part: KernelSpec): KernelSpec => {
    if (part.kind === "scale") {
      const outputScale = Math.exp(theta[next++]!);
      return { kind: "scale", outputScale, base: take(part.base) };
    }
    if ("parts" in part) return { kind: part.kind, parts: part.parts.map(take) };
    return { ...part, lengthscales: part.lengthscales.map(() => Math.exp(theta[next++]!)) };
  };
  return take(spec);
};

/**
 * For each log hyperparameter θ_p, in the order of logHyperparameters, Σ_ij W_ij ∂K_ij/∂θ_p with K = k(x, x) and a symmetric n×n weight matrix W.
 * Lengthscales cost one product G·Z each leaf: Σ_ij G_ij (z_ic − z_jc)² = 2 Σ_i z_ic² Σ_j G_ij − 2 (Zᵀ G Z)_cc.
 */
export const kernelGradient = (
  la: LinearAlgebra,
  spec: KernelSpec,
  x: Float64Array,
  n: number,
  d: number,
  w: Float64Array,
): Float64Array => {
  const pool = new MatrixPool();
  return backward(la, forward(la, spec, x, n, d, pool), n, w, pool);
};

const scaleInPlace = (values: Float64Array, factor: number): Float64Array => {
  for (let i = 0; i < values.length; i++) values[i]! *= factor;
  return values;
};

const combineInPlace = (kind: "sum" | "product", out: Float64Array, part: Float64Array): void => {
  if (kind === "sum") for (let i = 0; i < out.length; i++) out[i]! += part[i]!;
  else for (let i = 0; i < out.length; i++) out[i]! *= part[i]!;
};
