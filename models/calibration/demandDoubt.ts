import type { SpreadModel, ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { CarriedSpread, demandK } from "#math/carriedSpread";
import type { DatasetRows } from "#math/datasetRows";
import type { LeftOutDay } from "#models/calibration/leftOutDays";
import { driftedSource } from "#models/driftedSource";

/** One predicted step in which the thermostat asks for something. */
export interface DemandStep {
  readonly errorK: number;
  /** Without any doubt of the thermostat. */
  readonly stdDevK: number;
  /** From the free float to the setpoint, above 0. */
  readonly demandK: number;
}

/** Demands below this tell nothing of the equipment, K. */
const LEAST_DEMAND_K = 0.05;
const FEWEST_STEPS = 20;
/** Below this no standard deviation is believed, K. */
const FLOOR_K = 0.02;
const DOUBTS = [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1];

/**
 * A smaller share comes from a few odd steps of equipment that obeys. Measured: 0.02 to 0.15 on the five-zone office, where it made predictions no better
 * (NLPD −1.15 to −1.11), 0.2 to 1 on offices whose fans cycle at night.
 */
const LEAST_DOUBT = 0.2;

/**
 * ε of `SpreadModel.demandDoubt`: of a grid from 0 to 1 the one that makes the errors likeliest,
 * max Σ −½ log v − e² / 2v with v = s² + ε² D². 0 where that is less than 0.2, and with fewer than 20 steps.
 */
export const likeliestDoubt = (steps: readonly DemandStep[]): number => {
  if (steps.length < FEWEST_STEPS) return 0;
  const logLikelihood = (doubt: number): number =>
    steps.reduce((sum, { errorK, stdDevK, demandK: demand }) => {
      const variance = Math.max(stdDevK, FLOOR_K) ** 2 + (doubt * demand) ** 2;
      return sum - 0.5 * Math.log(variance) - errorK ** 2 / (2 * variance);
    }, 0);
  const all = DOUBTS.map((doubt) => ({ doubt, value: logLikelihood(doubt) }));
  const { doubt } = all.reduce((best, one) => (one.value > best.value ? one : best));
  return doubt < LEAST_DOUBT ? 0 : doubt;
};

/** The steps of days left out in which the thermostat asks for heat or cold, each predicted from what was measured before it. `spread` as far as it is known, without doubt. */
export const demandSteps = (
  days: readonly LeftOutDay[],
  model: ZoneModel,
  spread: SpreadModel,
  data: DatasetRows,
): readonly DemandStep[] => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  return days.flatMap(({ steps, zone, predictor }) => {
    const source = driftedSource(predictor, zone, data, steps, 0);
    const { meanC, freeC, full, latentK2 } = predictor.predict(source, true);
    if (full === undefined) return [];
    const heatingC = source.setpoint(zone.zone, "heating", 0) as Float64Array;
    const coolingC = source.setpoint(zone.zone, "cooling", 0) as Float64Array;
    const carried = new CarriedSpread(zone, spread, steps.length);
    return steps.flatMap((row, k) => {
      const ends = {
        freeC: freeC[k]!,
        heatedC: full.heatedC[k]!,
        cooledC: full.cooledC[k]!,
        heatingSetpointC: heatingC[k]!,
        coolingSetpointC: coolingC[k]!,
      };
      const step = {
        errorK: temperature[row + 1]! - meanC[k]!,
        stdDevK: carried.thermostat(0, k, latentK2![k]!, ends),
        demandK: demandK(ends),
      };
      return step.demandK > LEAST_DEMAND_K && Number.isFinite(step.errorK) && Number.isFinite(step.stdDevK) ? [step] : [];
    });
  });
};
