/** JSON shapes of the views about the model, savings, schedules and what-if questions; the conventions are those of wire.ts. */

import type { ControlSource, SetpointLimits, ZoneSetpoints } from "#domain/setpoints";

/** How true one-step predictions of a zone have been, beside what was measured at their end; all steps, on setpoints too. */
export interface ModelZoneLiveView {
  readonly zone: string;
  readonly label: string;
  readonly samples: number;
  /** Mean and root mean square of measured − predicted; null without samples. */
  readonly biasK: number | null;
  readonly rmseK: number | null;
  /** By local hour of the day; hours without samples are absent. */
  readonly hours: readonly { readonly hour: number; readonly samples: number; readonly biasK: number; readonly rmseK: number }[];
  /** Share of the last two days' steps off the setpoint inside the 90 % interval, as it was at each time. */
  readonly coverage: readonly { readonly timeMs: number; readonly fraction: number }[];
}

export interface LearningDayView {
  readonly day: string;
  readonly startMs: number;
  /** Share of the day's steps in which everything that learning needs was measured. */
  readonly completeFraction: number;
  /** Points that are missing in more than a tenth of the day's steps. */
  readonly missing: readonly string[];
}

export interface ModelLiveView {
  readonly fromMs: number;
  readonly toMs: number;
  readonly zones: readonly ModelZoneLiveView[];
  readonly days: readonly LearningDayView[];
  /** Days with everything measured, counted in parts, in the last `trainingDays`. */
  readonly completeDays: number;
  /** What learning wants; null where nobody here learns. */
  readonly learning: { readonly trainingDays: number; readonly minDays: number } | null;
}

export interface ScheduleBand {
  readonly lowerC: number;
  readonly upperC: number;
}

export interface ScheduleZoneView {
  readonly id: string;
  readonly label: string;
  readonly occupied: ScheduleBand;
  readonly unoccupied: ScheduleBand;
  /** Standard that moves the occupied band with the weather; null: none does. */
  readonly adaptive: string | null;
  /** Occupied spans, Monday first, minutes of the local day. */
  readonly week: readonly (readonly { readonly startMinute: number; readonly endMinute: number }[])[];
  /** Local days without occupancy by the site file, both ends included. */
  readonly holidays: readonly { readonly first: string; readonly last: string }[];
  readonly now: ScheduleBand & { readonly occupied: boolean };
  /** What comes next and when; null where nothing changes within two months. */
  readonly next: (ScheduleBand & { readonly occupied: boolean; readonly timeMs: number }) | null;
  readonly override: {
    readonly setpoints: ZoneSetpoints;
    readonly untilMs: number | null;
    readonly by: string;
    readonly reason: string;
  } | null;
}

export interface ScheduleView {
  readonly nowMs: number;
  readonly timeZone: string;
  /** Days that people closed, past ones too; `zones` null: every zone. */
  readonly closures: readonly {
    readonly id: string;
    readonly first: string;
    readonly last: string;
    readonly zones: readonly string[] | null;
    readonly by: string;
    readonly reason: string;
  }[];
  readonly limits: SetpointLimits;
  readonly setback: ZoneSetpoints;
  readonly rule: { readonly leadS: number; readonly ramp: boolean };
  readonly zones: readonly ScheduleZoneView[];
}

export type WhatIfOccupancy = "scheduled" | "empty" | "occupied";

/** What is changed for the coming hours; the rest stays as it is. */
export interface WhatIfQuestion {
  /** Moves the occupied band's edges, K. */
  readonly lowerShiftK: number;
  readonly upperShiftK: number;
  /** Times what energy costs. */
  readonly priceFactor: number;
  readonly occupancy: WhatIfOccupancy;
  /** null: as far as the site plans. */
  readonly horizonSteps: number | null;
}

