import { evaluateCosts } from "#controllers/mppi/cost";
import { checkRequest, type RolloutRequirements, rolloutRequirements } from "#controllers/rollout/requirements";
import type { DeviceKeeper } from "#controllers/rollout/webgpu/deviceKeeper";
import { GpuEngine } from "#controllers/rollout/webgpu/engine";
import type { GpuDevice } from "#controllers/rollout/webgpu/gpu";
import { errorOf } from "#controllers/rollout/webgpu/gpuError";
import { costNumbers, costsOf, trajectoriesOf } from "#controllers/rollout/webgpu/results";
import type { Tiles } from "#controllers/rollout/webgpu/stages";
import type { CostProblem, SampleCosts } from "#domain/cost";
import { IsothermError } from "#domain/errors";
import type { ComputedBy, PreparedRollout, RolloutBackend, RolloutProblem, RolloutRequest, RolloutResult } from "#domain/rollout";
import type { LinearAlgebra } from "#math/linearAlgebra";

export interface RecoveringOptions {
  readonly keeper: DeviceKeeper;
  readonly la: LinearAlgebra;
  readonly problem: RolloutProblem;
  /** Tile sizes to begin with, and how better ones are found for this device. */
  readonly tiles: (gpu: GpuDevice) => Tiles;
  readonly tune: (gpu: GpuDevice, engine: GpuEngine) => Promise<void>;
  /** What computes while the device is away. */
  readonly substitute: () => Promise<RolloutBackend>;
  readonly clockMs: () => number;
  /** A device that does not answer for so long counts as lost, ms; a software driver is only slow. */
  readonly answerMs: number;
}

/** Pause before a lost device is tried again; doubled with every failure. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * Rollouts on a device that may vanish: the request in which it does is computed by a substitute, from its beginning, and so are those that follow until the
 * device answers again. Nothing of a failed device's numbers is passed on.
 */
export class RecoveringRollout implements PreparedRollout {
  readonly #options: RecoveringOptions;
  readonly #needs: RolloutRequirements;
  #engine: { readonly gpu: GpuDevice; readonly engine: GpuEngine } | null = null;
  #substitute: { readonly backend: RolloutBackend; readonly prepared: PreparedRollout } | null = null;
  #trouble: string | null = null;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #pauseMs = FIRST_PAUSE_MS;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RecoveringOptions) {
    this.#options = options;
    this.#needs = rolloutRequirements(options.problem.model);
  }

  /** Readies the device; where it is away the substitute. */
  async ready(): Promise<void> {
    await this.#attempt(() => this.#open());
    if (this.#engine === null) await this.#openSubstitute();
  }

  run(request: RolloutRequest): Promise<RolloutResult> {
    return this.#inTurn(
      request,
      async (engine) => trajectoriesOf(request, this.#zones, await engine.run(request, null)),
      (prepared) => prepared.run(request),
    );
  }

  async costs(request: RolloutRequest, problem: CostProblem): Promise<SampleCosts> {
    // Runs and pauses are counted along the trajectory; the device's sums do not hold them.
    if (problem.equipment !== undefined) return evaluateCosts(problem, request, await this.run(request));
    return this.#inTurn(
      request,
      async (engine) => costsOf(request, problem, await engine.run(request, costNumbers(request, problem))),
      async (prepared) => evaluateCosts(problem, request, await prepared.run(request)),
    );
  }

  computedBy(): ComputedBy {
    const { keeper } = this.#options;
    return this.#trouble === null || this.#substitute === null
      ? { backend: "webgpu", adapter: keeper.name, trouble: null }
      : { backend: this.#substitute.backend.name, adapter: null, trouble: this.#trouble };
  }

  close(): void {
    this.#isClosed = true;
    this.#engine?.engine.close();
    this.#engine = null;
    this.#substitute?.prepared.close();
    this.#substitute = null;
  }

  get #zones(): number {
    return this.#options.problem.model.zones.length;
  }

  /** One request after the other: they share buffers. */
  async #inTurn<R>(
    request: RolloutRequest,
    onDevice: (engine: GpuEngine) => Promise<R>,
    instead: (prepared: PreparedRollout) => Promise<R>,
  ): Promise<R> {
    if (this.#isClosed) throw closedError();
    checkRequest(this.#options.problem, this.#needs, request);
    const turn = this.#last.then(async () => {
      if (this.#isClosed) throw closedError();
      const answer = await this.#attempt(async () => onDevice(await this.#open()));
      if (answer !== null) return answer.value;
      if (this.#isClosed) throw closedError();
      return instead(await this.#openSubstitute());
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** What the device answers; null: it failed, or it is not its time yet. */
  async #attempt<R>(work: () => Promise<R>): Promise<{ readonly value: R } | null> {
    const { clockMs } = this.#options;
    if (clockMs() < this.#retryAtMs) return null;
    try {
      const value = await this.#within(work());
      this.#trouble = null;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#retryAtMs = Number.NEGATIVE_INFINITY;
      return { value };
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error);
      this.#retryAtMs = clockMs() + this.#pauseMs;
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      // Buffers of a lost device are gone with it; a device that only refuses gets its memory back.
      this.#engine?.engine.close();
      this.#engine = null;
      return null;
    }
  }

  async #within<R>(work: Promise<R>): Promise<R> {
    const { keeper, answerMs } = this.#options;
    if (keeper.isSoftware) return work;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        work,
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            // Whatever it still does is ended; its late answer reaches nobody.
            this.#engine?.gpu.destroy();
            reject(errorOf(`${keeper.name} has not answered for ${answerMs / 1000} s`));
          }, answerMs);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      work.catch(() => undefined);
    }
  }

  async #open(): Promise<GpuEngine> {
    const { keeper, la, problem, tiles, tune } = this.#options;
    const gpu = await keeper.device();
    if (this.#engine?.gpu === gpu) return this.#engine.engine;
    this.#engine?.engine.close();
    this.#engine = null;
    const engine = await GpuEngine.create(gpu, la, problem, tiles(gpu));
    this.#engine = { gpu, engine };
    await tune(gpu, engine);
    return engine;
  }

  async #openSubstitute(): Promise<PreparedRollout> {
    if (this.#substitute === null) {
      const backend = await this.#options.substitute();
      this.#substitute = { backend, prepared: await backend.prepare(this.#options.problem) };
    }
    return this.#substitute.prepared;
  }
}

const closedError = (): IsothermError => new IsothermError("permanent", "This rollout is closed.", { todo: "Prepare it again." });
