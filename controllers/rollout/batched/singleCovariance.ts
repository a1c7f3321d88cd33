import type { KernelSpec } from "#domain/kernel";
import { type KernelLeaf, leafDimensions } from "#math/kernelInputs";
import { STATIONARY_KIND, type WasmWorkspace } from "#math/wasmKernels";

/** Queries of a panel in single precision, and basis rows of one. */
export const SINGLE_PANEL = 8;
const BASIS_PANEL = 4;

export const singlePanelsOf = (count: number): number => Math.ceil(count / SINGLE_PANEL);

/** k(X, ·) of the terms that differ between samples, in float32. */
export interface SingleCovariance {
  /** Rows of a panel's result: m rounded up. */
  readonly panelRows: number;
  /** Takes the values of the shared columns, in a row of d, as those of record `record`. */
  share(record: number, row: Float64Array): void;
  /** Scales `count` queries at address `inputs` (float64, count × inputColumns) for every leaf. */
  prepare(inputs: number, count: number): void;
  /** Writes the covariances of every basis row and the eight queries of `panel` with the shared columns of `record` to `out`, [basis row][8]. */
  evaluate(record: number, panel: number, out: number): void;
}

export interface SingleCovarianceOptions {
  readonly terms: readonly KernelSpec[];
  /** X, m×d. */
  readonly basisInputs: Float64Array;
  readonly m: number;
  readonly d: number;
  /** Where each of the d columns stands in the queries; −1: it is shared. */
  readonly queryColumn: Int32Array;
  readonly inputColumns: number;
  readonly maxBatch: number;
  /** Records of shared columns that are kept at once. */
  readonly records: number;
}

type Write = (record: number, panel: number, out: number) => void;

/** The memory as float32; take it again after an allocation, which may move it. */
export const floatsOf = (workspace: WasmWorkspace): Float32Array => new Float32Array(workspace.exports.memory.buffer);

/**
 * Compiles the sum of `terms` for batches of queries that hold only the columns that differ between samples. What a leaf's shared columns add to a squared
 * distance (or an inner product) is one number a basis row and record, from which the sum over the other columns starts. Stationary leaves see inputs
 * relative to the basis's means, so that float32 keeps the digits of their differences.
 */
