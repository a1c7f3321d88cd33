import type { BlockPredictor } from "#controllers/rollout/batched/blockPredictor";
import { SinglePredictor } from "#controllers/rollout/batched/singlePredictor";
import { StepPredictor, type StepPredictorOptions } from "#controllers/rollout/batched/stepPredictor";

/** What the samples' covariances and products are computed in. */
export type Precision = "float64" | "float32";

/** `horizonSteps`: the most that `begin` will bring. */
export const createBlockPredictor = (options: StepPredictorOptions, precision: Precision, horizonSteps: number): BlockPredictor =>
  precision === "float32" ? new SinglePredictor(options, horizonSteps) : new StepPredictor(options);
