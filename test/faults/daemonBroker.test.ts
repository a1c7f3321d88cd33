import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { decode, type SetpointMessage } from "#adapters/mqtt/wire";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import { createMosquitto, hasMosquitto, type Mosquitto, mosquittoName } from "../adapters/mqtt/mosquitto.js";
import { AT_ONCE_NODE_STARTS, cleanUp, getJson, type RunningDaemon, startDaemon, temporaryDirectory, until } from "../e2e/daemonProcess.js";

const siteText = (url: string, directory: string): string => `
site: { id: house, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building:
  mqtt: { expectedInterval: 1 s, maxAge: 1 min }
zones:
  - { id: hall, sensors: { zoneAirTempC: { topic: sensors/hall, path: temperature, unit: degF } } }
  - { id: office }
points:
  office.aC: { topic: sensors/office/a }
  office.bC: { topic: sensors/office/b }
  site.outdoorAirTempC: { topic: sensors/roof }
derived:
  office.zoneAirTempC: { expression: "mean(office.aC, office.bC)" }
mqtt: { url: "${url}", keepalive: 2 s }
control: { mode: auto, lease: 10 s }
store: { directory: "${directory}" }
dashboard: { port: 0 }
log: { level: info }
`;

describe.skipIf(!hasMosquitto)(`a real building over ${mosquittoName}`, () => {
  let broker: Mosquitto;
  let house: MqttBus;
  let daemon: RunningDaemon;
  let dashboard: string;
  let timer: NodeJS.Timeout;
  const received: { topic: string; message: SetpointMessage; retained: boolean }[] = [];
  const topics = new Map<string, string>();
  const newest = (zone: string): SetpointMessage | undefined =>
    received.filter(({ topic }) => topic.endsWith(`/${zone}/setpoint`)).at(-1)?.message;

  beforeAll(async () => {
    broker = await createMosquitto();
    const directory = temporaryDirectory();
    const file = join(directory, "site.yaml");
    writeFileSync(file, siteText(broker.url, join(directory, "data")));
    // The broker is not there yet.
    daemon = startDaemon(["--config", file]);
    dashboard = await daemon.dashboardUrl();
  }, 60_000);
  afterAll(async () => {
    clearInterval(timer);
    await house?.close();
    await cleanUp();
    await broker?.dispose();
  });

  it("ASVS 16.5.2, the broker fails: starts without its broker, says that it is missing, and finds it when it comes", async () => {
    expect((await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).brokerConnected).toBe(false);
    await broker.start();
    house = createMqttBus({ url: broker.url, clientId: "house" });
    await house.subscribe("isotherm/house/#", ({ topic, payload, retained }) => {
      topics.set(topic, payload);
      const decoded = topic.endsWith("/setpoint") ? decode.setpoint(payload) : null;
      if (decoded?.ok === true) received.push({ topic, message: decoded.value, retained });
    });
    let k = 0;
    timer = setInterval(() => {
      if (!house.connected) return;
      k++;
      const say = (topic: string, payload: string): void => void house.publish(topic, payload).catch(() => undefined);
      say("sensors/hall", JSON.stringify({ temperature: 68 + 0.01 * (k % 7) }));
      say("sensors/office/a", String(20 + 0.01 * (k % 5)));
      say("sensors/office/b", String(22 + 0.01 * (k % 3)));
      say("sensors/roof", "3.5");
    }, 300);
    await until(async () => (await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).brokerConnected, "the broker found", 20_000);
  });

  it("controls it by the rule as long as there is too little history to learn from, and says what is missing", async () => {
    await until(async () => newest("hall") !== undefined && newest("office") !== undefined, "setpoints");
    const hall = newest("hall")!;
    expect(hall.source).toBe("rule");
    expect(hall.setpoints!.heatingSetpointC).toBeLessThan(hall.setpoints!.coolingSetpointC);
    expect(Math.abs(hall.issuedAtMs - Date.now())).toBeLessThan(120_000);
    const status = await until(async () => {
      const shown = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
      return /6 hours of data wanted/.test(shown.progressText) ? shown : null;
    }, "what is missing");
    expect(status.phase).toBe("degraded");
    const tempsC = await until(async () => {
      const { zones } = await getJson<{ zones: { id: string; zoneAirTempC: number | null }[] }>(`${dashboard}api/v1/overview`);
      const shown = ["hall", "office"].map((zone) => zones.find(({ id }) => id === zone)!.zoneAirTempC);
      return shown.every((value) => value !== null) ? (shown as number[]) : null;
    }, "both temperatures");
    expect(tempsC[0]).toBeCloseTo(20, 1);
    expect(tempsC[1]).toBeCloseTo(21, 1);
  });

  it("lets a person override a zone at once, and gives it back on release", async () => {
    const order = (body: object): Promise<void> => house.publish("isotherm/house/zone/hall/override/set", JSON.stringify(body));
    await order({ id: "o1", by: "Ada", heat: 22, minutes: 30, reason: "guests" });
    await until(async () => topics.get("isotherm/house/zone/hall/override/result")?.includes('"o1"'), "the answer");
    expect(JSON.parse(topics.get("isotherm/house/zone/hall/override/result")!)).toEqual({ id: "o1", ok: true, error: null });
    await until(async () => newest("hall")?.setpoints?.heatingSetpointC === 22, "the override in force");
    const status = await until(async () => {
      const shown = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
      return shown.inCharge.hall?.source === "override" && shown.inCharge.office?.source === "rule" ? shown : null;
    }, "the override shown");
    expect(status.inCharge.hall!.reason).toContain("Ada");
    await order({ id: "o2", by: "Ada", release: true });
    await until(async () => newest("hall")?.setpoints?.heatingSetpointC !== 22, "the rule again");
  });

  it("holds what is in force until the next entry of the schedule, and says until when and why", async () => {
    const order = (body: object): Promise<void> => house.publish("isotherm/house/zone/hall/override/set", JSON.stringify(body));
    const held = newest("hall")!.setpoints;
    await order({ id: "h1", by: "Ada", hold: true, until: "next", reason: "a meeting" });
    const inCharge = await until(async () => {
      const { hall } = (await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).inCharge;
      return hall?.source === "override" && hall.untilMs !== null && hall.reason.includes("Ada") ? hall : null;
    }, "the hold shown");
    expect(inCharge.reason).toBe("Set by Ada (a meeting).");
    // The default week has its entries at 07:00 and 18:00 by the wall clock of Berlin.
    const wall = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit" });
    expect(["07:00", "18:00"]).toContain(wall.format(inCharge.untilMs!));
    expect(newest("hall")!.setpoints).toEqual(held);
    await order({ id: "h2", by: "Ada", release: true });
    await until(async () => newest("hall")?.source === "rule", "the rule again");
  });

  it("takes a demand-response event, plans with its price, shows it and ends it on order", async () => {
    const order = (body: object): Promise<void> => house.publish("isotherm/house/demand_response/set", JSON.stringify(body));
    await order({ id: "d1", by: "grid", price_per_kwh: 9, minutes: 120, reason: "peak" });
    await until(async () => topics.get("isotherm/house/demand_response/result")?.includes('"d1"'), "the answer");
    expect(JSON.parse(topics.get("isotherm/house/demand_response/result")!)).toEqual({ id: "d1", ok: true, error: null });
    const status = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
    expect(status.demandResponse).toMatchObject({ id: "d1", pricePerKwh: 9, limitKw: null, by: "grid" });
    expect(JSON.parse(topics.get("isotherm/house/demand_response/state")!)).toMatchObject({ id: "d1", price_per_kwh: 9 });
    await until(async () => {
      const { plan } = await getJson<{ plan: { pricePerKwh: number[] } }>(`${dashboard}api/v1/decisions/latest`);
      return plan.pricePerKwh[0] === 9 && plan.pricePerKwh.at(-1) !== 9;
    }, "a plan with its price");
    await order({ id: "d2", by: "grid", release: true });
    await until(async () => topics.get("isotherm/house/demand_response/state") === "", "its end");
    await order({ id: "d3", by: "grid", limit_kw: 3, until: "2020-01-01T00:00:00Z" });
    await until(async () => topics.get("isotherm/house/demand_response/result")?.includes("ended already"), "a refusal");
  });

  it("never repeats an old setpoint to a broker that was killed and comes back", async () => {
    const before = newest("hall")!;
    await broker.stop("SIGKILL");
    await until(async () => !(await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).brokerConnected, "the loss noticed", 20_000);
    const count = received.length;
    await broker.start();
    await until(async () => topics.get("isotherm/house/status") === "online" && received.length > count, "published again", 30_000);
    for (const { message } of received.slice(count)) {
      expect(message.epoch).toBe(before.epoch);
      expect(message.seq).toBeGreaterThanOrEqual(before.seq);
      expect(message.validUntilMs).toBeGreaterThan(Date.now());
    }
  });

  it("in shadow mode gives the zones back and only proposes", async () => {
    let tries = 0;
    await until(
      async () => {
        const id = `m-${++tries}`;
        await house.publish("isotherm/house/mode/set", JSON.stringify({ id, by: "Ada", mode: "shadow" }));
        await new Promise((resolve) => setTimeout(resolve, 300));
        return topics.has("isotherm/house/mode/result");
      },
      "the order heard",
      20_000,
    );
    await until(async () => newest("hall")?.source === "relinquish" && newest("office")?.source === "relinquish", "the zones given back");
    await until(async () => topics.has("isotherm/house/zone/hall/setpoint_proposed"), "a proposal");
    expect(newest("hall")!.setpoints).toBeNull();
    expect((await getJson<DaemonStatus>(`${dashboard}api/v1/status`)).mode).toBe("shadow");
    await house.publish("isotherm/house/mode/set", JSON.stringify({ id: "m2", by: "Ada", mode: "auto" }));
    await until(async () => newest("hall")?.source === "rule", "control again");
  });

  it("one zone has a mode of its own, and the others go on", async () => {
    const order = (id: string, mode: string): Promise<void> =>
      house.publish("isotherm/house/zone/hall/mode/set", JSON.stringify({ id, by: "Ada", mode }));
    await order("z1", "shadow");
    await until(async () => newest("hall")?.source === "relinquish", "the hall given back");
    await until(async () => newest("office")?.source === "rule" && newest("office")!.seq > newest("hall")!.seq, "the office controlled");
    const status = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
    expect([status.mode, status.zoneModes]).toEqual(["auto", { hall: "shadow", office: "auto" }]);
    await order("z2", "building");
    await until(async () => newest("hall")?.source === "rule", "the hall controlled again");
  });

  it("a second daemon on the same building stands by, and takes over when the first is killed", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "site.yaml");
    writeFileSync(
      file,
      siteText(broker.url, join(directory, "data")).replace("keepalive: 2 s", "keepalive: 2 s, clientId: isotherm-second"),
    );
    const second = startDaemon(["--config", file]);
    await second.says(/another isotherm \(\S+\) commands the building: this one stands by in shadow mode/);
    const status = await getJson<DaemonStatus>(`${await second.dashboardUrl()}api/v1/status`);
    expect(status.zoneModes).toEqual({ hall: "shadow", office: "shadow" });
    const before = newest("hall")!;
    const count = received.length;
    // It decides too, and nothing of it reaches a device.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(received.slice(count).every(({ message }) => message.epoch === before.epoch)).toBe(true);
    await daemon.end("SIGKILL");
    await until(
      async () => newest("hall")!.epoch > before.epoch && newest("office")!.epoch > before.epoch,
      "setpoints of the second",
      60_000,
    );
    expect(second.stdout()).toContain("this daemon is in charge of the building");
    daemon = second;
    dashboard = await second.dashboardUrl();
  });

  it("ends at once on SIGTERM with the zones given back and its status offline", async () => {
    const { code, nodeStarts } = await daemon.end("SIGTERM");
    expect(code).toBe(0);
    expect(nodeStarts).toBeLessThan(AT_ONCE_NODE_STARTS);
    await until(async () => topics.get("isotherm/house/status") === "offline", "offline", 5_000);
    expect(newest("hall")).toMatchObject({ source: "relinquish", setpoints: null });
    expect(newest("office")).toMatchObject({ source: "relinquish", setpoints: null });
  });
});
