import { describe, expect, it } from "vitest";
import { listenForCommands } from "#adapters/mqtt/commands";
import { type ForeignSetpoint, watchForeignSetpoints } from "#adapters/mqtt/foreignSetpoints";
import { createInMemoryBroker } from "#adapters/mqtt/inMemoryBus";
import { createPublisher } from "#adapters/mqtt/publisher";
import { createRetainedTopics } from "#adapters/mqtt/retainedTopics";
import { decode, encode } from "#adapters/mqtt/wire";
import type { MessageBus, PublishOptions } from "#domain/bus";
import type { Decision } from "#domain/plan";
import type { SetpointCommand } from "#domain/setpoints";

const START_MS = Date.UTC(2026, 10, 22, 12);
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const setup = (mode = "auto") => {
  const broker = createInMemoryBroker();
  const bus = broker.connect();
  const time = { nowMs: START_MS };
  const clock = { nowMs: () => time.nowMs, sleepUntil: async () => undefined };
  const sent: { topic: string; payload: string; options: PublishOptions }[] = [];
  const recording: MessageBus = {
    ...bus,
    get connected() {
      return bus.connected;
    },
    publish: async (topic, payload, options = {}) => {
      await bus.publish(topic, payload, options);
      sent.push({ topic, payload, options });
    },
  };
  const warnings: string[] = [];
  const publisher = createPublisher({
    bus: recording,
    clock,
    building: "site",
    version: "1",
    mode,
    onWarning: (text) => warnings.push(text),
  });
  return { broker, bus, time, sent, publisher, warnings };
};
const command = (seq: number, nowMs: number, over: Partial<SetpointCommand> = {}): SetpointCommand => ({
  epoch: 1,
  seq,
  issuedAtMs: nowMs,
  validUntilMs: nowMs + 1_800_000,
  zones: new Map([["lobby", { heatingSetpointC: 21, coolingSetpointC: 24 }]]),
  source: "mppi",
  ...over,
});
const SETPOINT = "isotherm/site/zone/lobby/setpoint";
const seqOf = (payload: string | undefined): number | null => {
  const decoded = decode.setpoint(payload ?? "");
  return decoded.ok ? decoded.value.seq : null;
};

