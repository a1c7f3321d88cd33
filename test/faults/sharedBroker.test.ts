import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { announceToHomeAssistant } from "#adapters/mqtt/homeAssistant";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { createPublisher } from "#adapters/mqtt/publisher";
import { createSetpointDevice } from "#adapters/mqtt/setpointDevice";
import { encode, topicsOf } from "#adapters/mqtt/wire";
import { type Certificates, makeCertificates } from "../adapters/mqtt/certificates.js";
import { createMosquitto, freePort, hasMosquitto, type Mosquitto, mosquittoName, until } from "../adapters/mqtt/mosquitto.js";

const checkout = new URL("../../", import.meta.url).pathname;
const topics = topicsOf("site");
const clock = { nowMs: () => Date.now(), sleepUntil: async () => undefined };
const users = ["isotherm", "building", "homeassistant", "utility", "engineer", "reader"] as const;
type User = (typeof users)[number];

/** The shipped example with its paths moved to a folder and its listener to a port of the test. */
const shippedConfig = (folder: string, port: number): string =>
  readFileSync(join(checkout, "config/mosquitto/mosquitto.conf"), "utf8")
    .replace(/^(persistence|autosave).*\n/gm, "")
    .replaceAll("/etc/mosquitto/isotherm/acl", join(checkout, "config/mosquitto/acl"))
    .replaceAll("/etc/mosquitto/isotherm/", `${folder}/`)
    .replace("listener 8883", `listener ${port} 127.0.0.1`);

