import type { TemperatureUnit } from "#cli/dataOptions";
import type { LinearAlgebraPreference } from "#math/createLinearAlgebra";

export const evaluatedModels = ["isotherm", "clue", "clue-mended", "ensemble", "arx", "persistence"] as const;
export type ModelName = (typeof evaluatedModels)[number];

export interface EvaluateArguments {
  readonly data: string;
  readonly trainFrom: string;
  readonly trainDays: number;
  readonly testDays?: number;
  readonly testData?: string;
  readonly testFrom?: string;
  readonly prior?: string;
  readonly model: ModelName;
  readonly zone?: string;
  readonly budget?: number;
  readonly units: TemperatureUnit;
  readonly backend: LinearAlgebraPreference;
  readonly report?: string;
  /** False with --no-baselines. */
  readonly baselines: boolean;
  readonly learningCurve?: boolean;
  readonly seed: number;
  readonly json?: boolean;
}

/** Days of test where nothing else is asked for. */
export const USUAL_TEST_DAYS = 7;
