import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { createPublisher, type Publisher } from "#adapters/mqtt/publisher";
import { createSetpointDevice } from "#adapters/mqtt/setpointDevice";
import { decode, encode, type SetpointMessage } from "#adapters/mqtt/wire";
import type { MessageBus } from "#domain/bus";
import { createMosquitto, hasMosquitto, type Mosquitto, mosquittoName, until } from "../adapters/mqtt/mosquitto.js";

const quick = { minDelayMs: 20, maxDelayMs: 100, takenDelayMs: 500 };
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const liveClock = { nowMs: () => Date.now(), sleepUntil: async () => undefined };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly message: SetpointMessage;
  readonly arrivedMs: number;
  readonly retained: boolean;
}
/**
 * What is wrong with a sequence of setpoints as one client received them. A killed broker may restart with the retained messages of its last save
 * and hand out one that is older than the last delivered: as a retained message, word for word as before, that is a re-delivery. A live message
 * that goes back never is.
 */
const faultsOf = (received: readonly Received[]): string[] => {
  const faults: string[] = [];
  const newest = new Map<string, Received>();
  const seen = new Set<string>();
  for (const now of received) {
    const { epoch, seq, validUntilMs } = now.message;
    if (now.arrivedMs >= validUntilMs) faults.push(`${epoch}-${seq} arrived ${now.arrivedMs - validUntilMs} ms after its valid_until`);
    const before = newest.get(now.topic);
    const order = before === undefined ? 1 : epoch - before.message.epoch || seq - before.message.seq;
    const redelivered = now.retained && seen.has(`${now.topic} ${now.payload}`);
    if (order < 0 && !redelivered) faults.push(`${epoch}-${seq} after ${before?.message.epoch}-${before?.message.seq}`);
    if (order === 0 && now.payload !== before?.payload) faults.push(`two contents for ${epoch}-${seq}`);
    if (order > 0) newest.set(now.topic, now);
    seen.add(`${now.topic} ${now.payload}`);
  }
  return faults;
};
const record = async (mosquitto: Mosquitto): Promise<Received[]> => {
  const bus = createMqttBus({ url: mosquitto.url, clientId: "recorder", keepaliveS: 1, connectTimeoutMs: 1_000, reconnect: quick });
  ends.push(() => bus.close());
  const received: Received[] = [];
  await bus.subscribe("isotherm/site/zone/+/setpoint", ({ topic, payload, retained }) => {
    const decoded = decode.setpoint(payload);
    if (!decoded.ok) throw new Error(decoded.reason);
    received.push({ topic, payload, message: decoded.value, arrivedMs: Date.now(), retained });
  });
  return received;
};

interface Daemon {
  readonly bus: MqttBus;
  readonly publisher: Publisher;
  /** Every setpoint that was handed to the connection. */
  readonly sent: readonly Received[];
  /** Decides every 40 ms until the returned function is called. */
  decide(validityMs: number): () => void;
  readonly seq: () => number;
}
const startDaemon = (mosquitto: Mosquitto): Daemon => {
  const bus = createMqttBus({
    url: mosquitto.url,
    clientId: "daemon",
    keepaliveS: 1,
    connectTimeoutMs: 1_000,
    publishTimeoutMs: 1_000,
    reconnect: quick,
  });
  ends.push(() => bus.close());
  const sent: Received[] = [];
  const recorded: MessageBus = {
    ...bus,
    get connected() {
      return bus.connected;
    },
    publish: (topic, payload, options) => {
      const decoded = decode.setpoint(payload);
      if (bus.connected && topic.endsWith("/setpoint") && decoded.ok)
        sent.push({ topic, payload, message: decoded.value, arrivedMs: Date.now(), retained: false });
      return bus.publish(topic, payload, options);
    },
  };
  const publisher = createPublisher({ bus: recorded, clock: liveClock, building: "site", version: "0", mode: "auto" });
  ends.push(() => publisher.close());
  let seq = 0;
  return {
    bus,
    publisher,
    sent,
    seq: () => seq,
    decide: (validityMs) => {
      const timer = setInterval(() => {
        seq++;
        const setpoints = { heatingSetpointC: 20 + (seq % 10) / 10, coolingSetpointC: 26 };
        const nowMs = Date.now();
        publisher.publishCommand({
          epoch: 3,
          seq,
          issuedAtMs: nowMs,
          validUntilMs: nowMs + validityMs,
          zones: new Map(["lobby", "office"].map((zone) => [zone, setpoints])),
          source: "mppi",
        });
      }, 40);
      return () => clearInterval(timer);
    },
  };
};