describe.skipIf(!hasMosquitto)(`the shipped configuration of a shared broker, on ${mosquittoName}`, () => {
  let broker: Mosquitto;
  let port: number;
  let made: Certificates;
  const buses: MqttBus[] = [];
  const connect = async (user: User, more: Partial<Parameters<typeof createMqttBus>[0]> = {}): Promise<MqttBus> => {
    const bus = createMqttBus({
      url: `mqtts://127.0.0.1:${port}`,
      clientId: `${user}-${buses.length}`,
      username: user,
      password: `${user}-secret`,
      tls: { ca: made.pem("ca.pem"), cert: made.pem("client.pem"), key: made.pem("client.key"), servername: "broker.example" },
      reconnect: { minDelayMs: 20, maxDelayMs: 200 },
      ...more,
    });
    buses.push(bus);
    await until(() => bus.connected, `${user} to connect`);
    return bus;
  };
  const refused = { kind: "retryable" };

  beforeAll(async () => {
    port = await freePort();
    broker = await createMosquitto((folder) => {
      made = makeCertificates(folder, { server: "broker.example", client: "client.example" });
      for (const [index, user] of users.entries())
        execFileSync("mosquitto_passwd", [...(index === 0 ? ["-c"] : []), "-b", join(folder, "passwd"), user, `${user}-secret`]);
      return shippedConfig(folder, port);
    });
    await broker.start();
  }, 60_000);
  afterAll(async () => {
    for (const bus of buses) await bus.close();
    await broker?.dispose();
  });

  it("lets the daemon publish all that it has to say, over MQTT 5", async () => {
    const bus = await connect("isotherm", { will: { topic: topics.status, payload: "offline", qos: 1, retain: true } });
    expect(bus.protocol).toBe("5");
    const refusals: string[] = [];
    const publisher = createPublisher({
      bus,
      clock,
      building: "site",
      version: "1",
      mode: "auto",
      onWarning: (text) => refusals.push(text),
    });
    const pair = { heatingSetpointC: 20, coolingSetpointC: 24 };
    const issuedAtMs = Date.now();
    publisher.publishCommand({
      epoch: 1,
      seq: 1,
      issuedAtMs,
      validUntilMs: issuedAtMs + 3_600_000,
      zones: new Map([["lobby", pair]]),
      source: "rule",
    });
    publisher.publishAvailability("lobby", true);
    publisher.publishAlarm({
      id: "sensor:lobby",
      level: "warning",
      zone: "lobby",
      text: "x",
      action: "y",
      sinceMs: issuedAtMs,
      clearedMs: null,
    });
    const discovery = await announceToHomeAssistant(bus, {
      site: {
        id: "site",
        label: "Site",
        zones: [{ id: "lobby", label: "Lobby", floorAreaM2: null }],
        timeZone: "UTC",
        latitudeDeg: 0,
        longitudeDeg: 0,
        currency: "EUR",
      },
      limits: { minHeatingSetpointC: 15, maxCoolingSetpointC: 30 },
      version: "1",
      overrideMinutes: 60,
      onFailed: (topic) => refusals.push(topic),
    });
    await publisher.settled();
    await discovery.settled();
    expect(refusals).toEqual([]);

    const seen = new Map<string, string>();
    const reader = await connect("reader");
    await reader.subscribe("isotherm/#", ({ topic, payload }) => void seen.set(topic, payload));
    await until(() => seen.has(topics.setpoint("lobby")) && seen.has(topics.alarm("sensor:lobby")), "what was published");
    const device = await createSetpointDevice({
      bus: await connect("building"),
      clock,
      building: "site",
      zone: "lobby",
      ownSchedule: () => ({ heatingSetpointC: 16, coolingSetpointC: 30 }),
    });
    await until(() => device.current().from === "controller", "the device to obey");
    expect(device.current().setpoints).toEqual(pair);

    // What was acknowledged outlives a broker that is killed, and the daemon says it again.
    await broker.stop("SIGKILL");
    await until(() => !bus.connected && !reader.connected, "the loss noticed");
    seen.clear();
    await broker.start();
    await until(() => seen.get(topics.status) === "online" && seen.has(topics.setpoint("lobby")), "all of it again");
    expect(JSON.parse(seen.get(topics.setpoint("lobby"))!)).toMatchObject({ epoch: 1, seq: 1, heat: 20 });
  }, 60_000);

  it("lets nobody else write setpoints, live or by a last will", async () => {
    const setpoint = encode.setpoint({
      epoch: 9,
      seq: 9,
      issuedAtMs: Date.now(),
      validUntilMs: Date.now() + 60_000,
      setpoints: { heatingSetpointC: 10, coolingSetpointC: 12 },
      source: "mppi",
    });
    const got: string[] = [];
    const watch = await connect("isotherm");
    await watch.subscribe(topics.setpoint("+"), ({ payload, retained }) => {
      if (!retained) got.push(payload);
    });
    for (const user of users) {
      if (user === "isotherm") continue;
      const will = { topic: topics.setpoint("lobby"), payload: setpoint, qos: 1 as const, retain: true };
      const bus = await connect(user, { will, clientId: `twin-of-${user}`, reconnect: { takenDelayMs: 60_000 } });
      await expect(bus.publish(topics.setpoint("lobby"), setpoint, { qos: 1, retain: true }), user).rejects.toMatchObject(refused);
      // A twin takes the session over: the broker would now send the will.
      await connect(user, { clientId: `twin-of-${user}` });
    }
    await watch.publish(topics.setpoint("marker"), "{}", { qos: 1 });
    await until(() => got.length > 0, "the marker");
    expect(got).toEqual(["{}"]);
  }, 60_000);

  it("gives each user its own orders and no more", async () => {
    const allowed: readonly (readonly [User, string])[] = [
      ["building", "sensors/lobby"],
      ["homeassistant", topics.commandSet("lobby", "override")],
      ["homeassistant", topics.commandSet("lobby", "mode")],
      ["homeassistant", "homeassistant/status"],
      ["utility", "isotherm/site/demand_response/set"],
      ["engineer", topics.modelSet],
    ];
    const denied: readonly (readonly [User, string])[] = [
      ["building", topics.commandSet("lobby", "mode")],
      ["building", topics.status],
      ["homeassistant", "sensors/lobby"],
      ["homeassistant", topics.zoneState("lobby")],
      ["utility", topics.commandSet("lobby", "mode")],
      ["homeassistant", topics.modelSet],
      ["engineer", topics.commandSet("lobby", "override")],
      ["reader", "sensors/lobby"],
      ["reader", topics.commandSet("lobby", "override")],
    ];
    const of = new Map<User, MqttBus>();
    for (const user of users) of.set(user, await connect(user));
    for (const [user, topic] of allowed) await of.get(user)!.publish(topic, "x", { qos: 1 });
    for (const [user, topic] of denied)
      await expect(of.get(user)!.publish(topic, "x", { qos: 1 }), `${user} ${topic}`).rejects.toMatchObject(refused);
    const heard: string[] = [];
    await of.get("building")!.subscribe(topics.zoneState("+"), ({ topic }) => void heard.push(topic));
    await of.get("isotherm")!.publish(topics.zoneState("lobby"), "x", { qos: 1, retain: true });
    await of.get("building")!.subscribe(topics.status, ({ topic }) => void heard.push(topic));
    await until(() => heard.length > 0, "the status");
    expect(new Set(heard)).toEqual(new Set([topics.status]));
  }, 60_000);

  it("lets in nobody without a certificate, a password or with another's", async () => {
    const tries = {
      "no certificate": { tls: { ca: made.pem("ca.pem"), servername: "broker.example" } },
      "no password": { username: undefined, password: undefined },
      "a wrong password": { password: "reader-secret" },
      "another name in the broker's certificate": { tls: { ca: made.pem("ca.pem"), servername: "other.example" } },
    };
    for (const [what, more] of Object.entries(tries)) {
      const warnings: string[] = [];
      const bus = createMqttBus({
        url: `mqtts://127.0.0.1:${port}`,
        clientId: "stranger",
        username: "isotherm",
        password: "isotherm-secret",
        tls: { ca: made.pem("ca.pem"), cert: made.pem("client.pem"), key: made.pem("client.key"), servername: "broker.example" },
        onWarning: (text) => warnings.push(text),
        ...(more as object),
      });
      buses.push(bus);
      await until(() => warnings.length > 0, what);
      expect(bus.connected, what).toBe(false);
      await bus.close();
    }
  }, 60_000);

  it("has a setpoint dropped by the broker when its validity is over", async () => {
    const bus = await connect("isotherm");
    const publisher = createPublisher({ bus, clock, building: "brief", version: "1", mode: "auto" });
    const issuedAtMs = Date.now();
    const zones = new Map([["lobby", { heatingSetpointC: 20, coolingSetpointC: 24 }]]);
    publisher.publishCommand({ epoch: 1, seq: 1, issuedAtMs, validUntilMs: issuedAtMs + 3_000, zones, source: "rule" });
    await publisher.settled();
    const retainedNow = async (): Promise<boolean> => {
      let heard = false;
      let over = false;
      const reader = await connect("isotherm");
      await reader.subscribe("isotherm/brief/#", ({ topic }) => {
        heard ||= topic.endsWith("/lobby/setpoint");
        over ||= topic.endsWith("/status");
      });
      await until(() => over, "the retained status");
      await reader.publish("isotherm/other", "x", { qos: 1 });
      await reader.close();
      return heard;
    };
    expect(await retainedNow()).toBe(true);
    await until(async () => Date.now() > issuedAtMs + 3_000 && !(await retainedNow()), "the broker to drop it");
  }, 60_000);
});
