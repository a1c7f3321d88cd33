import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type ExitCode, IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import { createLinearAlgebra, type LinearAlgebraPreference } from "#math/createLinearAlgebra";
import { assembleBuilding, checkTrainingData, type TrainRequest, type ZoneTraining } from "#models/trainBuilding";
import type { WorkerReply, ZoneTask } from "#models/trainWorker";

export interface WorkerTrainRequest extends Omit<TrainRequest, "la"> {
  readonly backend?: LinearAlgebraPreference;
  /** Worker threads; default one per core, at most one per zone and at most 4. */
  readonly threads?: number;
}

const workerFile = createRequire(import.meta.url).resolve("#models/trainWorker");

/** `trainBuilding` in worker threads, zone by zone, so that no control tick waits for learning. Aborting ends the workers. */
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
  const threads = Math.max(1, Math.min(request.threads ?? availableParallelism(), zones.length, 4));
  const lane = async (): Promise<void> => {
    const worker = new Worker(workerFile, { resourceLimits: { maxOldGenerationSizeMb: 512 } });
    const abort = (): void => void worker.terminate();
    signal?.addEventListener("abort", abort, { once: true });
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
        results[zone] = await runTask(worker, task, signal, (fraction, text) => report(zone, fraction, text));
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      await worker.terminate();
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: threads }, lane));
  signal?.throwIfAborted();
  const failed = lanes.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const la = await createLinearAlgebra(backend, { threads: 1 });
  return assembleBuilding({ ...request, la }, results, performance.now() - started);
};

const runTask = (
  worker: Worker,
  task: ZoneTask,
  signal: AbortSignal | undefined,
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
      else
        reject(
          new IsothermError("permanent", reply.message, {
            todo: reply.todo,
            exitCode: (reply.exitCode ?? 70) as ExitCode,
            cause: reply.stack,
          }),
        );
    };
    const onError = (error: unknown): void => {
      finish();
      reject(new IsothermError("permanent", `The training of zone ${task.zone} broke off: ${String(error)}.`, { cause: error }));
    };
    const onExit = (): void => {
      finish();
      reject(
        signal?.aborted ? signal.reason : new IsothermError("permanent", `The training thread of zone ${task.zone} ended before its time.`),
      );
    };
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.on("exit", onExit);
    worker.postMessage(task);
  });
