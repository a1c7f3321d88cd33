import type { FittedZone } from "#cli/baselineModels";
import type { FanWeek } from "#cli/modelCard/cardData";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { normalQuantile } from "#math/statistics";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor } from "#models/stepPredictor";

const HORIZON_STEPS = 20;
/** Between two starts: the horizon and a gap, so that one fan ends before the next begins. */
const START_EVERY_STEPS = 24;
const Z_80 = normalQuantile(0.9);
const Z_90 = normalQuantile(0.95);

/** Open-loop predictions of the rows [first, end) every few hours, with the measurements beside them; null where there is no room for one. */
export const fanWeekOf = (
  la: LinearAlgebra,
  { model, predictor }: FittedZone,
  data: DatasetRows,
  first: number,
  end: number,
): FanWeek | null => {
  const column = (quantity: "zoneAirTempC" | "heatingSetpointC" | "coolingSetpointC"): Float64Array =>
    data.column(zonePoint(model.zone, quantity));
  const measured = column("zoneAirTempC");
  const starts: number[] = [];
  for (let row = first; row + HORIZON_STEPS < end; row += START_EVERY_STEPS) if (Number.isFinite(measured[row]!)) starts.push(row);
  if (starts.length === 0) return null;
  const { meanC, stdDevK } = openLoop(predictor ?? createStepPredictor(la, model), model, data, starts, HORIZON_STEPS, true);
  const ratios = starts
    .flatMap((start, k) => meanC.map((values, step) => Math.abs(measured[start + step + 1]! - values[k]!) / stdDevK[step]![k]!))
    .filter(Number.isFinite);
  const inside = (z: number): number | null => (ratios.length === 0 ? null : ratios.filter((ratio) => ratio <= z).length / ratios.length);
  const rows = (values: Float64Array): number[] => Array.from(values.subarray(first, end));
  return {
    zone: model.zone,
    timesMs: rows(data.dataset.timesMs),
    measuredC: rows(measured),
    heatingC: rows(column("heatingSetpointC")),
    coolingC: rows(column("coolingSetpointC")),
    fans: starts.map((start, k) => ({
      start: start - first,
      meanC: meanC.map((values) => values[k]!),
      stdDevK: stdDevK.map((values) => values[k]!),
    })),
    inside90: inside(Z_90),
    inside80: inside(Z_80),
  };
};