/** One plan as far as the comparison needs it; null and empty where no model could predict. */
export interface WhatIfPlan {
  readonly source: ControlSource;
  readonly reason: string;
  readonly energyKwh: number | null;
  /** Energy × price over the steps. */
  readonly energyCost: number | null;
  readonly peakKw: number | null;
  /** Expected kelvin-hours outside the band while occupied, all zones. */
  readonly discomfortKh: number | null;
  readonly powerW: readonly number[];
  readonly pricePerKwh: readonly number[];
  readonly zones: Readonly<
    Record<
      string,
      {
        readonly heatingSetpointC: readonly number[];
        readonly coolingSetpointC: readonly number[];
        readonly meanC: readonly number[];
        readonly stdDevK: readonly number[];
        readonly lowerC: readonly number[];
        readonly upperC: readonly number[];
        readonly occupied: readonly boolean[];
      }
    >
  >;
}

export interface WhatIfView {
  /** The decision whose situation was planned anew. */
  readonly decisionId: string;
  readonly issuedAtMs: number;
  readonly stepS: number;
  readonly stepEndMs: readonly number[];
  readonly question: WhatIfQuestion;
  /** What was decided, over the same steps. */
  readonly inForce: WhatIfPlan;
  readonly changed: WhatIfPlan;
  readonly samples: number;
  readonly tookMs: number;
}

export type SavingsMethod = "before" | "rule";

/** Why a day does not count. */
export type SavingsExclusion =
  | "before-control"
  | "incomplete"
  | "no-meter"
  | "no-weather"
  | "no-prediction"
  | "not-in-charge"
  | "override"
  | "weather";

/** How well the baseline explains the energy that it is judged on. */
export interface SavingsFit {
  readonly fromMs: number;
  readonly toMs: number;
  readonly hours: number;
  readonly parameters: number;
  readonly cvRmsePct: number;
  readonly nmbePct: number;
  readonly r2: number;
  /** Of the hourly residuals, lag 1. */
  readonly autocorrelation: number;
  /** Outdoor temperatures at which heating and cooling begin; null where the method has none. */
  readonly heatingBalanceC: number | null;
  readonly coolingBalanceC: number | null;
  /** CV(RMSE) ≤ 30 % and |NMBE| ≤ 10 %: ASHRAE Guideline 14 for hourly data. */
  readonly isCalibrated: boolean;
}

export interface SavingsAdjustmentView {
  readonly id: string;
  /** Local days, both included. */
  readonly first: string;
  readonly last: string;
  /** Added to the baseline of each of these days. */
  readonly kwhPerDay: number;
  readonly reason: string;
  readonly by: string;
  readonly timeMs: number;
  readonly withdrawn: { readonly by: string; readonly timeMs: number } | null;
}

export interface SavingsDayView {
  readonly day: string;
  readonly startMs: number;
  /** Hours of the day that were counted, and that it has in the range. */
  readonly countedHours: number;
  readonly hours: number;
  readonly actualKwh: number | null;
  readonly baselineKwh: number | null;
  readonly adjustmentKwh: number;
  /** null: the day counts. */
  readonly excluded: SavingsExclusion | null;
}

export interface SavingsView {
  readonly fromMs: number;
  readonly toMs: number;
  readonly method: SavingsMethod;
  /** First decision that was sent to the building; null: there is none yet. */
  readonly controlSinceMs: number | null;
  readonly fit: SavingsFit | null;
  /** Why there is no figure; null where there is one. */
  readonly missing: "no-control" | "short-baseline" | "no-days" | null;
  readonly baselineHoursNeeded: number;
  readonly confidencePct: number;
  readonly total: {
    readonly days: number;
    readonly hours: number;
    readonly actualKwh: number;
    /** Adjustments included. */
    readonly baselineKwh: number;
    readonly adjustmentKwh: number;
    readonly savedKwh: number;
    readonly savedLowKwh: number;
    readonly savedHighKwh: number;
    readonly savedPct: number | null;
  } | null;
  readonly days: readonly SavingsDayView[];
  readonly adjustments: readonly SavingsAdjustmentView[];
}
