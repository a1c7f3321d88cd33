import { configurationError, type IsothermError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean } from "#math/statistics";
import type { DatasetRows } from "#models/datasetRows";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor, type StepPredictor } from "#models/stepPredictor";
import { regimes } from "#models/thermostat/regimes";
import { rowRegimes } from "#models/thermostat/trainingRows";

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
}

const Z_90 = 1.6448536269514722;
/** Below this the predictive standard deviation is not believed in the NLPD. */
const NLPD_FLOOR_K = 0.02;
const START_EVERY = 4;

const rms = (errors: ArrayLike<number>): number => Math.sqrt(mean(Float64Array.from(errors, (error) => error * error)));

/**
 * Accuracy and calibration over the rows [firstTest, endTest): one step ahead for every test row, open loop 4, 20 and 96 steps ahead from every
 * 4th test row that has as many rows after it inside the test days. NLPD = mean of ½ log 2πs² + e²/2s². Rows with missing values are left out;
 * an IsothermError where none remains.
 */
export const evaluateZone = (
  la: LinearAlgebra,
  model: ZoneModel,
  data: DatasetRows,
  firstTest: number,
  endTest: number,
  predictor: StepPredictor = createStepPredictor(la, model),
): ZoneAccuracy => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  const targets: number[] = [];
  for (let row = firstTest; row < endTest; row++) {
    if (Number.isFinite(temperature[row]!) && Number.isFinite(temperature[row - 1] ?? Number.NaN)) targets.push(row);
  }
  const begun = targets.map((row) => row - 1);
  const started = performance.now();
  const { meanC, stdDevK } = predictor.predict(data.source(begun), true);
  const predictMs = performance.now() - started;
  const usable = targets.map((_, k) => k).filter((k) => Number.isFinite(meanC[k]!) && Number.isFinite(stdDevK![k]!));
  if (usable.length === 0) throw nothingToTest(model.zone, endTest - firstTest);
  const errors = usable.map((k) => temperature[targets[k]!]! - meanC[k]!);
  const spreads = usable.map((k) => stdDevK![k]!);
  const inside = errors.map((error, i) => Math.abs(error) <= Z_90 * spreads[i]!);
  const regime = rowRegimes(data, model.zone);
  const share = (wanted: (value: number) => boolean): number | null => {
    const chosen = inside.filter((_, i) => wanted(regime[targets[usable[i]!]!]!));
    return chosen.length === 0 ? null : chosen.filter(Boolean).length / chosen.length;
  };
  let largest = 0;
  const openLoopRmse = (steps: number): number | null => {
    const starts: number[] = [];
    for (let row = firstTest; row + steps < endTest; row += START_EVERY) if (Number.isFinite(temperature[row]!)) starts.push(row);
    if (starts.length === 0) return null;
    const { meanC: predicted } = openLoop(predictor, model, data, starts, steps);
    if (steps === 96) {
      predicted.forEach((values, step) => {
        values.forEach((value, k) => {
          const error = Math.abs(value - temperature[starts[k]! + step + 1]!);
          if (error > largest) largest = error;
        });
      });
    }
    const final = Array.from(predicted[steps - 1]!, (value, k) => value - temperature[starts[k]! + steps]!).filter(Number.isFinite);
    return final.length === 0 ? null : rms(final);
  };
  const rmse4K = openLoopRmse(4);
  const rmse20K = openLoopRmse(20);
  const rmse96K = openLoopRmse(96);
  return {
    testRows: errors.length,
    rmse1K: rms(errors),
    mae1K: mean(errors.map(Math.abs)),
    nlpd: mean(
      errors.map((error, i) => {
        const s = Math.max(spreads[i]!, NLPD_FLOOR_K);
        return 0.5 * Math.log(2 * Math.PI * s * s) + (error * error) / (2 * s * s);
      }),
    ),
    coverage90: inside.filter(Boolean).length / inside.length,
    coverage90ByRegime: {
      idle: share((value) => value === regimes.idle),
      limited: share((value) => value === regimes.heatingLimited || value === regimes.coolingLimited),
      onSetpoint: share((value) => value >= regimes.heldHeating),
    },
    rmse4K,
    rmse20K,
    rmse96K,
    persistenceRmse1K: rms(targets.map((row) => temperature[row]! - temperature[row - 1]!)),
    maxAbsOpenLoopErrorK: rmse96K === null ? null : largest,
    predictMsPer1000: (1000 * predictMs) / targets.length,
  };
};

const nothingToTest = (zone: string, rows: number): IsothermError =>
  configurationError(
    `None of the ${rows} test rows of zone ${zone} can be predicted: each lacks a temperature, a setpoint, weather or occupancy.`,
    {
      todo: "Choose other days, or look at the columns that are empty.",
    },
  );
