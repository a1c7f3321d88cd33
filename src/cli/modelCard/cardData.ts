import type { LearningCurve } from "#cli/evaluateCurve";
import type { EvaluateResult } from "#cli/evaluationReport";
import type { DataCoverage } from "#models/evaluation/dataCoverage";
import type { ZoneAccuracy } from "#models/evaluation/evaluateZone";
import type { Sensitivity } from "#models/evaluation/sensitivity";
import type { GateReport } from "#models/trainingGate/report";

/** One row of the accuracy table. */
export interface CardModel {
  readonly name: string;
  readonly prior: string;
  /** Means over the zones; null where it could not be learned. */
  readonly accuracy: ZoneAccuracy | null;
  readonly fitMs: number;
  /** Why there are no figures. */
  readonly note?: string;
}

export interface ReliabilityCurve {
  readonly name: string;
  readonly points: readonly { readonly nominal: number; readonly observed: number }[];
}

/** One-step errors (measured − predicted) of one local hour, pooled over the zones. */
export interface HourErrors {
  readonly hour: number;
  readonly count: number;
  readonly meanK: number;
  readonly p10K: number;
  readonly p90K: number;
}

/** A prediction without any measurement after its start. */
export interface Fan {
  /** Row of the week at which it starts; its steps follow. */
  readonly start: number;
  readonly meanC: readonly number[];
  readonly stdDevK: readonly number[];
}

export interface FanWeek {
  readonly zone: string;
  readonly timesMs: readonly number[];
  readonly measuredC: readonly number[];
  readonly heatingC: readonly number[];
  readonly coolingC: readonly number[];
  readonly fans: readonly Fan[];
  /** Share of the measurements under the fans that lie inside their 90 % and 80 % bands; null where there are none. */
  readonly inside90: number | null;
  readonly inside80: number | null;
}

/** Everything that a model card shows. */
export interface ModelCard {
  readonly result: EvaluateResult;
  /** What was asked for, as one line that gives the same figures again. */
  readonly command: string;
  readonly dataFile: string;
  readonly testFile: string | null;
  readonly trainFromMs: number;
  readonly trainToMs: number;
  readonly testFromMs: number;
  readonly testToMs: number;
  readonly stepS: number;
  readonly trainDays: number;
  readonly testDays: number;
  readonly zones: readonly string[];
  readonly shownZone: string;
  readonly versions: { readonly isotherm: string; readonly node: string; readonly linearAlgebra: string };
  readonly models: readonly CardModel[];
  readonly curve: LearningCurve | null;
  readonly reliability: readonly ReliabilityCurve[];
  readonly hours: readonly HourErrors[];
  readonly fanWeek: FanWeek | null;
  /** With the points that inputs name, by input. */
  readonly sensitivity: Sensitivity | null;
  readonly neighbourOf: ReadonlyMap<number, string>;
  readonly coverage: readonly { readonly zone: string; readonly coverage: DataCoverage }[];
  readonly gate: GateReport;
}
