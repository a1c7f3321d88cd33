import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startInfluxReplicator } from "#adapters/influx/influxReplicator";
import { openInfluxReader } from "#adapters/influx/influxTelemetryReader";
import { addressOf, measurements } from "#adapters/influx/wireNames";
import { type BackedUpStore, openDuckdbStore } from "#adapters/store/duckdbStore";
import { loadSiteConfig } from "#config/loadSiteConfig";
import { createDashboard } from "#dashboards/server/createDashboard";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import type { ComfortView, EnergyView, OverviewView } from "#dashboards/server/wire";
import type { Decision } from "#domain/plan";
import type { PointName } from "#domain/points";
import { makeCertificates } from "../adapters/mqtt/certificates.js";
import { Influxd, influxdInstalled } from "../faults/support/influxd.js";
import { cleanUp, quickSite, startDaemon, temporaryDirectory, until } from "./daemonProcess.js";

/** What the demo office has no source for, or what comes later: humidity is not measured, the building's own meter neither; a day must be over before it has saved. */
const absent: Readonly<Record<string, readonly string[]>> = {
  isotherm_zone: ["rh_pct"],
  isotherm_savings: [...measurements.isotherm_savings!.fields!],
  isotherm_alarm: [...measurements.isotherm_alarm!.fields!],
};
/** Neither is anybody's measurement, nor has it fields of fixed names. */
const others = new Set(["isotherm_point", "isotherm_probe"]);

const minimalStatus: DaemonStatus = {
  phase: "controlling",
  progressText: "",
  progressFraction: null,
  mode: "auto",
  inCharge: {},
  controller: "mppi",
  backend: null,
  modelVersion: null,
  clock: { kind: "simulated", timeMs: 0, speedFactor: 1 },
  lastTickMs: null,
  tickIntervalS: 900,
  sources: [],
  refusedCounts: {},
  brokerConnected: true,
  influx: { state: "off", backlogRows: 0 },
};

