import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import type { RolloutProblem, RolloutRequest, RolloutResult } from "#domain/rollout";

/** What a worker starts with. */
export interface WorkerStart {
  readonly backend: "wasm" | "blas";
  readonly precision: Precision;
  readonly problem: RolloutProblem;
  readonly arrays: SharedArrays;
  /** [0]: the next block to be rolled; whoever adds 1 takes it. */
  readonly next: Int32Array;
}

/** Setpoints in, results out, in memory that all threads see. */
export interface SharedArrays extends RolloutResult {
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
}

/** A request without its setpoints, which are in the shared arrays. */
export type SharedRequest = Omit<RolloutRequest, "heatingSetpointC" | "coolingSetpointC">;

export type WorkerMessage = { readonly kind: "ready" | "done" };

export const createSharedArrays = ({ model, maxSamples, horizonSteps }: RolloutProblem): SharedArrays => {
  const array = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(length * 8));
  const size = maxSamples * horizonSteps;
  const perZone = size * model.zones.length;
  return {
    heatingSetpointC: array(perZone),
    coolingSetpointC: array(perZone),
    meanC: array(perZone),
    stdDevK: array(perZone),
    powerW: array(size),
  };
};
