/**
 * Every JSON shape of the dashboard's HTTP interface (docs/api.md), shared by server and pages.
 * Times are Unix milliseconds UTC in keys that end in `Ms`; the unit of every other number is its key's suffix. `null` is "not known"; no number is ever NaN or infinite.
 */

import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import type { ForecastErrorAtLead } from "#domain/forecastError";
import type { Role, StoredAuditEntry } from "#domain/people";
import type { CostTerms, PlanDiagnostics } from "#domain/plan";
import type { TelemetryPoint } from "#domain/points";
import type { ControlSource, ZoneSetpoints } from "#domain/setpoints";
import type { AlarmLevel, ModelChange, SeriesBucket } from "#domain/store";

export type { DaemonStatus } from "#dashboards/server/daemonStatus";
export type * from "#dashboards/server/wireViews";
export type { SiteInfo, ZoneInfo } from "#domain/building";
export type { Role, StoredAuditEntry } from "#domain/people";
export type { CostTerms, Decision, PlanDiagnostics } from "#domain/plan";
export type { TelemetryPoint } from "#domain/points";
export type { ControlSource, ZoneSetpoints } from "#domain/setpoints";
export type { Alarm, AlarmLevel, SeriesBucket } from "#domain/store";

/** Body of every refused request. */
export interface Problem {
  readonly error: string;
  readonly where: string;
  readonly todo: string;
}

export interface StatusView extends DaemonStatus {
  /** The site's clock when this was written. */
  readonly nowMs: number;
  /** Newest measured value in the store; null when there is none. */
  readonly newestDataMs: number | null;
}

/** How wrong forecasts were: errors are measured − forecast, in the unit that ends the point's name. */
export interface ForecastErrorsView {
  readonly errors: readonly (Omit<ForecastErrorAtLead, "stdDev"> & {
    /** null before the second error. */
    readonly stdDev: number | null;
  })[];
}

/** in-band: within the comfort band; too-warm, too-cold: outside it while the zone is occupied; empty: outside it while nobody is there; unknown: no fresh measurement or no band. */
export type ComfortState = "in-band" | "too-warm" | "too-cold" | "empty" | "unknown";

export interface BandView {
  readonly lowerC: number;
  readonly upperC: number;
  readonly occupied: boolean;
}

export interface ZoneTileView {
  readonly id: string;
  readonly label: string;
  readonly floorAreaM2: number | null;
  readonly zoneAirTempC: number | null;
  readonly measuredMs: number | null;
  /** The reading is older than it may be: it no longer says how the zone is. */
  readonly isOld: boolean;
  readonly state: ComfortState;
  readonly band: BandView | null;
  readonly heatingSetpointC: number | null;
  readonly coolingSetpointC: number | null;
  readonly untilMs: number | null;
  readonly source: ControlSource | null;
  readonly reason: string;
  /** The last six hours, for a spark line. */
  readonly recent: readonly { readonly timeMs: number; readonly meanC: number }[];
}

export interface TodayView {
  readonly fromMs: number;
  /** Share of occupied zone-steps in band; null before the first scored step. */
  readonly inBandPct: number | null;
  readonly scoredZoneSteps: number;
  readonly energyKwh: number | null;
  readonly cost: number | null;
  /** Share of the energy whose price is known. */
  readonly costCoverageFraction: number | null;
  readonly peakKw: number | null;
}

export interface OverviewView {
  readonly nowMs: number;
  readonly zones: readonly ZoneTileView[];
  readonly today: TodayView;
  readonly hvacPowerW: number | null;
  readonly outdoorAirTempC: number | null;
  readonly alarmCounts: Readonly<Record<AlarmLevel, number>>;
  readonly newestDataMs: number | null;
  readonly decision: DecisionSummary | null;
  /** The newest decisions, newest first. */
  readonly recentDecisions: readonly DecisionSummary[];
}

export interface DecisionSummary {
  readonly id: string;
  readonly timeMs: number;
  readonly validUntilMs: number;
  readonly source: ControlSource;
  readonly reason: string;
  readonly fallback: string | null;
  readonly modelVersion: string | null;
  readonly command: Readonly<Record<string, ZoneSetpoints>>;
  readonly envelopeChanges: readonly string[];
  readonly cost: CostTerms;
  readonly effectiveSampleSize: number;
  readonly samplesDiscarded: number;
}

export interface DecisionListView {
  readonly fromMs: number;
  readonly toMs: number;
  readonly decisions: readonly DecisionSummary[];
  /** Ask again with this `from` for the rest; null when this is all. */
  readonly nextFromMs: number | null;
}

