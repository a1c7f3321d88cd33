import type { LinearAlgebra } from "#math/linearAlgebra";
import type { WasmKernels } from "#math/wasmKernels";

/** The provider on WASM-SIMD; `kernels` stays reachable for fused code paths. */
export interface WasmLinearAlgebra extends LinearAlgebra {
  readonly name: "wasm";
  readonly kernels: WasmKernels;
}

/** Linear algebra in WebAssembly SIMD, one thread; arguments are copied into its memory and results out of it. */
export const createWasmLinearAlgebra = (kernels: WasmKernels): WasmLinearAlgebra => {
  const { workspace } = kernels;
  const { exports } = workspace;
  const scratch = (): number => workspace.allocateBytes(exports.gemmScratchBytes());
  return {
    name: "wasm",
    kernels,
    gemm: (transposeA, transposeB, m, n, k, alpha, a, b, beta, c) => {
      if (m === 0 || n === 0) return;
      workspace.reset();
      const aAt = workspace.store(a, m * k);
      const bAt = workspace.store(b, k * n);
      const cAt = beta === 0 ? workspace.allocate(m * n) : workspace.store(c, m * n);
      const scratchAt = scratch();
      const [ta, tb] = [transposeA ? 1 : 0, transposeB ? 1 : 0];
      exports.gemm(ta, tb, m, n, k, alpha, aAt, transposeA ? m : k, bAt, transposeB ? k : n, beta, cAt, n, scratchAt);
      workspace.read(cAt, c, m * n);
    },
    cholesky: (n, a) => {
      if (n === 0) return 0;
      workspace.reset();
      const at = workspace.store(a, n * n);
      const order = exports.cholesky(n, at, scratch());
      workspace.read(at, a, n * n);
      return order;
    },
    solveLower: (n, m, l, b, transpose) => {
      if (n === 0 || m === 0) return;
      workspace.reset();
      const lAt = workspace.store(l, n * n);
      const bAt = workspace.store(b, n * m);
      exports.solveLower(n, m, lAt, bAt, transpose ? 1 : 0, scratch());
      workspace.read(bAt, b, n * m);
    },
    inverseLower: (n, l) => {
      const out = new Float64Array(n * n);
      if (n === 0) return out;
      workspace.reset();
      const lAt = workspace.store(l, n * n);
      const outAt = workspace.allocate(n * n);
      exports.inverseLower(n, lAt, outAt, scratch());
      workspace.read(outAt, out, n * n);
      return out;
    },
    inverseFromCholesky: (n, l) => {
      const out = new Float64Array(n * n);
      if (n === 0) return out;
      workspace.reset();
      const lAt = workspace.store(l, n * n);
      const inverseAt = workspace.allocate(n * n);
      const scratchAt = scratch();
      exports.inverseLower(n, lAt, inverseAt, scratchAt);
      exports.inverseFromLowerInverse(n, inverseAt, lAt, scratchAt);
      workspace.read(lAt, out, n * n);
      return out;
    },
    stationary: kernels.stationary,
    squaredDistances: kernels.squaredDistances,
  };
};
