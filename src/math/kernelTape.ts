import type { KernelSpec } from "#domain/kernel";
import { type KernelLeaf, leafInputs } from "#math/kernelInputs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { MatrixPool } from "#math/matrixPool";
import { selfCovariance } from "#math/selfCovariance";

/** A self-covariance evaluated with what its gradient needs; `value` is K, n×n. */
export type KernelTape =
  | {
      readonly kind: "stationary" | "linear";
      readonly value: Float64Array;
      /** Scaled inputs, n × size, each column with mean 0 where the kernel is stationary. */
      readonly z: Float64Array;
      readonly size: number;
      /** ∂k/∂(r²), n×n; null for a linear leaf. */
      readonly derivative: Float64Array | null;
    }
  | { readonly kind: "scale"; readonly value: Float64Array; readonly outputScale: number; readonly base: KernelTape }
  | { readonly kind: "sum" | "product"; readonly value: Float64Array; readonly parts: readonly KernelTape[] };

/** Evaluates K = k(x, x) for x (n×d), keeping the derivatives; the tape lives in `pool` until that is reset. */
export const forward = (la: LinearAlgebra, spec: KernelSpec, x: Float64Array, n: number, d: number, pool: MatrixPool): KernelTape => {
  switch (spec.kind) {
    case "scale": {
      const base = forward(la, spec.base, x, n, d, pool);
      // Only a scale reads its own value again, so any other base may give up its array.
      const value = base.kind === "scale" ? copy(base.value, pool) : base.value;
      for (let i = 0; i < value.length; i++) value[i]! *= spec.outputScale;
      return { kind: "scale", value, outputScale: spec.outputScale, base };
    }
    case "sum":
    case "product": {
      const parts = spec.parts.map((part) => forward(la, part, x, n, d, pool));
      const value = pool.take(n * n).fill(spec.kind === "sum" ? 0 : 1);
      for (const part of parts) {
        if (spec.kind === "sum") for (let i = 0; i < value.length; i++) value[i]! += part.value[i]!;
        else for (let i = 0; i < value.length; i++) value[i]! *= part.value[i]!;
      }
      return { kind: spec.kind, value, parts };
    }
    default:
      return forwardLeaf(la, spec, x, n, d, pool);
  }
};

const copy = (values: Float64Array, pool: MatrixPool): Float64Array => {
  const out = pool.take(values.length);
  out.set(values);
  return out;
};

const forwardLeaf = (la: LinearAlgebra, leaf: KernelLeaf, x: Float64Array, n: number, d: number, pool: MatrixPool): KernelTape => {
  const z = leafInputs(leaf, x, n, d);
  const size = leaf.lengthscales.length;
  const value = pool.take(n * n);
  if (leaf.kind === "linear") {
    la.gemm(false, true, n, n, size, 1, z, z, 0, value);
    return { kind: "linear", value, z, size, derivative: null };
  }
  const derivative = pool.take(n * n);
  selfCovariance(la, leaf.kind, z, n, size, value, derivative);
  centreColumns(z, n, size);
  return { kind: "stationary", value, z, size, derivative };
};

/** Distances do not see a shift; the gradient's identity loses fewer digits without one. */
const centreColumns = (z: Float64Array, n: number, size: number): void => {
  for (let c = 0; c < size; c++) {
    let mean = 0;
    for (let i = 0; i < n; i++) mean += z[i * size + c]! / n;
    for (let i = 0; i < n; i++) z[i * size + c]! -= mean;
  }
};

/** Σ_ij W_ij ∂K_ij/∂θ_p for every log hyperparameter θ_p of the tape, depth first, for symmetric W (n×n). */
export const backward = (la: LinearAlgebra, tape: KernelTape, n: number, w: Float64Array, pool: MatrixPool): Float64Array => {
  const gradient: number[] = [];
  visit(la, tape, n, w, 1, gradient, pool);
  return Float64Array.from(gradient);
};

/** Appends the gradient under the weights factor · W. */
const visit = (
  la: LinearAlgebra,
  tape: KernelTape,
  n: number,
  w: Float64Array,
  factor: number,
  gradient: number[],
  pool: MatrixPool,
): void => {
  switch (tape.kind) {
    case "scale": {
      gradient.push(factor * innerProduct(w, tape.value));
      visit(la, tape.base, n, w, factor * tape.outputScale, gradient, pool);
      return;
    }
    case "sum":
      for (const part of tape.parts) visit(la, part, n, w, factor, gradient, pool);
      return;
    case "product":
      tape.parts.forEach((part, at) => {
        const weights = copy(w, pool);
        tape.parts.forEach((other, otherAt) => {
          if (otherAt !== at) for (let i = 0; i < weights.length; i++) weights[i]! *= other.value[i]!;
        });
        visit(la, part, n, weights, factor, gradient, pool);
      });
      return;
    case "linear":
      // ∂K_ij/∂ log ℓ_c = −2 z_ic z_jc
      for (const value of quadraticDiagonal(la, n, tape.size, tape.z, w)) gradient.push(-2 * factor * value);
      return;
    case "stationary": {
      // ∂K_ij/∂ log ℓ_c = −2 (∂k/∂r²) (z_ic − z_jc)²
      const g = pool.take(n * n);
      const derivative = tape.derivative!;
      for (let i = 0; i < g.length; i++) g[i] = derivative[i]! * w[i]!;
      const cross = quadraticDiagonal(la, n, tape.size, tape.z, g);
      const squares = new Float64Array(tape.size);
      for (let i = 0; i < n; i++) {
        let rowSum = 0;
        for (let j = 0; j < n; j++) rowSum += g[i * n + j]!;
        for (let c = 0; c < tape.size; c++) squares[c]! += rowSum * tape.z[i * tape.size + c]! ** 2;
      }
      for (let c = 0; c < tape.size; c++) gradient.push(-4 * factor * (squares[c]! - cross[c]!));
      return;
    }
  }
};

/** diag(Zᵀ G Z) for Z (n×size). */
const quadraticDiagonal = (la: LinearAlgebra, n: number, size: number, z: Float64Array, g: Float64Array): Float64Array => {
  const product = new Float64Array(n * size);
  la.gemm(false, false, n, size, n, 1, g, z, 0, product);
  const out = new Float64Array(size);
  for (let i = 0; i < n; i++) for (let c = 0; c < size; c++) out[c]! += z[i * size + c]! * product[i * size + c]!;
  return out;
};

const innerProduct = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
