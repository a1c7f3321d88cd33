import { configurationError, type IsothermError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { regimes, rowRegimes } from "#math/regimes";
import { mean } from "#math/statistics";
import { type MorningError, morningError } from "#models/evaluation/morningError";
import {
  coverageOf,
  nlpdOf,
  type OpenLoopPredictions,
  oneStepPredictions,
  openLoopPredictions,
  type Predictions,
  rmsOrNull,
} from "#models/evaluation/predictions";
import { createStepPredictor, type StepPredictor } from "#models/stepPredictor";

/** The figures of `isotherm evaluate` that come from predictions; null where no test row bears on them. */
export interface ZoneAccuracy {
  readonly testRows: number;
  readonly rmse1K: number;
  readonly mae1K: number;
  readonly nlpd: number;
  readonly coverage90: number;
  readonly coverage90ByRegime: { readonly idle: number | null; readonly limited: number | null; readonly onSetpoint: number | null };
  readonly rmse4K: number | null;
  readonly rmse20K: number | null;
  readonly rmse96K: number | null;
  readonly persistenceRmse1K: number;
  readonly maxAbsOpenLoopErrorK: number | null;
  readonly predictMsPer1000: number;
  /** After 4 steps open loop, with the carried spread. */
  readonly nlpd4: number | null;
  readonly coverage90At4: number | null;
  readonly coverage90At20: number | null;
  /** By steps ahead ("1", "4", "20", "96") open loop: share of errors inside ±1.645 carried standard deviations, and their NLPD. */
  readonly coverage90ByLead: Readonly<Record<string, number | null>>;
  readonly nlpdByLead: Readonly<Record<string, number | null>>;
  /** At the first occupied step, begun two hours before it; see `morningError`. */
  readonly morningRmseK: number | null;
  readonly morningDays: number;
}

/** The figures and the errors that they come from. */
export interface ZoneEvaluation {
  readonly accuracy: ZoneAccuracy;
  readonly oneStep: Predictions;
  readonly after4: OpenLoopPredictions;
  readonly after20: OpenLoopPredictions;
  readonly morning: MorningError;
}

/**
 * Accuracy and calibration over the rows [firstTest, endTest): one step ahead for every test row, open loop 4, 20 and 96 steps ahead from every
 * 4th test row that has as many rows after it inside the test days. NLPD = mean of ½ log 2πs² + e²/2s². Rows with missing values are left out;
 * an IsothermError where none remains.
 */
export const evaluateZoneInFull = (
  la: LinearAlgebra,
  model: ZoneModel,
  data: DatasetRows,
  firstTest: number,
  endTest: number,
  predictor: StepPredictor = createStepPredictor(la, model),
): ZoneEvaluation => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  const oneStep = oneStepPredictions(predictor, model, data, firstTest, endTest);
  const { rows, errorsK, stdDevsK, asked } = oneStep;
  if (rows.length === 0) throw nothingToTest(model.zone, endTest - firstTest);
  const regime = rowRegimes(data, model.zone);
  const share = (wanted: (value: number) => boolean): number | null => {
    const chosen = rows.map((_, i) => i).filter((i) => wanted(regime[rows[i]!]!));
    return coverageOf({ errorsK: chosen.map((i) => errorsK[i]!), stdDevsK: chosen.map((i) => stdDevsK[i]!) });
  };
  const ahead = (steps: number): OpenLoopPredictions => openLoopPredictions(predictor, model, data, firstTest, endTest, steps, true);
  const [after1, after4, after20, after96] = [ahead(1), ahead(4), ahead(20), ahead(96)];
  const byLead = (figure: (predictions: Predictions) => number | null): Record<string, number | null> =>
    Object.fromEntries(Object.entries({ 1: after1, 4: after4, 20: after20, 96: after96 }).map(([steps, one]) => [steps, figure(one)]));
  const morning = morningError(predictor, model, data, firstTest, endTest);
  return {
    oneStep,
    after4,
    after20,
    morning,
    accuracy: {
      testRows: errorsK.length,
      rmse1K: rmsOrNull(errorsK)!,
      mae1K: mean(errorsK.map(Math.abs)),
      nlpd: nlpdOf(oneStep)!,
      coverage90: coverageOf(oneStep)!,
      coverage90ByRegime: {
        idle: share((value) => value === regimes.idle),
        limited: share((value) => value === regimes.heatingLimited || value === regimes.coolingLimited),
        onSetpoint: share((value) => value >= regimes.heldHeating),
      },
      rmse4K: rmsOrNull(after4.errorsK),
      rmse20K: rmsOrNull(after20.errorsK),
      rmse96K: rmsOrNull(after96.errorsK),
      persistenceRmse1K: rmsOrNull(asked.map((row) => temperature[row]! - temperature[row - 1]!))!,
      maxAbsOpenLoopErrorK: after96.errorsK.length === 0 ? null : after96.largestErrorK,
      predictMsPer1000: (1000 * oneStep.predictMs) / asked.length,
      nlpd4: nlpdOf(after4),
      coverage90At4: coverageOf(after4),
      coverage90At20: coverageOf(after20),
      coverage90ByLead: byLead((one) => coverageOf(one)),
      nlpdByLead: byLead(nlpdOf),
      morningRmseK: morning.rmseK,
      morningDays: morning.days,
    },
  };
};

/** The figures alone; see `evaluateZoneInFull`. */
export const evaluateZone = (...parts: Parameters<typeof evaluateZoneInFull>): ZoneAccuracy => evaluateZoneInFull(...parts).accuracy;

const nothingToTest = (zone: string, rows: number): IsothermError =>
  configurationError(
    `None of the ${rows} test rows of zone ${zone} can be predicted: each lacks a temperature, a setpoint, weather or occupancy.`,
    {
      todo: "Choose other days, or look at the columns that are empty.",
    },
  );
