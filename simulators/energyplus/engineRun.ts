import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { IsothermError, unavailableError } from "#domain/errors";
import { loadKoffi } from "#math/native";
// Read first by the outermost thread, so that engine threads share its lock.
import "#math/nativeLock";
import type { EnergyplusEngine } from "#simulators/energyplus/engine";
import { ownEngineThread } from "#simulators/energyplus/lastResort";
import {
  type Actuated,
  cell,
  cellCount,
  type OutputVariable,
  type RunEnd,
  type RunOrder,
  rowWidth,
  turn,
} from "#simulators/energyplus/runProtocol";

export interface EngineRunOptions {
  readonly engine: EnergyplusEngine;
  readonly args: readonly string[];
  readonly variables?: readonly OutputVariable[];
  readonly meters?: readonly (readonly string[])[];
  readonly actuated?: readonly Actuated[];
  readonly measured?: readonly string[];
  readonly freeSteps?: number;
  readonly tape?: Float64Array | null;
  readonly keepsRows?: boolean;
  /** The engine may be silent this long (no step, no message) before it counts as hung. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
}
export const defaultPatienceMs = 120_000;
const checkEveryMs = 250;
/** Two threads a run: the engine's and the plant's. `compare` says so where it runs more of them than there are cores. */
const hasCoreToSpare = availableParallelism() >= 2 && process.env.ISOTHERM_SHARED_CORES !== "1";
const spinMs = 1;
/** How long this thread may stand still for the engine's next step; beyond it other work goes on meanwhile. */
const onTheSpotMs = 2;
/** A stopped engine ends its current step, or sizing, within this. */
const stopPatienceMs = 5_000;

// Atomics.waitAsync is ES2024; Node has it from 16 on.
type WaitAsync = (cells: Int32Array, index: number, value: number) => { readonly async: boolean; readonly value: Promise<string> | string };
const waitAsync = (Atomics as unknown as { readonly waitAsync: WaitAsync }).waitAsync;

const workerSource = "simulators/energyplus/engineWorker.ts";
/** The built worker: a process that runs the TypeScript sources (a test) hands its threads the built ones. */
const workerScript = (): string => {
  const path = createRequire(import.meta.url).resolve("#simulators/energyplus/engineWorker");
  return path.endsWith(workerSource) ? join(path.slice(0, -workerSource.length), "dist", workerSource.replace(/\.ts$/, ".js")) : path;
};

/** One run of the engine in a thread of its own. */
export class EngineRun {
  readonly #control: Int32Array;
  readonly #row: Float64Array;
  readonly #pairs: Float64Array;
  readonly #worker: Worker;
  readonly #patienceMs: number;
  readonly #exited: Promise<void>;
  #end: RunEnd | null = null;
  #trouble: unknown = null;
  #hasExited = false;
  #signs = 0;
  #lastSignMs = performance.now();

