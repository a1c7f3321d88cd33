import { floatsOf, SINGLE_PANEL, singlePanelsOf } from "#controllers/rollout/batched/singleCovariance";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import type { WasmWorkspace } from "#math/wasmKernels";

/**
 * ‖R b‖² in float32 for batches of columns b (width q + m): R = [E | W], W lower triangular or full, or one of the smaller lower triangular roots that were
 * taken. Eight columns a panel: entry i of column 8 P + r at byte columnsAt + P · panelBytes + i · stride + 4 r.
 */
export interface SingleRoot {
  readonly columnsAt: number;
  readonly stride: number;
  readonly panelBytes: number;
  /** Room for as many columns again. */
  allocateColumns(): number;
  /** Takes a lower triangular R of `width` ≤ q + m (row-major) as root `which` ≥ 1; root 0 is [E | W]. */
  take(which: number, root: Float64Array, width: number): void;
  /** squares[j] of the first `columns` columns by root `which`, which sees their first `width` entries. */
  run(which: number, columns: number, squares: Float64Array): void;
}

export interface SingleRootOptions {
  readonly la: FastLinearAlgebra;
  readonly workspace: WasmWorkspace;
  /** W, p×m row-major. */
  readonly root: Float64Array;
  readonly p: number;
  readonly m: number;
  readonly isLower: boolean;
  /** E, p×q row-major. */
  readonly leading: Float64Array;
  readonly q: number;
  readonly maxBatch: number;
}

/** R in float32, under `above` rows of zeros. */
const compose = ({ root, p, m, leading, q }: SingleRootOptions, above: number): Float32Array => {
  const width = q + m;
  const values = new Float32Array((above + p) * width);
  for (let i = 0; i < p; i++) {
    values.set(leading.subarray(i * q, (i + 1) * q), (above + i) * width);
    values.set(root.subarray(i * m, (i + 1) * m), (above + i) * width + q);
  }
  return values;
};

export const createSingleRoot = (options: SingleRootOptions): SingleRoot =>
  options.la.name === "blas" ? createBlasSingleRoot(options) : createWasmSingleRoot(options);

/** On BLAS, which works on WebAssembly's memory in place. A lower triangular W keeps its shape with q zero rows above: R = [[0, 0], [E, W]]. */
const createBlasSingleRoot = (options: SingleRootOptions): SingleRoot => {
  const { la, workspace, p, m, q, isLower, maxBatch } = options;
  if (la.name !== "blas") throw new RangeError("Not a BLAS provider.");
  const { sgemm, strmmLower } = la.blas;
  const { exports } = workspace;
  const above = isLower ? q : 0;
  const width = q + m;
  const roots = [{ values: compose(options, above), rows: above + p, width, isLower }];
  const ld = singlePanelsOf(maxBatch) * SINGLE_PANEL;
  const allocateColumns = (): number => {
    const at = workspace.allocateBytes(width * ld * 4);
    floatsOf(workspace).fill(0, at / 4, at / 4 + width * ld);
    return at;
  };
  const columnsAt = allocateColumns();
  const apartAt = isLower ? columnsAt : workspace.allocateBytes((above + p) * ld * 4);
  const squaresAt = workspace.allocate(ld);
  let columnsView = new Float32Array(0);
  let projectedView = columnsView;
  return {
    columnsAt,
    stride: ld * 4,
    panelBytes: SINGLE_PANEL * 4,
    allocateColumns,
    take: (which, root, size) => {
      roots[which] = { values: Float32Array.from(root), rows: size, width: size, isLower: true };
    },
    run: (which, columns, squares) => {
      if (columnsView.buffer !== exports.memory.buffer) {
        columnsView = new Float32Array(exports.memory.buffer, columnsAt, width * ld);
        projectedView = new Float32Array(exports.memory.buffer, apartAt, (above + p) * ld);
      }
      const panels = singlePanelsOf(columns);
      const { values, rows, width: size, isLower: isInPlace } = roots[which]!;
      if (isInPlace) strmmLower(size, panels * SINGLE_PANEL, values, columnsView, ld);
      else if (size > 0) sgemm(rows, panels * SINGLE_PANEL, size, values, size, columnsView, ld, projectedView, ld);
      const projectedAt = isInPlace ? columnsAt : apartAt;
      workspace.view.fill(0, squaresAt / 8, squaresAt / 8 + panels * SINGLE_PANEL);
      for (let panel = 0; panel < panels; panel++)
        exports.singleSquares(rows, projectedAt + panel * SINGLE_PANEL * 4, ld * 4, squaresAt + panel * SINGLE_PANEL * 8);
      workspace.read(squaresAt, squares, columns);
    },
  };
};

