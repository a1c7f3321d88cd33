import { usageError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { createEnsemblePredictor } from "#models/baselines/ensemble/ensemblePredictor";
import { ensembleFrame, trainEnsemble } from "#models/baselines/ensemble/trainEnsemble";
import { baselineNames, trainBaselineZone } from "#models/baselines/trainBaseline";
import type { StepPredictor } from "#models/stepPredictor";

/** A zone's model, and what predicts with it where that is not its own posterior. */
export interface FittedZone {
  readonly model: ZoneModel;
  readonly predictor?: StepPredictor;
  /** What it started from; "none" when absent. */
  readonly prior?: string;
}

export interface BaselineContext {
  readonly la: LinearAlgebra;
  readonly data: DatasetRows;
  readonly zone: string;
  readonly seed: number;
  readonly progress: (fraction: number, text: string) => void;
  readonly signal: AbortSignal;
}

/** The baseline of this name, learned from the training rows; CLUE starts from the shipped kernel that has not seen the data. */
export const trainBaselineForEvaluation = async (name: string, context: BaselineContext): Promise<FittedZone> => {
  const { la, data, zone, seed, progress, signal } = context;
  if (name === "ensemble") {
    const ensemble = await trainEnsemble(la, data, zone, { seed, onProgress: progress, signal });
    return { model: ensembleFrame(ensemble), predictor: createEnsemblePredictor(la, ensemble, "measured") };
  }
  const known = baselineNames.find((one) => one === name);
  if (known === undefined) throw usageError(`There is no baseline ${name}.`, `Choose one of ensemble, ${baselineNames.join(", ")}.`);
  const { model, prior } = await trainBaselineZone(known, { la, data, zone, onProgress: progress, signal });
  return { model, prior };
};