describe("publisher", () => {
  it("gives a zone back although the broker is slow and a proposal comes after", async () => {
    const broker = createInMemoryBroker();
    const bus = broker.connect();
    const waiting: (() => void)[] = [];
    const slow: MessageBus = {
      ...bus,
      get connected() {
        return bus.connected;
      },
      publish: async (topic, payload, options) => {
        await bus.publish(topic, payload, options);
        if (topic.endsWith("/setpoint")) await new Promise<void>((resolve) => waiting.push(resolve));
      },
    };
    const clock = { nowMs: () => START_MS, sleepUntil: async () => undefined };
    const publisher = createPublisher({ bus: slow, clock, building: "site", version: "1", mode: "auto" });
    publisher.publishCommand(command(1, START_MS));
    await tick();
    publisher.publishCommand(command(2, START_MS, { source: "relinquish" }));
    publisher.setMode("shadow");
    publisher.publishProposal(command(3, START_MS));
    await tick();
    expect(seqOf(broker.retained.get(SETPOINT))).toBe(1);
    for (const resolve of waiting.splice(0)) resolve();
    await tick();
    expect(decode.setpoint(broker.retained.get(SETPOINT)!)).toMatchObject({ ok: true, value: { seq: 2, setpoints: null } });
    for (const resolve of waiting.splice(0)) resolve();
    publisher.forgetSetpoints();
    await publisher.settled();
  });

  it("says online and what it is, retained, and again on every connect; offline when it closes", async () => {
    const { broker, bus, publisher, sent } = setup();
    await publisher.settled();
    expect(broker.retained.get("isotherm/site/status")).toBe("online");
    expect(decode.info(broker.retained.get("isotherm/site/info") ?? "")).toEqual({
      ok: true,
      value: { version: "1", mode: "auto", startedAtMs: START_MS },
    });
    const before = sent.length;
    bus.setConnected(false);
    bus.setConnected(true);
    await publisher.settled();
    expect(sent.slice(before).map(({ topic }) => topic)).toEqual(["isotherm/site/status", "isotherm/site/info"]);
    await publisher.close();
    expect(broker.retained.get("isotherm/site/status")).toBe("offline");
  });

  it("publishes a setpoint retained, with quality of service 1, and lets it expire in the broker with its validity", async () => {
    const { publisher, sent } = setup();
    expect(publisher.publishCommand(command(1, START_MS))).toBeNull();
    await publisher.settled();
    expect(sent.find(({ topic }) => topic === SETPOINT)?.options).toEqual({ qos: 1, retain: true, expiryS: 1_800 });
  });

  it("refuses a setpoint that is not newer, whose validity is over, or that breaks the contract", async () => {
    const { publisher, sent, warnings } = setup();
    publisher.publishCommand(command(5, START_MS));
    expect(publisher.publishCommand(command(5, START_MS))).toBe("superseded");
    expect(publisher.publishCommand(command(4, START_MS))).toBe("superseded");
    expect(publisher.publishCommand(command(99, START_MS, { epoch: 0 }))).toBe("superseded");
    expect(publisher.publishCommand(command(6, START_MS - 3_600_000))).toBe("expired");
    expect(publisher.publishCommand(command(6, START_MS, { validUntilMs: Number.NaN }))).toBe("expired");
    for (const [heatingSetpointC, coolingSetpointC] of [
      [Number.NaN, 24],
      [25, 24],
      [70, 76],
    ] as const)
      expect(publisher.publishCommand(command(6, START_MS, { zones: new Map([["lobby", { heatingSetpointC, coolingSetpointC }]]) }))).toBe(
        "invalid",
      );
    await publisher.settled();
    expect(sent.filter(({ topic }) => topic === SETPOINT).map(({ payload }) => seqOf(payload))).toEqual([5]);
    expect(publisher.counts()).toEqual({ setpointsAccepted: 1, refused: { superseded: 3, expired: 2, invalid: 3 }, failedPublishes: 0 });
    expect(warnings.length).toBe(8);
  });

  it("after a reconnect sends the newest setpoint while it is valid, and no other", async () => {
    const { bus, broker, publisher, sent, time } = setup();
    bus.setConnected(false);
    for (let seq = 1; seq <= 5; seq++) publisher.publishCommand(command(seq, time.nowMs));
    bus.setConnected(true);
    await publisher.settled();
    expect(sent.filter(({ topic }) => topic === SETPOINT).map(({ payload }) => seqOf(payload))).toEqual([5]);
    bus.setConnected(false);
    time.nowMs += 900_000;
    bus.setConnected(true);
    await publisher.settled();
    expect(sent.at(-1)).toMatchObject({ topic: SETPOINT, options: { expiryS: 900 } });
    expect(seqOf(broker.retained.get(SETPOINT))).toBe(5);
    const before = sent.length;
    bus.setConnected(false);
    time.nowMs += 900_000;
    bus.setConnected(true);
    await publisher.settled();
    expect(sent.slice(before).some(({ topic }) => topic === SETPOINT)).toBe(false);
  });

  it("a zone that the newest command leaves out gets no older setpoint after a reconnect", async () => {
    const { bus, publisher, sent } = setup();
    publisher.publishCommand(command(1, START_MS, { zones: new Map([["office", { heatingSetpointC: 20, coolingSetpointC: 25 }]]) }));
    await publisher.settled();
    publisher.publishCommand(command(2, START_MS));
    await publisher.settled();
    const before = sent.length;
    bus.setConnected(false);
    bus.setConnected(true);
    await publisher.settled();
    expect(
      sent
        .slice(before)
        .filter(({ topic }) => topic.endsWith("/setpoint"))
        .map(({ topic }) => topic),
    ).toEqual([SETPOINT]);
  });

  it("in shadow mode writes only proposals, and leaving it sends none of them to devices", async () => {
    const { bus, broker, publisher } = setup("shadow");
    publisher.publishCommand(command(1, START_MS));
    await publisher.settled();
    expect(broker.retained.has(SETPOINT)).toBe(false);
    expect(seqOf(broker.retained.get(`${SETPOINT}_proposed`))).toBe(1);
    publisher.setMode("auto");
    bus.setConnected(false);
    bus.setConnected(true);
    await publisher.settled();
    expect(broker.retained.has(SETPOINT)).toBe(false);
    publisher.publishCommand(command(2, START_MS));
    await publisher.settled();
    expect(seqOf(broker.retained.get(SETPOINT))).toBe(2);
  });

  it("publishes a decision's setpoints, plan and event, and gives zones back without setpoints when it relinquishes", async () => {
    const { broker, bus, publisher } = setup();
    const events: string[] = [];
    await bus.subscribe("isotherm/site/event", ({ payload }) => events.push(payload));
    const zone = { heatingSetpointC: [21], coolingSetpointC: [24], meanC: [21.2], stdDevK: [0.1] };
    const cost = { comfort: 0, energy: 1, uncertainty: 0, movement: 0, total: 1 };
    const decision: Decision = {
      id: "1-1",
      epoch: 1,
      seq: 1,
      timeMs: START_MS,
      validUntilMs: START_MS + 900_000,
      modelVersion: null,
      observation: { timeMs: START_MS, values: {} },
      plan: {
        schema: "1.0",
        issuedAtMs: START_MS,
        stepS: 900,
        stepEndMs: [START_MS + 900_000],
        source: "mppi",
        chosen: { zones: { lobby: zone }, powerW: [100], cost },
        rule: null,
        comfort: {},
        outdoorAirTempC: [3],
        pricePerKwh: [0.12],
        reason: "Warm by 08:00",
        fallback: null,
        diagnostics: {
          numSamples: 1,
          horizonSteps: 1,
          samplesDiscarded: 0,
          samplesNotFinite: 0,
          effectiveSampleSize: 1,
          mppiTemperature: 1,
          spreadBoundK: 1,
          solveMs: 1,
          backend: "reference",
          seed: 1,
        },
      },
      command: { lobby: { heatingSetpointC: 21, coolingSetpointC: 24 } },
      source: "mppi",
      envelopeChanges: ["heating 35 °C → 24 °C"],
    };
    expect(publisher.publishDecision(decision)).toBeNull();
    await publisher.settled();
    await tick();
    expect(decode.plan(broker.retained.get("isotherm/site/zone/lobby/plan") ?? "")).toMatchObject({
      ok: true,
      value: { reasons: ["Warm by 08:00", "heating 35 °C → 24 °C"], meanC: [21.2] },
    });
    expect(events.map((payload) => decode.event(payload))).toMatchObject([
      { ok: true, value: { id: "1-1", source: "mppi", text: "Warm by 08:00" } },
    ]);
    expect(publisher.publishDecision({ ...decision, id: "1-2", seq: 2, source: "relinquish" })).toBeNull();
    await publisher.settled();
    expect(decode.setpoint(broker.retained.get(SETPOINT) ?? "")).toMatchObject({
      ok: true,
      value: { setpoints: null, source: "relinquish" },
    });
  });

  it("shows an alarm while it lasts and empties its topic when it is over", async () => {
    const { broker, publisher } = setup();
    const alarm = {
      id: "sensor-stale:lobby",
      level: "warning" as const,
      zone: "lobby",
      text: "t",
      action: "a",
      sinceMs: START_MS,
      clearedMs: null,
    };
    publisher.publishAlarm(alarm);
    await publisher.settled();
    expect(broker.retained.has("isotherm/site/alarm/sensor-stale__lobby")).toBe(true);
    publisher.publishAlarm({ ...alarm, clearedMs: START_MS + 1 });
    await publisher.settled();
    expect(broker.retained.has("isotherm/site/alarm/sensor-stale__lobby")).toBe(false);
  });

  it("an alarm that is over during an outage is emptied after it", async () => {
    const { broker, bus, publisher } = setup();
    const alarm = { id: "x", level: "warning" as const, zone: null, text: "t", action: "a", sinceMs: START_MS, clearedMs: null };
    publisher.publishAlarm(alarm);
    await publisher.settled();
    bus.setConnected(false);
    publisher.publishAlarm({ ...alarm, clearedMs: START_MS + 1 });
    bus.setConnected(true);
    await publisher.settled();
    expect(broker.retained.has("isotherm/site/alarm/x")).toBe(false);
  });
});