const TILE_ROWS = 4;

/** Fused in WebAssembly: the squares are summed as the product's tiles appear. */
const createWasmSingleRoot = (options: SingleRootOptions): SingleRoot => {
  const { workspace, p, m, q, isLower, maxBatch } = options;
  const { exports } = workspace;
  const width = q + m;
  const panels = singlePanelsOf(maxBatch);
  const panelBytes = width * SINGLE_PANEL * 4;
  const allocateColumns = (): number => {
    const at = workspace.allocateBytes(panels * panelBytes);
    floatsOf(workspace).fill(0, at / 4, at / 4 + panels * width * SINGLE_PANEL);
    return at;
  };
  const columnsAt = allocateColumns();
  const squaresAt = workspace.allocate(panels * SINGLE_PANEL);
  /** Row panels and their widths for a root whose panel i sees its first `seen(i)` columns. */
  const shape = (rows: number, seen: (i: number) => number): Int32Array =>
    Int32Array.from({ length: Math.ceil(rows / TILE_ROWS) }, (_, i) => seen(i));
  const floatsIn = (widths: Int32Array): number => widths.reduce((sum, value) => sum + value * TILE_ROWS, 0);
  const triangle = (size: number): Int32Array => shape(size, (i) => Math.min(size, (i + 1) * TILE_ROWS));
  const room = (widths: Int32Array) => ({
    rowPanels: widths.length,
    widthsAt: workspace.allocateBytes(widths.length * 4),
    rootAt: workspace.allocateBytes(floatsIn(widths) * 4),
  });
  const fill = ({ widthsAt, rootAt }: { widthsAt: number; rootAt: number }, widths: Int32Array, rows: number, from: Float32Array): void => {
    const size = rows === 0 ? 0 : from.length / rows;
    new Int32Array(exports.memory.buffer, widthsAt, widths.length).set(widths);
    const floats = floatsOf(workspace);
    let to = rootAt / 4;
    widths.forEach((columns, i) => {
      for (let c = 0; c < columns; c++)
        for (let r = 0; r < TILE_ROWS; r++) {
          const row = i * TILE_ROWS + r;
          floats[to++] = row < rows ? from[row * size + c]! : 0;
        }
    });
  };
  const whole = shape(p, (i) => (isLower ? q + Math.min(m, (i + 1) * TILE_ROWS) : width));
  const roots = [room(whole)];
  fill(roots[0]!, whole, p, compose(options, 0));
  return {
    columnsAt,
    stride: SINGLE_PANEL * 4,
    panelBytes,
    allocateColumns,
    take: (which, root, size) => {
      const widths = triangle(size);
      // Room once for the largest that may come.
      const into = { ...(roots[which] ?? room(triangle(width))), rowPanels: widths.length };
      roots[which] = into;
      fill(into, widths, size, Float32Array.from(root));
    },
    run: (which, columns, squares) => {
      const { rowPanels, widthsAt, rootAt } = roots[which]!;
      exports.singleRootSquares(rowPanels, widthsAt, rootAt, singlePanelsOf(columns), columnsAt, panelBytes, squaresAt);
      workspace.read(squaresAt, squares, columns);
    },
  };
};