describe.skipIf(!influxdInstalled)(
  `a daemon beside InfluxDB over https${influxdInstalled ? "" : " (skipped: influxd is not installed)"}`,
  () => {
    const directory = temporaryDirectory();
    let server: Influxd;
    let ca = "";
    let stderr = "";
    const ask = (q: string) => server.query(q, { db: "isotherm" });
    const options = () => ({ url: server.url, database: "isotherm", building: "demo", ca });

    beforeAll(async () => {
      mkdirSync(directory, { recursive: true });
      ca = makeCertificates(directory, { server: "localhost" }).pem("ca.pem");
      server = await Influxd.start(join(directory, "influx"), {
        tls: { certificate: join(directory, "server.pem"), key: join(directory, "server.key"), name: "localhost", ca },
      });
      const site = quickSite(
        directory,
        (text) => `${text
          .replace(/^ {4}#vote:.*\n(?: {4}# .*\n){5}/m, "    vote: { limit: 0.5 }\n")
          .replace(/^#influx:/m, "influx:")
          .replace(/^# {2}url: https:\/\/influx\.example:8086.*$/m, `  url: ${server.url}\n  ca: ca.pem\n  interval: 1 s`)}
derived:
  space1.operativeTempC: { expression: "space1.zoneAirTempC + 0.5" }
`,
      );
      const daemon = startDaemon(["--config", site, "--speed", "1200"]);
      await daemon.dashboardUrl();
      // Until people are there, so that something can be said of their comfort, and half a day after a model was learned, so that its longest predictions are judged.
      const counted = async (query: string): Promise<number> =>
        (await ask(query).catch(() => [])).reduce((sum, { count }) => sum + Number(count), 0);
      await until(
        async () =>
          (await counted("SELECT count(pmv) FROM isotherm_zone")) >= 60 &&
          (await counted(`SELECT count(resid_c) FROM isotherm_model WHERE "step" = '48'`)) >= 10,
        "votes of occupied steps and judged predictions in InfluxDB",
        240_000,
      );
      expect((await daemon.end("SIGTERM")).code).toBe(0);
      stderr = daemon.stderr();
    }, 400_000);
    afterAll(async () => {
      await cleanUp();
      await server?.kill();
    });

    it("InfluxDB gets every field of every measurement that the site has a source for, all numbers as floats, and no other tag", async () => {
      expect(stderr).not.toMatch(/"level":(50|60)/);
      for (const [name, { tags, fields }] of Object.entries(measurements)) {
        if (others.has(name)) continue;
        const missing = absent[name] ?? [];
        const found = await ask(`SHOW FIELD KEYS FROM ${name}`);
        const wanted = fields!.filter((field) => !missing.includes(field));
        // What comes only now and then may be there already.
        expect(found.map(({ fieldKey }) => fieldKey).sort(), name).toEqual(expect.arrayContaining([...wanted].sort()));
        expect(
          found.filter(({ fieldKey }) => !fields!.includes(String(fieldKey))),
          name,
        ).toEqual([]);
        for (const { fieldKey, fieldType } of found)
          expect([fieldKey, fieldType]).toEqual([fieldKey, fieldKey === "reason" ? "string" : "float"]);
        if (wanted.length > 0)
          expect(
            (await ask(`SHOW TAG KEYS FROM ${name}`)).map(({ tagKey }) => tagKey),
            name,
          ).toEqual([...tags].sort());
      }
      expect((await ask("SHOW FIELD KEYS FROM isotherm_zone")).map(({ fieldKey }) => fieldKey)).not.toContain("rh_pct");
    });

    it("tags keep to what was promised: leads 1, 6 and 24 h, steps 1, 12 and 48, no issue time, version or person", async () => {
      const values = async (from: string, key: string) =>
        (await ask(`SHOW TAG VALUES FROM ${from} WITH KEY = "${key}"`)).map(({ value }) => String(value)).sort();
      expect(await values("isotherm_weather", "lead_h")).toEqual(["1", "24", "6"]);
      expect(await values("isotherm_weather", "kind")).toEqual(["fcst", "obs"]);
      expect(await values("isotherm_model", "step")).toEqual(["1", "12", "48"]);
      expect(await values("isotherm_meter", "meter")).toEqual(["hvac"]);
      // A day of the demo: zones, leads and providers, and nothing that grows with time.
      const series = (await ask("SHOW SERIES")).length;
      expect(series).toBeLessThan(120);
    });

    it("predictions, bands and forecasts fit what was measured at the same time", async () => {
      const [row] = await ask(
        `SELECT mean_c, sd_c, resid_c, model_version_n FROM isotherm_model WHERE "zone" = 'space1' AND "step" = '1' ORDER BY time DESC LIMIT 1`,
      );
      const [air] = await ask(`SELECT t_air_c FROM isotherm_zone WHERE "zone" = 'space1' AND time = ${row!.time as number}ms`);
      expect(Number(row!.mean_c) + Number(row!.resid_c)).toBeCloseTo(Number(air!.t_air_c), 6);
      expect(Number(row!.sd_c)).toBeGreaterThan(0);
      expect(Number(row!.model_version_n)).toBeGreaterThanOrEqual(1);
      const [band] = await ask(`SELECT last(band_lo_c) AS lo, last(band_hi_c) AS hi FROM isotherm_zone WHERE "zone" = 'space1'`);
      expect(Number(band!.lo)).toBeLessThan(Number(band!.hi));
      const issued = await ask(`SELECT issued_s FROM isotherm_weather WHERE "kind" = 'fcst' AND "lead_h" = '6'`);
      for (const { time, issued_s } of issued) expect(Number(issued_s) * 1000).toBeLessThanOrEqual(Number(time) - 6 * 3_600_000 + 1);
    });

    it("once the rest is delivered, both stores hold the same values, each once", async () => {
      const store: BackedUpStore = await openDuckdbStore(join(directory, "data"), { onWarning: () => undefined });
      const seqs = (await store.readAfter(0, 1_000_000)).map(({ seq }) => seq);
      const replicator = await startInfluxReplicator(store, {
        ...options(),
        quarantineFile: join(directory, "quarantine.jsonl"),
        onWarning: (text) => {
          throw new Error(text);
        },
        pollMs: 20,
      });
      await until(async () => replicator.status().cursorSeq === seqs.at(-1), "the last row");
      expect(replicator.status().quarantinedRows).toBe(0);
      await replicator.stop();
      const names = [...new Set((await store.readAfter(0, 1_000_000)).map(({ point }) => point.point))];
      const reader = await openInfluxReader(options());
      const fieldsOf = new Map<string, number>();
      for (const name of names) {
        const mine: [number, number][] = [];
        for await (const { timeMs, value } of store.query([name as PointName], 0, 8.64e15)) mine.push([timeMs, value]);
        const theirs: [number, number][] = [];
        for await (const { timeMs, value } of reader.query([name as PointName], mine[0]![0], mine.at(-1)![0] + 1))
          theirs.push([timeMs, value]);
        expect(theirs, name).toEqual(mine);
        const { measurement } = addressOf("demo", name as PointName);
        fieldsOf.set(measurement, (fieldsOf.get(measurement) ?? 0) + mine.length);
      }
      // And nothing else: as many values in all as the embedded store has.
      for (const [measurement, values] of fieldsOf) {
        const counts = await ask(`SELECT count(*) FROM ${measurement}`);
        const all = Object.entries(counts[0]!).reduce((sum, [key, count]) => sum + (key.startsWith("count_") ? Number(count) : 0), 0);
        expect(all, measurement).toBe(values);
      }
      await reader.close();
      await store.close();
    }, 120_000);

    it("the dashboard beside InfluxDB shows the energy, setpoints and reasons of the daemon's own store and its comfort as far as it was written in time, and takes no orders", async () => {
      const site = join(directory, "site.yaml");
      const config = loadSiteConfig(site);
      const child = spawn(
        process.execPath,
        ["dist/src/main.js", "dashboard", "--influx", server.url, "--ca", join(directory, "ca.pem"), "--config", site, "--port", "0"],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      const store = await openDuckdbStore(join(directory, "data"), { onWarning: () => undefined });
      try {
        const base = await new Promise<string>((resolve, reject) => {
          let said = "";
          child.stdout.setEncoding("utf8").on("data", (text: string) => {
            said += text;
            const match = /^Dashboard +(http:\S+)/m.exec(said);
            if (match !== null) resolve(match[1]!);
          });
          child.once("exit", (code) => reject(new Error(`The dashboard ended with ${code}.`)));
        });
        const shown = async <T>(path: string): Promise<T> => (await (await fetch(`${base}api/v1/${path}`)).json()) as T;
        const overview = await shown<OverviewView>("overview");
        const last = (await store.latestDecision())!;
        const own = await createDashboard({
          reader: store,
          site: config.site,
          status: () => ({ ...minimalStatus, lastTickMs: last.timeMs, tickIntervalS: config.control.stepS }),
          people: {
            store: { load: async () => ({ users: [], tokens: [] }), save: async () => undefined },
            audit: { recordAudit: async () => undefined, auditEntries: async () => [] },
          },
          nowMs: () => overview.nowMs,
          port: 0,
          log: { info: () => undefined, warn: () => undefined, error: () => undefined },
        });
        const stored = async <T>(path: string): Promise<T> => (await (await fetch(`${own.url}api/v1/${path}`)).json()) as T;
        for (const { id, zoneAirTempC } of (await stored<OverviewView>("overview")).zones)
          expect([id, overview.zones.find((zone) => zone.id === id)!.zoneAirTempC]).toEqual([id, zoneAirTempC]);
        // All steps but the last ones, whose bands are written when they are over.
        const range = `from=${last.timeMs - 86_400_000}&to=${last.timeMs - 1_800_000}`;
        const [mine, theirs] = [await stored<ComfortView>(`comfort?${range}`), await shown<ComfortView>(`comfort?${range}`)];
        // A step counts there where its measurement was in time for the row of its end: of a busy machine some come late.
        for (const { id, scoredSteps } of mine.zones) {
          const there = theirs.zones.find((zone) => zone.id === id)!.scoredSteps;
          expect(scoredSteps).toBeGreaterThan(5);
          expect(there).toBeLessThanOrEqual(scoredSteps);
          expect(there).toBeGreaterThanOrEqual(0.5 * scoredSteps);
        }
        expect(Math.abs(theirs.inBandPct! - mine.inBandPct!)).toBeLessThan(20);
        const [energy, same] = [await stored<EnergyView>(`energy?${range}`), await shown<EnergyView>(`energy?${range}`)];
        expect(same.energyKwh).toBeCloseTo(energy.energyKwh!, 6);
        expect(Math.abs(same.cost! / energy.cost! - 1)).toBeLessThan(0.1);
        const decision = await shown<Decision>("decisions/latest");
        expect([decision.timeMs, decision.command, decision.plan.reason]).toEqual([last.timeMs, last.command, last.plan.reason]);
        expect((await fetch(`${base}api/v1/mode`, { method: "POST" })).status).toBe(404);
        await own.close();
      } finally {
        child.kill("SIGTERM");
        await store.close();
      }
    }, 120_000);
  },
);
