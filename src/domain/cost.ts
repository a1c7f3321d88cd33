import type { DemandCharge } from "#domain/demandCharge";
import type { CostTerms } from "#domain/plan";

/** What is traded against what, in the currency of the prices. */
export interface CostWeights {
  /** One zone one kelvin outside its band for one hour. */
  readonly comfortPerKh: number;
  /** One kelvin of mean predictive standard deviation. */
  readonly uncertaintyPerK: number;
  /** Moving one setpoint by one kelvin. */
  readonly movementPerK: number;
}

/** What short runs and pauses of equipment cost. */
export interface EquipmentWear {
  /** A run or a pause of no length, in currency; less in proportion to how long it lasts, nothing from its least time on. */
  readonly pricePerShortRun: number;
  readonly minOnS: number;
  readonly minOffS: number;
}

/** How each zone's equipment came to now. */
export interface RunsBefore {
  /** 1: it runs. */
  readonly isOn: Uint8Array;
  /** Steps it has been doing so; Infinity: not known, or for longer than anybody knows. */
  readonly steps: Float64Array;
}

/** What is owed at the horizon's end. */
export interface TerminalValue {
  /** Per zone: colder than this has to be reheated, °C; −∞ where nobody comes. */
  readonly heatToC: Float64Array;
  /** Per zone: warmer than this has to be cooled, °C; +∞ where nobody comes. */
  readonly coolToC: Float64Array;
  /** Currency per kelvin of one zone. */
  readonly pricePerK: number;
}

/** Everything that costs are computed from besides sequences and predictions. */
export interface CostProblem {
  readonly horizonSteps: number;
  readonly nz: number;
  readonly stepS: number;
  /** [t][z]; entry t holds at the end of step t. */
  readonly lowerC: Float64Array;
  readonly upperC: Float64Array;
  readonly occupied: Uint8Array;
  readonly pricePerKwh: Float64Array;
  readonly demandCharge: DemandCharge | null;
  readonly inForceHeatingC: Float64Array;
  readonly inForceCoolingC: Float64Array;
  readonly weights: CostWeights;
  /** Kelvin outside the band that do not count. */
  readonly toleranceK: number;
  readonly terminal: TerminalValue | null;
  /** Absent: short runs cost nothing. */
  readonly equipment?: EquipmentWear & { readonly before: RunsBefore };
}

/** Costs of one batch, K values each. */
export interface SampleCosts {
  readonly terms: readonly CostTerms[];
  /** NaN where anything predicted is not finite. */
  readonly totals: Float64Array;
  /** Spread by which a sequence is judged (the largest over zones of the mean standard deviation over occupied steps); NaN where that is not finite. */
  readonly spreadsK: Float64Array;
}
