import { existsSync, readFileSync } from "node:fs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { type WasmMemory, type WasmModule, webAssembly } from "#math/webAssembly";

/** Exports of assembly/kernels.ts; addresses are byte offsets into `memory`, matrices row-major with leading dimensions in elements. */
export interface KernelExports {
  readonly memory: WasmMemory;
  heapBase(): number;
  /** Bytes of scratch that gemm and everything built on it need. */
  gemmScratchBytes(): number;
  /** C ← alpha op(A) op(B) + beta C. */
  gemm(
    transposeA: number,
    transposeB: number,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    beta: number,
    c: number,
    ldc: number,
    scratch: number,
  ): void;
  cholesky(n: number, a: number, scratch: number): number;
  solveLower(n: number, m: number, l: number, b: number, transpose: number, scratch: number): void;
  inverseLower(n: number, l: number, out: number, scratch: number): void;
  inverseFromLowerInverse(n: number, inverse: number, out: number, scratch: number): void;
  /** kind 0 rbf, 1 matern32, 2 matern52; k ← factor · covariance (+ k when `accumulate`); dk 0 for none, without the factor. `length` is rounded up to even: the arrays must have room. */
  stationary(kind: number, length: number, r2: number, k: number, dk: number, factor: number, accumulate: number): void;
  squaredDistances(n: number, m: number, d: number, x: number, y: number, r2: number, scratch: number): void;
  /** Panels of four rows, [count/4][d][4], each value times `inverseScale[c]`, missing rows 0. */
  packPanels(count: number, d: number, leafDims: number, dims: number, inverseScale: number, inputs: number, out: number): void;
  /** out[i·ldOut + q] = Σ_c (x[c][i] − y[c][q])² for `panels` panels of x against one panel y. */
  panelDistances(panels: number, d: number, x: number, y: number, out: number, ldOut: number): void;
  panelProducts(panels: number, d: number, x: number, y: number, out: number, ldOut: number, accumulate: number): void;
  /** out ← out + scale · source, or scale · source when `accumulate` is 0. */
  addScaled(length: number, scale: number, source: number, out: number, accumulate: number): void;
  multiplyInto(length: number, source: number, out: number): void;
  /** Four columns of `out` (leading dimension ld) ← a rows×4 panel. */
  copyPanel(rows: number, panel: number, out: number, ld: number): void;
  /** out[q] = Σ_i weights[i] · block[i·ld + q], q < 4. */
  weightedColumnSums(rows: number, weights: number, block: number, ld: number, out: number): void;
  /** out[q] = Σ_i block[i·ld + q]², q < 4. */
  columnSquares(rows: number, block: number, ld: number, out: number): void;
  packRoot(p: number, m: number, w: number, lower: number, out: number): void;
  /** squares[4·panel + q] = ‖W k‖² of the columns in `panels` panels of [panelRows][4], W from packRoot. */
  /** The single-precision kernels of assembly/single.ts: panels of eight queries, [basis row][8] in float32; sums in float64. */
  packSingle(count: number, d: number, leafDims: number, dims: number, centre: number, inverse: number, inputs: number, out: number): void;
  singleDistances(panels: number, d: number, x: number, shared: number, y: number, out: number): void;
  singleProducts(panels: number, d: number, x: number, shared: number, y: number, out: number, accumulate: number): void;
  singleStationary(kind: number, vectors: number, squared: number, out: number, factor: number, accumulate: number): void;
  singleMultiply(vectors: number, source: number, out: number): void;
  singleAddScaled(vectors: number, scale: number, source: number, out: number, accumulate: number): void;
  singleDifferences(
    rows: number,
    panel: number,
    reference: number,
    out: number,
    outStride: number,
    count: number,
    weights: number,
    ldWeights: number,
    sums: number,
  ): void;
  gatherSingle(rows: number, count: number, sources: number, stride: number, out: number, panelBytes: number): void;
  singleSquares(rows: number, block: number, stride: number, squares: number): void;
  singleRootSquares(
    rowPanels: number,
    widths: number,
    root: number,
    panels: number,
    columns: number,
    panelBytes: number,
    squares: number,
  ): void;
  rootSquares(p: number, m: number, root: number, lower: number, panels: number, panelRows: number, columns: number, squares: number): void;
}

/** The compiled module: a fresh instance, with its own memory, per use that keeps data there. */
export interface WasmKernels {
  readonly stationary: LinearAlgebra["stationary"];
  readonly squaredDistances: LinearAlgebra["squaredDistances"];
  readonly workspace: WasmWorkspace;
  createWorkspace(): WasmWorkspace;
}

const PAGE_BYTES = 65_536;
const ALIGN_BYTES = 64;

