import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encode, topicsOf } from "#adapters/mqtt/wire";
import { obedienceOf, pairText, withDeviceLog } from "#cli/rehearsal/deviceLog";
import type { BusMessage, MessageBus } from "#domain/bus";

const START_MS = Date.parse("2026-03-08T12:00:00Z");
const MINUTE_MS = 60_000;
const GRACE_MS = 3 * MINUTE_MS;
const own = new Set([pairText(16, 32)]);

let folder: string;
let file: string;
let deliver: (message: BusMessage) => unknown;
let bus: MessageBus;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-device-log-"));
  file = join(folder, "devices.jsonl");
  const inner: MessageBus = {
    connected: false,
    publish: async () => undefined,
    subscribe: async (_filter, handler) => {
      deliver = handler;
      return async () => undefined;
    },
    onConnection: () => () => undefined,
    close: async () => undefined,
  };
  bus = withDeviceLog(inner, file, { nowMs: () => START_MS });
  await bus.subscribe(topicsOf("office").setpoint("a"), () => undefined);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const told = (issuedMin: number, validMin: number, heatC: number): void =>
  void deliver({
    topic: topicsOf("office").setpoint("a"),
    payload: encode.setpoint({
      epoch: 1,
      seq: issuedMin,
      issuedAtMs: START_MS + issuedMin * MINUTE_MS,
      validUntilMs: START_MS + validMin * MINUTE_MS,
      setpoints: { heatingSetpointC: heatC, coolingSetpointC: 25 },
      source: "mppi",
    }),
    retained: false,
  });
const held = (minute: number, heatC: number, coolC = 25): Promise<void> =>
  bus.publish(
    "building/office/zone/a",
    JSON.stringify({ time: new Date(START_MS + minute * MINUTE_MS).toISOString(), heatingSetpointC: heatC, coolingSetpointC: coolC }),
    { qos: 1 },
  );

describe("what devices held to, beside what they were told", () => {
  it("counts minutes in force, of the own schedule and of nobody, also while no broker is there", async () => {
    told(0, 30, 20);
    await held(1, 20);
    await held(30, 20);
    await held(31, 16, 32);
    await held(32, 18.5);
    expect(obedienceOf(file, own, GRACE_MS)).toEqual({ minutes: 4, obeyed: 2, afterTheEnd: 0, unexplained: 1 });
  });

  it("sees a device that goes on after the end", async () => {
    told(0, 30, 20);
    await held(20, 20);
    await held(32, 20);
    await held(34, 20);
    expect(obedienceOf(file, own, GRACE_MS)).toEqual({ minutes: 3, obeyed: 2, afterTheEnd: 1, unexplained: 0 });
  });

  it("takes the same setpoints told again as in force again", async () => {
    told(0, 30, 20);
    told(40, 60, 20);
    await held(35, 20);
    await held(45, 20);
    expect(obedienceOf(file, own, GRACE_MS)).toEqual({ minutes: 2, obeyed: 1, afterTheEnd: 1, unexplained: 0 });
  });
});
