import { BlockState } from "#controllers/rollout/batched/blockState";
import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { PowerRollout } from "#controllers/rollout/batched/powerRollout";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import { ZoneRollout } from "#controllers/rollout/batched/zoneRollout";
import { rolloutRequirements } from "#controllers/rollout/requirements";
import type { RolloutProblem, RolloutRequest, RolloutResult } from "#domain/rollout";
import { MatrixPool } from "#math/matrixPool";

/** Samples that go through the horizon together. Fixed, so that a sample's digits do not depend on who else is rolled or on how many threads. */
export const BLOCK_SAMPLES = 128;

/** Rolls blocks of samples, zone by zone and step by step; its buffers are allocated once. */
export class BlockEngine {
  readonly #problem: RolloutProblem;
  readonly #state: BlockState;
  readonly #zones: readonly ZoneRollout[];
  readonly #power: PowerRollout | null;
  readonly #alive: Uint8Array;

  constructor(problem: RolloutProblem, la: FastLinearAlgebra, precision: Precision) {
    const { model, maxSamples, horizonSteps } = problem;
    const needs = rolloutRequirements(model);
    const maxBatch = Math.min(BLOCK_SAMPLES, maxSamples);
    const pool = new MatrixPool();
    this.#problem = problem;
    this.#state = new BlockState(problem, needs, maxBatch);
    this.#zones = model.zones.map((_, z) => new ZoneRollout(la, problem, needs, z, maxBatch, pool, precision));
    const { power } = model;
    const moved = power?.zones.map((name) => this.#zones[model.zones.findIndex(({ zone }) => zone === name)]!) ?? [];
    this.#power = power === null ? null : new PowerRollout(la, power, moved, maxBatch, pool, precision, horizonSteps);
    this.#alive = new Uint8Array(maxBatch);
  }

  /** Computes what all samples of the request share; before its blocks. */
  begin(request: RolloutRequest): void {
    for (const zone of this.#zones) zone.begin(request);
    this.#power?.begin(request);
  }

  /** Rolls block `block` and writes its part of `result`. */
  roll(request: RolloutRequest, block: number, result: RolloutResult): void {
    const first = block * BLOCK_SAMPLES;
    const count = Math.min(BLOCK_SAMPLES, request.count - first);
    const T = request.horizonSteps;
    const state = this.#state;
    this.#alive.fill(1);
    state.start(request, first, count);
    for (let t = 0; t < T; t++) {
      for (const zone of this.#zones) zone.step(state, this.#alive);
      this.#power?.step(t, count);
      for (let k = 0; k < count; k++) this.#write(k, first + k, t, request, result);
      state.advance(this.#zones.map(({ nextC }) => nextC));
    }
  }

  /** Step t of sample `sample`, sample k of the block: its numbers, or NaN from the first step on in which one is not finite. */
  #write(k: number, sample: number, t: number, request: RolloutRequest, { meanC, stdDevK, powerW }: RolloutResult): void {
    const { zones } = this.#problem.model;
    const at = sample * request.horizonSteps + t;
    const row = at * zones.length;
    const power = this.#power === null ? 0 : this.#power.powerW[k]!;
    if (this.#alive[k] !== 0 && !this.#isFinite(k, power, row, request)) this.#alive[k] = 0;
    const isAlive = this.#alive[k] !== 0;
    powerW[at] = isAlive ? power : Number.NaN;
    for (let z = 0; z < zones.length; z++) {
      const { nextC, nextStdDevK } = this.#zones[z]!;
      meanC[row + z] = isAlive ? nextC[k]! : Number.NaN;
      stdDevK[row + z] = isAlive ? nextStdDevK[k]! : Number.NaN;
    }
  }

  #isFinite(k: number, powerW: number, row: number, { heatingSetpointC, coolingSetpointC }: RolloutRequest): boolean {
    if (!Number.isFinite(powerW)) return false;
    return this.#zones.every(
      ({ nextC, nextStdDevK }, z) =>
        Number.isFinite(nextC[k]) &&
        Number.isFinite(nextStdDevK[k]) &&
        Number.isFinite(heatingSetpointC[row + z]) &&
        Number.isFinite(coolingSetpointC[row + z]),
    );
  }
}
