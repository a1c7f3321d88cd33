import type { Secret } from "#config/secret";
import type { UnitConversion, UnitSuffix } from "#config/units";
import type { DateSpan, WeekSpans } from "#config/week";
import type { SiteInfo, ZoneInfo } from "#domain/building";
import type { EquipmentWear } from "#domain/cost";
import type { PointName } from "#domain/points";
import type { SetpointLimits, ZoneSetpoints } from "#domain/setpoints";
import type { AdaptiveStandard } from "#math/adaptiveComfort";
import type { PeopleAssumed } from "#math/thermalComfort";

/** A band of air temperatures. */
export interface ComfortBand {
  readonly lowerC: number;
  readonly upperC: number;
}

/** A band that follows the weather, on days of the year between two (MM-DD, also over New Year). */
export interface AdaptiveComfortConfig {
  readonly by: AdaptiveStandard;
  readonly season: { readonly first: string; readonly last: string };
}

/** What comfort a zone wants over a week, in the site's local time. */
export interface ComfortConfig {
  readonly occupied: ComfortBand;
  /** Takes the place of `occupied` in its season, where the running mean of the outdoor temperature is known and in the standard's range; null: never. */
  readonly adaptive: AdaptiveComfortConfig | null;
  readonly unoccupied: ComfortBand;
  /** Occupied spans, Monday first. */
  readonly week: WeekSpans;
  /** Local days without occupancy. */
  readonly holidays: readonly DateSpan[];
}

/** How occupied hours that were learned count beside the schedule. */
export interface HabitsConfig {
  /** beside: occupied where either says so; instead: by habit, by the schedule where too little is known. */
  readonly use: "beside" | "instead";
  /** Hours of the week with people in at least this share of them are occupied. */
  readonly shareFraction: number;
}

export interface ZoneConfig extends ZoneInfo {
  readonly comfort: ComfortConfig;
}

/** A simulated building inside the daemon. */
export interface EmbeddedBuildingConfig {
  readonly kind: "embedded";
  readonly plant: "rc";
  readonly building: string;
  /** Id of a weather file, or the path of an EPW file as written. */
  readonly weather: string;
  /** MM-DD. */
  readonly start: string;
  readonly year: number;
  readonly historyS: number;
}
/** A real building over MQTT. */
export interface MqttBuildingConfig {
  readonly kind: "mqtt";
  readonly futureToleranceS: number;
}

/** Where the value of one point comes from: message → number at `path` → `expression` → `conversion` → plausibility. */
export interface PointSource {
  readonly point: PointName;
  readonly suffix: UnitSuffix;
  readonly topic: string;
  /** Steps into the JSON message; empty: the message is the number. */
  readonly path: readonly (string | number)[];
  /** Over the one symbol `value`; null: the number as it is. Compile with `compileExpression(expression, ["value"])`. */
  readonly expression: string | null;
  readonly conversion: UnitConversion;
  readonly expectedIntervalS: number;
  readonly maxAgeS: number;
  /** null: never counts as stuck. */
  readonly stuckAfterS: number | null;
  /** Plausible values, inclusive, in the point's canonical unit. */
  readonly min: number;
  readonly max: number;
  /** In the point's canonical unit (kelvin for a temperature); null: any jump is believed. */
  readonly maxJump: number | null;
}

/** A point computed from others. Compile with `compileExpression(expression, inputs)`. */
export interface DerivedPoint {
  readonly point: PointName;
  readonly expression: string;
  readonly inputs: readonly PointName[];
  readonly min: number;
  readonly max: number;
}

export interface MqttConfig {
  /** null: an external broker at `url`. */
  readonly embedded: { readonly port: number } | null;
  /** null where the broker is embedded. */
  readonly url: string | null;
  readonly username: string | null;
  readonly password: Secret | null;
  /** PEM texts; null where the site file names none. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: Secret | null;
  readonly serverName: string | null;
  readonly clientId: string;
  /** Topics are `<baseTopic>/<site id>/…`. */
  readonly baseTopic: string;
  readonly keepaliveS: number;
}

export type ControlMode = "off" | "shadow" | "auto";
export interface ControlConfig {
  readonly mode: ControlMode;
  /** Who lets a site in shadow mode go live once its model has proved itself. */
  readonly goLive: "ask" | "auto";
  readonly stepS: number;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** Steps end, and ticks come, so long after `schedule` says, s: 0 but where a daemon of many buildings spreads them. */
  readonly phaseS: number;
  readonly limits: SetpointLimits;
  /** null: the schedule alone. */
  readonly habits: HabitsConfig | null;
  /** What is assumed of people and their air where comfort is a vote; null: nothing is known of them. */
  readonly vote: PeopleAssumed | null;
  readonly setback: ZoneSetpoints;
  readonly rule: { readonly leadS: number; readonly ramp: boolean };
  readonly minimumTimes: { readonly minOnS: number; readonly minOffS: number };
  readonly protection: {
    readonly frostC: number;
    readonly frostHeatingC: number;
    readonly overheatC: number;
    readonly overheatCoolingC: number;
  };
  /** How long a zone without a temperature follows the bounded schedule before it is given back. */
  readonly unmeasuredS: number;
  readonly commandValidityS: number;
  readonly readBack: { readonly toleranceK: number; readonly graceS: number };
  /** How long a daemon that commands the building may be silent before another one takes over. */
  readonly leaseS: number;
}

/** One source of weather forecasts; `blendS`: how long a difference to the site's own station lasts. */
export type ForecastSourceConfig =
  | {
      readonly kind: "openMeteo";
      readonly url: string;
      readonly key: Secret | null;
      /** To be shown; null: nothing must be. */
      readonly licence: string | null;
      readonly refreshMs: number;
      readonly timeoutMs: number;
      readonly requestsPerDay: number;
      readonly blendS: number;
    }
  /** `weather`: an id, or the resolved path of an EPW file. */
  | { readonly kind: "typical"; readonly weather: string; readonly blendS: number }
  | { readonly kind: "persistence" };

