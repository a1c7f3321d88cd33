import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import { coverageOf, openLoopPredictionsFrom, rmsOrNull } from "#models/evaluation/predictions";
import type { StepPredictor } from "#models/stepPredictor";

/** How well a model foresees the temperature at which people find a zone. */
export interface MorningError {
  readonly rmseK: number | null;
  /** Mean of measured − predicted, K. */
  readonly biasK: number | null;
  readonly coverage90: number | null;
  readonly days: number;
  /** First occupied rows, and their errors (measured − predicted, K). */
  readonly rows: readonly number[];
  readonly errorsK: readonly number[];
}

const DAY_MS = 86_400_000;
const LEAD_S = 7200;

/**
 * For every local day of the rows [firstTest, endTest) with people in the zone: open loop from `leadS` before the end of the first occupied step (the
 * day's first row with an occupant after one without), under the setpoints, weather and people that were logged; the error at that step. This is what
 * decides when heating has to start. Days whose start lies before the test rows, or without values, do not count; null figures where none is left.
 */
export const morningError = (
  predictor: StepPredictor,
  model: ZoneModel,
  data: DatasetRows,
  firstTest: number,
  endTest: number,
  leadS: number = LEAD_S,
): MorningError => {
  const people = data.column(zonePoint(model.zone, "occupancyCount"));
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  const lead = Math.max(1, Math.round(leadS / data.dataset.stepS));
  const starts: number[] = [];
  let seen = Number.NaN;
  for (let row = firstTest; row < endTest; row++) {
    const day = Math.floor((data.localMs(row) - 1) / DAY_MS);
    if (day === seen || !(people[row]! > 0)) continue;
    seen = day;
    // Somebody who stayed overnight is no morning.
    if (!(people[row - 1]! <= 0)) continue;
    if (row - lead >= firstTest && Number.isFinite(temperature[row - lead]!)) starts.push(row - lead);
  }
  const predictions = openLoopPredictionsFrom(predictor, model, data, starts, lead, true);
  const { rows, errorsK } = predictions;
  return {
    rmseK: rmsOrNull(errorsK),
    biasK: errorsK.length === 0 ? null : errorsK.reduce((sum, error) => sum + error, 0) / errorsK.length,
    coverage90: coverageOf(predictions),
    days: errorsK.length,
    rows,
    errorsK,
  };
};
