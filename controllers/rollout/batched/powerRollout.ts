import type { BlockPredictor } from "#controllers/rollout/batched/blockPredictor";
import { createBlockPredictor, type Precision } from "#controllers/rollout/batched/createBlockPredictor";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import type { ZoneRollout } from "#controllers/rollout/batched/zoneRollout";
import { OUTDOOR } from "#controllers/rollout/requirements";
import type { PowerModel } from "#domain/model";
import type { RolloutRequest } from "#domain/rollout";
import type { MatrixPool } from "#math/matrixPool";
import { coolingEffortK, powerDrivers } from "#math/powerInputs";

/** HVAC power of all samples of a block: P = max(0, f(x)) W. */
export class PowerRollout {
  readonly powerW: Float64Array;
  readonly #model: PowerModel;
  readonly #zones: readonly ZoneRollout[];
  readonly #predictor: BlockPredictor;
  readonly #mean: Float64Array;

  /** `zones`: of the power model, in its order. */
  constructor(
    la: FastLinearAlgebra,
    model: PowerModel,
    zones: readonly ZoneRollout[],
    maxBatch: number,
    pool: MatrixPool,
    precision: Precision,
    horizonSteps: number,
  ) {
    this.#model = model;
    this.#zones = zones;
    const roles = Array.from({ length: model.posterior.d }, (_, c) => ({ isShared: c >= 2 * zones.length, gate: null }));
    const { posterior } = model;
    const options = { la, posterior, roles, regimes: 1, withVariance: false, maxBatch, pool } as const;
    this.#predictor = createBlockPredictor(options, precision, horizonSteps);
    this.#mean = new Float64Array(maxBatch);
    this.powerW = new Float64Array(maxBatch);
  }

  begin({ horizonSteps: T, disturbances, localMs }: RolloutRequest): void {
    const { posterior, inputScale } = this.#model;
    const { d } = posterior;
    const first = 2 * this.#zones.length;
    const rows = new Float64Array(T * d);
    for (let t = 0; t < T; t++) {
      powerDrivers(disturbances.get(OUTDOOR)![t]!, localMs[t]!).forEach((value, i) => {
        rows[t * d + first + i] = value / inputScale[first + i]!;
      });
    }
    this.#predictor.begin(rows, T);
  }

  step(t: number, count: number): void {
    const { inputs, inputColumns } = this.#predictor;
    const { inputScale, outputScaleW } = this.#model;
    const nz = this.#zones.length;
    this.#zones.forEach(({ heatingK, coolingK, nextC }, i) => {
      for (let k = 0; k < count; k++) {
        inputs[k * inputColumns + i] = heatingK[k]! / inputScale[i]!;
        inputs[k * inputColumns + nz + i] = coolingEffortK(coolingK[k]!, nextC[k]!) / inputScale[nz + i]!;
      }
    });
    this.#predictor.mean(t, count, [this.#mean]);
    for (let k = 0; k < count; k++) this.powerW[k] = Math.max(0, this.#mean[k]! * outputScaleW);
  }
}
