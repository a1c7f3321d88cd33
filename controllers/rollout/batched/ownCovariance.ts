import type { KernelSpec } from "#domain/kernel";
import { PANEL, panelsOf } from "#math/crossCovariance";
import { type KernelLeaf, leafDimensions } from "#math/kernelInputs";
import { STATIONARY_KIND, type WasmWorkspace } from "#math/wasmKernels";

/** k(X, ·) of the terms that differ between samples, in one workspace's memory. */
export interface OwnCovariance {
  /** Rows of a panel's result: m rounded up to whole panels. */
  readonly panelRows: number;
  /** Takes the values of the shared columns (in a row of d) for the evaluations that follow. */
  setShared(row: Float64Array): void;
  /** Scales `count` queries at address `inputs` (count × inputColumns) for every leaf. */
  prepare(inputs: number, count: number): void;
  /** Writes the covariances of every basis row and the four queries of `panel` to `out`, [basis row][4]. */
  evaluate(panel: number, out: number): void;
}

export interface OwnCovarianceOptions {
  readonly terms: readonly KernelSpec[];
  /** X, m×d. */
  readonly basisInputs: Float64Array;
  readonly m: number;
  readonly d: number;
  /** Where each of the d columns stands in the queries; −1: it is shared. */
  readonly queryColumn: Int32Array;
  /** Columns of a query: the last one is 1 for every sample. */
  readonly inputColumns: number;
  readonly maxBatch: number;
}

type Write = (panel: number, out: number) => void;

/**
 * Compiles the sum of `terms` for batches of queries that hold only the columns that differ between samples. What a leaf's shared columns
 * add to a squared distance (or an inner product) is one number a basis row: it becomes one more dimension, √r² against 0 (or the sum against 1).
 */
export const compileOwnCovariance = (workspace: WasmWorkspace, options: OwnCovarianceOptions): OwnCovariance => {
  const { terms, basisInputs, m, d, queryColumn, inputColumns, maxBatch } = options;
  const { exports } = workspace;
  const panelRows = panelsOf(m) * PANEL;
  const length = panelRows * PANEL;
  const preparations: ((inputs: number, count: number) => void)[] = [];
  const sharings: ((row: Float64Array) => void)[] = [];

  const storeDims = (dims: readonly number[]): number => {
    const at = workspace.allocate(dims.length);
    new Int32Array(exports.memory.buffer, at, dims.length).set(dims);
    return at;
  };

  /** A writer of factor · k, or an adder of it where `accumulate`. */
  const compile = (spec: KernelSpec, factor: number, accumulate: boolean): Write => {
    switch (spec.kind) {
      case "scale":
        return compile(spec.base, factor * spec.outputScale, accumulate);
      case "sum": {
        const parts = spec.parts.map((part, i) => compile(part, factor, accumulate || i > 0));
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

  const compileProduct = (parts: readonly KernelSpec[], factor: number, accumulate: boolean): Write => {
    const product = workspace.allocate(length);
    const term = workspace.allocate(length);
    const [first, ...others] = parts.map((part) => compile(part, 1, false));
    return (panel, out) => {
      first!(panel, product);
      for (const other of others) {
        other(panel, term);
        exports.multiplyInto(length, term, product);
      }
      exports.addScaled(length, factor, product, out, accumulate ? 1 : 0);
    };
  };

  const compileLeaf = (leaf: KernelLeaf, factor: number, accumulate: boolean): Write => {
    const isLinear = leaf.kind === "linear";
    const dims = leafDimensions(leaf, d);
    const inverse = leaf.lengthscales.map((lengthscale) => 1 / lengthscale);
    const own = dims.map((_, i) => i).filter((i) => queryColumn[dims[i]!]! >= 0);
    const shared = dims.map((_, i) => i).filter((i) => queryColumn[dims[i]!]! < 0);
    const size = own.length + 1;
    const inBasis = isLinear ? factor : 1;

    const basis = new Float64Array(m * size);
    for (let i = 0; i < m; i++) {
      own.forEach((o, c) => {
        basis[i * size + c] = basisInputs[i * d + dims[o]!]! * inverse[o]! * inBasis;
      });
    }
    const basisAt = workspace.allocate(panelRows * size);
    const everyDim = storeDims(Array.from({ length: size }, (_, c) => c));
    const ones = workspace.store(new Float64Array(size).fill(1), size);
    exports.packPanels(m, size, size, everyDim, ones, workspace.store(basis, m * size), basisAt);

    const queryDims = storeDims([...own.map((o) => queryColumn[dims[o]!]!), inputColumns - 1]);
    const queryScale = workspace.store(Float64Array.from([...own.map((o) => inverse[o]!), isLinear ? 1 : 0]), size);
    const queriesAt = workspace.allocate(panelsOf(maxBatch) * PANEL * size);
    preparations.push((inputs, count) => exports.packPanels(count, inputColumns, size, queryDims, queryScale, inputs, queriesAt));

    if (shared.length > 0) {
      const columns = shared.map((s) => ({ c: dims[s]!, inverse: inverse[s]! }));
      sharings.push((row) => {
        const { view } = workspace;
        for (let i = 0; i < m; i++) {
          let sum = 0;
          for (const { c, inverse: scale } of columns) {
            const x = basisInputs[i * d + c]! * scale;
            const y = row[c]! * scale;
            sum += isLinear ? x * y : (x - y) ** 2;
          }
          view[basisAt / 8 + (Math.floor(i / PANEL) * size + size - 1) * PANEL + (i % PANEL)] = isLinear ? sum * inBasis : Math.sqrt(sum);
        }
      });
    }

    const panels = panelRows / PANEL;
    const panelBytes = PANEL * size * 8;
    const flag = accumulate ? 1 : 0;
    if (isLinear) return (panel, out) => exports.panelProducts(panels, size, basisAt, queriesAt + panel * panelBytes, out, PANEL, flag);
    const kind = STATIONARY_KIND[leaf.kind as keyof typeof STATIONARY_KIND];
    const distancesAt = accumulate ? workspace.allocate(length) : 0;
    return (panel, out) => {
      const distances = accumulate ? distancesAt : out;
      exports.panelDistances(panels, size, basisAt, queriesAt + panel * panelBytes, distances, PANEL);
      exports.stationary(kind, length, distances, out, 0, factor, flag);
    };
  };

  const writers = terms.map((term, i) => compile(term, 1, i > 0));
  return {
    panelRows,
    setShared: (row) => {
      for (const share of sharings) share(row);
    },
    prepare: (inputs, count) => {
      for (const prepareLeaf of preparations) prepareLeaf(inputs, count);
    },
    evaluate: (panel, out) => {
      for (const write of writers) write(panel, out);
    },
  };
};
