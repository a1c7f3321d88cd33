import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { CarriedSpread } from "#math/carriedSpread";
import type { DatasetRows } from "#math/datasetRows";
import { EffortColumns, effortNeeds } from "#math/effort";
import type { FeatureSource } from "#math/features";
import { effortsOf, slowMeanRate, slowMeansOf, stateLagSteps } from "#math/features";
import { driftedSource } from "#models/driftedSource";
import type { StepPrediction, StepPredictor } from "#models/stepPredictor";

/** Standard deviations after one more step, K, from its prediction and the setpoints in force in it. */
type CarrySpread = (step: number, prediction: StepPrediction, heatingC: Float64Array, coolingC: Float64Array) => Float64Array;

/** As `CarriedSpread` has it. */
const carrying = (model: ZoneModel, spread: NonNullable<ZoneModel["spread"]>, count: number): CarrySpread => {
  const carried = new CarriedSpread(model, spread, count);
  return (step, { meanC, freeC, full, latentK2 }, heatingC, coolingC) =>
    meanC.map((_, k) =>
      full === undefined
        ? carried.free(step, k, latentK2![k]!)
        : carried.thermostat(step, k, latentK2![k]!, {
            freeC: freeC[k]!,
            heatedC: full.heatedC[k]!,
            cooledC: full.cooledC[k]!,
            heatingSetpointC: heatingC[k]!,
            coolingSetpointC: coolingC[k]!,
          }),
    );
};

/** Of a model without `spread`: v' = gain² v + s², and s_held² where a setpoint is held. */
const independently = (model: ZoneModel, count: number): CarrySpread => {
  let variance = new Float64Array(count);
  return (_, { meanC, stdDevK }, heatingC, coolingC) => {
    variance = variance.map((v, k) => {
      const held = meanC[k] === heatingC[k]! + model.heldOffsetK || meanC[k] === coolingC[k]! + model.heldOffsetK;
      return held && model.transition === "thermostat" ? model.heldStdDevK ** 2 : model.stateGain ** 2 * v + stdDevK![k]! ** 2;
    });
    return variance.map(Math.sqrt);
  };
};

/** The zone's thermostats as the data have them at the rows `starts`. */
const startEfforts = (model: ZoneModel, data: DatasetRows, starts: readonly number[]): EffortColumns => {
  const needs = effortNeeds(
    effortsOf(model.posterior.features).filter(({ zone }) => zone === model.zone),
    data.dataset.stepS,
  );
  const columns = new Map<string, Float64Array>();
  const at = (values: Float64Array): Float64Array => Float64Array.from(starts, (row) => values[row]!);
  for (const { key, law, means } of needs) {
    columns.set(key, at(data.effort(law, null).integral));
    for (const { key: name, timeConstantS } of means) columns.set(name, at(data.effort(law, timeConstantS).means.get(timeConstantS)!));
  }
  const efforts = new EffortColumns(needs, data.dataset.stepS, starts.length);
  efforts.start((key) => columns.get(key)!);
  return efforts;
};

/**
 * Temperatures that the model predicts open loop: from the rows `starts`, `steps` steps on, with the data's own setpoints, weather and occupancy but
 * its own temperatures. Returns [step][start], °C; also the carried standard deviations where `withSpread` (`CarriedSpread`).
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
  const efforts = startEfforts(model, data, starts);
  const meanC: Float64Array[] = [];
  const stdDevK: Float64Array[] = [];
  const carry = model.spread === undefined ? independently(model, count) : carrying(model, model.spread, count);
  for (let step = 0; step < steps; step++) {
    const logged = driftedSource(predictor, model, data, starts, step);
    const source: FeatureSource = {
      ...logged,
      state: (name, lag) => (name === point ? past[lag]!.slice() : logged.state(name, lag)),
      slowMean: (name, timeConstantS) => (name === point ? slow.get(timeConstantS)! : logged.slowMean(name, timeConstantS)),
      effort: (term) => (term.zone === model.zone ? efforts.value(term) : logged.effort(term)),
    };
    const [now, setpointC] = [past[0]!.slice(), logged.setpoint(model.zone, "heating", 0) as Float64Array];
    efforts.begin(
      count,
      () => now,
      () => setpointC,
    );
    const prediction = predictor.predict(source, withSpread);
    const next = prediction.meanC;
    if (withSpread) {
      const setpoints = (side: "heating" | "cooling"): Float64Array => source.setpoint(model.zone, side, 0) as Float64Array;
      stdDevK.push(carry(step, prediction, setpoints("heating"), setpoints("cooling")));
    }
    efforts.end(
      count,
      () => now,
      () => setpointC,
    );
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
