import { parentPort } from "node:worker_threads";
import type { Dataset } from "#domain/dataset";
import { type ErrorKind, type ExitCode, IsothermError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import { createLinearAlgebra, type LinearAlgebraPreference } from "#math/createLinearAlgebra";
import type { ToLocalMs } from "#math/datasetRows";
import type { Prior } from "#models/prior";
import { type PowerTraining, type TrainOptions, trainPower, trainZone, type ZoneTraining } from "#models/trainBuilding";

/** What every task brings. Local times travel as a column because functions cannot. */
interface TaskBase {
  readonly dataset: Dataset;
  readonly localMs: Float64Array;
  readonly backend: LinearAlgebraPreference;
  /** Threads that BLAS may use; the library's setting is process-wide, so every worker asks for the same. */
  readonly blasThreads: number;
}

export interface ZoneTask extends TaskBase {
  readonly kind: "zone";
  readonly zone: string;
  readonly neighbours: readonly string[];
  readonly prior: Prior | null;
  readonly options: TrainOptions;
}

export interface PowerTask extends TaskBase {
  readonly kind: "power";
  readonly models: readonly ZoneModel[];
  readonly options: TrainOptions;
}

/** What `trainInWorker` asks a worker for: one zone, or the building's power once all zones are learned. */
export type TrainTask = ZoneTask | PowerTask;

export type TaskResult<Task extends TrainTask> = Task extends ZoneTask ? ZoneTraining : PowerTraining;

export type WorkerReply =
  | { readonly kind: "progress"; readonly fraction: number; readonly text: string }
  | { readonly kind: "done"; readonly result: ZoneTraining | PowerTraining }
  | { readonly kind: "failed"; readonly error: FailedTask };

/** An IsothermError in parts, because errors cross threads without their fields; any other error is permanent. */
export interface FailedTask {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly todo: string;
  readonly exitCode: ExitCode;
  readonly stack: string;
}

const carryOut = async (task: TrainTask, onProgress: (fraction: number, text: string) => void): Promise<ZoneTraining | PowerTraining> => {
  const local = new Map(Array.from(task.dataset.timesMs, (time, i) => [time, task.localMs[i]!]));
  const toLocalMs: ToLocalMs = (timeMs) => local.get(timeMs) ?? timeMs;
  const la = await createLinearAlgebra(task.backend, { threads: task.blasThreads });
  return task.kind === "zone" ? trainZone({ ...task, la, toLocalMs, onProgress }) : trainPower({ ...task, la, toLocalMs });
};

const port = parentPort;
if (port !== null) {
  port.on("message", (task: TrainTask) => {
    const reply = (message: WorkerReply): void => port.postMessage(message);
    carryOut(task, (fraction, text) => reply({ kind: "progress", fraction, text }))
      .then((result) => reply({ kind: "done", result }))
      .catch((error: unknown) =>
        reply({
          kind: "failed",
          error: {
            kind: error instanceof IsothermError ? error.kind : "permanent",
            message: error instanceof Error ? error.message : String(error),
            todo: error instanceof IsothermError ? error.todo : "",
            exitCode: error instanceof IsothermError ? error.exitCode : 70,
            stack: error instanceof Error ? (error.stack ?? "") : "",
          },
        }),
      );
  });
}
