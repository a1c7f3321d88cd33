import type { PowerModel, ZoneModel } from "#domain/model";
import { buildingPoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean } from "#math/statistics";
import { predictPower } from "#models/powerModel";
import type { StepPredictor } from "#models/stepPredictor";

/** How true predicted HVAC power is; ASHRAE Guideline 14 asks of an hourly model at most 30 % and ±10 %. */
export interface PowerError {
  /** Hourly CV(RMSE): root mean square error of the hours' means over the measured mean, %. */
  readonly cvRmsePct: number;
  /** Normalised mean bias: Σ (measured − predicted) / Σ measured, %. */
  readonly nmbePct: number;
  /** Of single steps, W. */
  readonly rmseW: number;
  readonly hours: number;
}

/**
 * HVAC power one step ahead over the rows [firstTest, endTest), averaged over the hours that are whole. null where no whole hour is predicted, or the
 * measured mean is 0.
 */
export const powerError = (
  la: LinearAlgebra,
  power: PowerModel,
  zones: readonly { readonly model: ZoneModel; readonly predictor: StepPredictor }[],
  data: DatasetRows,
  firstTest: number,
  endTest: number,
): PowerError | null => {
  const measured = data.column(buildingPoint("hvacPowerW"));
  const steps = Array.from({ length: endTest - firstTest }, (_, k) => firstTest + k - 1).filter((row) => row >= 0);
  const predicted = predictPower(la, power, zones, data, steps);
  const perHour = Math.max(1, Math.round(3600 / data.dataset.stepS));
  const byHour = new Map<number, [number, number][]>();
  const errors: number[] = [];
  steps.forEach((row, k) => {
    const pair: [number, number] = [measured[row + 1]!, predicted[k]!];
    if (!pair.every(Number.isFinite)) return;
    errors.push(pair[0] - pair[1]);
    const hour = Math.floor((data.localMs(row + 1) - 1) / 3_600_000);
    const pairs = byHour.get(hour);
    if (pairs === undefined) byHour.set(hour, [pair]);
    else pairs.push(pair);
  });
  const hours = [...byHour.values()]
    .filter((pairs) => pairs.length === perHour)
    .map((pairs) => [mean(pairs.map(([one]) => one)), mean(pairs.map(([, other]) => other))] as const);
  const level = hours.length === 0 ? 0 : mean(hours.map(([one]) => one));
  if (!(level > 0)) return null;
  return {
    cvRmsePct: (100 * Math.sqrt(mean(hours.map(([one, other]) => (one - other) ** 2)))) / level,
    nmbePct: (100 * mean(hours.map(([one, other]) => one - other))) / level,
    rmseW: Math.sqrt(mean(errors.map((error) => error * error))),
    hours: hours.length,
  };
};
