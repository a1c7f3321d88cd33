import { usageError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { baselineNames, trainBaseline } from "#models/baselines/trainBaseline";
import type { DatasetRows } from "#models/datasetRows";

export interface BaselineContext {
  readonly la: LinearAlgebra;
  readonly data: DatasetRows;
  readonly zone: string;
  readonly progress: (fraction: number, text: string) => void;
  readonly signal: AbortSignal;
}

/** The baseline of this name, learned from the training rows; CLUE starts from the shipped kernel that has not seen the data. */
export const trainBaselineForEvaluation = (name: string, { la, data, zone, progress, signal }: BaselineContext): Promise<ZoneModel> => {
  const known = baselineNames.find((one) => one === name);
  if (known === undefined) throw usageError(`There is no baseline ${name}.`, `Choose one of ${baselineNames.join(", ")}.`);
  return trainBaseline(known, { la, data, zone, onProgress: progress, signal });
};
