import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import type { GateFinding, GateReason } from "#models/trainingGate/report";
import { cityYear, daysOf } from "../support.js";

export const ZONE = "zone";
export const AIR = "zone.zoneAirTempC" as PointName;

export const pittsburghWeek = async (): Promise<Dataset> => daysOf(await cityYear("pittsburgh"), "1991-01-08", 7);

/** Findings of one reason. */
export const found = (dataset: Dataset, reason: GateReason): readonly GateFinding[] =>
  gateTrainingData(dataset, [ZONE]).report.findings.filter((one) => one.reason === reason);

/** Share of the rows [from, to) whose temperature the gate left out. */
export const shareLeftOut = (dataset: Dataset, from: number, to: number): number => {
  const air = gateTrainingData(dataset, [ZONE]).dataset.columns.get(AIR)!;
  let out = 0;
  for (let row = from; row < to; row++) if (Number.isNaN(air[row]!)) out++;
  return out / (to - from);
};