export const compileSingleCovariance = (workspace: WasmWorkspace, options: SingleCovarianceOptions): SingleCovariance => {
  const { terms, basisInputs, m, d, queryColumn, inputColumns, maxBatch, records } = options;
  const { exports } = workspace;
  const panels = Math.ceil(m / BASIS_PANEL);
  const panelRows = panels * BASIS_PANEL;
  const vectors = (panelRows * SINGLE_PANEL) / 4;
  const panelBytes = panelRows * SINGLE_PANEL * 4;
  const preparations: ((inputs: number, count: number) => void)[] = [];
  const sharings: ((record: number, row: Float64Array) => void)[] = [];

  const compile = (spec: KernelSpec, factor: number, accumulate: boolean): Write => {
    switch (spec.kind) {
      case "scale":
        return compile(spec.base, factor * spec.outputScale, accumulate);
      case "sum": {
        const parts = spec.parts.map((part, i) => compile(part, factor, accumulate || i > 0));
        return (record, panel, out) => {
          for (const part of parts) part(record, panel, out);
        };
      }
      case "product":
        return compileProduct(spec.parts, factor, accumulate);
      default:
        return compileLeaf(spec, factor, accumulate);
    }
  };

  const compileProduct = (parts: readonly KernelSpec[], factor: number, accumulate: boolean): Write => {
    const product = workspace.allocateBytes(panelBytes);
    const term = workspace.allocateBytes(panelBytes);
    const [first, ...others] = parts.map((part) => compile(part, 1, false));
    return (record, panel, out) => {
      first!(record, panel, product);
      for (const other of others) {
        other(record, panel, term);
        exports.singleMultiply(vectors, term, product);
      }
      exports.singleAddScaled(vectors, factor, product, out, accumulate ? 1 : 0);
    };
  };

  const compileLeaf = (leaf: KernelLeaf, factor: number, accumulate: boolean): Write => {
    const isLinear = leaf.kind === "linear";
    const columns = leafDimensions(leaf, d).map((c, i) => ({ c, inverse: 1 / leaf.lengthscales[i]! }));
    const own = columns.filter(({ c }) => queryColumn[c]! >= 0);
    const shared = columns.filter(({ c }) => queryColumn[c]! < 0);
    const size = own.length;
    const inBasis = isLinear ? factor : 1;
    const centre = own.map(({ c }) => (isLinear ? 0 : meanOf(basisInputs, m, d, c)));

    const basisAt = workspace.allocateBytes(panelRows * size * 4);
    const sharedAt = workspace.allocateBytes(panelRows * 4 * (shared.length === 0 ? 1 : records));
    const queriesAt = workspace.allocateBytes(singlePanelsOf(maxBatch) * SINGLE_PANEL * size * 4);
    const dimsAt = workspace.allocate(size);
    const centreAt = workspace.store(Float64Array.from(centre), size);
    const inverseAt = workspace.store(
      Float64Array.from(own, ({ inverse }) => inverse),
      size,
    );
    new Int32Array(exports.memory.buffer, dimsAt, size).set(own.map(({ c }) => queryColumn[c]!));
    const basis = floatsOf(workspace);
    basis.fill(0, basisAt / 4, basisAt / 4 + panelRows * size);
    basis.fill(0, sharedAt / 4, sharedAt / 4 + panelRows * (shared.length === 0 ? 1 : records));
    for (let i = 0; i < m; i++) {
      own.forEach(({ c, inverse }, o) => {
        const value = (basisInputs[i * d + c]! - centre[o]!) * inverse * inBasis;
        basis[basisAt / 4 + (Math.floor(i / BASIS_PANEL) * size + o) * BASIS_PANEL + (i % BASIS_PANEL)] = value;
      });
    }
    preparations.push((inputs, count) => exports.packSingle(count, inputColumns, size, dimsAt, centreAt, inverseAt, inputs, queriesAt));
    if (shared.length > 0) {
      sharings.push((record, row) => {
        const floats = floatsOf(workspace);
        const to = sharedAt / 4 + record * panelRows;
        for (let i = 0; i < m; i++) {
          let sum = 0;
          for (const { c, inverse } of shared) {
            const x = basisInputs[i * d + c]! * inverse;
            const y = row[c]! * inverse;
            sum += isLinear ? x * y : (x - y) ** 2;
          }
          floats[to + i] = sum * inBasis;
        }
      });
    }
    const stride = shared.length === 0 ? 0 : panelRows * 4;
    const queryBytes = SINGLE_PANEL * size * 4;
    const flag = accumulate ? 1 : 0;
    if (isLinear)
      return (record, panel, out) =>
        exports.singleProducts(panels, size, basisAt, sharedAt + record * stride, queriesAt + panel * queryBytes, out, flag);
    const kind = STATIONARY_KIND[leaf.kind as keyof typeof STATIONARY_KIND];
    const distancesAt = accumulate ? workspace.allocateBytes(panelBytes) : 0;
    return (record, panel, out) => {
      const distances = accumulate ? distancesAt : out;
      exports.singleDistances(panels, size, basisAt, sharedAt + record * stride, queriesAt + panel * queryBytes, distances);
      exports.singleStationary(kind, vectors, distances, out, factor, flag);
    };
  };

  const writers = terms.map((term, i) => compile(term, 1, i > 0));
  return {
    panelRows,
    share: (record, row) => {
      for (const share of sharings) share(record, row);
    },
    prepare: (inputs, count) => {
      for (const prepareLeaf of preparations) prepareLeaf(inputs, count);
    },
    evaluate: (record, panel, out) => {
      for (const write of writers) write(record, panel, out);
    },
  };
};

const meanOf = (inputs: Float64Array, m: number, d: number, c: number): number => {
  let sum = 0;
  for (let i = 0; i < m; i++) sum += inputs[i * d + c]! / m;
  return sum;
};
