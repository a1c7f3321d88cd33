import { appendFileSync, readFileSync } from "node:fs";
import { decode, type SetpointMessage } from "#adapters/mqtt/wire";
import type { MessageBus } from "#domain/bus";
import type { Clock } from "#domain/clock";

/** What a building's devices were told, and what they held to, minute by minute: written down beside them, also while no broker hears it. */
type DeviceLine =
  | { readonly kind: "told"; readonly zone: string; readonly payload: string }
  | { readonly kind: "held"; readonly zone: string; readonly timeMs: number; readonly heatC: number; readonly coolC: number };

const zoneOf = (topic: string, before: string): string => topic.slice(topic.indexOf(before) + before.length).replace(/\/.*$/, "");

/** The same bus, with a log of what its devices were told and what they say they hold to. */
export const withDeviceLog = (bus: MessageBus, file: string, clock: Pick<Clock, "nowMs">): MessageBus => {
  const write = (line: DeviceLine): void => appendFileSync(file, `${JSON.stringify(line)}\n`);
  return {
    get connected() {
      return bus.connected;
    },
    publish: (topic, payload, options) => {
      if (topic.includes("/zone/") && payload.includes('"heatingSetpointC"')) {
        const message = JSON.parse(payload) as { time: string; heatingSetpointC: number; coolingSetpointC: number };
        write({
          kind: "held",
          zone: zoneOf(topic, "/zone/"),
          timeMs: Date.parse(message.time) || clock.nowMs(),
          heatC: message.heatingSetpointC,
          coolC: message.coolingSetpointC,
        });
      }
      return bus.publish(topic, payload, options);
    },
    subscribe: (filter, handler) =>
      bus.subscribe(filter, (message) => {
        if (message.topic.endsWith("/setpoint") && message.payload !== "")
          write({ kind: "told", zone: zoneOf(message.topic, "/zone/"), payload: message.payload });
        return handler(message);
      }),
    onConnection: (handler) => bus.onConnection(handler),
    close: () => bus.close(),
  };
};

export interface Obedience {
  readonly minutes: number;
  /** Minutes under a setpoint of the controller that was in force. */
  readonly obeyed: number;
  /** Minutes under a setpoint of the controller that had run out. */
  readonly afterTheEnd: number;
  /** Minutes under setpoints that are neither the building's own nor any that it was told. */
  readonly unexplained: number;
}

/**
 * Whether devices held to setpoints beyond their `valid_until`: every minute's pair that is not one of the building's own schedule must belong to a message that was in force then.
 * `graceMs`: the minute before a row, and what a process may lag behind its clock.
 */
export const obedienceOf = (file: string, ownPairs: ReadonlySet<string>, graceMs: number): Obedience => {
  const told = new Map<string, SetpointMessage[]>();
  const sums = { minutes: 0, obeyed: 0, afterTheEnd: 0, unexplained: 0 };
  for (const text of readFileSync(file, "utf8").split("\n")) {
    if (text === "") continue;
    const line = JSON.parse(text) as DeviceLine;
    if (line.kind === "told") {
      const message = decode.setpoint(line.payload);
      if (message.ok && message.value.setpoints !== null) told.set(line.zone, [...(told.get(line.zone) ?? []).slice(-50), message.value]);
      continue;
    }
    sums.minutes += 1;
    const pair = pairText(line.heatC, line.coolC);
    const same = (told.get(line.zone) ?? []).filter(
      ({ setpoints }) => pairText(setpoints!.heatingSetpointC, setpoints!.coolingSetpointC) === pair,
    );
    if (same.some(({ issuedAtMs, validUntilMs }) => issuedAtMs <= line.timeMs + graceMs && line.timeMs < validUntilMs + graceMs))
      sums.obeyed += 1;
    else if (ownPairs.has(pair)) continue;
    else if (same.length > 0) sums.afterTheEnd += 1;
    else sums.unexplained += 1;
  }
  return sums;
};

export const pairText = (heatC: number, coolC: number): string => `${heatC.toFixed(2)}/${coolC.toFixed(2)}`;
