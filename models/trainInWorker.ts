import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { LinearAlgebraPreference } from "#math/createLinearAlgebra";
import { endWorker } from "#math/nativeLock";
import { assembleBuilding, checkTrainingData, type TrainRequest, type ZoneTraining } from "#models/trainBuilding";
import type { TaskResult, TrainTask, WorkerReply, ZoneTask } from "#models/trainWorker";

export interface WorkerTrainRequest extends Omit<TrainRequest, "la"> {
  readonly backend?: LinearAlgebraPreference;
  /** Worker threads; default one per core, at most one per zone and at most 4. */
  readonly threads?: number;
}

const WORKER_SOURCE = "models/trainWorker.ts";

/** The built worker: a process that runs the TypeScript sources (a test) hands its workers the built ones. */
const workerScript = (): string => {
  const path = createRequire(import.meta.url).resolve("#models/trainWorker");
  return path.endsWith(WORKER_SOURCE) ? join(path.slice(0, -WORKER_SOURCE.length), "dist", WORKER_SOURCE.replace(/\.ts$/, ".js")) : path;
};

/** A small young generation: a training thread's garbage is mostly matrices, and a thread that is lent 48 MB for it takes them. */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 } as const;

/** A thread for as long as `use` runs; it is ended when `stop` aborts. */
const withThread = async <T>(script: string, stop: AbortSignal, use: (worker: Worker) => Promise<T>): Promise<T> => {
  stop.throwIfAborted();
  // Without the process's own options: some (an import condition that finds sources) are wrong for a built script.
  const worker = new Worker(script, { execArgv: [], resourceLimits: HEAP_LIMITS });
  const abort = (): void => void endWorker(worker);
  stop.addEventListener("abort", abort, { once: true });
  try {
    return await use(worker);
  } finally {
    stop.removeEventListener("abort", abort);
    await endWorker(worker);
  }
};

/**
 * `trainBuilding` in worker threads, zone by zone and power at last, so that no control tick waits for learning: this thread only hands over and
 * puts together. Aborting, or a zone that fails, ends all workers.
 */
export const trainInWorker = async (request: WorkerTrainRequest): Promise<BuildingModel> => {
  const { dataset, zones, onProgress, signal, backend = "auto" } = request;
  checkTrainingData(dataset, zones);
  signal?.throwIfAborted();
  const started = performance.now();
  const base = { dataset, localMs: dataset.timesMs.map(request.toLocalMs), backend, blasThreads: 1 };
  const fractions = new Float64Array(zones.length);
  const report = (zone: number, fraction: number, text: string): void => {
    fractions[zone] = fraction;
    onProgress((0.85 * fractions.reduce((a, b) => a + b, 0)) / zones.length, text);
  };
  const results = new Array<ZoneTraining>(zones.length);
  const waiting = zones.map((_, i) => i);
  const script = workerScript();
  const failure = new AbortController();
  const stop = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  const threads = Math.max(1, Math.min(request.threads ?? availableParallelism(), zones.length, 4));
  const lane = (): Promise<void> =>
    withThread(script, stop, async (worker) => {
      for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
        const zone = at;
        const task: ZoneTask = {
          ...base,
          kind: "zone",
          zone: zones[zone]!,
          neighbours: zones.filter((_, other) => other !== zone),
          prior: request.prior,
          options: request.options,
        };
        results[zone] = await runTask(worker, task, stop, (fraction, text) => report(zone, fraction, text));
      }
    }).catch((error: unknown) => {
      // The first failure is the one to tell; the other lanes end with it as their reason.
      failure.abort(error);
      throw error;
    });
  await Promise.allSettled(Array.from({ length: threads }, lane));
  stop.throwIfAborted();
  onProgress(0.9, "learning HVAC power");
  const models = results.map(({ model }) => model);
  const { options } = request;
  const power = await withThread(script, stop, (worker) =>
    runTask(worker, { ...base, kind: "power", models, options }, stop, () => undefined),
  );
  return assembleBuilding(request, results, power, performance.now() - started);
};

const nameOf = (task: TrainTask): string => (task.kind === "zone" ? `zone ${task.zone}` : "HVAC power");

const runTask = <Task extends TrainTask>(
  worker: Worker,
  task: Task,
  stop: AbortSignal,
  onProgress: (fraction: number, text: string) => void,
): Promise<TaskResult<Task>> =>
  new Promise((resolve, reject) => {
    const finish = (): void => {
      worker.off("message", onMessage);
      worker.off("error", onError);
      worker.off("exit", onExit);
    };
    const onMessage = (reply: WorkerReply): void => {
      if (reply.kind === "progress") {
        onProgress(reply.fraction, reply.text);
        return;
      }
      finish();
      if (reply.kind === "done") resolve(reply.result as TaskResult<Task>);
      else {
        const { kind, message, todo, exitCode, stack } = reply.error;
        reject(new IsothermError(kind, message, { todo, exitCode, cause: stack }));
      }
    };
    const onError = (error: unknown): void => {
      finish();
      reject(new IsothermError("permanent", `The training of ${nameOf(task)} broke off: ${String(error)}.`, { cause: error }));
    };
    const onExit = (): void => {
      finish();
      reject(stop.aborted ? stop.reason : new IsothermError("permanent", `The training thread of ${nameOf(task)} ended before its time.`));
    };
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.on("exit", onExit);
    worker.postMessage(task);
  });