describe("retained topics", () => {
  it("try again while publishing fails, with the newest value only", async () => {
    const broker = createInMemoryBroker();
    const bus = broker.connect();
    let failures = 3;
    const attempts: string[] = [];
    const failing: MessageBus = {
      ...bus,
      connected: true,
      publish: async (topic, payload, options) => {
        attempts.push(payload);
        if (failures-- > 0) throw new Error("not now");
        await bus.publish(topic, payload, options);
      },
    };
    const topics = createRetainedTopics(failing, { retryMs: 5 });
    topics.set("a/b", "1");
    topics.set("a/b", "2");
    while (broker.retained.get("a/b") !== "2") await tick();
    expect(attempts).toEqual(["1", "2", "2", "2"]);
    topics.close();
  });
});

describe("foreign setpoints", () => {
  it("reports what others write to our setpoint topics, and not what we wrote or left there earlier", async () => {
    const { broker, bus, publisher } = setup();
    const other = broker.connect();
    const setpoints = { heatingSetpointC: 30, coolingSetpointC: 31 };
    const theirs = (epoch: number, seq: number): string =>
      encode.setpoint({ epoch, seq, issuedAtMs: START_MS, validUntilMs: START_MS + 900_000, setpoints, source: "mppi" });
    await other.publish(SETPOINT, theirs(0, 7), { retain: true });
    publisher.publishCommand(command(3, START_MS));
    const foreign: ForeignSetpoint[] = [];
    await watchForeignSetpoints({ bus, building: "site", publisher, nowMs: () => START_MS, onForeign: (f) => foreign.push(f) });
    await publisher.settled();
    publisher.publishCommand(command(4, START_MS));
    await publisher.settled();
    expect(foreign).toEqual([]);
    await other.publish(SETPOINT, theirs(1, 2));
    await other.publish(SETPOINT, theirs(9, 1));
    await other.publish(SETPOINT, "30");
    expect(foreign.map(({ zone, overrules, message }) => [zone, overrules, message?.epoch ?? null])).toEqual([
      ["lobby", false, 1],
      ["lobby", true, 9],
      ["lobby", false, null],
    ]);
  });
});

