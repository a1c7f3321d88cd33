import type { BlasLibrary } from "#math/blasLinearAlgebra";
import { PANEL, panelsOf } from "#math/crossCovariance";
import type { WasmWorkspace } from "#math/wasmKernels";

/**
 * ‖R b‖² for batches of columns b (width): R = [E | W] is p×width with q leading columns E that may be replaced between products,
 * W lower triangular or rectangular. Columns are written straight into `workspace.view`: entry i of column j at `columnAt(j) + i · stride`.
 */
export interface RootProduct {
  readonly stride: number;
  columnAt(j: number): number;
  setLeadingColumn(c: number, values: Float64Array): void;
  /** squares[j] of the first `columns` columns. */
  run(columns: number, squares: Float64Array): void;
}

export interface RootOptions {
  /** W, p×m row-major. */
  readonly root: Float64Array;
  readonly p: number;
  readonly m: number;
  readonly isLower: boolean;
  /** E, p×q row-major, at the beginning. */
  readonly leading: Float64Array;
  readonly q: number;
  readonly maxBatch: number;
}

/** A lower triangular W keeps its shape with q zero rows above: R = [[0, 0], [E, W]], order q + m. */
const composeRoot = ({ root, p, m, isLower, leading, q }: RootOptions): { values: Float64Array; rows: number; above: number } => {
  const above = isLower ? q : 0;
  const width = q + m;
  const values = new Float64Array((above + p) * width);
  for (let i = 0; i < p; i++) {
    values.set(leading.subarray(i * q, (i + 1) * q), (above + i) * width);
    values.set(root.subarray(i * m, (i + 1) * m), (above + i) * width + q);
  }
  return { values, rows: above + p, above };
};

/** On BLAS, which works on WebAssembly's memory in place. */
export const createBlasRootProduct = (blas: BlasLibrary, workspace: WasmWorkspace, options: RootOptions): RootProduct => {
  const { p, m, q, isLower, maxBatch } = options;
  const { values: root, rows, above } = composeRoot(options);
  const width = q + m;
  const ld = panelsOf(maxBatch) * PANEL;
  const matrixAt = workspace.allocate(width * ld);
  const projectedAt = isLower ? matrixAt : workspace.allocate(rows * ld);
  const squaresAt = workspace.allocate(ld);
  const { exports } = workspace;
  return {
    stride: ld,
    columnAt: (j) => matrixAt / 8 + j,
    setLeadingColumn: (c, values) => {
      for (let i = 0; i < p; i++) root[(above + i) * width + c] = values[i]!;
    },
    run: (columns, squares) => {
      const { view } = workspace;
      const n = panelsOf(columns) * PANEL;
      const matrix = view.subarray(matrixAt / 8, matrixAt / 8 + width * ld);
      if (isLower) blas.dtrmmLower(width, n, root, matrix, ld);
      else {
        const projected = view.subarray(projectedAt / 8, projectedAt / 8 + rows * ld);
        blas.dgemm(false, false, rows, n, width, 1, root, width, matrix, ld, 0, projected, ld);
      }
      for (let j = 0; j < n; j += PANEL) exports.columnSquares(rows, projectedAt + j * 8, ld, squaresAt + j * 8);
      workspace.read(squaresAt, squares, columns);
    },
  };
};

/** Covariances that a fused product sweeps for every row panel of the root: they should fit the second-level cache. */
const SWEEP_BYTES = 352 * 1024;

/** Fused in WebAssembly: the squares are summed as the product's tiles appear. */
export const createWasmRootProduct = (workspace: WasmWorkspace, options: RootOptions): RootProduct => {
  const { p, m, q, isLower, maxBatch } = options;
  const { values, rows, above } = composeRoot(options);
  const width = q + m;
  const { exports } = workspace;
  const panelRows = panelsOf(width) * PANEL;
  const panelBytes = panelRows * PANEL * 8;
  const columnsAt = workspace.allocate(panelsOf(maxBatch) * panelRows * PANEL);
  const squaresAt = workspace.allocate(panelsOf(maxBatch) * PANEL);
  const widthOf = (panel: number): number => (isLower ? Math.min(width, panel * PANEL + PANEL) : width);
  const offsets = new Int32Array(panelsOf(rows) + 1);
  for (let i = 0; i < panelsOf(rows); i++) offsets[i + 1] = offsets[i]! + widthOf(i) * PANEL;
  const rootAt = workspace.allocate(offsets[panelsOf(rows)]!);
  exports.packRoot(rows, width, workspace.store(values, rows * width), isLower ? 1 : 0, rootAt);
  const sweepPanels = Math.max(4, Math.floor(SWEEP_BYTES / panelBytes));
  return {
    stride: PANEL,
    columnAt: (j) => columnsAt / 8 + Math.floor(j / PANEL) * panelRows * PANEL + (j % PANEL),
    setLeadingColumn: (c, column) => {
      const { view } = workspace;
      for (let i = 0; i < p; i++) {
        const row = above + i;
        view[rootAt / 8 + offsets[row >> 2]! + c * PANEL + (row & 3)] = column[i]!;
      }
    },
    run: (columns, squares) => {
      const panels = panelsOf(columns);
      for (let first = 0; first < panels; first += sweepPanels) {
        const count = Math.min(sweepPanels, panels - first);
        const at = columnsAt + first * panelBytes;
        exports.rootSquares(rows, width, rootAt, isLower ? 1 : 0, count, panelRows, at, squaresAt + first * PANEL * 8);
      }
      workspace.read(squaresAt, squares, columns);
    },
  };
};
