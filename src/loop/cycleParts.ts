import type { Clock } from "#domain/clock";
import type { EquipmentWear } from "#domain/cost";
import type { Forecast, ForecastProvider } from "#domain/dataset";
import type { DemandCharge } from "#domain/demandCharge";
import type { ForecastErrorAtLead } from "#domain/forecastError";
import type { Plan } from "#domain/plan";
import type { ControlSequence, PlanRequest } from "#domain/planner";
import type { Plant } from "#domain/plant";
import type { ComfortSchedule, SetpointLimits } from "#domain/setpoints";
import type { DecisionStore } from "#domain/store";
import type { AlarmBoard } from "#loop/alarmBoard";
import type { Commissioning } from "#loop/commissioning";
import type { QualityMemory, QualityRules } from "#loop/dataQuality";
import type { HistoryBuffer } from "#loop/historyBuffer";
import type { MinimumTimes, RunMemory } from "#loop/minimumTimes";
import type { ModelMonitor } from "#loop/modelMonitor";
import type { PlannerSlot } from "#loop/plannerSlot";
import type { ProbeLedger } from "#loop/probeLedger";
import type { Danger, ProtectionRules } from "#loop/protection";
import type { RegretMonitor } from "#loop/regretMonitor";
import type { Supervisor } from "#loop/supervisor";

/** What comfort, rules and other plans are made from. */
export interface Outlook {
  readonly nowMs: number;
  readonly stepEndMs: Float64Array;
  readonly forecast: Forecast;
}

/** What a kilowatt-hour costs and emits in each coming step. */
export interface TariffOutlook {
  /** As the bill counts it. */
  readonly energyPricePerKwh: Float64Array;
  /** null: nobody says so by the hour. */
  readonly carbonKgPerKwh: Float64Array | null;
  /** What had to be assumed, one sentence each; empty: nothing. */
  readonly notes: readonly string[];
}

/** What the loop must know of a site; functions so that schedules, tariffs and rules can live in other rooms. */
export interface ControlSite {
  readonly zones: readonly string[];
  readonly stepS: number;
  readonly horizonSteps: number;
  readonly limits: SetpointLimits;
  readonly seed: number;
  /** Rows of history given to the planner. */
  readonly historyRows: number;
  /** Real time after which the rule decides, ms. */
  readonly deadlineMs: number;
  /** Default true; false for offline comparisons: a planner that fails then ends the run. */
  readonly allowFallback?: boolean;
  readonly quality?: QualityRules;
  /** Absent: `defaultProtection`. */
  readonly protection?: ProtectionRules;
  /** Absent: setpoints may change what equipment does at any time. */
  readonly minimumTimes?: MinimumTimes;
  /** At least the horizon; a day more lets the planner value what it leaves behind. */
  readonly comfort: (outlook: Outlook) => ReadonlyMap<string, ComfortSchedule>;
  /** What the planner weighs a kilowatt-hour with. */
  readonly pricePerKwh: (stepEndMs: Float64Array) => Float64Array;
  /** For the record; absent: the bill's prices are those that the planner weighs. */
  readonly tariff?: (stepEndMs: Float64Array) => TariffOutlook;
  /** What the billing period's peak costs now; absent or null: nothing. */
  readonly demandCharge?: (nowMs: number, stepEndMs: Float64Array) => DemandCharge | null;
  /** Absent: short runs of equipment cost nothing. */
  readonly equipment?: EquipmentWear;
  /** Local wall-clock time as if it were UTC. */
  readonly toLocalMs: (timeMs: number) => number;
  /** The rules' plans (the first acts when the planner may not) and others worth trying, [t][z] over the horizon. */
  readonly candidates: (outlook: Outlook) => {
    readonly rulePlans: readonly ControlSequence[];
    readonly otherPlans: readonly ControlSequence[];
  };
}

export interface CycleParts {
  readonly site: ControlSite;
  readonly clock: Clock;
  readonly plant: Pick<Plant, "observe">;
  readonly forecasts: ForecastProvider;
  /** How far each provider's forecasts have been off. Absent: nobody compares them with what was measured. */
  readonly forecastErrors?: () => readonly ForecastErrorAtLead[];
  readonly planners: PlannerSlot;
  readonly supervisor: Supervisor;
  readonly history: HistoryBuffer;
  readonly decisions: Pick<DecisionStore, "appendDecision">;
  readonly alarms: AlarmBoard;
  /** Absent: nobody compares what planning costs with what it promised. */
  readonly regret?: Pick<RegretMonitor, "decided" | "ended" | "resting">;
  /** Absent: nothing is tried in order to learn. */
  readonly probes?: ProbeLedger;
  /** Keeps what a decision was made from; must not hold up control. Absent: nobody does. */
  readonly keepRequest?: (decisionId: string, request: PlanRequest) => void;
  /** Absent: nobody watches how true the model is. */
  readonly monitor?: Pick<ModelMonitor, "step" | "doubted">;
  /** Absent: every model that is in use may act. */
  readonly commissioning?: Pick<Commissioning, "step" | "heldBack">;
  /** Failures that the cycle survived (each also stands as an alarm). */
  readonly onError: (error: unknown) => void;
}

/** What one cycle hands to the next. */
export interface CycleMemory {
  quality: QualityMemory;
  dangers: ReadonlyMap<string, Danger>;
  runs: RunMemory;
  previousPlan: Plan | null;
}
