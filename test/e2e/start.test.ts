import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { decode, type SetpointMessage } from "#adapters/mqtt/wire";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import type { Decision } from "#domain/plan";
import {
  AT_ONCE_NODE_STARTS,
  cleanUp,
  getJson,
  quickSite,
  type RunningDaemon,
  runCommandLine,
  startDaemon,
  temporaryDirectory,
  until,
} from "./daemonProcess.js";

const zones = ["space1", "space2", "space3", "space4", "space5"];

describe("isotherm start on the demo site, 300 times as fast", () => {
  let daemon: RunningDaemon;
  let directory: string;
  let site: string;
  let backup: string;
  let dashboard: string;
  let bus: MqttBus;
  const setpoints: { zone: string; message: SetpointMessage }[] = [];
  const seen = new Map<string, string>();
  const phases = new Set<string>();

  beforeAll(async () => {
    directory = temporaryDirectory();
    site = quickSite(directory);
    // A step in 3 s: beside other tests on the same cores a daemon may stand still for longer than the two steps that a setpoint is valid at 600 times.
    daemon = startDaemon(["--config", site, "--speed", "300"]);
    dashboard = await daemon.dashboardUrl();
    bus = createMqttBus({ url: await daemon.mqttUrl(), clientId: "reader", protocol: "3.1.1" });
    await bus.subscribe("isotherm/demo/zone/+/setpoint", ({ topic, payload }) => {
      const decoded = decode.setpoint(payload);
      if (!decoded.ok) throw new Error(decoded.reason);
      setpoints.push({ zone: topic.split("/")[3]!, message: decoded.value });
    });
    await bus.subscribe("isotherm/demo/#", ({ topic, payload }) => void seen.set(topic, payload));
    await bus.subscribe("building/#", ({ topic, payload }) => void seen.set(topic, payload));
    await until(async () => {
      const status = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
      phases.add(status.phase);
      return status.phase === "controlling" && status.controller === "mppi";
    }, "the planner in charge");
  }, 180_000);
  afterAll(async () => {
    await bus?.close();
    await cleanUp();
  });

  it("shows its dashboard while it still simulates and learns, and says so", () => {
    expect(phases.has("simulating-history") || phases.has("learning") || phases.has("starting")).toBe(true);
    expect(phases.has("controlling")).toBe(true);
    expect(daemon.stdout()).toMatch(
      /History +day 1 of 3 simulated[\s\S]*History +day 3 of 3 simulated[\s\S]*learned from \d+ rows[\s\S]*Model \S+ is in use/,
    );
  });

  it("is healthy and shows every zone under the planner's control", async () => {
    const health = await fetch(`${dashboard}healthz`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ store: "ok" });
    const overview = await getJson<{ zones: { id: string; zoneAirTempC: number; source: string; heatingSetpointC: number }[] }>(
      `${dashboard}api/v1/overview`,
    );
    expect(overview.zones.map(({ id }) => id)).toEqual(zones);
    for (const zone of overview.zones) {
      expect(zone.zoneAirTempC).toBeGreaterThan(5);
      expect(zone.zoneAirTempC).toBeLessThan(35);
      expect(["mppi", "rule"]).toContain(zone.source);
    }
  });

  it("publishes setpoints of every zone in growing numbers, inside the limits, and the building obeys them", async () => {
    await until(async () => zones.every((zone) => setpoints.filter((one) => one.zone === zone).length >= 3), "three setpoints a zone");
    for (const zone of zones) {
      const mine = setpoints.filter((one) => one.zone === zone).map(({ message }) => message);
      mine.slice(1).forEach((message, i) => {
        expect(message.epoch).toBe(mine[i]!.epoch);
        expect(message.seq).toBeGreaterThan(mine[i]!.seq);
      });
      for (const { setpoints: pair } of mine) {
        expect(pair!.heatingSetpointC).toBeGreaterThanOrEqual(15);
        expect(pair!.heatingSetpointC).toBeLessThanOrEqual(22.5);
        expect(pair!.coolingSetpointC).toBeGreaterThanOrEqual(pair!.heatingSetpointC + 0.5 - 1e-9);
      }
    }
    await until(async () => {
      const report = seen.get("building/demo/zone/space1");
      if (report === undefined) return false;
      const { heatingSetpointC } = JSON.parse(report) as { heatingSetpointC: number };
      return setpoints.some(
        ({ zone, message }) => zone === "space1" && Math.abs(message.setpoints!.heatingSetpointC - heatingSetpointC) < 0.001,
      );
    }, "a commanded setpoint in force in the building");
  });

  it("keeps states, plans, meter and health on MQTT", async () => {
    await until(async () => seen.has("isotherm/demo/health") && seen.has("isotherm/demo/meter/hvac/state"), "health and meter");
    expect(seen.get("isotherm/demo/status")).toBe("online");
    for (const zone of zones) {
      expect(decode.zoneState(seen.get(`isotherm/demo/zone/${zone}/state`)!)).toMatchObject({ ok: true });
      expect(decode.plan(seen.get(`isotherm/demo/zone/${zone}/plan`)!)).toMatchObject({ ok: true });
      expect(seen.get(`isotherm/demo/zone/${zone}/availability`)).toBe("online");
    }
    expect(decode.meterState(seen.get("isotherm/demo/meter/hvac/state")!)).toMatchObject({ ok: true });
    expect(decode.health(seen.get("isotherm/demo/health")!)).toMatchObject({ ok: true });
  });

  it("answers plan, export and doctor while it runs", async () => {
    const plan = await runCommandLine(["plan", "--config", site, "--json"]);
    expect(plan.code).toBe(0);
    const decision = JSON.parse(plan.stdout) as Decision;
    expect(Object.keys(decision.command).sort()).toEqual(zones);
    const words = await runCommandLine(["plan", "--config", site]);
    expect(words.stdout).toMatch(/Decision \d+-\d+ at 1991-01-/);
    expect(words.stdout).toMatch(/carried out/);

    const csv = await runCommandLine(["export", "--config", site, "--points", "space1.zoneAirTempC,site.outdoorAirTempC"]);
    expect(csv.code).toBe(0);
    const lines = csv.stdout.trim().split("\n");
    expect(lines[0]).toBe("time,space1.zoneAirTempC,site.outdoorAirTempC");
    expect(lines.length).toBeGreaterThan(90);
    expect(lines.at(-1)).toMatch(/^1991-01-\d\dT\d\d:\d\dZ,-?[\d.]+,-?[\d.]+$/);
    const unknown = await runCommandLine(["export", "--config", site, "--points", "space9.zoneAirTempC"]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/no point space9\.zoneAirTempC/);

    const doctor = await runCommandLine(["doctor", "--config", site, "--json"]);
    expect(doctor.code).toBe(0);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string; text: string }[] };
    expect(findings.find(({ check }) => check === "Daemon")?.text).toContain(String(daemon.process.pid));
    expect(findings.filter(({ state }) => state === "failed")).toEqual([]);
  });

  it("refuses a second daemon on the same data, naming process and socket", async () => {
    const second = await runCommandLine(["start", "--config", site]);
    expect(second.code).toBe(69);
    expect(second.stderr).toContain(`process ${daemon.process.pid}`);
    expect(second.stderr).toMatch(/isotherm.*\.sock/);
    expect(second.stderr).not.toMatch(/\n\s+at /);
  });

  it("gives Prometheus its figures", async () => {
    const answer = await fetch(`${dashboard}metrics`);
    const text = await answer.text();
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    const samples = new Map<string, number>();
    for (const line of text.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) {
      const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
      expect(name, line).toBeDefined();
      samples.set(name!.replace(/,?site="demo"/, "").replace("{}", ""), Number(value));
    }
    expect(samples.get('isotherm_decisions_total{source="mppi"}')).toBeGreaterThan(0);
    for (const zone of zones) expect(samples.get(`isotherm_zone_temperature_celsius{zone="${zone}"}`)).toBeGreaterThan(5);
    expect([samples.get("isotherm_control_late"), samples.get("isotherm_broker_connected"), samples.get("isotherm_model_in_use")]).toEqual([
      0, 1, 1,
    ]);
    expect(samples.get("isotherm_tick_lateness_seconds_count")).toBeGreaterThan(0);
    // No InfluxDB here: unknown is absent.
    expect(samples.has("isotherm_influx_backlog_rows")).toBe(false);
  });

  it("is backed up while it runs, and not restored under itself", async () => {
    const to = join(directory, "backups");
    const made = await runCommandLine(["backup", "--config", site, "--to", to, "--json"]);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    backup = (JSON.parse(made.stdout) as { folder: string }).folder;
    expect(readdirSync(backup)).toEqual(expect.arrayContaining(["manifest.json", "isotherm.duckdb", "building.json", "site.yaml"]));
    expect(readdirSync(join(directory, "data")).filter((name) => name.startsWith("backup-"))).toEqual([]);
    const restored = await runCommandLine(["restore", backup, "--config", site, "--replace"]);
    expect(restored.code).toBe(69);
    expect(restored.stderr).toContain(`(process ${daemon.process.pid}) runs on`);
  });

  it("ends at once on SIGTERM, after it has given every zone back", async () => {
    const { code, nodeStarts } = await daemon.end("SIGTERM");
    expect(code).toBe(0);
    expect(nodeStarts).toBeLessThan(AT_ONCE_NODE_STARTS);
    for (const zone of zones) {
      const last = setpoints.filter((one) => one.zone === zone).at(-1)!.message;
      expect(last).toMatchObject({ source: "relinquish", setpoints: null });
    }
    expect(seen.get("isotherm/demo/status")).toBe("offline");
    expect(daemon.stderr()).not.toMatch(/"level":(50|60)/);
  });

  it("answers plan and export from the store's file once it has ended", async () => {
    const plan = await runCommandLine(["plan", "--config", site, "--json"]);
    expect(plan.code).toBe(0);
    const csv = await runCommandLine(["export", "--config", site, "--points", "building.hvacPowerW"]);
    expect(csv.code).toBe(0);
    expect(csv.stdout.split("\n").length).toBeGreaterThan(90);
  });

  it("is restored from its backup, as it was, and keeps only as many backups as wanted", async () => {
    const restored = await runCommandLine(["restore", backup, "--config", site, "--replace"]);
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    const plan = await runCommandLine(["plan", "--config", site, "--json"]);
    expect([plan.code, JSON.parse(plan.stdout)]).toMatchObject([0, {}]);
    const again = await runCommandLine(["backup", "--config", site, "--to", join(directory, "backups"), "--keep", "1"]);
    expect(again.code).toBe(0);
    expect(readdirSync(join(directory, "backups"))).toHaveLength(1);
    const migrated = await runCommandLine(["migrate", "--config", site, "--to", "3"]);
    expect(migrated.stdout).toMatch(/schema \d+ → 3; lost:/);
  });
});

