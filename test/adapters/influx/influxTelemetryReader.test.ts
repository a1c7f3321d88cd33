import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startInfluxReplicator } from "#adapters/influx/influxReplicator";
import { type InfluxReader, openInfluxReader } from "#adapters/influx/influxTelemetryReader";
import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { StoreChange } from "#domain/store";
import { freePort, Influxd, influxdInstalled } from "../../faults/support/influxd.js";

const T0 = Date.UTC(2026, 0, 5);
const points: readonly PointName[] = [
  "lobby.zoneAirTempC",
  "site.outdoorAirTempC",
  "building.hvacPowerW",
  "ahu.supplyAirTempC",
  "odd zone\\.zoneAirTempC",
];

describe.skipIf(!influxdInstalled)(`the InfluxDB reader${influxdInstalled ? "" : " (skipped: influxd is not installed)"}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-reader-"));
  const store = openInMemoryStore();
  let server: Influxd;
  let reader: InfluxReader;

  beforeAll(async () => {
    server = await Influxd.start(folder);
    const rows = Array.from(
      { length: 400 },
      (_, i): TelemetryPoint => ({ timeMs: T0 + i * 900_000, point: points[i % points.length]!, value: Math.sin(i) * 20 }),
    );
    await store.append([...rows, { timeMs: T0 + 90 * 86_400_000, point: points[0]!, value: 5 }]);
    await store.putAlarm({ id: "stale:lobby", level: "critical", zone: "lobby", text: "t", action: "a", sinceMs: T0, clearedMs: null });
    await store.putAlarm({ id: "late", level: "info", zone: null, text: "t", action: "a", sinceMs: T0, clearedMs: T0 + 5000 });
    const options = {
      url: server.url,
      database: "read",
      building: "office",
      quarantineFile: join(folder, "q"),
      onWarning: () => undefined,
    };
    const replicator = await startInfluxReplicator(store, { ...options, pollMs: 10, probeMs: 0 });
    // The probe is written only once rows and alarms are through.
    while (replicator.status().cursorSeq < 401) await wait(10);
    while ((await server.query("SELECT * FROM isotherm_probe", { db: "read" })).length === 0) await wait(10);
    await replicator.stop();
    reader = await openInfluxReader({ ...options, watch: points, pollMs: 20 });
  });
  afterAll(async () => {
    await reader.close();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test("gives the same latest values, series and rows as the store it was fed from", async () => {
    const asked = [...points, "absent.zoneAirTempC"] as const;
    for (const atMs of [undefined, T0 + 10_000_000, T0 - 1])
      expect([...(await reader.latest(asked, atMs))].sort()).toEqual([...(await store.latest(asked, atMs))].sort());
    for (const [fromMs, toMs, buckets] of [
      [T0, T0 + 400 * 900_000, 24],
      [T0 + 12_345, T0 + 77_777_777, 7],
      [T0, T0 + 100 * 86_400_000, 1],
    ] as const) {
      const [got, expected] = [await reader.series(asked, fromMs, toMs, buckets), await store.series(asked, fromMs, toMs, buckets)];
      expect([...got.keys()]).toEqual([...expected.keys()]);
      for (const [point, series] of expected) {
        expect(got.get(point)!.map(({ timeMs, min, max }) => [timeMs, min, max])).toEqual(
          series.map(({ timeMs, min, max }) => [timeMs, min, max]),
        );
        for (const [i, bucket] of series.entries()) expect(got.get(point)![i]!.mean).toBeCloseTo(bucket.mean, 9);
      }
    }
    const all = async (source: { query: InfluxReader["query"] }) => {
      const rows: TelemetryPoint[] = [];
      for await (const row of source.query(asked, T0 + 1, T0 + 100 * 86_400_000)) rows.push(row);
      return rows;
    };
    const rows = await all(reader);
    expect(rows).toHaveLength(400);
    expect(rows).toEqual(await all(store));
  });

  test("knows the zones and the alarms", async () => {
    expect([...(await reader.zones())].sort()).toEqual(["lobby", "odd zone\\"]);
    expect(await reader.alarms(0)).toMatchObject([
      { id: "stale:lobby", level: "critical", zone: "lobby", sinceMs: T0, clearedMs: null },
      { id: "late", level: "info", zone: null, sinceMs: T0, clearedMs: T0 + 5000 },
    ]);
    expect((await reader.alarms(T0 + 6000)).map((alarm) => alarm.id)).toEqual(["stale:lobby"]);
    expect(await reader.latestDecision()).toBeNull();
  });

  test("tells of new values of the points it watches, once", async () => {
    const told: StoreChange[] = [];
    const stop = reader.onChange((change) => told.push(change));
    while (told.length === 0) await wait(10);
    await wait(100);
    expect(told).toHaveLength(1);
    await server.write("read", `isotherm_zone,building=office,zone=lobby t_air_c=7 ${T0 + 91 * 86_400_000}000000`);
    while (told.length === 1) await wait(10);
    stop();
    expect(told[1]).toEqual({ kind: "telemetry", points: [{ timeMs: T0 + 91 * 86_400_000, point: points[0], value: 7 }] });
  });

  test("a server that is not there is a retryable error that names it", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const away = await openInfluxReader({ url, database: "d", building: "b" });
    await expect(away.latest([points[0]!])).rejects.toMatchObject({
      kind: "retryable",
      exitCode: 69,
      message: expect.stringContaining(url),
    });
    await away.close();
  });
});