export interface ForecastConfig {
  readonly provider: "auto" | "persistence";
  /** First choice first; empty: `provider` alone. */
  readonly sources: readonly ForecastSourceConfig[];
  readonly lengthS: number;
  readonly maxAgeS: number;
}

/** Local days (Monday 0) and minutes during which energy has another price. An end before the start lies on the next day. */
export interface TariffPeriod {
  readonly days: readonly number[];
  readonly startMinute: number;
  readonly endMinute: number;
  readonly energyPricePerKwh: number;
}
/** Where prices or intensities by the hour come from, and how they are read. Exactly one of `file` and `url` is there. */
export interface RateSourceConfig {
  /** Resolved path; null: a feed. */
  readonly file: string | null;
  /** With its placeholders. */
  readonly url: string | null;
  readonly key: Secret | null;
  readonly keyHeader: string;
  readonly rows: string | null;
  readonly time: string | null;
  readonly value: string | null;
  /** Canonical value = scale × number × factor + add; factor null: as the column's title says, else 1. */
  readonly factor: number | null;
  readonly scale: number;
  readonly add: number;
  readonly refreshMs: number;
  readonly timeoutMs: number;
  readonly requestsPerDay: number;
}
export interface TariffConfig {
  readonly energyPricePerKwh: number;
  readonly periods: readonly TariffPeriod[];
  /** null: energyPricePerKwh and the periods alone. */
  readonly prices: RateSourceConfig | null;
  readonly demandChargePerKw: number;
  /** Day of the month, 1…28, on which a billing period begins. */
  readonly billingDay: number;
  readonly demandFloorKw: number;
  readonly carbonKgPerKwh: number;
  readonly intensities: RateSourceConfig | null;
  readonly carbonPricePerTonne: number;
}
export type Objective = "bill" | "energy" | "carbon";

export interface PlannerConfig {
  readonly numSamples: number;
  readonly horizonSteps: number;
  readonly seed: number;
  readonly backend: "auto" | "reference" | "wasm" | "blas" | "webgpu";
  readonly budgetMs: number;
  readonly deadlineMs: number;
  readonly errorLevelK: number;
  readonly objective: Objective;
  /** Share of a day's energy cost that may go into probes; 0: none. */
  readonly probingShare: number;
  /** null: short runs cost nothing. */
  readonly equipment: EquipmentWear | null;
  readonly weights: { readonly comfortPerKh: number; readonly uncertaintyPerK: number; readonly movementPerK: number };
  readonly tariff: TariffConfig;
}

export interface LearningConfig {
  readonly trainingDays: number;
  readonly minDays: number;
  readonly firstDays: number;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** `shipped`, `none`, or the resolved path of a prior. */
  readonly prior: string;
  /** Newest model versions that are kept whatever became of them. */
  readonly keptVersions: number;
  /** Of the versions that were in force, the latest that are kept besides. */
  readonly keptInForce: number;
}

export interface StoreConfig {
  /** As written: relative to where the process was started. */
  readonly directory: string;
  /** Where backups go that admins ask for on the dashboard, as written; null: nobody can ask. */
  readonly backups: string | null;
  /** Every value and decision is kept for so long; of older values the means of hours. */
  readonly rawS: number;
  readonly retentionS: number;
}

export interface InfluxConfig {
  readonly url: string;
  readonly database: string;
  readonly username: string | null;
  readonly password: Secret | null;
  /** PEM text; null: the system's authorities are trusted. */
  readonly ca: string | null;
  readonly batchPoints: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface DashboardConfig {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** false: nothing listens; orders come over MQTT and the local socket. */
  readonly enabled: boolean;
  /** PEM texts; null: plain HTTP. */
  readonly tls: { readonly certificate: string; readonly key: Secret } | null;
}

export type NotifyLevel = "info" | "warning" | "critical";

export interface WebhookConfig {
  readonly url: string;
  /** null: messages are not signed. */
  readonly secret: Secret | null;
  readonly level: NotifyLevel;
}
export interface EmailConfig {
  readonly server: string;
  readonly username: string | null;
  readonly password: Secret | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly level: NotifyLevel;
}
/** Who is told of alarms. */
export interface NotifyConfig {
  readonly webhook: WebhookConfig | null;
  readonly email: EmailConfig | null;
  readonly groupMs: number;
  readonly mostPerHour: number;
  readonly timeoutMs: number;
}

export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

/** One checked site, all in canonical units: what a composition root needs to choose implementations and run them. */
export interface SiteConfig {
  /** The file it came from, as the person named it. */
  readonly file: string;
  readonly site: SiteInfo;
  readonly building: EmbeddedBuildingConfig | MqttBuildingConfig;
  readonly zones: readonly ZoneConfig[];
  /** Every point that arrives over MQTT, sensors of zones included; empty for an embedded building. */
  readonly points: readonly PointSource[];
  /** In an order in which each needs only points and earlier ones. */
  readonly derived: readonly DerivedPoint[];
  readonly mqtt: MqttConfig;
  readonly control: ControlConfig;
  readonly forecast: ForecastConfig;
  readonly planner: PlannerConfig;
  readonly learning: LearningConfig;
  readonly store: StoreConfig;
  readonly influx: InfluxConfig | null;
  readonly dashboard: DashboardConfig;
  readonly notify: NotifyConfig;
  readonly log: { readonly level: LogLevel };
  /** Things that are allowed and doubtful, one sentence each: to be logged at the start. */
  readonly warnings: readonly string[];
}
