import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { loadHistory } from "#cli/daemon/rowHistory";
import { type InfluxImport, importFromInflux } from "#cli/import/fromInflux";
import { readImportMap } from "#cli/import/importMap";
import { loadSiteConfig } from "#config/loadSiteConfig";
import { IsothermError } from "#domain/errors";
import type { PointName, TelemetryPoint } from "#domain/points";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { cleanUp, runCommandLine, startDaemon } from "../e2e/daemonProcess.js";
import { freePort, Influxd, influxdInstalled } from "../faults/support/influxd.js";

const HOUR_MS = 3_600_000;
const t0 = Date.parse("2026-01-05T00:00:00Z");
const DAYS = 60;
const QUARTERS = DAYS * 96;
const fahrenheit = (celsius: number): number => celsius * 1.8 + 32;
const lobbyC = (i: number): number => 21 + Math.sin(i / 20);
const roofC = (i: number): number => 3 + 5 * Math.sin(i / 15);

const folder = mkdtempSync(join(tmpdir(), "isotherm-import-"));
const siteText = (id: string) => `site: { id: ${id}, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones:
  - id: lobby
    sensors:
      zoneAirTempC: { topic: sensors/lobby, unit: degF }
      occupancyCount: { topic: sensors/motion }
points:
  site.outdoorAirTempC: { topic: sensors/roof }
store: { directory: "${join(folder, id)}" }
dashboard: { port: 0 }
mqtt: { embedded: { port: 0 } }
`;
const site = (id: string): string => {
  const file = join(folder, `${id}.yaml`);
  writeFileSync(file, siteText(id));
  return file;
};
const mapText = `points:
  # As Home Assistant writes it: the unit is the measurement.
  lobby.zoneAirTempC: { measurement: °F, tags: { domain: sensor, entity_id: lobby_temperature }, unit: degF }
  lobby.occupancyCount: { measurement: "binary sensor", field: state, tags: { entity_id: lobby_motion } }
  site.outdoorAirTempC: { measurement: roof, field: t10, expression: value / 10 }
`;

describe("a mapping file", () => {
  it("is refused with everything that is wrong in it, each with its line", () => {
    const file = join(folder, "wrong.yaml");
    const config = loadSiteConfig(site("office"));
    const refusal = (text: string): string => {
      writeFileSync(file, text);
      try {
        readImportMap(file, config);
      } catch (error) {
        if (error instanceof IsothermError && error.exitCode === 78) return error.describe();
        throw error;
      }
      throw new Error("accepted");
    };
    expect(
      refusal(`points:
  lobby.zoneAirTemp: { measurement: a }
  site.outdoorAirTempC: { measurement: a, unit: kWh }
  lobby.zoneAirTempC: { measurement: a, expression: "value.constructor" }
`),
    ).toMatch(
      /line 2: points\.lobby\.zoneAirTemp: the site has no such point; did you mean lobby\.zoneAirTempC\?\n {2}line 3: .*"kWh" cannot be converted.*\n {2}line 4: points\.lobby\.zoneAirTempC\.expression: /s,
    );
    expect(refusal("points:\n  lobby.occupancyCount: { field: a, colour: red }\n")).toMatch(/line 2: points\.lobby\.occupancyCount/);
    expect(refusal("points: {}\n")).toMatch(/it names no points/);
  });
});

