import type { ControlSource } from "#domain/setpoints";

/** Where the daemon stands. `degraded`: it runs, but something that people must know of is missing (broker, sensors, model). */
export type DaemonPhase = "starting" | "simulating-history" | "learning" | "controlling" | "degraded";

/** auto: setpoints are published; shadow: decided and stored, not published; off: the building's own control. */
export type ControlMode = "auto" | "shadow" | "off";

/** Who commands one zone, and why. */
export interface ZoneInCharge {
  readonly source: ControlSource;
  /** One sentence a person understands. */
  readonly reason: string;
  /** End of the command or override in force; null where it has none. */
  readonly untilMs: number | null;
}

/** One source of data: a sensor group, the weather provider, the meter. */
export interface DataSource {
  readonly name: string;
  /** Site clock; null when nothing ever came. */
  readonly lastSeenMs: number | null;
  /** Age beyond which it counts as stale, s. */
  readonly maxAgeS: number;
}

export interface InfluxStatus {
  readonly state: "off" | "delivering" | "catching-up" | "unreachable";
  /** Rows not delivered yet; 0 when off. */
  readonly backlogRows: number;
}

/** Which forecast of the weather is in use, and how its sources stand, the first choice first. */
export interface ForecastStatus {
  /** null before the first forecast. */
  readonly provider: string | null;
  /** When it was made or read, site clock. */
  readonly issuedAtMs: number | null;
  /** Must be shown where it is used. */
  readonly licence: string | null;
  readonly sources: readonly {
    readonly name: string;
    readonly state: "in-use" | "stand-by" | "failed";
    readonly trouble: string | null;
  }[];
}

/** What the daemon says of itself. Plain JSON; everything else on the dashboard comes from the store. */
export interface DaemonStatus {
  readonly phase: DaemonPhase;
  /** What it does now, e.g. `Day 3 of 7 of the building's history`. */
  readonly progressText: string;
  /** 0 to 1; null where nobody can say. */
  readonly progressFraction: number | null;
  readonly mode: ControlMode;
  /** The demand-response event that is announced or under way. */
  readonly demandResponse?: {
    readonly id: string;
    readonly fromMs: number;
    readonly untilMs: number;
    readonly limitKw: number | null;
    readonly pricePerKwh: number | null;
    readonly by: string;
    readonly reason: string;
  } | null;
  /** What counts in each zone, by zone id: its own mode or the building's, and at most shadow while another daemon commands it. */
  readonly zoneModes?: Readonly<Record<string, ControlMode>>;
  /** By zone id. */
  readonly inCharge: Readonly<Record<string, ZoneInCharge>>;
  /** e.g. `mppi`, `rule`. */
  readonly controller: string;
  /** Rollout backend, e.g. `webgpu`; null before one is chosen. */
  readonly backend: string | null;
  readonly modelVersion: string | null;
  /** The site's clock: the machine's, or a simulated one that runs `speedFactor` times as fast (0: as fast as it can). */
  readonly clock: { readonly kind: "live" | "simulated"; readonly timeMs: number; readonly speedFactor: number };
  /** Time of the last control cycle on the site's clock; null before the first. */
  readonly lastTickMs: number | null;
  readonly tickIntervalS: number;
  readonly sources: readonly DataSource[];
  /** Zones whose temperature has been silent for longer than it may be, and when it was last heard, site clock; absent where nobody knows. */
  readonly silentZones?: Readonly<Record<string, number>>;
  /** Values that were not accepted, by reason. */
  readonly refusedCounts: Readonly<Record<string, number>>;
  readonly brokerConnected: boolean;
  readonly influx: InfluxStatus;
  /** null before there are forecasts; absent where nobody knows. */
  readonly forecast?: ForecastStatus | null;
}
