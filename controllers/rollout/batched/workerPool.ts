import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { SharedRequest, WorkerMessage, WorkerStart } from "#controllers/rollout/batched/sharedRun";
import { IsothermError } from "#domain/errors";
import { endWorker } from "#math/nativeLock";

/**
 * The built worker, or null where the sources run without a build. A process that runs the TypeScript sources (a test) hands its workers
 * the built ones.
 */
export const workerScript = (): string | null => {
  const source = "controllers/rollout/batched/worker.ts";
  try {
    const path = createRequire(import.meta.url).resolve("#controllers/rollout/batched/worker");
    const built = path.endsWith(source) ? join(path.slice(0, -source.length), "dist", source.replace(/\.ts$/, ".js")) : path;
    return existsSync(built) ? built : null;
  } catch (error) {
    if ((error as { code?: string }).code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
};

/**
 * What a thread computes lies outside its heap. A small young generation is collected often: the matrices of past decisions go soon, instead of
 * piling up to the 64 MB at which V8 would look for them.
 */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 256 } as const;

/** Larger than any number of blocks: whoever looks for work finds none. */
const NO_MORE_BLOCKS = 1 << 30;

/** Threads that share the blocks of one request at a time. They keep the process alive only while they work. */
export class WorkerPool {
  readonly #workers: readonly Worker[];
  readonly #next: Int32Array;
  #failure: IsothermError | null = null;
  #waiting: { resolve: () => void; reject: (error: Error) => void; open: number } | null = null;
  readonly #ready: Promise<void>;

  constructor(script: string, start: WorkerStart, threads: number) {
    this.#next = start.next;
    this.#ready = this.#expectAll(threads);
    // Whoever runs first sees a failure to start; nobody needs to before.
    this.#ready.catch(() => {});
    this.#workers = Array.from({ length: threads }, () => {
      // Without the process's own options: some (--input-type, the import condition that finds sources) are wrong for a built script.
      const worker = new Worker(script, { workerData: start, execArgv: [], resourceLimits: HEAP_LIMITS });
      worker.on("message", (_: WorkerMessage) => this.#answered());
      worker.on("error", (error) => this.#fail("failed", error));
      worker.on("exit", () => this.#fail("ended"));
      return worker;
    });
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Resolves when every worker has answered once. */
  #expectAll(open: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, open };
    });
  }

  #answered(): void {
    const waiting = this.#waiting;
    if (waiting === null || --waiting.open > 0) return;
    this.#waiting = null;
    this.#hold(false);
    waiting.resolve();
  }

  #fail(what: string, cause?: unknown): void {
    if (this.#failure !== null) return;
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    this.#failure = new IsothermError("permanent", `A rollout worker ${what}${reason}`, {
      todo: "The next decision starts new workers.",
      cause,
    });
    this.#stop();
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
  }

  #hold(isBusy: boolean): void {
    for (const worker of this.#workers) {
      if (isBusy) worker.ref();
      else worker.unref();
    }
  }

  #stop(): void {
    Atomics.store(this.#next, 0, NO_MORE_BLOCKS);
    for (const worker of this.#workers ?? []) void endWorker(worker);
  }

  async ready(): Promise<void> {
    await this.#ready;
  }

  /** Rolls every block of the request whose setpoints stand in the shared arrays. */
  async run(request: SharedRequest): Promise<void> {
    await this.#ready;
    if (this.#failure !== null) throw this.#failure;
    Atomics.store(this.#next, 0, 0);
    const done = this.#expectAll(this.#workers.length);
    this.#hold(true);
    for (const worker of this.#workers) worker.postMessage(request);
    await done;
  }

  /** Ends the threads; a run that is under way is rejected. */
  close(): void {
    this.#fail("was closed");
  }
}
