import type { BlockPredictor } from "#controllers/rollout/batched/blockPredictor";
import { compileOwnCovariance, type OwnCovariance } from "#controllers/rollout/batched/ownCovariance";
import { createBlasRootProduct, createWasmRootProduct, type RootProduct } from "#controllers/rollout/batched/rootProduct";
import { type KernelSplit, leavesOf, splitKernel } from "#controllers/rollout/batched/splitKernel";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { isLowerTriangular } from "#math/batchPredictorPlain";
import type { BlasLinearAlgebra } from "#math/blasLinearAlgebra";
import { PANEL, panelsOf } from "#math/crossCovariance";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { MatrixPool } from "#math/matrixPool";
import type { WasmLinearAlgebra } from "#math/wasmLinearAlgebra";

export type FastLinearAlgebra = WasmLinearAlgebra | BlasLinearAlgebra;

/** Regimes of a zone's equipment; a gated column counts in its own one only. */
export const FREE = 0;
export const HEATING = 1;
export const COOLING = 2;

/** What a column of a posterior's inputs is in a rollout. */
export interface ColumnRole {
  /** All samples of a step have the same value. */
  readonly isShared: boolean;
  readonly gate: typeof HEATING | typeof COOLING | null;
}

export interface StepPredictorOptions {
  readonly la: FastLinearAlgebra;
  readonly posterior: Omit<PosteriorData, "features">;
  readonly roles: readonly ColumnRole[];
  /** 1: without gates; 3: FREE, HEATING, COOLING. */
  readonly regimes: 1 | 3;
  readonly withVariance: boolean;
  readonly maxBatch: number;
  /** Scratch that predictors of one thread share. */
  readonly pool: MatrixPool;
}

const NO_ROWS = new Float64Array(0);

const isSame = (a: Float64Array, b: Float64Array): boolean => a.length === b.length && a.every((value, i) => Object.is(value, b[i]));

/**
 * One posterior for all samples of a step, in every regime at once. The kernel is split (splitKernel): shared terms become one vector h a step
 * and regime, linear terms weights on the inputs, and only the rest is evaluated for each sample and basis row:
 * f = βᵀx + (own(x, X) + h)α + Σ_c w_c x_c, variance = k(x, x) − ‖W own(X, x) + (W X Λ) x + W h‖², in one product with the root [W X Λ, W h, W].
 */
export class StepPredictor implements BlockPredictor {
  readonly needsReference = false;
  /** Columns that differ between samples, by their index in the posterior's inputs; `inputs` holds them in this order and a 1. */
  readonly ownColumns: readonly number[];
  readonly inputColumns: number;
  /** maxBatch × inputColumns: to be filled before `mean`, gated columns as if every gate were open. */
  readonly inputs: Float64Array;
  readonly #options: StepPredictorOptions;
  readonly #split: KernelSplit;
  readonly #own: OwnCovariance | null;
  /** Whether an own term sees a gated column, and for how many regimes the own terms therefore differ. */
  readonly #seesGate: boolean;
  readonly #ownRegimes: number;
  readonly #root: RootProduct | null;
  /** w of each own column, and which of them stand in the root's leading columns. */
  readonly #weights: Float64Array;
  readonly #linearColumns: readonly number[];
  readonly #gates: readonly (number | null)[];
  readonly #masked: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #inputsAt: number;
  readonly #alphaAt: number;
  readonly #sumsAt: number;
  readonly #covariancesAt: number;
  readonly #workspace: ReturnType<WasmLinearAlgebra["kernels"]["createWorkspace"]>;
  readonly #constantPrior: number | null;
  /** Per step and regime: the shared columns (d), the mean they give, the prior variance they give, and W h (p). */
  #rows: Float64Array = NO_ROWS;
  #sharedMean = new Float64Array(0);
  #sharedPrior: Float64Array = new Float64Array(0);
  #sharedRoot = new Float64Array(0);
  #rootStep = -1;
  readonly #pool: MatrixPool;

