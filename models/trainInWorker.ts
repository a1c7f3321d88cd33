import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import { createLinearAlgebra, type LinearAlgebraPreference } from "#math/createLinearAlgebra";
import { assembleBuilding, checkTrainingData, type TrainRequest, type ZoneTraining } from "#models/trainBuilding";
import type { WorkerReply, ZoneTask } from "#models/trainWorker";

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

/**
 * `trainBuilding` in worker threads, zone by zone, so that no control tick waits for learning; power is learned here, in pieces of
 * about 0.1 s. Aborting, or a zone that fails, ends all workers.
 */
export const trainInWorker = async (request: WorkerTrainRequest): Promise<BuildingModel> => {
  const { dataset, zones, onProgress, signal, backend = "auto" } = request;
  checkTrainingData(dataset, zones);
  signal?.throwIfAborted();
  const started = performance.now();
  const localMs = dataset.timesMs.map(request.toLocalMs);
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
  const lane = async (): Promise<void> => {
    // Without the process's own options: some (an import condition that finds sources) are wrong for a built script.
    const worker = new Worker(script, { execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 512 } });
    const abort = (): void => void worker.terminate();
    stop.addEventListener("abort", abort, { once: true });
    try {
      for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
        const zone = at;
        const task: ZoneTask = {
          dataset,
          localMs,
          zone: zones[zone]!,
          neighbours: zones.filter((_, other) => other !== zone),
          prior: request.prior,
          options: request.options,
          backend,
          blasThreads: 1,
        };
        results[zone] = await runTask(worker, task, stop, (fraction, text) => report(zone, fraction, text));
      }
    } catch (error) {
      // The first failure is the one to tell; the other lanes end with it as their reason.
      failure.abort(error);
      throw error;
    } finally {
      stop.removeEventListener("abort", abort);
      await worker.terminate();
    }
  };
  await Promise.allSettled(Array.from({ length: threads }, lane));
  stop.throwIfAborted();
  const la = await createLinearAlgebra(backend, { threads: 1 });
  return assembleBuilding({ ...request, la }, results, performance.now() - started);
};

const runTask = (
  worker: Worker,
  task: ZoneTask,
  stop: AbortSignal,
  onProgress: (fraction: number, text: string) => void,
): Promise<ZoneTraining> =>
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
      if (reply.kind === "done") resolve(reply.result);
      else {
        const { kind, message, todo, exitCode, stack } = reply.error;
        reject(new IsothermError(kind, message, { todo, exitCode, cause: stack }));
      }
    };
    const onError = (error: unknown): void => {
      finish();
      reject(new IsothermError("permanent", `The training of zone ${task.zone} broke off: ${String(error)}.`, { cause: error }));
    };
    const onExit = (): void => {
      finish();
      reject(
        stop.aborted ? stop.reason : new IsothermError("permanent", `The training thread of zone ${task.zone} ended before its time.`),
      );
    };
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.on("exit", onExit);
    worker.postMessage(task);
  });
