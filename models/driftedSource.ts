import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import { driftPoint } from "#math/derivedPoints";
import { driftAfter } from "#math/drift";
import type { FeatureSource } from "#math/features";
import type { StepPredictor } from "#models/stepPredictor";

/**
 * Steps that begin `ahead` rows after `known`, as a predictor sees them that knows the data up to the rows `known`: with the drift of then, faded.
 * The plain source where the model has none.
 */
export const driftedSource = (
  predictor: StepPredictor,
  model: ZoneModel,
  data: DatasetRows,
  known: readonly number[],
  ahead: number,
): FeatureSource => {
  const source = data.source(known.map((row) => row + ahead));
  const { drift } = model;
  const states = predictor.driftStates?.(data);
  if (drift === undefined || states === undefined) return source;
  const point = driftPoint(model.zone);
  const values = Float64Array.from(known, (row) => driftAfter(drift, states[row]!, ahead));
  return { ...source, disturbance: (name, lagSteps) => (name === point ? values : source.disturbance(name, lagSteps)) };
};
