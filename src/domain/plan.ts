import type { DemandCharge } from "#domain/demandCharge";
import type { PointName } from "#domain/points";
import type { ControlSource, ZoneSetpoints } from "#domain/setpoints";

/** Cost of one control sequence, all terms in the same currency unit; `total` is their weighted sum. */
export interface CostTerms {
  /** Comfort weight × expected kelvin-hours outside the band while occupied, summed over zones. */
  readonly comfort: number;
  /** Price × energy over the horizon. */
  readonly energy: number;
  /** Uncertainty weight × mean predictive standard deviation. */
  readonly uncertainty: number;
  /** Setpoint movement (equipment wear). */
  readonly movement: number;
  /** Demand charge × how far the plan raises the billing period's highest power; absent or 0 where no charge is known. */
  readonly demand?: number;
  /** Energy still owed at the horizon's end: what it takes to bring zones that end colder (warmer) than both the rule and their band back to it. */
  readonly terminal?: number;
  /** Short runs and pauses of equipment; absent where they cost nothing. */
  readonly wear?: number;
  readonly total: number;
}

/** One zone along one control sequence; arrays of horizon length, entry t for the step that ends at `stepEndMs[t]`. */
export interface ZoneTrajectory {
  readonly heatingSetpointC: readonly number[];
  readonly coolingSetpointC: readonly number[];
  /** Predictive mean and standard deviation of the zone air temperature; both empty, like `powerW`, where no model could predict. */
  readonly meanC: readonly number[];
  readonly stdDevK: readonly number[];
}

/** A control sequence and what the model expects of it. */
export interface PredictedPlan {
  readonly zones: Readonly<Record<string, ZoneTrajectory>>;
  readonly powerW: readonly number[];
  readonly cost: CostTerms;
}

export interface ZoneComfort {
  readonly lowerC: readonly number[];
  readonly upperC: readonly number[];
  readonly occupied: readonly boolean[];
}

/** What one planning step decided and why. Plain JSON: stored as it is, shown as it is. */
export interface Plan {
  readonly schema: "1.0";
  readonly issuedAtMs: number;
  readonly stepS: number;
  readonly stepEndMs: readonly number[];
  readonly source: ControlSource;
  /** The sequence that is carried out. */
  readonly chosen: PredictedPlan;
  /** The rule's sequence as the same model predicts it; null where no model was there to predict it. */
  readonly rule: PredictedPlan | null;
  readonly comfort: Readonly<Record<string, ZoneComfort>>;
  readonly outdoorAirTempC: readonly number[];
  /** Sun on a horizontal surface, W/m², as forecast; absent where the forecast has none. */
  readonly globalHorizontalIrradianceWm2?: readonly number[];
  /** Of energy on the bill. */
  readonly pricePerKwh: readonly number[];
  /** What the planner weighed a kilowatt-hour with, where that is not its price: emissions counted in, or another objective. Absent: the price. */
  readonly weighedPerKwh?: readonly number[];
  /** Carbon intensity, where it is known by the hour. */
  readonly carbonKgPerKwh?: readonly number[];
  /** What the billing period's peak cost and was when this was decided; absent: it costs nothing. */
  readonly demandCharge?: DemandCharge;
  /** What had to be assumed of prices; the reason ends with it. Absent: nothing. */
  readonly notes?: readonly string[];
  /** One sentence a person understands. */
  readonly reason: string;
  /** One sentence for each zone: what is done there otherwise than by the rule, and how sure comfort is. Absent: the reason is that of all zones. */
  readonly zoneReasons?: Readonly<Record<string, string>>;
  /** Why the rule acts instead of the planner; null when the planner acts. */
  readonly fallback:
    | "no-model"
    | "model-doubted"
    | "too-uncertain"
    | "late"
    | "not-finite"
    | "planner-failed"
    | "stale-data"
    | "mode"
    | null;
  /** Zones in which no plan was sure enough or the model is doubted, so that the rule acts there although the planner acts elsewhere; absent: none. */
  readonly fallbackZones?: readonly string[];
  /** What is tried in the first step in order to learn; absent: nothing. */
  readonly probe?: Probe;
  /** What the plan is predicted to cost where weather and people come otherwise than forecast; absent: nothing is known of the forecasts' errors. */
  readonly forecastScenarios?: ForecastScenarioFigures;
  readonly diagnostics: PlanDiagnostics;
}

/** Predicted costs over the scenarios of the forecasts' errors, in the unit of the plan's costs. */
export interface ForecastScenarioFigures {
  /** Scenarios, the forecast itself among them. */
  readonly count: number;
  /** Mean over them of the step that was chosen, each gone on from as would be cheapest there. */
  readonly expectedCost: number;
  readonly worstCost: number;
  /** The same mean of the step that would be cheapest if the forecast came true, where it was given up for the other; absent: it was not. */
  readonly insteadOfCost?: number;
}

/** A setpoint that is moved inside the comfort band for one step, so that the zone floats afterwards and shows what a thermostat hides. */
export interface Probe {
  readonly zone: string;
  readonly mode: "heating" | "cooling";
  readonly setpointC: number;
  /** What the plan had there without it. */
  readonly plannedC: number;
  /** Predicted cost beyond that plan's, in the unit of its costs. */
  readonly cost: number;
  /** Mean predictive standard deviation while the zone floats, K: what there is to learn. */
  readonly stdDevK: number;
}

export interface PlanDiagnostics {
  readonly numSamples: number;
  readonly horizonSteps: number;
  readonly samplesDiscarded: number;
  readonly samplesNotFinite: number;
  readonly effectiveSampleSize: number;
  readonly mppiTemperature: number;
  /** Standard deviation beyond which a sequence is discarded, K. */
  readonly spreadBoundK: number;
  readonly solveMs: number;
  /** What a kelvin-hour outside the band was weighed with, currency per K·h; absent where nothing was weighed. */
  readonly comfortPerKh?: number;
  /** What computed the rollouts. */
  readonly backend: string;
  /** The graphics adapter it computed on; absent where none was involved. */
  readonly adapter?: string;
  /** Why it was not the backend that was chosen; absent where it was. */
  readonly backendTrouble?: string;
  readonly seed: number;
}

/** The stored record of one control cycle: what was seen, what was decided, what was sent. Plain JSON. */
export interface Decision {
  /** `<epoch>-<seq>`. */
  readonly id: string;
  readonly epoch: number;
  readonly seq: number;
  readonly timeMs: number;
  readonly validUntilMs: number;
  readonly modelVersion: string | null;
  readonly observation: { readonly timeMs: number; readonly values: Readonly<Record<PointName, number>> };
  readonly plan: Plan;
  /** After the safety envelope: exactly what was published. */
  readonly command: Readonly<Record<string, ZoneSetpoints>>;
  readonly source: ControlSource;
  /** What the safety envelope changed, in words; empty when nothing. */
  readonly envelopeChanges: readonly string[];
  /** Who decided for each zone, where that differs from `source`: overrides, zones that hold or follow the bounded schedule. */
  readonly zoneSources?: Readonly<Record<string, ControlSource>>;
  /** shadow: decided and stored, not published. auto where absent. */
  readonly mode?: "auto" | "shadow";
  /** Zones whose mode was another one. */
  readonly zoneModes?: Readonly<Record<string, "auto" | "shadow" | "off">>;
  /** Where the weather of the coming steps came from, and when that was made; absent where none was asked for. */
  readonly forecast?: { readonly provider: string; readonly issuedAtMs: number };
}