describe.skipIf(!influxdInstalled)(`history from InfluxDB${influxdInstalled ? "" : " (skipped: influxd is not installed)"}`, () => {
  let server: Influxd;
  const passwordFile = join(folder, "password");
  const map = join(folder, "map.yaml");
  beforeAll(async () => {
    server = await Influxd.start(join(folder, "influx"), { auth: true });
    await server.query("CREATE USER admin WITH PASSWORD 'admin pass' WITH ALL PRIVILEGES");
    const user = "admin:admin pass";
    await server.query("CREATE DATABASE home", { user });
    await server.query("CREATE USER reader WITH PASSWORD 'correct horse'", { user });
    await server.query("GRANT READ ON home TO reader", { user });
    const write = async (lines: readonly string[]): Promise<void> => {
      const response = await fetch(`${server.url}/write?db=home&precision=ms`, {
        method: "POST",
        body: lines.join("\n"),
        headers: { authorization: `Basic ${Buffer.from(user).toString("base64")}` },
      });
      if (response.status !== 204) throw new Error(await response.text());
    };
    const quarter = (i: number): number => t0 + i * 900_000;
    await write([
      ...Array.from(
        { length: QUARTERS },
        (_, i) => `°F,domain=sensor,entity_id=lobby_temperature value=${fahrenheit(lobbyC(i))},attribute="x" ${quarter(i)}`,
      ),
      ...Array.from({ length: QUARTERS }, (_, i) => `°F,domain=sensor,entity_id=cellar_temperature value=50 ${quarter(i)}`),
      ...Array.from({ length: QUARTERS }, (_, i) => `roof t10=${10 * roofC(i)} ${quarter(i)}`),
      // For a week in the middle, and once a spike, a jump and a broken value.
      ...Array.from({ length: 96 }, (_, i) => `binary\\ sensor,entity_id=lobby_motion state=${i % 2 === 0} ${quarter(20 * 96 + i)}`),
      `°F,domain=sensor,entity_id=lobby_temperature value=900 ${quarter(10) + 1000}`,
      `°F,domain=sensor,entity_id=lobby_temperature value=${fahrenheit(35)} ${quarter(11) + 1000}`,
    ]);
    writeFileSync(passwordFile, "correct horse\n", { mode: 0o600 });
    writeFileSync(map, mapText);
  }, 60_000);
  afterAll(async () => {
    await cleanUp();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (id: string, more: Partial<InfluxImport> = {}) => {
    const config = loadSiteConfig(site(id));
    return importFromInflux({
      config,
      url: server.url,
      database: "home",
      username: "reader",
      passwordFile,
      caFile: null,
      mapFile: map,
      fromMs: 0,
      toMs: t0 + DAYS * 24 * HOUR_MS,
      everyS: null,
      again: false,
      dryRun: false,
      signal: new AbortController().signal,
      say: () => undefined,
      progress: () => undefined,
      ...more,
    });
  };
  const stored = async (id: string, points: readonly PointName[]): Promise<TelemetryPoint[]> => {
    const store = await openDuckdbStore(join(folder, id), { readOnly: true, onWarning: () => undefined });
    const rows: TelemetryPoint[] = [];
    for await (const row of store.query(points, 0, t0 + 400 * 24 * HOUR_MS)) rows.push(row);
    await store.close();
    return rows;
  };

  it("comes in under the site's names and units, judged as live values are, and can be learned from", async () => {
    const { points } = await run("first");
    expect(points).toEqual({
      "lobby.zoneAirTempC": { read: QUARTERS + 2, imported: QUARTERS, alreadyThere: 0, refused: { "out-of-range": 1, jump: 1 } },
      "lobby.occupancyCount": { read: 96, imported: 96, alreadyThere: 0, refused: {} },
      "site.outdoorAirTempC": { read: QUARTERS, imported: QUARTERS, alreadyThere: 0, refused: {} },
    });
    const rows = await stored("first", ["lobby.zoneAirTempC"]);
    expect(rows).toHaveLength(QUARTERS);
    rows.forEach(({ timeMs, value }, i) => {
      expect(timeMs).toBe(t0 + i * 900_000);
      expect(value).toBeCloseTo(lobbyC(i), 9);
    });
    expect((await stored("first", ["site.outdoorAirTempC"]))[100]!.value).toBeCloseTo(roofC(100), 9);
    const store = await openDuckdbStore(join(folder, "first"), { readOnly: true, onWarning: () => undefined });
    const history = createHistoryBuffer({ stepS: 900, maxRows: 8 * 96 });
    const endMs = t0 + (QUARTERS - 1) * 900_000;
    await loadHistory(history, store, ["lobby.zoneAirTempC", "site.outdoorAirTempC"], endMs - 8 * 24 * HOUR_MS, endMs);
    await store.close();
    const column = history.dataset().columns.get("lobby.zoneAirTempC")!;
    expect(column.filter(Number.isFinite).length).toBeGreaterThanOrEqual(8 * 96 - 1);
  });

  it("again changes nothing and reads nothing; with --again it reads all and finds all there", async () => {
    const { points } = await run("first");
    expect(Object.values(points).map(({ read }) => read)).toEqual([0, 0, 0]);
    const again = await run("first", { again: true });
    expect(again.points["lobby.zoneAirTempC"]).toMatchObject({ imported: 0, alreadyThere: QUARTERS });
    expect(await stored("first", ["lobby.zoneAirTempC"])).toHaveLength(QUARTERS);
  });

  it("that was broken off goes on where it was; nothing is missing, nothing double", async () => {
    const stop = new AbortController();
    let days = 0;
    const broken = run("broken", {
      signal: stop.signal,
      progress: () => {
        if (++days === 20) stop.abort(new Error("Ctrl-C"));
      },
    });
    await expect(broken).rejects.toThrow("Ctrl-C");
    const before = await stored("broken", ["lobby.zoneAirTempC"]);
    expect(before).toHaveLength(20 * 96);
    const { fromMs, points } = await run("broken");
    expect(fromMs).toBe(t0 + 20 * 24 * HOUR_MS);
    expect(points["lobby.zoneAirTempC"]!.read).toBe(QUARTERS - 20 * 96);
    expect((await stored("broken", ["lobby.zoneAirTempC"])).map(({ timeMs }) => timeMs)).toEqual(
      Array.from({ length: QUARTERS }, (_, i) => t0 + i * 900_000),
    );
  });

  it("leaves what was measured live as it is, writes nothing when only tried, and takes means where asked", async () => {
    const store = await openDuckdbStore(join(folder, "mixed"), { onWarning: () => undefined });
    await store.append([{ timeMs: t0 + 900_000, point: "site.outdoorAirTempC", value: -20 }]);
    await store.close();
    const toMs = t0 + 24 * HOUR_MS;
    expect((await run("mixed", { toMs, dryRun: true })).points["site.outdoorAirTempC"]).toMatchObject({ imported: 95, alreadyThere: 1 });
    expect(await stored("mixed", ["site.outdoorAirTempC"])).toHaveLength(1);
    await run("mixed", { toMs });
    const rows = await stored("mixed", ["site.outdoorAirTempC"]);
    expect(rows).toHaveLength(96);
    expect(rows[1]!.value).toBe(-20);
    await run("means", { toMs, everyS: 3600, mapFile: map });
    const means = await stored("means", ["site.outdoorAirTempC"]);
    expect(means).toHaveLength(24);
    expect(means[5]).toMatchObject({ timeMs: t0 + 5.5 * HOUR_MS });
    // True and false have no mean.
    const motionMs = t0 + 20 * 24 * HOUR_MS;
    const motion = await run("means", { fromMs: motionMs, toMs: motionMs + 24 * HOUR_MS, everyS: 3600 });
    expect(motion.points["lobby.occupancyCount"]).toMatchObject({ imported: 96 });
    expect(means[5]!.value).toBeCloseTo((roofC(20) + roofC(21) + roofC(22) + roofC(23)) / 4, 9);
  });

  it("tells what is wrong: password, database, server, a daemon that runs", async () => {
    const failure = (more: Partial<InfluxImport>): Promise<IsothermError> =>
      run("wrong", more).then(
        () => {
          throw new Error("it worked");
        },
        (error: IsothermError) => error,
      );
    writeFileSync(join(folder, "wrong-password"), "battery staple\n", { mode: 0o600 });
    expect(await failure({ passwordFile: join(folder, "wrong-password") })).toMatchObject({
      exitCode: 69,
      todo: expect.stringMatching(/Check user and password/),
    });
    expect((await failure({ database: "nowhere" })).message).toMatch(/not authorized|database not found/);
    expect((await failure({ url: `http://127.0.0.1:${await freePort()}` })).message).toMatch(/does not give its history/);
    writeFileSync(join(folder, "open-password"), "x\n", { mode: 0o644 });
    expect((await failure({ passwordFile: join(folder, "open-password") })).message).toMatch(/may be read by others/);
    const daemon = startDaemon(["--config", site("running")]);
    await daemon.dashboardUrl();
    expect(await run("running").catch((error: IsothermError) => error)).toMatchObject({
      message: expect.stringMatching(/daemon runs on/),
      exitCode: 69,
    });
    await daemon.end("SIGTERM");
  }, 180_000);

  it("works as a command, with its counts as JSON", async () => {
    const args = [
      "import",
      "--influx",
      server.url,
      "--database",
      "home",
      "--user",
      "reader",
      "--password-file",
      passwordFile,
      "--map",
      map,
    ];
    const { code, stdout, stderr } = await runCommandLine([...args, "--config", site("command"), "--to", "2026-01-07", "--json"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ points: { "lobby.zoneAirTempC": { imported: 192 } } });
    const plain = await runCommandLine([...args, "--config", site("command"), "--to", "2026-01-08"]);
    expect(plain.stdout).toMatch(/^From 2026-01-07T00:00Z until 2026-01-08T00:00Z:\n {2}lobby\.zoneAirTempC: 96 read, 96 taken\n/);
    expect((await runCommandLine(["import", "--config", site("command")])).code).toBe(2);
  }, 180_000);
});
