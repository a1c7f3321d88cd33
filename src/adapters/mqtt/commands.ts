import {
  type CommandName,
  type DemandResponseSet,
  decode,
  encode,
  type ModelOrderSet,
  type ModeSet,
  type OverrideSet,
  topicsOf,
  zoneOfTopic,
} from "#adapters/mqtt/wire";
import type { BusMessage, MessageBus } from "#domain/bus";

/** Carries a command out; returns null when done or, in words, why not. */
export interface CommandHandlers {
  override(zone: string, command: OverrideSet): Promise<string | null>;
  /** `zone` null: the whole building. */
  mode(zone: string | null, command: ModeSet): Promise<string | null>;
  demandResponse(command: DemandResponseSet): Promise<string | null>;
  model(command: ModelOrderSet): Promise<string | null>;
}
export type CommandDrop = "retained" | "repeated" | "malformed" | "unknown-zone" | "too-many";

type OrderName = CommandName | "demand_response" | "model";
const decoders = {
  override: decode.overrideSet,
  mode: decode.modeSet,
  demand_response: decode.demandResponseSet,
  model: decode.modelOrder,
};

/** Ids remembered against repetition. */
const IDS_KEPT = 1_000;
/** Commands carried out at one time; more means that somebody floods the topic. */
const MAX_UNDER_WAY = 16;

/**
 * Listens for `…/{mode,override}/set` of the building's zones, `…/mode/set`, `…/demand_response/set` and `…/model/set` of the building, carries each command out once and answers on `…/result`. Retained commands and
 * repeated ids are dropped: a command is meant for the moment it was given.
 */
export const listenForCommands = async (options: {
  readonly bus: MessageBus;
  readonly building: string;
  readonly zones: readonly string[];
  readonly handlers: CommandHandlers;
  readonly onDropped?: (why: CommandDrop, topic: string) => void;
}): Promise<() => Promise<void>> => {
  const { bus, building, handlers } = options;
  const topics = topicsOf(building);
  const zones = new Set(options.zones);
  const seen = new Set<string>();
  let underWay = 0;
  /** Orders for the whole building, and where their answers go. */
  const ofBuilding = new Map([
    [topics.modeSet, topics.modeResult],
    [topics.demandResponseSet, topics.demandResponseResult],
    [topics.modelSet, topics.modelResult],
  ]);
  const answer = (to: string, zone: string | null, name: OrderName, id: string, error: string | null): void => {
    if (!bus.connected) return;
    const topic = ofBuilding.get(to) ?? topics.commandResult(zone!, name as CommandName);
    // Who asked sees no answer and can look at the zone's state; there is nobody else to tell.
    bus.publish(topic, encode.result({ id, ok: error === null, error }), { qos: 1 }).catch(() => undefined);
  };
  const receive = async (name: OrderName, { topic, payload, retained }: BusMessage): Promise<void> => {
    const drop = (why: CommandDrop): void => options.onDropped?.(why, topic);
    const zone = ofBuilding.has(topic) ? null : zoneOfTopic(building, topic);
    if (payload === "") return;
    if (!ofBuilding.has(topic) && (zone === null || !zones.has(zone))) return drop("unknown-zone");
    if (retained) return drop("retained");
    const decoded = decoders[name](payload);
    if (!decoded.ok) {
      const id = /"id"\s*:\s*"([a-zA-Z0-9_-]{1,64})"/.exec(payload.slice(0, 4_096))?.[1];
      if (id !== undefined) answer(topic, zone, name, id, decoded.reason);
      return drop("malformed");
    }
    const command = decoded.value;
    const key = `${name}/${zone ?? ""}/${command.id}`;
    if (seen.has(key)) return drop("repeated");
    if (underWay >= MAX_UNDER_WAY) return drop("too-many");
    seen.add(key);
    if (seen.size > IDS_KEPT) seen.delete(seen.values().next().value ?? "");
    underWay++;
    try {
      const error =
        "mode" in command
          ? await handlers.mode(zone, command)
          : "kind" in command
            ? await handlers.override(zone!, command)
            : "version" in command
              ? await handlers.model(command)
              : await handlers.demandResponse(command);
      answer(topic, zone, name, command.id, error);
    } catch (error) {
      answer(topic, zone, name, command.id, error instanceof Error ? error.message : String(error));
    } finally {
      underWay--;
    }
  };
  const cancels = [
    await bus.subscribe(topics.commandSet("+", "override"), (message) => void receive("override", message)),
    await bus.subscribe(topics.commandSet("+", "mode"), (message) => void receive("mode", message)),
    await bus.subscribe(topics.modeSet, (message) => void receive("mode", message)),
    await bus.subscribe(topics.demandResponseSet, (message) => void receive("demand_response", message)),
    await bus.subscribe(topics.modelSet, (message) => void receive("model", message)),
  ];
  return async () => {
    for (const cancel of cancels) await cancel();
  };
};
