import type { ZoneModel } from "#domain/model";
import { CarriedSpread, type StepEnds } from "#math/carriedSpread";

/** The spread of one zone for all samples of a block. */
export interface BlockSpread {
  /** Before a block's first step. */
  start(): void;
  /** Standard deviation of sample k after step t, K. `latentK2` (K²) is not read on a setpoint; `ends` null: no thermostat acts. */
  step(t: number, k: number, isHeld: boolean, latentK2: number, ends: StepEnds | null): number;
}

/** As `CarriedSpread` has it; for a model without `spread` v' = gain² v + latent + noise, the held variance on a setpoint, and c √v to tell. */
export const createBlockSpread = (model: ZoneModel, maxBatch: number): BlockSpread => {
  if (model.spread !== undefined) {
    const carried = new CarriedSpread(model, model.spread, maxBatch);
    return {
      start: () => carried.start(),
      step: (t, k, _, latentK2, ends) => (ends === null ? carried.free(t, k, latentK2) : carried.thermostat(t, k, latentK2, ends)),
    };
  }
  const { spreadScale, noiseVarianceK2, heldStdDevK } = model;
  const gain2 = model.stateGain ** 2;
  const heldK2 = heldStdDevK ** 2;
  const variances = new Float64Array(maxBatch);
  return {
    start: () => {
      variances.fill(0);
    },
    step: (_t, k, isHeld, latentK2) => {
      variances[k] = isHeld ? heldK2 : gain2 * variances[k]! + latentK2 + noiseVarianceK2;
      return spreadScale * Math.sqrt(variances[k]!);
    },
  };
};
