import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { JudgedStep } from "#loop/coverageWindow";
import type { StepJudge } from "#loop/modelMonitor";
import { DatasetRows, type ToLocalMs } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { regimes, rowRegimes } from "#math/regimes";
import { oneStepPredictions, openLoopPredictionsFrom } from "#models/evaluation/predictions";
import { createStepPredictor } from "#models/stepPredictor";

/** Steps that one prediction takes at most: a tick asks for one, a start for two days of them. */
const MAX_BATCH = 32;

/** A judge that looks further ahead than one step. */
export interface FarJudge extends StepJudge {
  /**
   * What the model says of the step that ended at `endMs`, open loop from `steps` steps before, with the setpoints, weather and people that were in force meanwhile. One zone and lead
   * at each turn of the iterator, so that other work may come in between; what cannot be predicted or was not measured is left out.
   */
  ahead(dataset: Dataset, endMs: number, steps: readonly number[]): Iterable<{ readonly steps: number; readonly judged: JudgedStep }>;
}

/**
 * One-step predictions of a model for steps that are over: from the temperatures before them, with the setpoints, weather and people that were in force, so that
 * they judge the model and not the weather forecast.
 */
export const createStepJudge = (la: LinearAlgebra, model: BuildingModel, toLocalMs: ToLocalMs): FarJudge => {
  const predictors = model.zones.map((zone) => ({ zone, predictor: createStepPredictor(la, zone, MAX_BATCH) }));
  const { leaveDayOutRmseK } = model.summary;
  return {
    modelVersion: model.version,
    heldOutRmseK: typeof leaveDayOutRmseK === "number" && leaveDayOutRmseK > 0 ? leaveDayOutRmseK : null,
    trainedToMs: model.trainedToMs,
    judge: (dataset, fromMs) => {
      const data = new DatasetRows(dataset, toLocalMs);
      const { timesMs } = dataset;
      const later = timesMs.findIndex((timeMs) => timeMs > fromMs);
      if (later < 0) return [];
      const first = Math.max(1, later);
      return predictors.flatMap(({ zone, predictor }): JudgedStep[] => {
        const measured = data.column(zonePoint(zone.zone, "zoneAirTempC"));
        const regime = rowRegimes(data, zone.zone);
        const { rows, errorsK, stdDevsK } = oneStepPredictions(predictor, zone, data, first, timesMs.length);
        return rows.map((row, k) => ({
          zone: zone.zone,
          endMs: timesMs[row]!,
          measuredC: measured[row]!,
          meanC: measured[row]! - errorsK[k]!,
          stdDevK: stdDevsK[k]!,
          isOffSetpoint: zone.transition !== "thermostat" || regime[row]! < regimes.heldHeating,
        }));
      });
    },
    ahead: function* (dataset, endMs, leads) {
      const data = new DatasetRows(dataset, toLocalMs);
      const end = dataset.timesMs.indexOf(endMs);
      for (const { zone, predictor } of predictors) {
        const measured = data.column(zonePoint(zone.zone, "zoneAirTempC"));
        for (const steps of leads) {
          const start = end - steps;
          if (start < 1 || !Number.isFinite(measured[start])) continue;
          const { rows, errorsK, stdDevsK } = openLoopPredictionsFrom(predictor, zone, data, [start], steps, true);
          if (rows.length === 0) continue;
          const held = zone.transition === "thermostat" && rowRegimes(data, zone.zone)[end]! >= regimes.heldHeating;
          yield {
            steps,
            judged: {
              zone: zone.zone,
              endMs,
              measuredC: measured[end]!,
              meanC: measured[end]! - errorsK[0]!,
              stdDevK: stdDevsK[0]!,
              isOffSetpoint: !held,
            },
          };
        }
      }
    },
  };
};
