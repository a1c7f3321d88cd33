import { createActiveRows } from "#controllers/rollout/batched/activeRows";
import type { BlockPredictor } from "#controllers/rollout/batched/blockPredictor";
import { RowSelections } from "#controllers/rollout/batched/rowSelections";
import {
  compileSingleCovariance,
  floatsOf,
  SINGLE_PANEL,
  type SingleCovariance,
  singlePanelsOf,
} from "#controllers/rollout/batched/singleCovariance";
import { createSingleRoot, type SingleRoot } from "#controllers/rollout/batched/singleRoot";
import { type KernelSplit, leavesOf, splitKernel } from "#controllers/rollout/batched/splitKernel";
import { constantPrior, type StepPredictorOptions } from "#controllers/rollout/batched/stepPredictor";
import { isLowerTriangular } from "#math/batchPredictorPlain";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { WasmWorkspace } from "#math/wasmKernels";

const NOTHING = new Float64Array(0);
/** Selections of basis rows that are kept: more than a day has times at which people come and go. */
const SELECTIONS = 12;

const isSame = (a: Float64Array, b: Float64Array): boolean => a.length === b.length && a.every((value, i) => Object.is(value, b[i]));

/**
 * The posterior in float32 as differences from a reference point x0 of each step and regime, which all samples share (decision 19):
 * f(x) = f(x0) + w·Δx + αᵀδ, v(x) = v(x0) + Δk(x, x) − 2 gᵀ(δ + X Λ Δx) − ‖W δ + W X Λ Δx‖², δ = own(X, x) − own(X, x0), g = WᵀW k(X, x0), where `own` are the
 * terms of splitKernel that differ between samples and Λ the weights of its linear ones. What x0 gives is computed in float64. δ is taken of the rows only
 * that a step's samples can be near to (`createActiveRows`), with a root of their own (`RowSelections`).
 */
export class SinglePredictor implements BlockPredictor {
  readonly ownColumns: readonly number[];
  readonly inputColumns: number;
  readonly inputs: Float64Array;
  readonly needsReference = true;
  readonly #options: StepPredictorOptions;
  readonly #split: KernelSplit;
  readonly #workspace: WasmWorkspace;
  readonly #own: SingleCovariance | null;
  /** Whether an own term sees a gated column, and for how many regimes the own terms therefore differ. */
  readonly #seesGate: boolean;
  readonly #ownRegimes: number;
  readonly #root: SingleRoot | null;
  readonly #selections: RowSelections | null;
  /** Which selection of basis rows each step sees. */
  #selectionOf: Int32Array = new Int32Array(0);
  /** Where the covariances of each of the own regimes stand, as columns of the root. */
  readonly #columnsAt: readonly number[];
  readonly #linearColumns: readonly number[];
  /** X Λ on the own linear columns, m×q. */
  readonly #linearBasis: Float64Array;
  readonly #weights: Float64Array;
  readonly #gates: readonly (number | null)[];
  readonly #masked: Float64Array;
  readonly #constantPrior: number | null;
  readonly #inputsAt: number;
  readonly #panelAt: number;
  readonly #referencesAt: number;
  readonly #weightsAt: number;
  readonly #sumsAt: number;
  readonly #sourcesAt: number;
  /** αᵀδ of the regime that `mean` is at, and gᵀδ of every regime, by sample. */
  readonly #explained: Float64Array;
  readonly #slopes: readonly Float64Array[];
  readonly #squares: Float64Array;
  /** By step and regime: x0 (d), f(x0), v(x0) and what one unit of a linear column adds to gᵀXΛΔx (q). */
  #rows: Float64Array = NOTHING;
  #mean0: Float64Array = NOTHING;
  #variance0: Float64Array = NOTHING;
  #linearSlopes: Float64Array = NOTHING;