/** The stored plan as it concerns one zone; the numbers are the stored decision's own, untouched. */
export interface ZonePlanView {
  readonly decisionId: string;
  readonly issuedAtMs: number;
  readonly stepS: number;
  readonly stepEndMs: readonly number[];
  readonly meanC: readonly number[];
  readonly stdDevK: readonly number[];
  readonly heatingSetpointC: readonly number[];
  readonly coolingSetpointC: readonly number[];
  readonly ruleHeatingSetpointC: readonly number[] | null;
  readonly ruleCoolingSetpointC: readonly number[] | null;
  readonly ruleMeanC: readonly number[] | null;
  readonly lowerC: readonly number[];
  readonly upperC: readonly number[];
  readonly occupied: readonly boolean[];
  readonly powerW: readonly number[];
  readonly pricePerKwh: readonly number[];
  readonly outdoorAirTempC: readonly number[];
  /** Forecast of the sun; null where the plan has none. */
  readonly sunWm2: readonly number[] | null;
}

export interface WhyView {
  readonly source: ControlSource;
  readonly reason: string;
  /** Of this zone alone; null where the plan says nothing of single zones. */
  readonly zoneReason: string | null;
  readonly fallback: string | null;
  readonly chosenCost: CostTerms;
  readonly ruleCost: CostTerms | null;
  readonly diagnostics: PlanDiagnostics;
  readonly modelVersion: string | null;
  readonly envelopeChanges: readonly string[];
}

export interface ZoneView {
  readonly zone: ZoneTileView;
  readonly nowMs: number;
  readonly fromMs: number;
  readonly measured: readonly SeriesBucket[];
  readonly heatingSetpoints: readonly SeriesBucket[];
  readonly coolingSetpoints: readonly SeriesBucket[];
  readonly occupancyCount: readonly SeriesBucket[];
  readonly hvacPowerW: readonly SeriesBucket[];
  /** Measured sun on a horizontal surface, W/m². */
  readonly sunWm2: readonly SeriesBucket[];
  /** The band and the price that were in force, one entry per control step that ended at `stepEndMs`. */
  readonly history: readonly {
    readonly stepEndMs: number;
    readonly lowerC: number;
    readonly upperC: number;
    readonly occupied: boolean;
    readonly pricePerKwh: number | null;
  }[];
  readonly plan: ZonePlanView | null;
  readonly why: WhyView | null;
}

export interface SeriesView {
  readonly fromMs: number;
  readonly toMs: number;
  readonly series: Readonly<Record<string, readonly SeriesBucket[]>>;
}

export interface ComfortZoneView {
  readonly id: string;
  readonly label: string;
  readonly scoredSteps: number;
  readonly inBandPct: number | null;
  readonly tooWarmKh: number;
  readonly tooColdKh: number;
}

export interface ComfortView {
  readonly fromMs: number;
  readonly toMs: number;
  /** A step counts as outside where it ends more than this beyond the band. */
  readonly toleranceK: number;
  readonly inBandPct: number | null;
  readonly discomfortKh: number;
  readonly zones: readonly ComfortZoneView[];
  /** Kelvin-hours by zone id and local day. */
  readonly days: readonly {
    readonly day: string;
    readonly startMs: number;
    readonly discomfortKhByZone: Readonly<Record<string, number>>;
  }[];
  /** One entry per local day and hour with at least one scored step: all zones together. */
  readonly hours: readonly { readonly day: string; readonly hour: number; readonly discomfortKh: number; readonly inBandPct: number }[];
  /** Times in which a person set a zone, newest first. */
  readonly overrides: readonly {
    readonly zone: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly setpoints: ZoneSetpoints;
  }[];
}

export interface EnergyPeriodView {
  readonly startMs: number;
  readonly energyKwh: number;
  readonly cost: number | null;
  /** Share of the period that has measured power. */
  readonly coverageFraction: number;
}

/** What energy costs now, by the newest decision. */
export interface TariffView {
  readonly timeMs: number;
  readonly pricePerKwh: number | null;
  /** The next other price within the plan's horizon. */
  readonly next: { readonly timeMs: number; readonly pricePerKwh: number } | null;
  readonly carbonKgPerKwh: number | null;
  /** What the billing period's peak costs; null where a peak costs nothing. */
  readonly demandCharge: {
    readonly pricePerKw: number;
    readonly peakKw: number;
    readonly cost: number;
    /** End of the window with the peak, and the period's beginning, where they are known. */
    readonly peakEndMs: number | null;
    readonly periodStartMs: number | null;
  } | null;
}