describe("commands", () => {
  it("are carried out once and answered; retained, repeated, malformed and misdirected ones are dropped", async () => {
    const broker = createInMemoryBroker();
    const [bus, person] = [broker.connect(), broker.connect()];
    const set = "isotherm/site/zone/lobby/override/set";
    const override = { id: "1", heat: 22, minutes: 60, by: "Ada", reason: "cold" };
    await person.publish(set, JSON.stringify(override), { retain: true });
    const done: string[] = [];
    const dropped: string[] = [];
    const results: { id: string }[] = [];
    await person.subscribe("isotherm/site/zone/+/+/result", ({ payload }) => results.push(JSON.parse(payload)));
    await listenForCommands({
      bus,
      building: "site",
      zones: ["lobby"],
      handlers: {
        override: async (zone, c) => {
          done.push(`${zone} ${c.kind}`);
          if (c.id === "boom") throw new Error("handler failed");
          return null;
        },
        demandResponse: async () => null,
        model: async ({ version }) => (version === null ? null : `there is no model ${version}`),
        mode: async (_zone, c) => (c.mode === "auto" ? null : "unknown mode"),
      },
      onDropped: (why) => dropped.push(why),
    });
    await person.publish(set, JSON.stringify({ ...override, id: "2" }));
    await person.publish(set, JSON.stringify({ ...override, id: "2" }));
    await person.publish(set, JSON.stringify({ id: "3", by: "Ada", release: true }));
    await person.publish(set, JSON.stringify({ ...override, id: "4", minutes: -1 }));
    await person.publish(set, "{");
    await person.publish("isotherm/site/zone/cellar/override/set", JSON.stringify({ ...override, id: "5" }));
    await person.publish(set, JSON.stringify({ ...override, id: "boom" }));
    await person.publish("isotherm/site/zone/lobby/mode/set", JSON.stringify({ id: "6", mode: "party", by: "Ada" }));
    await person.subscribe("isotherm/site/model/result", ({ payload }) => results.push(JSON.parse(payload)));
    const model = { id: "7", by: "Eva", action: "promote", version: "m1" };
    await person.publish("isotherm/site/model/set", JSON.stringify(model));
    await person.publish("isotherm/site/model/set", JSON.stringify({ id: "8", by: "Eva", action: "rollback" }));
    await person.publish("isotherm/site/model/set", JSON.stringify({ id: "9", by: "Eva", action: "promote" }));
    await tick();
    expect(done).toEqual(["lobby set", "lobby release", "lobby set"]);
    expect(dropped).toEqual(["retained", "repeated", "malformed", "malformed", "unknown-zone", "malformed"]);
    results.sort((a, b) => a.id.localeCompare(b.id));
    expect(results).toEqual([
      { id: "2", ok: true, error: null },
      { id: "3", ok: true, error: null },
      { id: "4", ok: false, error: expect.stringContaining("minutes") },
      { id: "6", ok: false, error: "unknown mode" },
      { id: "7", ok: false, error: "there is no model m1" },
      { id: "8", ok: true, error: null },
      { id: "9", ok: false, error: expect.stringContaining("version") },
      { id: "boom", ok: false, error: "handler failed" },
    ]);
  });
});
