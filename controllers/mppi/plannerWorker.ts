import { parentPort, workerData } from "node:worker_threads";
import { createMppiPlanner, defaultMppiOptions, type MppiPlanner, type StopFlag } from "#controllers/mppi/mppiPlanner";
import type { FromPlannerWorker, PlainError, PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { permanentError } from "#controllers/permanentError";
import { createRolloutBackend } from "#controllers/rollout/createBackend";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { RolloutBackend } from "#domain/rollout";

const { backend: backendName, backendThreads, horizonSteps, options } = workerData as PlannerWorkerData;
const maxSamples = options.maxSamplesPerRun ?? options.numSamples ?? defaultMppiOptions.numSamples;

let backend: Promise<RolloutBackend> | null = null;
const theBackend = (): Promise<RolloutBackend> => {
  backend ??= createRolloutBackend(backendName, backendThreads === undefined ? {} : { threads: backendThreads });
  return backend;
};

const prepare = async (model: BuildingModel): Promise<MppiPlanner> => {
  const chosen = await theBackend();
  const rollout = await chosen.prepare({ model, maxSamples, horizonSteps });
  return createMppiPlanner({ rollout, model, options: { ...options, maxSamplesPerRun: maxSamples, backendName: chosen.name } });
};

let planner: Promise<MppiPlanner> | null = null;

/** A model that cannot be prepared fails the requests made with it, not the thread. */
const useModel = (model: BuildingModel): void => {
  const before = planner;
  const next = (async () => {
    await before?.then(
      (old) => old.close(),
      () => undefined,
    );
    return prepare(model);
  })();
  next.catch(() => undefined);
  planner = next;
};

const plain = (error: unknown): PlainError => ({
  message: error instanceof Error ? error.message : String(error),
  errorKind: error instanceof IsothermError ? error.kind : null,
  todo: error instanceof IsothermError ? error.todo : "",
  stack: error instanceof Error ? (error.stack ?? "") : "",
});

const answer = async (message: ToPlannerWorker & { kind: "plan" }): Promise<FromPlannerWorker> => {
  const { id, request } = message;
  const word = new Int32Array(message.stop);
  const stop: StopFlag = {
    get aborted() {
      return Atomics.load(word, 0) !== 0;
    },
  };
  try {
    if (planner === null) throw permanentError("The planner's thread was asked for a plan before it had a model.", "Send a model first.");
    return { kind: "done", id, plan: await (await planner).plan(request, stop) };
  } catch (error) {
    return { kind: "failed", id, error: plain(error) };
  }
};

/** One after the other: a planner's rollouts share buffers. */
let queue: Promise<void> = Promise.resolve();
parentPort!.on("message", (message: ToPlannerWorker) => {
  queue = queue.then(async () => {
    if (message.kind === "model") useModel(message.model);
    else parentPort!.postMessage(await answer(message));
  });
});