describe("isotherm start where something is in the way", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
    await cleanUp();
  });
  const takePort = (): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer();
      servers.push(server);
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });

  it("takes the next free ports and says so", async () => {
    const [web, mqtt] = [await takePort(), await takePort()];
    const site = quickSite(temporaryDirectory(), (text) =>
      text.replace(/(embedded:.*\n {4}port:) 0/, `$1 ${mqtt}`).replace(/(host: 127\.0\.0\.1.*\n {2}port:) 0/, `$1 ${web}`),
    );
    const daemon = startDaemon(["--config", site]);
    const [, url, webSaid] = await daemon.says(/^Dashboard +(http:\S+) \(port (\d+) is taken\)/m);
    const [, mqttUrl, mqttSaid] = await daemon.says(/^MQTT +(mqtt:\S+) \(port (\d+) is taken\)/m);
    expect(Number(webSaid)).toBe(web);
    expect(Number(mqttSaid)).toBe(mqtt);
    expect(url).not.toContain(`:${web}/`);
    expect(mqttUrl).not.toContain(`:${mqtt}`);
    expect((await fetch(`${url}healthz`)).status).toBe(200);
    const { code } = await daemon.end("SIGTERM");
    expect(code).toBe(0);
  });

  it("lists everything wrong in a site file with its lines, and shows no stack", async () => {
    const site = quickSite(temporaryDirectory(), (text) =>
      text.replace("horizon: 8 ", "horizon: minus ").replace("deadband: 0.5 K", "deadband: 0.5 kW"),
    );
    const { code, stderr, stdout } = await runCommandLine(["start", "--config", site]);
    expect(code).toBe(78);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/site\.yaml:\d+: planner\.horizon/);
    expect(stderr).toMatch(/site\.yaml:\d+: control\.limits\.deadband/);
    expect(stderr).not.toMatch(/\n\s+at /);
    const doctor = await runCommandLine(["doctor", "--config", site]);
    expect(doctor.code).toBe(78);
    expect(doctor.stdout).toMatch(/FAILED +Configuration/);
  });

  it("refuses zones that the embedded building does not have", async () => {
    const site = quickSite(temporaryDirectory(), (text) => text.replace("id: space5", "id: attic"));
    const { code, stderr } = await runCommandLine(["start", "--config", site]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/Give exactly the zones space1-1/);
  });

  it("tells of a store that belongs to another program", async () => {
    const directory = temporaryDirectory();
    const site = quickSite(directory, (text) => text.replace(join(directory, "data"), join(directory, "site.yaml")));
    const { code, stderr } = await runCommandLine(["start", "--config", site]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/data directory .*cannot be made/);
  });
});

describe("isotherm start without the koffi package", () => {
  afterAll(cleanUp);
  it("learns and plans on WebAssembly", async () => {
    const site = quickSite(temporaryDirectory());
    const daemon = startDaemon(["--config", site, "--speed", "300"], {
      nodeArgs: ["--import", "./test/helpers/withoutKoffi.mjs"],
      // Planning threads start without the arguments of the process, so they are told in another way.
      env: { ISOTHERM_NO_BLAS: "1" },
    });
    const dashboard = await daemon.dashboardUrl();
    const status = await until(
      async () => {
        const now = await getJson<DaemonStatus>(`${dashboard}api/v1/status`);
        return now.controller === "mppi" ? now : null;
      },
      "the planner in charge",
      150_000,
    );
    expect(status.backend).toBe("wasm");
    expect(status.modelVersion).not.toBeNull();
    expect((await daemon.end("SIGTERM")).code).toBe(0);
  }, 180_000);
});