/** An instance and a bump allocator over its memory. */
export class WasmWorkspace {
  readonly exports: KernelExports;
  #next: number;
  readonly #base: number;
  #view: Float64Array;

  constructor(module: WasmModule) {
    const instance = new webAssembly.Instance(module, {
      env: {
        abort: (): never => {
          throw new Error("kernels.wasm aborted");
        },
      },
    });
    this.exports = instance.exports as unknown as KernelExports;
    this.#base = align(this.exports.heapBase());
    this.#next = this.#base;
    this.#view = new Float64Array(this.exports.memory.buffer);
  }

  /** Forget every allocation. */
  reset(): void {
    this.#next = this.#base;
  }

  /** Address of `bytes` fresh bytes, 64-byte aligned, contents undefined. */
  allocateBytes(bytes: number): number {
    const address = this.#next;
    this.#next = align(address + bytes);
    const missing = this.#next + ALIGN_BYTES - this.exports.memory.buffer.byteLength;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return address;
  }

  /** Address of room for `length` float64 values and a little more, so that vectors may overrun the end. */
  allocate(length: number): number {
    return this.allocateBytes((length + 8) * 8);
  }

  /** The whole memory as float64; take it again after an allocation, which may move it. */
  get view(): Float64Array {
    if (this.#view.buffer !== this.exports.memory.buffer) this.#view = new Float64Array(this.exports.memory.buffer);
    return this.#view;
  }

  write(address: number, values: Float64Array, length: number): void {
    this.view.set(values.length === length ? values : values.subarray(0, length), address / 8);
  }

  read(address: number, out: Float64Array, length: number): void {
    const view = this.view;
    const start = address / 8;
    out.set(view.subarray(start, start + length));
  }

  store(values: Float64Array, length: number): number {
    const address = this.allocate(length);
    this.write(address, values, length);
    return address;
  }
}

const align = (address: number): number => Math.ceil(address / ALIGN_BYTES) * ALIGN_BYTES;

export const STATIONARY_KIND = { rbf: 0, matern32: 1, matern52: 2 } as const;

/** Elements that one call copies at a time, so that scratch stays small and in cache. */
const CHUNK = 1 << 15;

const createKernels = (module: WasmModule): WasmKernels => {
  const createWorkspace = (): WasmWorkspace => new WasmWorkspace(module);
  const workspace = createWorkspace();
  const stationary: LinearAlgebra["stationary"] = (kind, length, r2, k, dk) => {
    workspace.reset();
    const at = workspace.allocate(Math.min(length, CHUNK));
    const derivativeAt = dk === null ? 0 : workspace.allocate(Math.min(length, CHUNK));
    const view = workspace.view;
    for (let start = 0; start < length; start += CHUNK) {
      const end = Math.min(length, start + CHUNK);
      view.set(r2.subarray(start, end), at / 8);
      workspace.exports.stationary(STATIONARY_KIND[kind], end - start, at, at, derivativeAt, 1, 0);
      k.set(view.subarray(at / 8, at / 8 + end - start), start);
      if (dk !== null) dk.set(view.subarray(derivativeAt / 8, derivativeAt / 8 + end - start), start);
    }
  };
  const squaredDistances: LinearAlgebra["squaredDistances"] = (n, m, d, x, y, r2) => {
    if (n === 0 || m === 0) return;
    workspace.reset();
    const yAt = workspace.store(y, m * d);
    const rows = Math.min(n, Math.max(4, Math.ceil(CHUNK / m / 4) * 4));
    const xAt = workspace.allocate(rows * d);
    const outAt = workspace.allocate((rows + 4) * m);
    const scratch = workspace.allocate((m + 8) * d + 16);
    for (let start = 0; start < n; start += rows) {
      const count = Math.min(rows, n - start);
      workspace.view.set(x.subarray(start * d, (start + count) * d), xAt / 8);
      workspace.exports.squaredDistances(count, m, d, xAt, yAt, outAt, scratch);
      r2.set(workspace.view.subarray(outAt / 8, outAt / 8 + count * m), start * m);
    }
  };
  return { stationary, squaredDistances, workspace, createWorkspace };
};

/** Beside this module when built; in dist when it runs from TypeScript sources. */
const findWasm = (): URL | null => {
  const places = [new URL("kernels.wasm", import.meta.url), new URL("../../dist/src/math/kernels.wasm", import.meta.url)];
  return places.find((place) => existsSync(place)) ?? null;
};

let loaded: Promise<WasmKernels | null> | undefined;

/** The WASM-SIMD kernels, or null where kernels.wasm has not been built. Compiled once per thread. */
export const loadWasmKernels = (): Promise<WasmKernels | null> => {
  loaded ??= (async () => {
    const place = findWasm();
    return place === null ? null : createKernels(await webAssembly.compile(readFileSync(place)));
  })();
  return loaded;
};
