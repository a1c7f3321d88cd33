import type { Dataset } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { DatasetRows } from "#models/datasetRows";

export interface BaselineContext {
  readonly la: LinearAlgebra;
  readonly dataset: Dataset;
  readonly data: DatasetRows;
  readonly zone: string;
  readonly progress: (fraction: number, text: string) => void;
  readonly signal: AbortSignal;
}

/** The baseline of this name, learned from the training rows. */
export const trainBaselineForEvaluation = (name: string, _context: BaselineContext): Promise<ZoneModel> =>
  Promise.reject(unavailableError(`The baseline ${name} is not in this version.`, { todo: "Choose isotherm." }));