  constructor(options: StepPredictorOptions, horizonSteps: number) {
    this.#options = options;
    const { la, posterior, roles, regimes, maxBatch, withVariance } = options;
    const { kernel, basisInputs, m, d, alpha, meanCoefficients, varianceRoot, p } = posterior;
    const { kernels } = la;
    if (kernels === null) throw new Error("The batched rollout needs the WebAssembly kernels.");
    const workspace = kernels.createWorkspace();
    this.#workspace = workspace;
    this.ownColumns = roles.flatMap(({ isShared }, c) => (isShared ? [] : [c]));
    this.inputColumns = Math.max(1, this.ownColumns.length);
    this.inputs = new Float64Array(maxBatch * this.inputColumns);
    this.#masked = this.inputs.slice();
    this.#gates = this.ownColumns.map((c) => roles[c]!.gate);
    const split = splitKernel(kernel, d, (c) => roles[c]!.isShared);
    this.#split = split;
    const seesGate = split.own.some((term) => leavesOf(term, d).some(({ dims }) => dims.some((c) => roles[c]!.gate !== null)));
    this.#seesGate = seesGate;
    this.#ownRegimes = seesGate ? regimes : 1;
    this.#constantPrior = constantPrior(split.own);
    const queryColumn = new Int32Array(d).fill(-1);
    this.ownColumns.forEach((c, o) => {
      queryColumn[c] = o;
    });
    const records = horizonSteps * this.#ownRegimes;
    const { inputColumns } = this;
    this.#own =
      split.own.length === 0
        ? null
        : compileSingleCovariance(workspace, {
            ...{ terms: split.own, basisInputs, m, d, queryColumn, inputColumns, maxBatch, records },
            selections: SELECTIONS,
          });
    this.#weights = Float64Array.from(this.ownColumns, (c) => {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += basisInputs[i * d + c]! * alpha[i]!;
      return meanCoefficients[c]! + split.linear[c]! * sum;
    });
    this.#linearColumns = this.ownColumns.map((_, o) => o).filter((o) => split.linear[this.ownColumns[o]!] !== 0);
    const q = this.#linearColumns.length;
    this.#linearBasis = new Float64Array(m * q);
    this.#linearColumns.forEach((o, j) => {
      const c = this.ownColumns[o]!;
      for (let i = 0; i < m; i++) this.#linearBasis[i * q + j] = basisInputs[i * d + c]! * split.linear[c]!;
    });
    const panelRows = this.#own?.panelRows ?? 0;
    this.#inputsAt = workspace.allocate(maxBatch * inputColumns);
    this.#panelAt = workspace.allocateBytes(panelRows * SINGLE_PANEL * 4);
    this.#referencesAt = workspace.allocateBytes(records * panelRows * 4);
    this.#weightsAt = workspace.allocateBytes(records * this.#weightRows * m * 4);
    this.#sumsAt = workspace.allocate(this.#weightRows * SINGLE_PANEL);
    this.#sourcesAt = workspace.allocateBytes(maxBatch * 4);
    this.#explained = new Float64Array(singlePanelsOf(maxBatch) * SINGLE_PANEL);
    this.#slopes = Array.from({ length: regimes }, () => new Float64Array(singlePanelsOf(maxBatch) * SINGLE_PANEL));
    this.#squares = new Float64Array(maxBatch);
    this.#root = null;
    this.#columnsAt = [];
    const leading = new Float64Array(withVariance ? p * q : 0);
    this.#selections =
      this.#own === null
        ? null
        : new RowSelections({
            ...{ la, posterior, leading, q, withVariance, most: SELECTIONS },
            activeRows: createActiveRows({ posterior, terms: split.own, isShared: (c) => roles[c]!.isShared, withVariance }),
          });
    this.#own?.select(0, this.#selections!.rows(0));
    if (!withVariance) return;
    la.gemm(false, false, p, q, m, 1, varianceRoot, this.#linearBasis, 0, leading);
    const mOwn = this.#own === null ? 0 : m;
    const isLower = mOwn > 0 && isLowerTriangular(varianceRoot, p, m);
    const root = mOwn > 0 ? varianceRoot : NOTHING;
    this.#root = createSingleRoot({ la, workspace, root, p, m: mOwn, isLower, leading, q, maxBatch });
    const allocate = (): number => this.#root!.allocateColumns();
    this.#columnsAt = this.#ownRegimes === 1 ? [this.#root.columnsAt] : Array.from({ length: regimes }, allocate);
  }

  /** α and, for the variance, g of each regime that a covariance serves. */
  get #weightRows(): number {
    const { withVariance, regimes } = this.#options;
    return 1 + (withVariance ? regimes / this.#ownRegimes : 0);
  }

  begin(rows: Float64Array, steps: number): void {
    if (this.#rows.length > 0 && isSame(rows, this.#rows)) return;
    this.#rows = rows;
    const { la, posterior, regimes, withVariance, pool } = this.#options;
    const { kernel, basisInputs, m, d, alpha, meanCoefficients, varianceRoot, p } = posterior;
    const n = steps * regimes;
    const q = this.#linearColumns.length;
    pool.reset();
    const k0 = kernelMatrix(la, kernel, rows, n, basisInputs, m, d, pool);
    this.#mean0 = new Float64Array(n);
    for (let r = 0; r < n; r++) for (let c = 0; c < d; c++) this.#mean0[r]! += rows[r * d + c]! * meanCoefficients[c]!;
    la.gemm(false, false, n, 1, m, 1, k0, alpha, 1, this.#mean0);
    const gains = new Float64Array(withVariance ? n * m : 0);
    if (withVariance) {
      const projected = new Float64Array(n * p);
      la.gemm(false, true, n, p, m, 1, k0, varianceRoot, 0, projected);
      la.gemm(false, false, n, m, p, 1, projected, varianceRoot, 0, gains);
      this.#variance0 = kernelDiagonal(kernel, rows, n, d);
      for (let r = 0; r < n; r++) for (let i = 0; i < p; i++) this.#variance0[r]! -= projected[r * p + i]! ** 2;
      this.#linearSlopes = new Float64Array(n * q);
      la.gemm(false, false, n, q, m, 1, gains, this.#linearBasis, 0, this.#linearSlopes);
    }
    if (this.#own !== null) {
      this.#select(this.#own, this.#selections!, steps);
      this.#beginOwn(this.#own, this.#selections!, steps, gains);
    }
  }

  /** The basis rows that each step's samples can be near to. */
  #select(own: SingleCovariance, selections: RowSelections, steps: number): void {
    const { posterior, regimes } = this.#options;
    const { d } = posterior;
    // One selection a step: samples of several regimes share one product.
    const shared = Array.from({ length: steps }, (_, t) =>
      Array.from({ length: this.#ownRegimes }, (__, g) => this.#rows.subarray((t * regimes + g) * d, (t * regimes + g + 1) * d)),
    );
    const { selectionOf, fresh } = selections.choose(shared);
    this.#selectionOf = selectionOf;
    for (const which of fresh) {
      own.select(which, selections.rows(which));
      const root = selections.root(which);
      if (root !== null) this.#root?.take(which, root.values, root.width);
    }
  }

  /** The reference covariances, by the same float32 code that computes the samples', and the weights of their differences. */
  #beginOwn(own: SingleCovariance, selections: RowSelections, steps: number, gains: Float64Array): void {
    const { posterior, regimes, withVariance } = this.#options;
    const { d, m, alpha } = posterior;
    const G = this.#ownRegimes;
    const point = new Float64Array(this.inputColumns);
    for (let record = 0; record < steps * G; record++) {
      const first = G === 1 ? record * regimes : record;
      const row = this.#rows.subarray(first * d, (first + 1) * d);
      this.ownColumns.forEach((c, o) => {
        point[o] = row[c]!;
      });
      const selection = this.#selectionOf[Math.floor(record / G)]!;
      const active = selections.rows(selection);
      own.share(record, selection, row);
      this.#workspace.write(this.#inputsAt, point, point.length);
      own.prepare(this.#inputsAt, 1);
      own.evaluate(record, 0, this.#panelAt);
      const floats = floatsOf(this.#workspace);
      const to = this.#referencesAt / 4 + record * own.panelRows;
      const weights = this.#weightsAt / 4 + record * this.#weightRows * m;
      active.forEach((basisRow, i) => {
        floats[to + i] = floats[this.#panelAt / 4 + i * SINGLE_PANEL]!;
        floats[weights + i] = alpha[basisRow]!;
        if (withVariance) for (let s = 0; s < regimes / G; s++) floats[weights + (s + 1) * m + i] = gains[(first + s) * m + basisRow]!;
      });
    }
  }

  mean(t: number, count: number, out: readonly Float64Array[]): void {
    const { regimes, posterior } = this.#options;
    const columns = this.inputColumns;
    for (let g = 0; g < regimes; g++) {
      const mean = out[g]!;
      const at = t * regimes + g;
      if (this.#own !== null && g < this.#ownRegimes) this.#differences(this.#own, t, g, count);
      let constant = this.#mean0[at]!;
      const open = this.#weights.map((weight, o) => (this.#gates[o] === null || this.#gates[o] === g ? weight : 0));
      this.ownColumns.forEach((c, o) => {
        if (open[o] !== 0) constant -= open[o]! * this.#rows[at * posterior.d + c]!;
      });
      for (let k = 0; k < count; k++) {
        let sum = constant + this.#explained[k]!;
        const row = k * columns;
        for (let o = 0; o < open.length; o++) if (open[o] !== 0) sum += open[o]! * this.inputs[row + o]!;
        mean[k] = sum;
      }
    }
  }

  /** δ of one own regime: αᵀδ and gᵀδ, and its columns for the root. */
  #differences(own: SingleCovariance, t: number, g: number, count: number): void {
    const { posterior, regimes, withVariance } = this.#options;
    const { m } = posterior;
    const G = this.#ownRegimes;
    const workspace = this.#workspace;
    const { exports } = workspace;
    workspace.write(this.#inputsAt, this.#seesGate ? this.#behindGates(g, count) : this.inputs, count * this.inputColumns);
    own.prepare(this.#inputsAt, count);
    const record = t * G + g;
    const rows = this.#weightRows;
    const active = this.#activeRows(t);
    const root = this.#root;
    const below = this.#linearColumns.length * (root?.stride ?? 0);
    const { view } = workspace;
    for (let panel = 0; panel < singlePanelsOf(count); panel++) {
      own.evaluate(record, panel, this.#panelAt);
      const to = root === null ? 0 : this.#columnsAt[g]! + panel * root.panelBytes + below;
      const reference = this.#referencesAt + record * own.panelRows * 4;
      const weights = this.#weightsAt + record * rows * m * 4;
      exports.singleDifferences(active, this.#panelAt, reference, to, root?.stride ?? 0, rows, weights, m, this.#sumsAt);
      const from = this.#sumsAt / 8;
      for (let r = 0, k = panel * SINGLE_PANEL; r < SINGLE_PANEL; r++, k++) this.#explained[k] = view[from + r]!;
      if (!withVariance) continue;
      for (let s = 0; s < regimes / G; s++) {
        const slopes = this.#slopes[G === 1 ? s : g]!;
        for (let r = 0, k = panel * SINGLE_PANEL; r < SINGLE_PANEL; r++, k++) slopes[k] = view[from + (s + 1) * SINGLE_PANEL + r]!;
      }
    }
  }

  #activeRows(t: number): number {
    return this.#selections!.rows(this.#selectionOf[t]!).length;
  }

  #behindGates(g: number, count: number): Float64Array {
    for (let k = 0; k < count; k++) {
      const row = k * this.inputColumns;
      this.#gates.forEach((gate, o) => {
        this.#masked[row + o] = gate === null || gate === g ? this.inputs[row + o]! : 0;
      });
    }
    return this.#masked;
  }

  variance(t: number, rows: Int32Array, regimeOf: Uint8Array, count: number, out: Float64Array): void {
    const root = this.#root!;
    const { posterior, regimes } = this.#options;
    const { d } = posterior;
    const q = this.#linearColumns.length;
    const floats = floatsOf(this.#workspace);
    for (let j = 0; j < count; j++) {
      const [k, g] = [rows[j]!, regimeOf[j]!];
      const at = t * regimes + g;
      let value = this.#variance0[at]! - (this.#own === null ? 0 : 2 * this.#slopes[g]![k]!);
      const to = (root.columnsAt + (j >> 3) * root.panelBytes) / 4 + (j & 7);
      for (let l = 0; l < q; l++) {
        const o = this.#linearColumns[l]!;
        const c = this.ownColumns[o]!;
        const gate = this.#gates[o]!;
        const x0 = this.#rows[at * d + c]!;
        const x = gate === null || gate === g ? this.inputs[k * this.inputColumns + o]! : 0;
        floats[to + (l * root.stride) / 4] = x - x0;
        value += (x - x0) * (this.#split.linear[c]! * (x + x0) - 2 * this.#linearSlopes[at * q + l]!);
      }
      out[j] = this.#constantPrior === null ? value + this.#ownPriorDifference(at, k, g) : value;
    }
    if (this.#own !== null) this.#gather(root, t, rows, regimeOf, count);
    root.run(this.#own === null ? 0 : this.#selectionOf[t]!, count, this.#squares);
    for (let j = 0; j < count; j++) out[j] = Math.max(0, out[j]! - this.#squares[j]!);
  }

  #ownPriorDifference(at: number, k: number, g: number): number {
    const { d } = this.#options.posterior;
    const points = new Float64Array(2 * d);
    const x0 = this.#rows.subarray(at * d, (at + 1) * d);
    points.set(x0);
    points.set(x0, d);
    this.ownColumns.forEach((c, o) => {
      const gate = this.#gates[o]!;
      points[d + c] = gate === null || gate === g ? this.inputs[k * this.inputColumns + o]! : 0;
    });
    const [before, after] = kernelDiagonal({ kind: "sum", parts: this.#split.own }, points, 2, d);
    return after! - before!;
  }

  /** The samples' covariance differences to the root's first columns, below the linear ones. */
  #gather(root: SingleRoot, t: number, rows: Int32Array, regimeOf: Uint8Array, count: number): void {
    const isInPlace = this.#ownRegimes === 1;
    if (isInPlace && rows[count - 1] === count - 1 && rows[0] === 0) return;
    const { exports } = this.#workspace;
    const below = this.#linearColumns.length * root.stride;
    const sources = new Uint32Array(exports.memory.buffer, this.#sourcesAt, count);
    for (let j = 0; j < count; j++) {
      const k = rows[j]!;
      sources[j] = this.#columnsAt[isInPlace ? 0 : regimeOf[j]!]! + (k >> 3) * root.panelBytes + (k & 7) * 4 + below;
    }
    exports.gatherSingle(this.#activeRows(t), count, this.#sourcesAt, root.stride, root.columnsAt + below, root.panelBytes);
  }
}
