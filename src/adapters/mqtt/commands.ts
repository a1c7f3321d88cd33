import { type CommandName, decode, encode, type ModeSet, type OverrideSet, topicsOf, zoneOfTopic } from "#adapters/mqtt/wire";
import type { BusMessage, MessageBus } from "#domain/bus";

/** Carries a command out; returns null when done or, in words, why not. */
export interface CommandHandlers {
  override(zone: string, command: OverrideSet): Promise<string | null>;
  /** `zone` null: the whole building. */
  mode(zone: string | null, command: ModeSet): Promise<string | null>;
}
export type CommandDrop = "retained" | "repeated" | "malformed" | "unknown-zone" | "too-many";

/** Ids remembered against repetition. */
const IDS_KEPT = 1_000;
/** Commands carried out at one time; more means that somebody floods the topic. */
const MAX_UNDER_WAY = 16;

/**
 * Listens for `…/{mode,override}/set` of the building's zones and `…/mode/set` of the building, carries each command out once and answers on `…/result`. Retained commands and
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
  const answer = (zone: string | null, name: CommandName, id: string, error: string | null): void => {
    if (!bus.connected) return;
    const topic = zone === null ? topics.modeResult : topics.commandResult(zone, name);
    // Who asked sees no answer and can look at the zone's state; there is nobody else to tell.
    bus.publish(topic, encode.result({ id, ok: error === null, error }), { qos: 1 }).catch(() => undefined);
  };
  const receive = async (name: CommandName, { topic, payload, retained }: BusMessage): Promise<void> => {
    const drop = (why: CommandDrop): void => options.onDropped?.(why, topic);
    const zone = topic === topics.modeSet ? null : zoneOfTopic(building, topic);
    if (payload === "") return;
    if (topic !== topics.modeSet && (zone === null || !zones.has(zone))) return drop("unknown-zone");
    if (retained) return drop("retained");
    const decoded = name === "override" ? decode.overrideSet(payload) : decode.modeSet(payload);
    if (!decoded.ok) {
      const id = /"id"\s*:\s*"([a-zA-Z0-9_-]{1,64})"/.exec(payload.slice(0, 4_096))?.[1];
      if (id !== undefined) answer(zone, name, id, decoded.reason);
      return drop("malformed");
    }
    const command = decoded.value;
    const key = `${name}/${zone}/${command.id}`;
    if (seen.has(key)) return drop("repeated");
    if (underWay >= MAX_UNDER_WAY) return drop("too-many");
    seen.add(key);
    if (seen.size > IDS_KEPT) seen.delete(seen.values().next().value ?? "");
    underWay++;
    try {
      const error = "mode" in command ? await handlers.mode(zone, command) : await handlers.override(zone!, command);
      answer(zone, name, command.id, error);
    } catch (error) {
      answer(zone, name, command.id, error instanceof Error ? error.message : String(error));
    } finally {
      underWay--;
    }
  };
  const cancels = [
    await bus.subscribe(topics.commandSet("+", "override"), (message) => void receive("override", message)),
    await bus.subscribe(topics.commandSet("+", "mode"), (message) => void receive("mode", message)),
    await bus.subscribe(topics.modeSet, (message) => void receive("mode", message)),
  ];
  return async () => {
    for (const cancel of cancels) await cancel();
  };
};
