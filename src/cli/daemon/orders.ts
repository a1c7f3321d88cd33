import type { CommandHandlers } from "#adapters/mqtt/commands";
import type { Publisher } from "#adapters/mqtt/publisher";
import type { OverrideSet } from "#adapters/mqtt/wire";
import type { SiteConfig } from "#config/siteConfig";
import type { Clock } from "#domain/clock";
import type { ZoneSetpoints } from "#domain/setpoints";
import type { ControlMode, Supervisor } from "#loop/supervisor";

export interface OrderParts {
  readonly config: SiteConfig;
  readonly clock: Clock;
  readonly supervisor: Supervisor;
  readonly publisher: Publisher;
  /** What the zone obeys now, as far as known. */
  readonly current: (zone: string) => ZoneSetpoints | null;
  /** Decides anew at once, so that an order does not wait for the next tick. */
  readonly decideSoon: () => void;
  readonly say: (text: string) => void;
}

const modes: readonly ControlMode[] = ["auto", "shadow", "off"];

/** The pair that an order means: a side that it does not name stays, unless it would come closer than the deadband. */
const orderedPair = (
  command: Extract<OverrideSet, { kind: "set" }>,
  current: ZoneSetpoints | null,
  { control }: SiteConfig,
): ZoneSetpoints => {
  const { deadbandK } = control.limits;
  const before = current ?? control.setback;
  const heatingSetpointC = command.heatingSetpointC ?? Math.min(before.heatingSetpointC, command.coolingSetpointC! - deadbandK);
  const coolingSetpointC = command.coolingSetpointC ?? Math.max(before.coolingSetpointC, heatingSetpointC + deadbandK);
  return { heatingSetpointC, coolingSetpointC };
};

/** Carries out what people order over MQTT: overrides of zones, modes of zones and of the building. */
export const orderHandlers = (parts: OrderParts): CommandHandlers => {
  const { supervisor, publisher, clock } = parts;
  return {
    override: async (zone, command) => {
      const nowMs = clock.nowMs();
      if (command.kind === "release") {
        if (!supervisor.release(zone)) return `no override stands in zone ${zone}`;
        parts.say(`${command.by} released the override of zone ${zone}.`);
      } else {
        const setpoints = orderedPair(command, parts.current(zone), parts.config);
        const untilMs = command.until.kind === "time" ? command.until.ms : nowMs + command.until.ms;
        supervisor.override({ zone, setpoints, untilMs, by: command.by, reason: command.reason }, nowMs);
        parts.say(
          `${command.by} set zone ${zone} to ${setpoints.heatingSetpointC}/${setpoints.coolingSetpointC} °C until ${new Date(untilMs).toISOString()}.`,
        );
      }
      parts.decideSoon();
      const mode = supervisor.modeOf(zone);
      return mode === "auto" ? null : `noted, but the mode is ${mode}: it takes effect in auto`;
    },
    mode: async (zone, command) => {
      const mode = modes.find((known) => known === command.mode);
      if (mode === undefined && !(zone !== null && command.mode === "building"))
        return `the mode is one of ${modes.join(", ")}${zone === null ? "" : ", or building for the building's"}`;
      if (zone === null) {
        if (mode !== undefined) await supervisor.setMode(mode, clock.nowMs());
      } else await supervisor.setZoneMode(zone, mode ?? null, clock.nowMs());
      publisher.setMode(supervisor.mode);
      parts.say(`${command.by} set the mode of ${zone === null ? "the building" : `zone ${zone}`} to ${command.mode}.`);
      parts.decideSoon();
      return null;
    },
  };
};
