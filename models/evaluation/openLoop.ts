import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import type { FeatureSource } from "#math/features";
import { slowMeanRate, slowMeansOf, stateLagSteps } from "#math/features";
import { driftedSource } from "#models/driftedSource";
import type { StepPredictor } from "#models/stepPredictor";

/**
 * Temperatures that the model predicts open loop: from the rows `starts`, `steps` steps on, with the data's own setpoints, weather and occupancy but
 * its own temperatures. Returns [step][start], °C; also the carried standard deviations where `withSpread`
 * (v' = gain² v + s², and s_held² where a setpoint is held: see `ZoneModel.stateGain`).
 */
export const openLoop = (
  predictor: StepPredictor,
  model: ZoneModel,
  data: DatasetRows,
  starts: readonly number[],
  steps: number,
  withSpread = false,
): { readonly meanC: readonly Float64Array[]; readonly stdDevK: readonly Float64Array[] } => {
  const point = zonePoint(model.zone, "zoneAirTempC");
  const count = starts.length;
  const temperature = data.column(point);
  const lags = stateLagSteps(model.posterior.features);
  // past[lag][start]
  const past = Array.from({ length: lags + 1 }, (_, lag) => Float64Array.from(starts, (row) => temperature[row - lag] ?? Number.NaN));
  const slow = new Map(
    slowMeansOf(model.posterior.features)
      .filter((one) => one.point === point)
      .map(({ timeConstantS }) => [timeConstantS, Float64Array.from(starts, (row) => data.slowMean(point, timeConstantS)[row]!)]),
  );
  const meanC: Float64Array[] = [];
  const stdDevK: Float64Array[] = [];
  let variance = new Float64Array(count);
  for (let step = 0; step < steps; step++) {
    const logged = driftedSource(predictor, model, data, starts, step);
    const source: FeatureSource = {
      ...logged,
      state: (name, lag) => (name === point ? past[lag]!.slice() : logged.state(name, lag)),
      slowMean: (name, timeConstantS) => (name === point ? slow.get(timeConstantS)! : logged.slowMean(name, timeConstantS)),
    };
    const prediction = predictor.predict(source, withSpread);
    const next = prediction.meanC;
    if (withSpread) {
      const heating = source.setpoint(model.zone, "heating", 0) as Float64Array;
      const cooling = source.setpoint(model.zone, "cooling", 0) as Float64Array;
      variance = variance.map((v, k) => {
        const held = next[k] === heating[k]! + model.heldOffsetK || next[k] === cooling[k]! + model.heldOffsetK;
        return held && model.transition === "thermostat" ? model.heldStdDevK ** 2 : model.stateGain ** 2 * v + prediction.stdDevK![k]! ** 2;
      });
      stdDevK.push(variance.map(Math.sqrt));
    }
    for (let lag = lags; lag > 0; lag--) past[lag]!.set(past[lag - 1]!);
    past[0]!.set(next);
    for (const [timeConstantS, values] of slow) {
      const rate = slowMeanRate(data.dataset.stepS, timeConstantS);
      for (let k = 0; k < count; k++) values[k]! += rate * (next[k]! - values[k]!);
    }
    meanC.push(next);
  }
  return { meanC, stdDevK };
};