export interface EnergyView {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepS: number;
  readonly currency: string;
  readonly energyKwh: number;
  readonly cost: number | null;
  readonly costCoverageFraction: number | null;
  readonly peakKw: number | null;
  readonly peakMs: number | null;
  /** Σ energy × the carbon intensity of the step's decision, over the steps of which one is known; null where none is. */
  readonly emissionsKg: number | null;
  readonly emissionsCoverageFraction: number | null;
  /** The whole building's electricity and its fuel, where meters of these are read. */
  readonly wholeKwh: number | null;
  readonly fuelKwh: number | null;
  /** Two times of different weather do not compare. */
  readonly meanOutdoorC: number | null;
  /** Of the newest decision; null before the first. */
  readonly tariff: TariffView | null;
  readonly hours: readonly EnergyPeriodView[];
  readonly days: readonly (EnergyPeriodView & { readonly day: string })[];
  /** Mean power of each step, with the price then in force. */
  readonly power: readonly { readonly startMs: number; readonly meanKw: number; readonly pricePerKwh: number | null }[];
}

export interface ModelVersionView {
  readonly version: string;
  readonly createdMs: number;
  /** saved: neither put to work nor refused on record. */
  readonly state: "in-force" | "was-in-force" | "refused" | "saved";
  readonly inForceSinceMs: number | null;
  /** Why it is what it is. */
  readonly reason: string;
  /** Held-out figures and where it came from. */
  readonly summary: Readonly<Record<string, number | string>>;
}

/** How true the one-step predictions of a zone have been over the last two days, steps off the setpoint only; null where too few bear on it. */
export interface ModelAccuracyView {
  readonly zone: string;
  readonly samples: number;
  readonly coverage90Fraction: number | null;
  readonly rmseK: number | null;
  /** Of the model in use, on days left out of its training. */
  readonly heldOutRmseK: number | null;
}

export interface ModelsView {
  readonly inForce: string | null;
  /** What a roll-back would go to. */
  readonly rollbackTo: string | null;
  /** Newest first. */
  readonly versions: readonly ModelVersionView[];
  /** Newest first. */
  readonly changes: readonly ModelChange[];
  readonly accuracy: readonly ModelAccuracyView[];
}

export interface HealthView {
  readonly status: "ok" | "failing";
  readonly phase: string;
  readonly store: "ok" | "failing";
  /** late: the control loop does not tick. */
  readonly control: "ok" | "late";
  readonly lastTickMs: number | null;
}

/** Who the browser is to the dashboard. */
export interface SessionView {
  /** Name and role of who is logged in; null where nobody is. */
  readonly user: { readonly id: string; readonly name: string; readonly role: Role } | null;
  /** What the browser may do as it stands; null: nothing before a log-in. */
  readonly role: Role | null;
  /** To be sent as `X-CSRF-Token` with every change; null where nobody is logged in. */
  readonly csrfToken: string | null;
  /** Nobody has been set up yet: the first user is made with the token in the data directory. */
  readonly needsSetup: boolean;
  /** false: passwords would travel unencrypted, so nobody can log in from there. */
  readonly canLogIn: boolean;
}

export interface UserView {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly createdMs: number;
}

export interface TokenView {
  readonly id: string;
  readonly label: string;
  readonly role: Role;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number | null;
}

/** The answer to making a token: the only time that its secret is shown. */
export interface NewTokenView extends TokenView {
  readonly secret: string;
}

export interface AuditView {
  /** Newest first. */
  readonly entries: readonly StoredAuditEntry[];
  /** Ask again with this `before` for older ones; null when this is all. */
  readonly nextBefore: number | null;
}

/** What the daemon's self-examination found. */
/** Backups of the site, newest first. */
export interface BackupsView {
  /** Where they go; null: none is configured. */
  readonly folder: string | null;
  readonly backups: readonly { readonly path: string; readonly createdMs: number; readonly bytes: number; readonly files: number }[];
  readonly running: boolean;
  /** Why the newest order came to nothing; null where it did not. */
  readonly failure: string | null;
}

export interface DoctorView {
  readonly atMs: number;
  readonly findings: readonly {
    readonly check: string;
    readonly state: "ok" | "warning" | "failed";
    readonly text: string;
    /** What to do; empty where all is well. */
    readonly todo: string;
  }[];
}

/** Server-sent events by name. */
export interface LiveEvents {
  readonly status: StatusView;
  readonly telemetry: { readonly points: readonly TelemetryPoint[] };
  readonly decision: DecisionSummary;
  readonly alarm: import("#domain/store").Alarm;
  /** What came in between is no longer held: load everything again. */
  readonly reset: { readonly reason: string };
}
