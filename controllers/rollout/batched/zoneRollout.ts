import type { BlockPredictor } from "#controllers/rollout/batched/blockPredictor";
import { type BlockSpread, createBlockSpread } from "#controllers/rollout/batched/blockSpread";
import type { BlockState } from "#controllers/rollout/batched/blockState";
import { columnRoles, sharedRows } from "#controllers/rollout/batched/columnRoles";
import { createBlockPredictor, type Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { referenceRows } from "#controllers/rollout/batched/referenceRows";
import { COOLING, type FastLinearAlgebra, FREE, HEATING } from "#controllers/rollout/batched/stepPredictor";
import type { RolloutRequirements } from "#controllers/rollout/requirements";
import type { ZoneModel } from "#domain/model";
import type { RolloutProblem, RolloutRequest } from "#domain/rollout";
import { evaluateTerm, factorsOf, plainTerm } from "#math/features";
import type { MatrixPool } from "#math/matrixPool";

/** One zone of all samples of a block. */
export class ZoneRollout {
  /** Where the step takes every sample: T' (°C), its standard deviation (K), and what heating and cooling moved it (K; the call of a zone that has one). */
  readonly nextC: Float64Array;
  readonly nextStdDevK: Float64Array;
  readonly heatingK: Float64Array;
  readonly coolingK: Float64Array;
  readonly #model: ZoneModel;
  readonly #z: number;
  readonly #predictor: BlockPredictor;
  readonly #problem: RolloutProblem;
  readonly #needs: RolloutRequirements;
  readonly #roles: ReturnType<typeof columnRoles>;
  readonly #regimes: 1 | 3;
  /** No input depends on the step's setpoints: in the first step every sample has the same. */
  readonly #startsSame: boolean;
  readonly #means: readonly Float64Array[];
  /** Samples off their setpoint, with the regime of each. */
  readonly #rows: Int32Array;
  readonly #regimeOf: Uint8Array;
  readonly #latent: Float64Array;
  /** The same by sample, and which samples are on their setpoint. */
  readonly #latentOf: Float64Array;
  readonly #held: Uint8Array;
  readonly #spread: BlockSpread;
  readonly #ends = { freeC: 0, heatedC: 0, cooledC: 0, heatingSetpointC: 0, coolingSetpointC: 0 };

  /** Zone `z` of the problem's model. */
  constructor(
    la: FastLinearAlgebra,
    problem: RolloutProblem,
    needs: RolloutRequirements,
    z: number,
    maxBatch: number,
    pool: MatrixPool,
    precision: Precision,
  ) {
    const column = (): Float64Array => new Float64Array(maxBatch);
    const model = problem.model.zones[z]!;
    this.#problem = problem;
    this.#needs = needs;
    this.#model = model;
    this.#z = z;
    this.#roles = columnRoles(model.posterior.features);
    this.#startsSame = model.posterior.features.every(({ term }) =>
      factorsOf(plainTerm(term)).every(({ kind }) => kind !== "setpoint" && kind !== "demand" && kind !== "effort"),
    );
    this.#regimes = model.transition === "thermostat" ? 3 : 1;
    const { posterior } = model;
    const options = { la, posterior, roles: this.#roles, regimes: this.#regimes, withVariance: true, maxBatch, pool } as const;
    this.#predictor = createBlockPredictor(options, precision, problem.horizonSteps);
    this.nextC = column();
    this.nextStdDevK = column();
    this.#spread = createBlockSpread(model, maxBatch);
    this.#held = new Uint8Array(maxBatch);
    this.heatingK = column();
    this.coolingK = column();
    this.#latent = column();
    this.#latentOf = column();
    this.#means = Array.from({ length: this.#regimes }, column);
    this.#rows = new Int32Array(maxBatch);
    this.#regimeOf = new Uint8Array(maxBatch);
  }

  begin(request: RolloutRequest): void {
    const { features } = this.#model.posterior;
    const rows = this.#predictor.needsReference
      ? referenceRows(this.#problem.model, this.#needs, features, this.#regimes, request)
      : sharedRows(features, this.#roles, this.#regimes, request);
    this.#predictor.begin(rows, request.horizonSteps);
  }

  /** One step of the samples that are `alive`; the others get arbitrary values. */
  step(state: BlockState, alive: Uint8Array): void {
    const { count, t } = state;
    this.#fillInputs(state);
    const isSame = t === 0 && this.#startsSame;
    this.#predictor.mean(t, isSame ? 1 : count, this.#means);
    if (isSame) for (const mean of this.#means) mean.fill(mean[0]!);
    const off = this.#regimes === 3 ? this.#thermostat(state, alive) : this.#withoutThermostat(state, alive);
    if (off > 0) {
      if (isSame) this.#sameVariance(off);
      else this.#predictor.variance(t, this.#rows, this.#regimeOf, off, this.#latent);
      for (let j = 0; j < off; j++) this.#latentOf[this.#rows[j]!] = this.#latent[j]!;
    }
    this.#carrySpread(state, alive);
  }

  #carrySpread(state: BlockState, alive: Uint8Array): void {
    const { count, t } = state;
    if (t === 0) this.#spread.start();
    const now = state.temperatureC(this.#z);
    const heatingC = state.heatingSetpointC(this.#z);
    const coolingC = state.coolingSetpointC(this.#z);
    const [free, heating, cooling] = this.#means;
    const ends = this.#regimes === 3 ? this.#ends : null;
    for (let k = 0; k < count; k++) {
      if (alive[k] === 0) continue;
      if (ends !== null) {
        ends.freeC = now[k]! + free![k]!;
        ends.heatedC = now[k]! + heating![k]!;
        ends.cooledC = now[k]! + cooling![k]!;
        ends.heatingSetpointC = heatingC[k]!;
        ends.coolingSetpointC = coolingC[k]!;
      }
      this.nextStdDevK[k] = this.#spread.step(t, k, this.#held[k] === 1, this.#latentOf[k]!, ends);
    }
  }

  /** Variances of the first step, where all samples of a regime have the same inputs: one row a regime. */
  #sameVariance(off: number): void {
    const regimes = [...new Set(this.#regimeOf.subarray(0, off))];
    const variances = new Float64Array(regimes.length);
    this.#predictor.variance(0, new Int32Array(regimes.length), Uint8Array.from(regimes), regimes.length, variances);
    for (let j = 0; j < off; j++) this.#latent[j] = variances[regimes.indexOf(this.#regimeOf[j]!)]!;
  }

  #fillInputs(state: BlockState): void {
    const { inputs, inputColumns, ownColumns } = this.#predictor;
    const { features } = this.#model.posterior;
    ownColumns.forEach((c, o) => {
      const { term, scale } = features[c]!;
      const column = evaluateTerm(plainTerm(term), state) as Float64Array;
      for (let k = 0, at = o; k < state.count; k++, at += inputColumns) inputs[at] = column[k]! / scale;
    });
  }

  #withoutThermostat(state: BlockState, alive: Uint8Array): number {
    const now = state.temperatureC(this.#z);
    const f = this.#means[FREE]!;
    const isAbsolute = this.#model.transition === "absolute";
    if (this.#model.call !== undefined) this.heatingK.set(state.effort(this.#model.call).subarray(0, state.count));
    let off = 0;
    for (let k = 0; k < state.count; k++) {
      this.nextC[k] = isAbsolute ? f[k]! : now[k]! + f[k]!;
      if (alive[k] === 0) continue;
      this.#rows[off] = k;
      this.#regimeOf[off++] = FREE;
    }
    return off;
  }

  /** Next temperatures by the thermostat's cases; returns how many samples are off their setpoint, listed in #rows. */
  #thermostat(state: BlockState, alive: Uint8Array): number {
    const now = state.temperatureC(this.#z);
    const heatingC = state.heatingSetpointC(this.#z);
    const coolingC = state.coolingSetpointC(this.#z);
    const [free, heating, cooling] = this.#means as [Float64Array, Float64Array, Float64Array];
    const { heldOffsetK } = this.#model;
    let off = 0;
    for (let k = 0; k < state.count; k++) {
      const freeC = now[k]! + free[k]!;
      let nextC = freeC;
      let regime = FREE;
      let isHeld = false;
      this.heatingK[k] = 0;
      this.coolingK[k] = 0;
      if (freeC < heatingC[k]!) {
        const heatedC = now[k]! + heating[k]!;
        isHeld = heatedC >= heatingC[k]!;
        if (!(heatedC < freeC)) {
          regime = HEATING;
          nextC = isHeld ? heatingC[k]! + heldOffsetK : heatedC;
          this.heatingK[k] = Math.max(0, nextC - freeC);
        }
      } else if (freeC > coolingC[k]!) {
        const cooledC = now[k]! + cooling[k]!;
        isHeld = cooledC <= coolingC[k]!;
        regime = COOLING;
        nextC = isHeld ? coolingC[k]! + heldOffsetK : cooledC;
        this.coolingK[k] = Math.max(0, freeC - nextC);
      }
      this.nextC[k] = nextC;
      this.#held[k] = Number(isHeld);
      if (!isHeld && alive[k] !== 0) {
        this.#rows[off] = k;
        this.#regimeOf[off++] = regime;
      }
    }
    return off;
  }
}
