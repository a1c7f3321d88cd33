import type { KernelSpec } from "#domain/kernel";
import { type KernelLeaf, leafDimensions } from "#math/kernelInputs";
import { STATIONARY_KIND, type WasmWorkspace } from "#math/wasmKernels";

/** Queries of a panel in single precision, and basis rows of one. */
export const SINGLE_PANEL = 8;
const BASIS_PANEL = 4;

export const singlePanelsOf = (count: number): number => Math.ceil(count / SINGLE_PANEL);

/** k(X, ·) of the terms that differ between samples, in float32. */
export interface SingleCovariance {
  /** Rows of a panel's result at most: m rounded up. */
  readonly panelRows: number;
  /** Takes these basis rows as selection `selection`. */
  select(selection: number, rows: Int32Array): void;
  /** Takes the values of the shared columns, in a row of d, as those of record `record`, which sees the basis rows of a selection. */
  share(record: number, selection: number, row: Float64Array): void;
  /** Scales `count` queries at address `inputs` (float64, count × inputColumns) for every leaf. */
  prepare(inputs: number, count: number): void;
  /** Writes the covariances of the record's basis rows and the eight queries of `panel` with its shared columns to `out`, [basis row][8]. */
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
  /** Records of shared columns, and selections of basis rows, that are kept at once. */
  readonly records: number;
  readonly selections: number;
}

/** `panels`: of basis rows. */
type Write = (record: number, selection: number, panels: number, panel: number, out: number) => void;

/** The memory as float32; take it again after an allocation, which may move it. */
export const floatsOf = (workspace: WasmWorkspace): Float32Array => new Float32Array(workspace.exports.memory.buffer);

/**
 * Compiles the sum of `terms` for batches of queries that hold only the columns that differ between samples. What a leaf's shared columns add to a squared
 * distance (or an inner product) is one number a basis row and record, from which the sum over the other columns starts. Stationary leaves see inputs
 * relative to the basis's means, so that float32 keeps the digits of their differences.
 */
