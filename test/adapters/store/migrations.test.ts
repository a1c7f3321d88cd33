import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { migrateStore, openSession } from "#adapters/store/duckdbSession";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { schemaVersion } from "#adapters/store/schema";
import type { PointName } from "#domain/points";

const root = mkdtempSync(join(tmpdir(), "isotherm-migrations-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
/** A store that isotherm 0.1.0 with schema version 3 wrote: three hours of two points, one value corrected, and one of everything else. */
const ofSchema3 = (): string => {
  const directory = join(root, String(made++));
  mkdirSync(directory);
  const packed = readFileSync(fileURLToPath(new URL("../../fixtures/stores/schema3.duckdb.gz", import.meta.url)));
  writeFileSync(join(directory, "isotherm.duckdb"), gunzipSync(packed));
  return directory;
};
const T0 = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;
const onWarning = (): void => undefined;
const air: PointName = "lobby.zoneAirTempC";

/** Everything that is in a store, as readers see it. */
const contents = async (directory: string) => {
  const store = await openDuckdbStore(directory, { onWarning });
  const rows = [];
  for await (const row of store.query([air, "building.hvacEnergyKwh"], 0, 1e13)) rows.push(row);
  const decisions = [];
  for await (const decision of store.decisions(0, 1e13)) decisions.push(decision);
  const all = {
    rows,
    decisions,
    alarms: await store.alarms(0),
    models: await store.modelVersions(),
    changes: await store.modelChanges(),
    audit: await store.auditEntries(100),
    cursor: await store.cursor("influx"),
    after: await store.readAfter(200, 1_000),
  };
  await store.close();
  return all;
};
const versionIn = async (directory: string): Promise<number> => {
  let found = Number.NaN;
  const session = await openSession(directory, false, async (connection) => {
    found = Number((await connection.runAndReadAll("SELECT max(version)::INTEGER FROM schema_version")).getRows()[0]![0]);
  });
  session.close();
  return found;
};

describe("a store of the previous schema", () => {
  test("opens with everything that was in it, and goes on", async () => {
    const directory = ofSchema3();
    const { rows, decisions, alarms, models, changes, audit, cursor, after } = await contents(directory);
    expect(await versionIn(directory)).toBe(schemaVersion);
    expect(rows).toHaveLength(360);
    expect(rows.find(({ point, timeMs }) => point === air && timeMs === T0 + HOUR_MS / 2)!.value).toBe(25);
    expect([decisions.length, alarms.length, models.length, changes.length, audit.length, cursor, after.length]).toEqual([
      1, 1, 1, 1, 1, 200, 161,
    ]);
    const store = await openDuckdbStore(directory, { onWarning });
    await store.append([{ point: air, timeMs: T0 + 4 * HOUR_MS, value: 19 }]);
    expect((await store.readAfter(361, 10)).map(({ seq }) => seq)).toEqual([362]);
    await store.downsampleBefore(T0 + 2 * HOUR_MS);
    expect((await store.series([air], T0, T0 + 5 * HOUR_MS, 1)).get(air)![0]!.max).toBe(25);
    await store.close();
  });

  test("is the same after the way up and back, and up again", async () => {
    const directory = ofSchema3();
    const before = await contents(directory);
    expect(await migrateStore(directory, 3)).toEqual({
      from: 4,
      lost: ["the lowest and highest values of hours that are kept as their mean"],
    });
    expect(await versionIn(directory)).toBe(3);
    // As the previous isotherm writes: rows of five columns.
    const session = await openSession(directory, false, async () => undefined);
    await session.writer.run(`INSERT INTO telemetry VALUES (362, ${T0 + 5 * HOUR_MS}, 1, 18.5, false)`);
    session.close();
    const again = await contents(directory);
    expect(again.rows.slice(0, -1)).toEqual(before.rows);
    expect(again.rows.at(-1)).toEqual({ point: air, timeMs: T0 + 5 * HOUR_MS, value: 18.5 });
    expect({ ...again, rows: [], after: [] }).toEqual({ ...before, rows: [], after: [] });
  });

  test("goes back to the first schema, says what that costs, and comes up again", async () => {
    const directory = ofSchema3();
    const before = await contents(directory);
    expect((await migrateStore(directory, 1)).lost).toEqual([
      "the lowest and highest values of hours that are kept as their mean",
      "the record of what people did",
      "the record of model changes",
    ]);
    const again = await contents(directory);
    expect(again.rows).toEqual(before.rows);
    expect([again.audit, again.changes.map(({ reason }) => reason)]).toEqual([[], ["learned before changes were written down"]]);
  });

  test("stays as it was where a step fails, and a version nobody knows is refused", async () => {
    const directory = ofSchema3();
    const session = await openSession(directory, false, async (connection) => {
      // Something in the way of the next step.
      await connection.run("ALTER TABLE telemetry ADD COLUMN high DOUBLE");
    });
    session.close();
    await expect(openDuckdbStore(directory, { onWarning })).rejects.toThrow();
    expect(await versionIn(directory)).toBe(3);
    const newer = ofSchema3();
    const other = await openSession(newer, false, async (connection) => {
      await connection.run(`UPDATE schema_version SET version = ${schemaVersion + 1}`);
    });
    other.close();
    await expect(openDuckdbStore(newer, { onWarning })).rejects.toMatchObject({
      kind: "configuration",
      todo: expect.stringContaining("migrate --to"),
    });
    await expect(migrateStore(newer, 3)).rejects.toMatchObject({ kind: "configuration" });
  });
});