describe.skipIf(!hasMosquitto)(`setpoints while the broker fails, on ${mosquittoName}`, () => {
  const start = async (): Promise<Mosquitto> => {
    const mosquitto = await createMosquitto();
    ends.push(() => mosquitto.dispose());
    await mosquitto.start();
    return mosquitto;
  };

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "no stale setpoint is delivered when the broker gets %s and comes back, five times",
    async (signal) => {
      const mosquitto = await start();
      const received = await record(mosquitto);
      const daemon = startDaemon(mosquitto);
      const stop = daemon.decide(5_000);
      for (let round = 0; round < 5; round++) {
        const atLeast = received.length + 6;
        await until(() => received.length >= atLeast, "setpoints to arrive");
        await mosquitto.stop(signal);
        await pause(150);
        await mosquitto.start();
      }
      const seq = daemon.seq();
      await until(() => received.some(({ message }) => message.seq > seq), "a fresh setpoint after the last restart");
      stop();
      await daemon.publisher.settled();
      expect(faultsOf(received)).toEqual([]);
      expect(faultsOf(daemon.sent)).toEqual([]);
      for (const topic of ["lobby", "office"].map((zone) => `isotherm/site/zone/${zone}/setpoint`))
        await until(() => received.findLast((r) => r.topic === topic)?.message.seq === daemon.seq(), "the newest setpoint");
    },
  );

  it("no stale setpoint is delivered when the broker hangs for three keepalives and goes on", async () => {
    const mosquitto = await start();
    const received = await record(mosquitto);
    const daemon = startDaemon(mosquitto);
    const stop = daemon.decide(20_000);
    for (let round = 0; round < 2; round++) {
      const atLeast = received.length + 6;
      await until(() => received.length >= atLeast, "setpoints to arrive");
      mosquitto.signal("SIGSTOP");
      await until(() => !daemon.bus.connected, "the daemon to notice");
      await pause(1_000);
      mosquitto.signal("SIGCONT");
      await until(() => daemon.bus.connected, "the daemon to reconnect");
    }
    const seq = daemon.seq();
    await until(() => received.some(({ message }) => message.seq > seq), "a fresh setpoint");
    stop();
    expect(faultsOf(received)).toEqual([]);
    expect(faultsOf(daemon.sent)).toEqual([]);
  });

  it("what expired during the outage is never published again, and the device is on its own schedule", async () => {
    const mosquitto = await start();
    const received = await record(mosquitto);
    const daemon = startDaemon(mosquitto);
    const deviceBus = createMqttBus({ url: mosquitto.url, clientId: "device", reconnect: quick });
    ends.push(() => deviceBus.close());
    const own = { heatingSetpointC: 16, coolingSetpointC: 32 };
    const device = await createSetpointDevice({
      bus: deviceBus,
      clock: liveClock,
      building: "site",
      zone: "lobby",
      ownSchedule: () => own,
    });
    const stop = daemon.decide(1_800);
    await until(() => device.current().from === "controller", "the device to follow");
    stop();
    await daemon.publisher.settled();
    await mosquitto.stop("SIGTERM");
    const before = received.length;
    await pause(2_000);
    expect(device.current()).toEqual({ setpoints: own, from: "own-schedule" });
    await mosquitto.start();
    await until(() => daemon.bus.connected && deviceBus.connected, "all to reconnect");
    await daemon.publisher.settled();
    await pause(300);
    expect(received.slice(before)).toEqual([]);
    expect(device.current().from).toBe("own-schedule");
  });

  it("a device ignores what a hanging broker delivers after its validity, of which there is at most one message per zone", async () => {
    const mosquitto = await start();
    const daemon = startDaemon(mosquitto);
    const deviceBus = createMqttBus({ url: mosquitto.url, clientId: "device", keepaliveS: 60, reconnect: quick });
    ends.push(() => deviceBus.close());
    const own = { heatingSetpointC: 16, coolingSetpointC: 32 };
    const device = await createSetpointDevice({
      bus: deviceBus,
      clock: liveClock,
      building: "site",
      zone: "lobby",
      ownSchedule: () => own,
    });
    const stop = daemon.decide(1_500);
    await until(() => device.counts().accepted > 3, "the device to follow");
    mosquitto.signal("SIGSTOP");
    await until(() => !daemon.bus.connected, "the daemon to notice");
    stop();
    await pause(2_000);
    const accepted = device.counts().accepted;
    mosquitto.signal("SIGCONT");
    await until(() => daemon.bus.connected, "the daemon to reconnect");
    await pause(300);
    expect(device.counts().accepted).toBe(accepted);
    expect(device.counts().expired).toBeLessThanOrEqual(1);
    expect(device.current()).toEqual({ setpoints: own, from: "own-schedule" });
  });

  it("the recorder would have seen it: a plain mqtt.js client with its queue delivers stale setpoints after a restart", async () => {
    const mosquitto = await start();
    const received = await record(mosquitto);
    // Slower to return than the recorder, which has to be there to see it.
    const plain = mqtt.connect(mosquitto.url, { reconnectPeriod: 1_000 });
    plain.on("error", () => undefined);
    ends.push(() => plain.endAsync(true));
    await until(() => plain.connected, "the plain client to connect");
    await mosquitto.stop("SIGKILL");
    await until(() => !plain.connected, "the plain client to notice");
    for (let seq = 1; seq <= 5; seq++) {
      const nowMs = Date.now();
      const setpoints = { heatingSetpointC: 20, coolingSetpointC: 26 };
      const message = { epoch: 3, seq, issuedAtMs: nowMs, validUntilMs: nowMs + 50, setpoints, source: "mppi" as const };
      plain.publish("isotherm/site/zone/lobby/setpoint", encode.setpoint(message), { qos: 1 });
    }
    await pause(100);
    await mosquitto.start();
    await until(() => received.length > 0, "a stale setpoint");
    expect(faultsOf(received).length).toBeGreaterThan(0);
  });
});
