import type {
  ControlMode,
  DaemonPhase,
  DaemonStatus,
  DataSource,
  ForecastStatus,
  InfluxStatus,
  ZoneInCharge,
} from "#dashboards/server/daemonStatus";
import type { Decision } from "#domain/plan";
import type { ControlSource } from "#domain/setpoints";

/** What the daemon knows of itself at this moment; asked for at every request, so that it never tells an old state. */
export interface StatusParts {
  readonly zones: readonly string[];
  readonly clockKind: "live" | "simulated";
  readonly nowMs: () => number;
  readonly speed: () => number;
  readonly tickIntervalS: number;
  readonly mode: () => ControlMode;
  readonly demandResponse: () => DaemonStatus["demandResponse"];
  /** What counts in a zone. */
  readonly modeOf: (zone: string) => ControlMode;
  /** Zones that a person commands, with the end of it. */
  readonly overrides: () => ReadonlyMap<string, { readonly untilMs: number | null; readonly by: string; readonly reason?: string }>;
  readonly plannerName: () => string | null;
  readonly backend: () => string | null;
  readonly modelVersion: () => string | null;
  readonly sources: () => readonly DataSource[];
  readonly silentZones: () => Readonly<Record<string, number>>;
  readonly refusedCounts: () => Readonly<Record<string, number>>;
  readonly brokerConnected: () => boolean;
  readonly influx: () => InfluxStatus;
  readonly forecast: () => ForecastStatus | null;
  /** What people must know of while it runs, in words; empty when all is well. */
  readonly troubles: () => readonly string[];
}

export interface StatusBoard {
  /** What goes on before and beside control: simulating history, learning. */
  progress(phase: Exclude<DaemonPhase, "degraded">, text: string, fraction: number | null): void;
  /** The newest decision. */
  decided(decision: Decision): void;
  readonly decision: Decision | null;
  status(): DaemonStatus;
}

const words: Readonly<Record<ControlSource, string>> = {
  mppi: "The planner decides.",
  rule: "The rule decides.",
  schedule: "The bounded schedule holds the zone, because it is not measured.",
  hold: "Its temperature is missing for a moment; the setpoints stay as they are.",
  override: "Set by a person.",
  relinquish: "The building's own control decides.",
};

export const createStatusBoard = (parts: StatusParts): StatusBoard => {
  let phase: Exclude<DaemonPhase, "degraded"> = "starting";
  let text = "Starting";
  let fraction: number | null = null;
  let decision: Decision | null = null;

  const inChargeOf = (zone: string, nowMs: number): ZoneInCharge | null => {
    const mode = parts.modeOf(zone);
    if (mode === "off") return { source: "relinquish", reason: "Control is off: the building's own control decides.", untilMs: null };
    if (mode === "shadow")
      return { source: "relinquish", reason: "Shadow mode: setpoints are proposed, the building's own control decides.", untilMs: null };
    const override = parts.overrides().get(zone);
    if (override !== undefined)
      return {
        source: "override",
        reason: `Set by ${override.by}${override.reason === undefined ? "" : ` (${override.reason})`}.`,
        untilMs: override.untilMs,
      };
    if (decision === null) return null;
    if (decision.zoneSources?.[zone] === "relinquish")
      return {
        source: "relinquish",
        reason: "Its temperature has been away for too long: the building's own control decides.",
        untilMs: null,
      };
    if (decision.command[zone] === undefined) return null;
    if (decision.validUntilMs <= nowMs)
      return { source: "relinquish", reason: "The last setpoints have expired: the building's own control decides.", untilMs: null };
    const source = decision.zoneSources?.[zone] ?? decision.plan.source;
    const reason = source === decision.plan.source ? (decision.plan.zoneReasons?.[zone] ?? decision.plan.reason) : words[source];
    return { source, reason, untilMs: decision.validUntilMs };
  };

  return {
    progress: (nextPhase, nextText, nextFraction) => {
      phase = nextPhase;
      text = nextText;
      fraction = nextFraction;
    },
    decided: (next) => {
      decision = next;
    },
    get decision() {
      return decision;
    },
    status: () => {
      const nowMs = parts.nowMs();
      const troubles = parts.troubles();
      const degraded = phase === "controlling" && troubles.length > 0;
      return {
        phase: degraded ? "degraded" : phase,
        progressText: degraded ? troubles.join(" ") : text,
        progressFraction: fraction,
        mode: parts.mode(),
        demandResponse: parts.demandResponse() ?? null,
        zoneModes: Object.fromEntries(parts.zones.map((zone) => [zone, parts.modeOf(zone)])),
        inCharge: Object.fromEntries(
          parts.zones.flatMap((zone): [string, ZoneInCharge][] => {
            const inCharge = inChargeOf(zone, nowMs);
            return inCharge === null ? [] : [[zone, inCharge]];
          }),
        ),
        controller: decision?.plan.source === "mppi" ? (parts.plannerName() ?? "mppi") : (decision?.plan.source ?? "none"),
        backend: parts.backend(),
        modelVersion: parts.modelVersion(),
        clock: { kind: parts.clockKind, timeMs: nowMs, speedFactor: parts.speed() },
        lastTickMs: decision?.timeMs ?? null,
        tickIntervalS: parts.tickIntervalS,
        sources: parts.sources(),
        silentZones: parts.silentZones(),
        refusedCounts: parts.refusedCounts(),
        brokerConnected: parts.brokerConnected(),
        influx: parts.influx(),
        forecast: parts.forecast(),
      };
    },
  };
};
