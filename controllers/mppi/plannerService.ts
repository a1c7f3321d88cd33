import { createMppiPlanner, defaultMppiOptions, type MppiPlanner, type StopFlag } from "#controllers/mppi/mppiPlanner";
import type { FromPlannerWorker, PlainError, PlannerWorkerData, ToPlannerWorker } from "#controllers/mppi/plannerProtocol";
import { permanentError } from "#controllers/permanentError";
import { createRolloutBackend, planningPrecision, type RolloutBackendOptions } from "#controllers/rollout/createBackend";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { ComputedBy, PreparedRollout, RolloutBackend } from "#domain/rollout";

const plain = (error: unknown): PlainError => ({
  message: error instanceof Error ? error.message : String(error),
  errorKind: error instanceof IsothermError ? error.kind : null,
  todo: error instanceof IsothermError ? error.todo : "",
  stack: error instanceof Error ? (error.stack ?? "") : "",
});

/** A backend, and why it is not the one that was named; null where it is. */
interface OpenedBackend {
  readonly backend: RolloutBackend;
  readonly trouble: string | null;
}

/** The backend asked for; where a graphics adapter is missing that was there when somebody named it, the best of the others. */
const openBackend = async ({ backend, backendThreads, tilesFile }: PlannerWorkerData): Promise<OpenedBackend> => {
  const options: RolloutBackendOptions = {
    precision: planningPrecision,
    ...(backendThreads === undefined ? {} : { threads: backendThreads }),
    ...(tilesFile === undefined ? {} : { webgpu: { tilesFile } }),
  };
  try {
    return { backend: await createRolloutBackend(backend, options), trouble: null };
  } catch (error) {
    if (backend !== "webgpu" || !(error instanceof IsothermError)) throw error;
    return { backend: await createRolloutBackend("auto", options), trouble: error.message };
  }
};

/** Lets messages in between two rollouts, and says what computes them instead of what was named. */
const yielding = (rollout: PreparedRollout, { backend, trouble }: OpenedBackend): PreparedRollout => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const { costs } = rollout;
  const computedBy =
    trouble === null ? rollout.computedBy : (): ComputedBy => ({ backend: backend.name, adapter: backend.adapter ?? null, trouble });
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
  #backend: Promise<OpenedBackend> | null = null;
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
    const { horizonSteps, options } = this.#data;
    this.#backend ??= openBackend(this.#data);
    const opened = await this.#backend;
    const chosen = opened.backend;
    const rollout = yielding(await chosen.prepare({ model, maxSamples: this.#maxSamples, horizonSteps }), opened);
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
