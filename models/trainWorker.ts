import { parentPort } from "node:worker_threads";
import type { Dataset } from "#domain/dataset";
import { type ErrorKind, type ExitCode, IsothermError } from "#domain/errors";
import { createLinearAlgebra, type LinearAlgebraPreference } from "#math/createLinearAlgebra";
import type { Prior } from "#models/prior";
import { type TrainOptions, trainZone } from "#models/trainBuilding";

/** What `trainInWorker` asks a worker for: one zone. Local times travel as a column because functions cannot. */
export interface ZoneTask {
  readonly dataset: Dataset;
  readonly localMs: Float64Array;
  readonly zone: string;
  readonly neighbours: readonly string[];
  readonly prior: Prior | null;
  readonly options: TrainOptions;
  readonly backend: LinearAlgebraPreference;
  /** Threads that BLAS may use; the library's setting is process-wide, so every worker asks for the same. */
  readonly blasThreads: number;
}

export type WorkerReply =
  | { readonly kind: "progress"; readonly fraction: number; readonly text: string }
  | { readonly kind: "done"; readonly result: Awaited<ReturnType<typeof trainZone>> }
  | { readonly kind: "failed"; readonly error: FailedTask };

/** An IsothermError in parts, because errors cross threads without their fields; any other error is permanent. */
export interface FailedTask {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly todo: string;
  readonly exitCode: ExitCode;
  readonly stack: string;
}

const port = parentPort;
if (port !== null) {
  port.on("message", (task: ZoneTask) => {
    const reply = (message: WorkerReply): void => port.postMessage(message);
    const local = new Map(Array.from(task.dataset.timesMs, (time, i) => [time, task.localMs[i]!]));
    createLinearAlgebra(task.backend, { threads: task.blasThreads })
      .then((la) =>
        trainZone({
          ...task,
          la,
          toLocalMs: (timeMs) => local.get(timeMs) ?? timeMs,
          onProgress: (fraction, text) => reply({ kind: "progress", fraction, text }),
        }),
      )
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