  private constructor(options: EngineRunOptions) {
    const { variables = [], meters = [], actuated = [] } = options;
    const width = rowWidth({ variables, meters });
    const order: RunOrder = {
      library: options.engine.library,
      engineFolder: options.engine.folder,
      args: options.args,
      variables,
      meters,
      actuated,
      measured: options.measured ?? [],
      freeSteps: options.freeSteps ?? Number.POSITIVE_INFINITY,
      tape: options.tape ?? null,
      keepsRows: options.keepsRows ?? false,
      control: new SharedArrayBuffer(4 * cellCount),
      exchange: new SharedArrayBuffer(8 * (width + 2 * actuated.length)),
    };
    this.#control = new Int32Array(order.control);
    this.#row = new Float64Array(order.exchange, 0, width);
    this.#pairs = new Float64Array(order.exchange, 8 * width);
    this.#patienceMs = options.patienceMs ?? defaultPatienceMs;
    // Without the process's own options: some (--input-type, the import condition that finds sources) are wrong for a built script.
    this.#worker = new Worker(workerScript(), { workerData: order, execArgv: [], resourceLimits: { stackSizeMb: 8 } });
    const disown = ownEngineThread();
    const watch = setInterval(() => this.#lookForLife(), Math.min(checkEveryMs, this.#patienceMs));
    const abort = (): void => this.#giveUp(options.signal!.reason);
    options.signal?.addEventListener("abort", abort, { once: true });
    this.#worker.on("message", (end: RunEnd) => {
      this.#end = end;
    });
    this.#worker.on("error", (error) => {
      this.#trouble ??= error;
    });
    this.#exited = new Promise((resolve) =>
      this.#worker.once("exit", () => {
        this.#hasExited = true;
        clearInterval(watch);
        options.signal?.removeEventListener("abort", abort);
        disown();
        this.#giveTurn(turn.ended);
        resolve();
      }),
    );
    watch.unref();
  }

  static async start(options: EngineRunOptions): Promise<EngineRun> {
    options.signal?.throwIfAborted();
    if ((await loadKoffi()) === null)
      throw unavailableError("EnergyPlus cannot be called: the npm package koffi is not installed or has no binary for this platform", {
        todo: "Run `npm install --include=optional`.",
      });
    return new EngineRun(options);
  }

  /** Resolves with the row when it is the plant's turn, and with null when the run is over. The row is valid until `proceed`. */
  async nextRow(): Promise<Float64Array | null> {
    for (;;) {
      if (this.#trouble !== null) throw this.#trouble;
      const now = Atomics.load(this.#control, cell.turn);
      if (now === turn.plant) return this.#row;
      if (now === turn.ended) return null;
      if (this.#spins()) continue;
      // A step takes a fraction of a millisecond, less than the event loop needs to come round: a short wait on the spot saves that.
      if (Atomics.wait(this.#control, cell.turn, turn.engine, onTheSpotMs) !== "timed-out") continue;
      const waiting = waitAsync(this.#control, cell.turn, turn.engine);
      if (waiting.async) await waiting.value;
    }
  }

  /**
   * Looks again and again for the engine's next step for at most `spinMs`: true once it is there. A thread that sleeps for a fraction of a millisecond
   * wakes late, above all on a virtual machine. Not where other runs want the core.
   */
  #spins(): boolean {
    if (!hasCoreToSpare) return false;
    const endMs = performance.now() + spinMs;
    do {
      for (let i = 0; i < 200; i++) if (Atomics.load(this.#control, cell.turn) !== turn.engine) return true;
    } while (performance.now() < endMs);
    return false;
  }

  /** Hands the turn back to the engine with the setpoints of the next step: heating and cooling of each actuated zone, NaN for its own. */
  proceed(pairs: Float64Array): void {
    this.#pairs.set(pairs);
    this.#lastSignMs = performance.now();
    this.#giveTurn(turn.engine);
  }

  /** Runs to the end without further commands; rejects where the thread itself failed or the engine hung. */
  async finished(): Promise<RunEnd> {
    while ((await this.nextRow()) !== null) this.proceed(new Float64Array(this.#pairs.length).fill(Number.NaN));
    await this.#exited;
    if (this.#trouble !== null) throw this.#trouble;
    if (this.#end === null) throw new IsothermError("permanent", "the EnergyPlus thread ended without a word");
    return this.#end;
  }

  /** Stops the engine and waits until its thread is gone; one that does not stop is left behind, and ended with the process. */
  async close(): Promise<void> {
    if (this.#hasExited) return;
    Atomics.store(this.#control, cell.stop, 1);
    this.#giveTurn(turn.engine);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopPatienceMs);
    });
    await Promise.race([this.#exited, patience]);
    clearTimeout(timer);
    if (this.#hasExited) return;
    // Native code cannot be interrupted: the thread ends by itself when the engine comes back, and must not keep the process alive until then.
    // Not `terminate`: it would hold the process until the thread is gone.
    this.#worker.unref();
  }

  #giveTurn(to: number): void {
    Atomics.store(this.#control, cell.turn, to);
    Atomics.notify(this.#control, cell.turn);
  }

  /** Ends the run from this side: whoever waits for a row gets `trouble`. */
  #giveUp(trouble: unknown): void {
    this.#trouble ??= trouble;
    Atomics.store(this.#control, cell.stop, 1);
    this.#giveTurn(turn.ended);
  }

  #lookForLife(): void {
    const signs = Atomics.load(this.#control, cell.lifeSigns);
    if (signs !== this.#signs || Atomics.load(this.#control, cell.turn) !== turn.engine) {
      this.#signs = signs;
      this.#lastSignMs = performance.now();
    } else if (performance.now() - this.#lastSignMs > this.#patienceMs)
      this.#giveUp(
        new IsothermError(
          "permanent",
          `EnergyPlus has shown no sign of life for ${this.#patienceMs / 1000} s and counts as hung; the run has failed`,
          { todo: "Run the model with EnergyPlus itself to see where it stays." },
        ),
      );
  }
}
