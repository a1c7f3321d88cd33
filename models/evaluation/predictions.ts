import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import { mean, normalQuantile } from "#math/statistics";
import { driftedSource } from "#models/driftedSource";
import { openLoop } from "#models/evaluation/openLoop";
import type { StepPredictor } from "#models/stepPredictor";

/** Errors (measured − predicted, K) with the standard deviations (K) that the model gave them, one entry per case. */
export interface Predictions {
  /** Row that was predicted. */
  readonly rows: readonly number[];
  readonly errorsK: readonly number[];
  readonly stdDevsK: readonly number[];
}

/** Open-loop predictions start at every 4th row. */
export const START_EVERY = 4;
/** Below this the predictive standard deviation is not believed in the NLPD. */
const NLPD_FLOOR_K = 0.02;
export const Z_90 = normalQuantile(0.95);

/** One step ahead for every row of [firstTest, endTest) that has a temperature, and one before it; rows that cannot be predicted are left out. */
export const oneStepPredictions = (
  predictor: StepPredictor,
  model: ZoneModel,
  data: DatasetRows,
  firstTest: number,
  endTest: number,
): Predictions & { readonly asked: readonly number[]; readonly predictMs: number } => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  const asked: number[] = [];
  for (let row = firstTest; row < endTest; row++) {
    if (Number.isFinite(temperature[row]!) && Number.isFinite(temperature[row - 1] ?? Number.NaN)) asked.push(row);
  }
  const started = performance.now();
  const { meanC, stdDevK } = predictor.predict(
    driftedSource(
      predictor,
      model,
      data,
      asked.map((row) => row - 1),
      0,
    ),
    true,
  );
  const predictMs = performance.now() - started;
  const usable = asked.map((_, k) => k).filter((k) => Number.isFinite(meanC[k]!) && Number.isFinite(stdDevK![k]!));
  return {
    asked,
    rows: usable.map((k) => asked[k]!),
    errorsK: usable.map((k) => temperature[asked[k]!]! - meanC[k]!),
    stdDevsK: usable.map((k) => stdDevK![k]!),
    predictMs,
  };
};

export interface OpenLoopPredictions extends Predictions {
  /** Largest error at any of the steps, K; null where none was predicted. */
  readonly largestErrorK: number | null;
}

/** `steps` steps open loop from `starts`: the errors at the last step. Standard deviations only where asked for (they cost as much again), else empty. */
export const openLoopPredictionsFrom = (
  predictor: StepPredictor,
  model: ZoneModel,
  data: DatasetRows,
  starts: readonly number[],
  steps: number,
  withSpread: boolean,
): OpenLoopPredictions => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  if (starts.length === 0) return { rows: [], errorsK: [], stdDevsK: [], largestErrorK: null };
  const { meanC, stdDevK } = openLoop(predictor, model, data, starts, steps, withSpread);
  let largestErrorK: number | null = null;
  meanC.forEach((values, step) => {
    values.forEach((value, k) => {
      const error = Math.abs(value - temperature[starts[k]! + step + 1]!);
      if (error > (largestErrorK ?? Number.NEGATIVE_INFINITY)) largestErrorK = error;
    });
  });
  const last = meanC[steps - 1]!;
  const usable = starts.map((_, k) => k).filter((k) => Number.isFinite(temperature[starts[k]! + steps]! - last[k]!));
  return {
    rows: usable.map((k) => starts[k]! + steps),
    errorsK: usable.map((k) => temperature[starts[k]! + steps]! - last[k]!),
    stdDevsK: withSpread ? usable.map((k) => stdDevK[steps - 1]![k]!) : [],
    largestErrorK,
  };
};

/** The same from every 4th row of the test days that has `steps` rows after it inside them. */
export const openLoopPredictions = (
  predictor: StepPredictor,
  model: ZoneModel,
  data: DatasetRows,
  firstTest: number,
  endTest: number,
  steps: number,
  withSpread = false,
): OpenLoopPredictions => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  const starts: number[] = [];
  for (let row = firstTest; row + steps < endTest; row += START_EVERY) if (Number.isFinite(temperature[row]!)) starts.push(row);
  return openLoopPredictionsFrom(predictor, model, data, starts, steps, withSpread);
};

/** Root mean square; null of nothing. */
export const rmsOrNull = (errors: readonly number[]): number | null =>
  errors.length === 0 ? null : Math.sqrt(mean(errors.map((error) => error * error)));

/** Mean of ½ log 2πs² + e²/2s², s at least 0.02 K; null of nothing. */
export const nlpdOf = ({ errorsK, stdDevsK }: Pick<Predictions, "errorsK" | "stdDevsK">): number | null =>
  errorsK.length === 0
    ? null
    : mean(
        errorsK.map((error, i) => {
          const s = Math.max(stdDevsK[i]!, NLPD_FLOOR_K);
          return 0.5 * Math.log(2 * Math.PI * s * s) + (error * error) / (2 * s * s);
        }),
      );

/** Share of errors within ± z standard deviations; null of nothing. */
export const coverageOf = ({ errorsK, stdDevsK }: Pick<Predictions, "errorsK" | "stdDevsK">, z: number = Z_90): number | null =>
  errorsK.length === 0 ? null : errorsK.filter((error, i) => Math.abs(error) <= z * stdDevsK[i]!).length / errorsK.length;

/** Nominal probabilities of central intervals in a reliability diagram. */
export const RELIABILITY_LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99] as const;

/** For every nominal probability p the share of errors inside the central interval ± Φ⁻¹((1 + p)/2) s; empty of nothing. */
export const reliability = (
  predictions: Pick<Predictions, "errorsK" | "stdDevsK">,
): readonly { readonly nominal: number; readonly observed: number }[] =>
  predictions.errorsK.length === 0
    ? []
    : RELIABILITY_LEVELS.map((nominal) => ({ nominal, observed: coverageOf(predictions, normalQuantile((1 + nominal) / 2))! }));
