import type { BuildingModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { JudgedStep } from "#loop/coverageWindow";
import type { StepJudge } from "#loop/modelMonitor";
import { DatasetRows, type ToLocalMs } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { regimes, rowRegimes } from "#math/regimes";
import { oneStepPredictions } from "#models/evaluation/predictions";
import { createStepPredictor } from "#models/stepPredictor";

/** Steps that one prediction takes at most: a tick asks for one, a start for two days of them. */
const MAX_BATCH = 32;

/**
 * One-step predictions of a model for steps that are over: from the temperatures before them, with the setpoints, weather and people that were in force, so that
 * they judge the model and not the weather forecast.
 */
export const createStepJudge = (la: LinearAlgebra, model: BuildingModel, toLocalMs: ToLocalMs): StepJudge => {
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
  };
};
