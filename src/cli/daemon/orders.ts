import type { CommandHandlers } from "#adapters/mqtt/commands";
import type { Publisher } from "#adapters/mqtt/publisher";
import type { OverrideSet } from "#adapters/mqtt/wire";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import type { Traffic } from "#cli/daemon/traffic";
import type { ModelKeeper } from "#cli/modelVersions";
import { nextScheduleEntryMs } from "#config/nextScheduleEntry";
import type { SiteConfig } from "#config/siteConfig";
import type { Clock } from "#domain/clock";
import type { ZoneSetpoints } from "#domain/setpoints";
import type { DemandResponse } from "#loop/demandResponse";
import type { ControlMode, Supervisor } from "#loop/supervisor";

export interface OrderParts {
  readonly config: SiteConfig;
  readonly clock: Clock;
  readonly supervisor: Supervisor;
  readonly publisher: Publisher;
  readonly demandResponse: DemandResponse;
  /** What the zone obeys now, as far as known. */
  readonly current: (zone: string) => ZoneSetpoints | null;
  readonly models: Pick<ModelKeeper, "promote" | "rollback">;
  /** Decides anew at once, so that an order does not wait for the next tick. */
  readonly decideSoon: () => void;
  readonly say: (text: string) => void;
}

export const orderPartsOf = (
  ground: Ground,
  { supervisor, publisher, demandResponse }: Traffic,
  { models }: Pick<Knowledge, "models">,
  decideSoon: () => void,
): OrderParts => ({
  config: ground.run.config,
  clock: ground.clock,
  supervisor,
  publisher,
  demandResponse,
  models: models.keeper,
  current: (zone) => supervisor.inForce(ground.nowMs()).get(zone) ?? null,
  decideSoon,
  say: (text) => ground.run.log.info(text),
});

const modes: readonly ControlMode[] = ["auto", "shadow", "off"];

/** The pair that an order means: a side that it does not name stays, unless it would come closer than the deadband. */
const orderedPair = (
  command: Extract<OverrideSet, { kind: "set" }>,
  current: ZoneSetpoints | null,
  { control }: SiteConfig,
): ZoneSetpoints => {
  const { deadbandK } = control.limits;
  const before = current ?? control.setback;
  if (command.hold) return before;
  const heatingSetpointC = command.heatingSetpointC ?? Math.min(before.heatingSetpointC, command.coolingSetpointC! - deadbandK);
  const coolingSetpointC = command.coolingSetpointC ?? Math.max(before.coolingSetpointC, heatingSetpointC + deadbandK);
  return { heatingSetpointC, coolingSetpointC };
};

/** What became of an order for a zone: why it was not carried out, or what should be known of it besides. */
export interface OverrideOutcome {
  readonly refused: string | null;
  readonly remark: string | null;
}

/** Overrides of zones, over MQTT or from the dashboard. Throws what the supervisor refuses. */
export const overrideCarrier = (parts: OrderParts): ((zone: string, command: OverrideSet) => OverrideOutcome) => {
  const { supervisor, clock } = parts;
  const refuse = (refused: string): OverrideOutcome => ({ refused, remark: null });
  return (zone, command) => {
    const nowMs = clock.nowMs();
    if (command.kind === "release") {
      if (!supervisor.release(zone)) return refuse(`no override stands in zone ${zone}`);
      parts.say(`${command.by} released the override of zone ${zone}.`);
    } else {
      const setpoints = orderedPair(command, parts.current(zone), parts.config);
      const { until } = command;
      const next = until.kind === "next" ? nextScheduleEntryMs(parts.config, zone, nowMs) : null;
      if (until.kind === "next" && next === null) return refuse(`the schedule of zone ${zone} changes nothing in the coming weeks`);
      const untilMs = next ?? (until.kind === "time" ? until.ms : nowMs + (until.kind === "duration" ? until.ms : 0));
      if (command.hold && parts.current(zone) === null) return refuse(`nothing is known to be in force in zone ${zone} that could be held`);
      supervisor.override({ zone, setpoints, untilMs, by: command.by, reason: command.reason }, nowMs);
      parts.say(
        `${command.by} set zone ${zone} to ${setpoints.heatingSetpointC}/${setpoints.coolingSetpointC} °C until ${new Date(untilMs).toISOString()}.`,
      );
    }
    parts.decideSoon();
    const mode = supervisor.modeOf(zone);
    return { refused: null, remark: mode === "auto" ? null : `noted, but the mode is ${mode}: it takes effect in auto` };
  };
};

/** Carries out what people order over MQTT: overrides of zones, modes of zones and of the building, demand-response events, and which model is in force. */
export const orderHandlers = (parts: OrderParts): CommandHandlers => {
  const { supervisor, publisher, clock } = parts;
  const carryOut = overrideCarrier(parts);
  return {
    override: async (zone, command) => {
      const { refused, remark } = carryOut(zone, command);
      return refused ?? remark;
    },
    demandResponse: async (command) => {
      const nowMs = clock.nowMs();
      if (command.release) {
        if (parts.demandResponse.event(nowMs) === null) return "there is no event";
        parts.demandResponse.set(null, nowMs);
      } else {
        const fromMs = command.fromMs ?? nowMs;
        const untilMs = command.untilMs ?? fromMs + (command.durationMs ?? 0);
        const { id, limitKw, pricePerKwh, by, reason } = command;
        parts.demandResponse.set({ id, fromMs, untilMs, limitKw, pricePerKwh, by, reason }, nowMs);
      }
      parts.say(
        `${command.by} ${command.release ? "ended the demand-response event" : `announced the demand-response event ${command.id}`}.`,
      );
      parts.decideSoon();
      return null;
    },
    model: async ({ version, by, reason }) => {
      const order = { by, reason };
      const { version: inForce, changed } = await (version === null
        ? parts.models.rollback(order)
        : parts.models.promote({ ...order, version }));
      return changed ? null : `model ${inForce} is in force already`;
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