  constructor(options: StepPredictorOptions) {
    this.#options = options;
    this.#pool = options.pool;
    const { la, posterior, roles, maxBatch, withVariance } = options;
    const { kernel, basisInputs, m, d, alpha, meanCoefficients, varianceRoot, p } = posterior;
    const { kernels } = la;
    if (kernels === null) throw new Error("The batched rollout needs the WebAssembly kernels.");
    const workspace = kernels.createWorkspace();
    this.#workspace = workspace;
    this.ownColumns = roles.flatMap(({ isShared }, c) => (isShared ? [] : [c]));
    this.inputColumns = this.ownColumns.length + 1;
    this.inputs = new Float64Array(maxBatch * this.inputColumns).fill(1);
    this.#masked = this.inputs.slice();
    this.#gates = this.ownColumns.map((c) => roles[c]!.gate);
    const split = splitKernel(kernel, d, (c) => roles[c]!.isShared);
    this.#split = split;
    const seesGate = split.own.some((term) => leavesOf(term, d).some(({ dims }) => dims.some((c) => roles[c]!.gate !== null)));
    this.#seesGate = seesGate;
    this.#ownRegimes = seesGate ? options.regimes : 1;
    this.#constantPrior = constantPrior(split.own);

    const queryColumn = new Int32Array(d).fill(-1);
    this.ownColumns.forEach((c, o) => {
      queryColumn[c] = o;
    });
    this.#own =
      split.own.length === 0
        ? null
        : compileOwnCovariance(workspace, { terms: split.own, basisInputs, m, d, queryColumn, inputColumns: this.inputColumns, maxBatch });
    this.#inputsAt = workspace.allocate(maxBatch * this.inputColumns);
    this.#alphaAt = workspace.store(alpha, m);
    this.#sumsAt = workspace.allocate(panelsOf(maxBatch) * PANEL);
    this.#covariancesAt = workspace.allocate(this.#regimeLength * this.#ownRegimes);
    this.#sums = new Float64Array(maxBatch);
    this.#squares = new Float64Array(maxBatch);

    this.#weights = Float64Array.from(this.ownColumns, (c) => {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += basisInputs[i * d + c]! * alpha[i]!;
      return meanCoefficients[c]! + split.linear[c]! * sum;
    });
    this.#linearColumns = this.ownColumns.map((_, o) => o).filter((o) => split.linear[this.ownColumns[o]!] !== 0);
    this.#root = null;
    if (!withVariance) return;
    const q = this.#linearColumns.length + options.regimes;
    const mOwn = this.#own === null ? 0 : m;
    const isLower = mOwn > 0 && isLowerTriangular(varianceRoot, p, m);
    const leading = this.#linearLeadingColumns(q);
    const rootOptions = { root: mOwn > 0 ? varianceRoot : new Float64Array(0), p, m: mOwn, isLower, leading, q, maxBatch };
    this.#root =
      la.name === "blas" ? createBlasRootProduct(la.blas, workspace, rootOptions) : createWasmRootProduct(workspace, rootOptions);
  }

  get #regimeLength(): number {
    return this.#own === null ? 0 : this.#own.panelRows * panelsOf(this.#options.maxBatch) * PANEL;
  }

  /** E = W X Λ on the own linear columns, and zeros where W h will stand; p×q. */
  #linearLeadingColumns(q: number): Float64Array {
    const { la, posterior } = this.#options;
    const { basisInputs, m, d, varianceRoot, p } = posterior;
    const basis = new Float64Array(m * q);
    this.#linearColumns.forEach((o, j) => {
      const c = this.ownColumns[o]!;
      for (let i = 0; i < m; i++) basis[i * q + j] = basisInputs[i * d + c]! * this.#split.linear[c]!;
    });
    const leading = new Float64Array(p * q);
    la.gemm(false, false, p, q, m, 1, varianceRoot, basis, 0, leading);
    return leading;
  }

  /**
   * Takes the shared columns of the coming steps: rows (steps · regimes)×d, gated columns 0 where their gate is closed, own columns anything finite.
   * The runs of one decision bring the same rows: what follows from them is computed once.
   */
  begin(rows: Float64Array, steps: number): void {
    if (this.#rows.length > 0 && isSame(rows, this.#rows)) return;
    this.#rows = NO_ROWS;
    this.#share(rows, steps);
    this.#rows = rows;
  }

  #share(rows: Float64Array, steps: number): void {
    const { la, posterior, roles, regimes, withVariance } = this.#options;
    const { basisInputs, m, d, alpha, meanCoefficients, varianceRoot, p } = posterior;
    const n = steps * regimes;
    this.#rootStep = -1;
    this.#sharedMean = new Float64Array(n);
    this.#sharedPrior = new Float64Array(n);
    for (let r = 0; r < n; r++)
      for (let c = 0; c < d; c++) if (roles[c]!.isShared) this.#sharedMean[r]! += rows[r * d + c]! * meanCoefficients[c]!;
    if (withVariance && this.#sharedRoot.length !== n * p) this.#sharedRoot = new Float64Array(n * p);
    if (this.#split.shared === null) return;
    this.#pool.reset();
    const h = kernelMatrix(la, this.#split.shared, rows, n, basisInputs, m, d, this.#pool);
    la.gemm(false, false, n, 1, m, 1, h, alpha, 1, this.#sharedMean);
    if (!withVariance) return;
    this.#sharedPrior = kernelDiagonal(this.#split.shared, rows, n, d);
    la.gemm(false, true, n, p, m, 1, h, varianceRoot, 0, this.#sharedRoot);
    // A missing shared value fails the samples of its regime through the mean or the prior; in the root it would fail all.
    for (let r = 0; r < n; r++) {
      const row = this.#sharedRoot.subarray(r * p, (r + 1) * p);
      if (row.every(Number.isFinite)) continue;
      row.fill(0);
      this.#sharedPrior[r] = Number.NaN;
    }
  }

  /** out[regime][k] = f of the first `count` rows of `inputs` at step t, for every regime. */
  mean(t: number, count: number, out: readonly Float64Array[]): void {
    const { regimes } = this.#options;
    this.#prepareOwn(t, count);
    for (let g = 0; g < regimes; g++) {
      const mean = out[g]!;
      if (this.#own !== null && g < this.#ownRegimes) this.#ownMean(t, g, count);
      const constant = this.#sharedMean[t * regimes + g]!;
      for (let k = 0; k < count; k++) {
        let sum = this.#own === null ? constant : constant + this.#sums[k]!;
        const row = k * this.inputColumns;
        for (let o = 0; o < this.#weights.length; o++) {
          const gate = this.#gates[o];
          if (gate === null || gate === g) sum += this.#weights[o]! * this.inputs[row + o]!;
        }
        mean[k] = sum;
      }
    }
  }

  #prepareOwn(t: number, count: number): void {
    if (this.#own === null || this.#seesGate) return;
    const { d } = this.#options.posterior;
    this.#own.setShared(this.#rows.subarray(t * this.#options.regimes * d));
    this.#workspace.write(this.#inputsAt, this.inputs, count * this.inputColumns);
    this.#own.prepare(this.#inputsAt, count);
  }

  /** Sums own(x, X) α of one regime; the covariances stay for `variance`. */
  #ownMean(t: number, g: number, count: number): void {
    const own = this.#own!;
    const { posterior, regimes } = this.#options;
    if (this.#seesGate) {
      own.setShared(this.#rows.subarray((t * regimes + g) * posterior.d));
      for (let k = 0; k < count; k++) {
        const row = k * this.inputColumns;
        this.#gates.forEach((gate, o) => {
          this.#masked[row + o] = gate === null || gate === g ? this.inputs[row + o]! : 0;
        });
      }
      this.#workspace.write(this.#inputsAt, this.#masked, count * this.inputColumns);
      own.prepare(this.#inputsAt, count);
    }
    const { exports } = this.#workspace;
    const panelBytes = own.panelRows * PANEL * 8;
    const at = this.#covariancesAt + g * this.#regimeLength * 8;
    for (let panel = 0; panel < panelsOf(count); panel++) {
      own.evaluate(panel, at + panel * panelBytes);
      exports.weightedColumnSums(posterior.m, this.#alphaAt, at + panel * panelBytes, PANEL, this.#sumsAt + panel * PANEL * 8);
    }
    this.#workspace.read(this.#sumsAt, this.#sums, count);
  }

  /** out[j] = latent variance of the sample rows[j] in the regime regimeOf[j] at step t, j < count, for inputs that `mean` has just seen. */
  variance(t: number, rows: Int32Array, regimeOf: Uint8Array, count: number, out: Float64Array): void {
    const root = this.#root!;
    const { posterior, regimes } = this.#options;
    const { p, m } = posterior;
    const leadingLinear = this.#linearColumns.length;
    if (this.#rootStep !== t) {
      for (let g = 0; g < regimes; g++) {
        const at = (t * regimes + g) * p;
        root.setLeadingColumn(leadingLinear + g, this.#sharedRoot.subarray(at, at + p));
      }
      this.#rootStep = t;
    }
    const { view } = this.#workspace;
    const { stride } = root;
    for (let j = 0; j < count; j++) {
      const g = regimeOf[j]!;
      const column = root.columnAt(j);
      const input = rows[j]! * this.inputColumns;
      let prior = this.#sharedPrior[t * regimes + g]!;
      for (let l = 0; l < leadingLinear; l++) {
        const o = this.#linearColumns[l]!;
        const gate = this.#gates[o]!;
        const x = gate === null || gate === g ? this.inputs[input + o]! : 0;
        view[column + l * stride] = x;
        prior += this.#split.linear[this.ownColumns[o]!]! * x * x;
      }
      for (let r = 0; r < regimes; r++) view[column + (leadingLinear + r) * stride] = r === g ? 1 : 0;
      out[j] = prior + this.#ownPrior(t, rows[j]!, g);
    }
    if (this.#own !== null) this.#gather(rows, regimeOf, count, m);
    root.run(count, this.#squares);
    for (let j = 0; j < count; j++) out[j] = Math.max(0, out[j]! - this.#squares[j]!);
  }

  #ownPrior(t: number, k: number, g: number): number {
    if (this.#constantPrior !== null) return this.#constantPrior;
    const { posterior, regimes } = this.#options;
    const start = (t * regimes + g) * posterior.d;
    const x = this.#rows.slice(start, start + posterior.d);
    this.ownColumns.forEach((c, o) => {
      const gate = this.#gates[o]!;
      x[c] = gate === null || gate === g ? this.inputs[k * this.inputColumns + o]! : 0;
    });
    return kernelDiagonal({ kind: "sum", parts: this.#split.own }, x, 1, posterior.d)[0]!;
  }

  /** Copies the samples' covariances below the leading entries of the product's columns. */
  #gather(rows: Int32Array, regimeOf: Uint8Array, count: number, m: number): void {
    const root = this.#root!;
    const { view, exports } = this.#workspace;
    const { stride } = root;
    const below = (this.#linearColumns.length + this.#options.regimes) * stride;
    const panelLength = this.#own!.panelRows * PANEL;
    const regimeStart = (j: number): number => this.#covariancesAt / 8 + (this.#ownRegimes > 1 ? regimeOf[j]! * this.#regimeLength : 0);
    for (let j = 0; j < count; ) {
      const k = rows[j]!;
      const from = regimeStart(j) + Math.floor(k / PANEL) * panelLength;
      const to = root.columnAt(j) + below;
      const isWhole =
        j % PANEL === 0 && k % PANEL === 0 && j + PANEL <= count && rows[j + PANEL - 1] === k + PANEL - 1 && this.#ownRegimes === 1;
      if (isWhole) {
        exports.copyPanel(m, from * 8, to * 8, stride);
        j += PANEL;
        continue;
      }
      for (let i = 0, source = from + (k % PANEL), target = to; i < m; i++, source += PANEL, target += stride) view[target] = view[source]!;
      j++;
    }
  }
}

/** Σ k(x, x) of terms that are stationary, scaled or not; null where a term's own variance depends on x. */
export const constantPrior = (terms: readonly KernelSpec[]): number | null => {
  let sum = 0;
  for (const term of terms) {
    const value = constantDiagonal(term);
    if (value === null) return null;
    sum += value;
  }
  return sum;
};

const constantDiagonal = (spec: KernelSpec): number | null => {
  if (spec.kind === "linear") return null;
  if (spec.kind === "scale") {
    const base = constantDiagonal(spec.base);
    return base === null ? null : spec.outputScale * base;
  }
  if (!("parts" in spec)) return 1;
  let total = spec.kind === "sum" ? 0 : 1;
  for (const part of spec.parts) {
    const value = constantDiagonal(part);
    if (value === null) return null;
    total = spec.kind === "sum" ? total + value : total * value;
  }
  return total;
};