export const compileSingleCovariance = (workspace: WasmWorkspace, options: SingleCovarianceOptions): SingleCovariance => {
  const { terms, basisInputs, m, d, queryColumn, inputColumns, maxBatch, records, selections } = options;
  const { exports } = workspace;
  const panelRows = Math.ceil(m / BASIS_PANEL) * BASIS_PANEL;
  const vectorsOf = (panels: number): number => (panels * BASIS_PANEL * SINGLE_PANEL) / 4;
  const panelBytes = panelRows * SINGLE_PANEL * 4;
  const preparations: ((inputs: number, count: number) => void)[] = [];
  const selectings: ((selection: number, rows: Int32Array) => void)[] = [];
  const sharings: ((record: number, rows: Int32Array, row: Float64Array) => void)[] = [];
  const rowsOf: Int32Array[] = Array.from({ length: selections }, () => new Int32Array(0));
  const selectionOf = new Int32Array(records);

  const compile = (spec: KernelSpec, factor: number, accumulate: boolean): Write => {
    switch (spec.kind) {
      case "scale":
        return compile(spec.base, factor * spec.outputScale, accumulate);
      case "sum": {
        const parts = spec.parts.map((part, i) => compile(part, factor, accumulate || i > 0));
        return (record, selection, panels, panel, out) => {
          for (const part of parts) part(record, selection, panels, panel, out);
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
    return (record, selection, panels, panel, out) => {
      first!(record, selection, panels, panel, product);
      for (const other of others) {
        other(record, selection, panels, panel, term);
        exports.singleMultiply(vectorsOf(panels), term, product);
      }
      exports.singleAddScaled(vectorsOf(panels), factor, product, out, accumulate ? 1 : 0);
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

    const basisBytes = panelRows * size * 4;
    const basisAt = workspace.allocateBytes(selections * basisBytes);
    const sharedAt = workspace.allocateBytes(panelRows * 4 * (shared.length === 0 ? 1 : records));
    const queriesAt = workspace.allocateBytes(singlePanelsOf(maxBatch) * SINGLE_PANEL * size * 4);
    const dimsAt = workspace.allocate(size);
    const centreAt = workspace.store(Float64Array.from(centre), size);
    const inverseAt = workspace.store(
      Float64Array.from(own, ({ inverse }) => inverse),
      size,
    );
    new Int32Array(exports.memory.buffer, dimsAt, size).set(own.map(({ c }) => queryColumn[c]!));
    floatsOf(workspace).fill(0, sharedAt / 4, sharedAt / 4 + panelRows * (shared.length === 0 ? 1 : records));
    selectings.push((selection, rows) => {
      const basis = floatsOf(workspace);
      const to = (basisAt + selection * basisBytes) / 4;
      basis.fill(0, to, to + panelRows * size);
      rows.forEach((row, i) => {
        own.forEach(({ c, inverse }, o) => {
          const value = (basisInputs[row * d + c]! - centre[o]!) * inverse * inBasis;
          basis[to + (Math.floor(i / BASIS_PANEL) * size + o) * BASIS_PANEL + (i % BASIS_PANEL)] = value;
        });
      });
    });
    preparations.push((inputs, count) => exports.packSingle(count, inputColumns, size, dimsAt, centreAt, inverseAt, inputs, queriesAt));
    if (shared.length > 0) {
      sharings.push((record, rows, row) => {
        const floats = floatsOf(workspace);
        const to = sharedAt / 4 + record * panelRows;
        rows.forEach((basisRow, i) => {
          let sum = 0;
          for (const { c, inverse } of shared) {
            const x = basisInputs[basisRow * d + c]! * inverse;
            const y = row[c]! * inverse;
            sum += isLinear ? x * y : (x - y) ** 2;
          }
          floats[to + i] = sum * inBasis;
        });
      });
    }
    const stride = shared.length === 0 ? 0 : panelRows * 4;
    const queryBytes = SINGLE_PANEL * size * 4;
    const flag = accumulate ? 1 : 0;
    if (isLinear)
      return (record, selection, panels, panel, out) => {
        const basis = basisAt + selection * basisBytes;
        exports.singleProducts(panels, size, basis, sharedAt + record * stride, queriesAt + panel * queryBytes, out, flag);
      };
    const kind = STATIONARY_KIND[leaf.kind as keyof typeof STATIONARY_KIND];
    const distancesAt = accumulate ? workspace.allocateBytes(panelBytes) : 0;
    return (record, selection, panels, panel, out) => {
      const distances = accumulate ? distancesAt : out;
      const basis = basisAt + selection * basisBytes;
      exports.singleDistances(panels, size, basis, sharedAt + record * stride, queriesAt + panel * queryBytes, distances);
      exports.singleStationary(kind, vectorsOf(panels), distances, out, factor, flag);
    };
  };

  const writers = terms.map((term, i) => compile(term, 1, i > 0));
  return {
    panelRows,
    select: (selection, rows) => {
      rowsOf[selection] = rows;
      for (const select of selectings) select(selection, rows);
    },
    share: (record, selection, row) => {
      selectionOf[record] = selection;
      for (const share of sharings) share(record, rowsOf[selection]!, row);
    },
    prepare: (inputs, count) => {
      for (const prepareLeaf of preparations) prepareLeaf(inputs, count);
    },
    evaluate: (record, panel, out) => {
      const selection = selectionOf[record]!;
      const panels = Math.ceil(rowsOf[selection]!.length / BASIS_PANEL);
      for (const write of writers) write(record, selection, panels, panel, out);
    },
  };
};

const meanOf = (inputs: Float64Array, m: number, d: number, c: number): number => {
  let sum = 0;
  for (let i = 0; i < m; i++) sum += inputs[i * d + c]! / m;
  return sum;
};
