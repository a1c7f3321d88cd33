import type { ZoneModel } from "#domain/model";
import { CarriedSpread, type StepEnds } from "#math/carriedSpread";

/** What one step of one sequence does to a zone, as far as its spread depends on it. */
export interface SpreadStep {
  readonly isHeld: boolean;
  /** Latent variance of the function that the mean follows, K². */
  readonly latentK2: () => number;
  /** null: no thermostat acts. */
  readonly ends: StepEnds | null;
}

/** Takes step after step of one sequence and tells the standard deviation after each, K. */
export type SequenceSpread = (step: SpreadStep) => number;

/** As `CarriedSpread` has it; for a model without `spread` v' = gain² v + latent + noise, the held variance on a setpoint, and c √v to tell. */
export const createSequenceSpread = (model: ZoneModel): SequenceSpread => {
  const { spread, spreadScale, stateGain, noiseVarianceK2, heldStdDevK } = model;
  if (spread === undefined) {
    let varianceK2 = 0;
    return ({ isHeld, latentK2 }) => {
      varianceK2 = isHeld ? heldStdDevK ** 2 : stateGain ** 2 * varianceK2 + latentK2() + noiseVarianceK2;
      return spreadScale * Math.sqrt(varianceK2);
    };
  }
  const carried = new CarriedSpread(model, spread, 1);
  let t = 0;
  return ({ isHeld, latentK2, ends }) =>
    ends === null ? carried.free(t++, 0, latentK2()) : carried.thermostat(t++, 0, isHeld ? 0 : latentK2(), ends);
};
