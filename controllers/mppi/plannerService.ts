import { createMppiPlanner, defaultMppiOptions, type MppiPlanner, type StopFlag } from "#controllers/mppi/mppiPlanner";
import type { FromPlannerWorker, PlainError, PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { permanentError } from "#controllers/permanentError";
import { createRolloutBackend } from "#controllers/rollout/createBackend";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { PreparedRollout, RolloutBackend } from "#domain/rollout";

const plain = (error: unknown): PlainError => ({
  message: error instanceof Error ? error.message : String(error),
  errorKind: error instanceof IsothermError ? error.kind : null,
  todo: error instanceof IsothermError ? error.todo : "",
  stack: error instanceof Error ? (error.stack ?? "") : "",
});

/** Lets messages in between two rollouts. */
const yielding = (rollout: PreparedRollout): PreparedRollout => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const { costs, computedBy } = rollout;
  return {
    run: async (request) => {
      await turn();
      return rollout.run(request);
    },
    ...(costs === undefined
      ? {}
      : {
          costs: async (request, problem) => {
            await turn();
            return costs.call(rollout, request, problem);
          },
        }),
    ...(computedBy === undefined ? {} : { computedBy: () => computedBy.call(rollout) }),
    close: () => rollout.close(),
  };
};

/** Answers the messages of `ToPlannerWorker`, one request after the other: a planner's rollouts share buffers. */
export class PlannerService {
  readonly #data: PlannerWorkerData;
  readonly #reply: (reply: FromPlannerWorker) => void;
  readonly #maxSamples: number;
  readonly #stopped = new Set<number>();
  #backend: Promise<RolloutBackend> | null = null;
  #planner: Promise<MppiPlanner> | null = null;
  #queue: Promise<void> = Promise.resolve();

  constructor(data: PlannerWorkerData, reply: (reply: FromPlannerWorker) => void) {
    this.#data = data;
    this.#reply = reply;
    this.#maxSamples = data.options.maxSamplesPerRun ?? data.options.numSamples ?? defaultMppiOptions.numSamples;
  }

  take(message: ToPlannerWorker): void {
    if (message.kind === "stop") {
      this.#stopped.add(message.id);
      return;
    }
    this.#queue = this.#queue.then(async () => {
      if (message.kind === "model") this.#useModel(message.model);
      else if (message.kind === "plan") this.#reply(await this.#answer(message));
    });
  }

  async #prepare(model: BuildingModel): Promise<MppiPlanner> {
    const { backend, backendThreads, tilesFile, horizonSteps, options } = this.#data;
    this.#backend ??= createRolloutBackend(backend, {
      ...(backendThreads === undefined ? {} : { threads: backendThreads }),
      ...(tilesFile === undefined ? {} : { webgpu: { tilesFile } }),
    });
    const chosen = await this.#backend;
    const rollout = yielding(await chosen.prepare({ model, maxSamples: this.#maxSamples, horizonSteps }));
    return createMppiPlanner({ rollout, model, options: { ...options, maxSamplesPerRun: this.#maxSamples, backendName: chosen.name } });
  }

  /** A model that cannot be prepared fails the requests made with it, not the thread. */
  #useModel(model: BuildingModel): void {
    const before = this.#planner;
    const next = (async () => {
      await before?.then(
        (old) => old.close(),
        () => undefined,
      );
      return this.#prepare(model);
    })();
    next.catch(() => undefined);
    this.#planner = next;
  }

  async #answer({ id, request, stop }: ToPlannerWorker & { kind: "plan" }): Promise<FromPlannerWorker> {
    const word = stop === null ? null : new Int32Array(stop);
    const stopped = this.#stopped;
    const flag: StopFlag = {
      get aborted() {
        return stopped.has(id) || (word !== null && Atomics.load(word, 0) !== 0);
      },
    };
    try {
      if (this.#planner === null)
        throw permanentError("The planner's thread was asked for a plan before it had a model.", "Send a model first.");
      return { kind: "done", id, plan: await (await this.#planner).plan(request, flag) };
    } catch (error) {
      return { kind: "failed", id, error: plain(error) };
    } finally {
      stopped.delete(id);
    }
  }
}
