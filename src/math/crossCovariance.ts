import type { KernelSpec } from "#domain/kernel";
import { type KernelLeaf, leafDimensions } from "#math/kernelInputs";
import { STATIONARY_KIND, type WasmWorkspace } from "#math/wasmKernels";

/** Rows of a panel: the register tile of the WebAssembly kernels. */
export const PANEL = 4;

export const panelsOf = (count: number): number => Math.ceil(count / PANEL);

/** out ← covariances of every basis row (padded to whole panels) and the four queries of `panel`, [basis row][4] with leading dimension 4. */
export type PanelCovariance = (panel: number, out: number) => void;

/** k(X, ·) in one workspace's memory, with the scaled basis kept there. */
export interface CrossCovariance {
  /** Rows of a panel's result: m rounded up to whole panels; rows beyond m hold arbitrary finite values. */
  readonly panelRows: number;
  /** Scales the queries at address `inputs` (count×d) for every leaf. */
  prepare(inputs: number, count: number): void;
  readonly evaluate: PanelCovariance;
}

/**
 * Compiles a kernel over the basis X (m×d) for batches of up to `maxBatch` queries: each leaf keeps its scaled basis in panels,
 * and each node of the kernel becomes a call on blocks that fit the first-level cache.
 */
export const compileCrossCovariance = (
  workspace: WasmWorkspace,
  kernel: KernelSpec,
  basisInputs: Float64Array,
  m: number,
  d: number,
  maxBatch: number,
): CrossCovariance => {
  const panelRows = panelsOf(m) * PANEL;
  const length = panelRows * PANEL;
  const preparations: ((inputs: number, count: number) => void)[] = [];

  /** A writer of factor · k, or an adder of it where `accumulate`. */
  const compile = (spec: KernelSpec, factor: number, accumulate: boolean): PanelCovariance => {
    switch (spec.kind) {
      case "scale":
        return compile(spec.base, factor * spec.outputScale, accumulate);
      case "sum": {
        const parts = spec.parts.map((part, i) => compile(part, factor, accumulate || i > 0));
        if (parts.length === 0) throw new RangeError("A sum kernel without parts.");
        return (panel, out) => {
          for (const part of parts) part(panel, out);
        };
      }
      case "product":
        return compileProduct(spec.parts, factor, accumulate);
      default:
        return compileLeaf(spec, factor, accumulate);
    }
  };

  const compileProduct = (parts: readonly KernelSpec[], factor: number, accumulate: boolean): PanelCovariance => {
    if (parts.length === 0) throw new RangeError("A product kernel without parts.");
    const product = workspace.allocate(length);
    const term = workspace.allocate(length);
    const compiled = parts.map((part) => compile(part, 1, false));
    const { multiplyInto, addScaled } = workspace.exports;
    return (panel, out) => {
      compiled[0]!(panel, product);
      for (let i = 1; i < compiled.length; i++) {
        compiled[i]!(panel, term);
        multiplyInto(length, term, product);
      }
      addScaled(length, factor, product, out, accumulate ? 1 : 0);
    };
  };

  const compileLeaf = (leaf: KernelLeaf, factor: number, accumulate: boolean): PanelCovariance => {
    const { exports } = workspace;
    const dims = leafDimensions(leaf, d);
    const size = dims.length;
    const dimsAt = workspace.allocate(size);
    new Int32Array(exports.memory.buffer, dimsAt, size).set(dims);
    const inverseScale = Float64Array.from(leaf.lengthscales, (lengthscale) => 1 / lengthscale);
    const inverseScaleAt = workspace.store(inverseScale, size);
    // A linear kernel's factor goes into its basis, once.
    const basisScaleAt =
      leaf.kind === "linear"
        ? workspace.store(
            inverseScale.map((value) => factor * value),
            size,
          )
        : inverseScaleAt;
    const basisAt = workspace.allocate(panelRows * size);
    const queriesAt = workspace.allocate(panelsOf(maxBatch) * PANEL * size);
    exports.packPanels(m, d, size, dimsAt, basisScaleAt, workspace.store(basisInputs, m * d), basisAt);
    preparations.push((inputs, count) => exports.packPanels(count, d, size, dimsAt, inverseScaleAt, inputs, queriesAt));
    const panelBytes = PANEL * size * 8;
    const basisPanels = panelRows / PANEL;
    const flag = accumulate ? 1 : 0;
    if (leaf.kind === "linear") {
      return (panel, out) => exports.panelProducts(basisPanels, size, basisAt, queriesAt + panel * panelBytes, out, PANEL, flag);
    }
    const kind = STATIONARY_KIND[leaf.kind];
    const distancesAt = accumulate ? workspace.allocate(length) : 0;
    return (panel, out) => {
      const distances = accumulate ? distancesAt : out;
      exports.panelDistances(basisPanels, size, basisAt, queriesAt + panel * panelBytes, distances, PANEL);
      exports.stationary(kind, length, distances, out, 0, factor, flag);
    };
  };

  const evaluate = compile(kernel, 1, false);
  return {
    panelRows,
    prepare: (inputs, count) => {
      for (const prepareLeaf of preparations) prepareLeaf(inputs, count);
    },
    evaluate,
  };
};
