import type { EquipmentWear } from "#domain/cost";
import type { Forecast } from "#domain/dataset";
import type { DemandCharge } from "#domain/demandCharge";
import type { ForecastErrorAtLead } from "#domain/forecastError";
import type { StateHistory } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { ComfortSchedule, SetpointLimits, ZoneSetpoints } from "#domain/setpoints";

/** Setpoints for the coming T steps and nz zones, row-major [t][z]. */
export interface ControlSequence {
  /** e.g. `rule lead 4 ramp`, `schedule`, `previous plan`; shown in reasons. */
  readonly name: string;
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
}

/** Everything one decision is made from; the same request and seed give the same plan. */
export interface PlanRequest {
  readonly nowMs: number;
  readonly stepS: number;
  readonly horizonSteps: number;
  /** In the order of every [z] index. */
  readonly zones: readonly string[];
  /** Rows up to now: temperatures, setpoints in force, weather, occupancy. */
  readonly history: StateHistory;
  /** At least `horizonSteps` rows, the first for the step that begins now. */
  readonly forecast: Forecast;
  /** Local wall-clock time of each coming step's end as if it were UTC, ms. */
  readonly localMs: Float64Array;
  /** At least `horizonSteps` rows; rows beyond the horizon tell the planner what is owed at its end. */
  readonly comfort: ReadonlyMap<string, ComfortSchedule>;
  readonly limits: SetpointLimits;
  /** In force now: where slew limits start. */
  readonly inForce: ReadonlyMap<string, ZoneSetpoints>;
  readonly pricePerKwh: Float64Array;
  /** Absent: the peak costs nothing. */
  readonly demandCharge?: DemandCharge;
  /** Absent: short runs of equipment cost nothing. */
  readonly equipment?: EquipmentWear;
  /** How far forecasts like this one (and of people) have been off, where enough is known of it. Absent: this one is taken at its word. */
  readonly forecastErrors?: readonly ForecastErrorAtLead[];
  /** The rule's own plans; the first is the one that acts when the planner may not. */
  readonly rulePlans: readonly ControlSequence[];
  /** Others to be kept among the samples, e.g. the building's schedule. */
  readonly otherPlans: readonly ControlSequence[];
  /** The last plan; warm start. */
  readonly previousPlan: Plan | null;
  /** Zones in which no plan may rest on the model, and why (a clause); the first rule plan acts there. Absent: none. */
  readonly leftToRule?: ReadonlyMap<string, string>;
  /** A zone's setpoint may be moved for a step to see what the model does not know. Absent: it may not. */
  readonly probing?: ProbeAllowance;
  readonly seed: number;
  /** Counter of the decision: with the seed it names the random stream. */
  readonly tick: number;
}

/** What may be spent on learning, and where nothing may be tried. */
export interface ProbeAllowance {
  /** What a probe may be predicted to cost more than the plan, in the unit of the plan's costs. */
  readonly budget: number;
  readonly excludedZones: readonly string[];
}

export interface Planner {
  readonly name: string;
  plan(request: PlanRequest, signal?: AbortSignal): Promise<Plan>;
  close(): Promise<void>;
}
