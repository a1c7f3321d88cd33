import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { migrations } from "#adapters/store/schema";
import { IsothermError } from "#domain/errors";
import { modelVersion } from "../../contracts/telemetryStore.js";

const root = mkdtempSync(join(tmpdir(), "isotherm-duckdb-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
let dataDir = "";
let file = "";
const warnings: string[] = [];
const onWarning = (text: string) => void warnings.push(text);
beforeEach(() => {
  dataDir = join(root, String(made++), "var");
  file = join(dataDir, "isotherm.duckdb");
  warnings.length = 0;
});

const sql = async (...statements: string[]) => {
  mkdirSync(dataDir, { recursive: true });
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
};
const refusal = async (readOnly = false): Promise<IsothermError> => {
  const outcome = await openDuckdbStore(dataDir, { onWarning, readOnly }).catch((error) => error);
  expect(outcome).toBeInstanceOf(IsothermError);
  return outcome;
};
const air = "z.zoneAirTempC" as const;

describe("openDuckdbStore", () => {
  test("makes the directory and a database of its own", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    await store.close();
    expect(existsSync(file)).toBe(true);
  });

  test("refuses a store of a newer isotherm, and leaves it as it is", async () => {
    await (await openDuckdbStore(dataDir, { onWarning })).close();
    await sql("UPDATE schema_version SET version = 99");
    expect(await refusal()).toMatchObject({
      kind: "configuration",
      message: expect.stringMatching(/99/),
      todo: expect.stringMatching(/newer/),
    });
  });

  test("refuses a DuckDB file that something else made", async () => {
    await sql("CREATE TABLE sales (id INTEGER)");
    expect(await refusal()).toMatchObject({ kind: "configuration", message: expect.stringMatching(/not made by isotherm/) });
  });

  test("refuses a second opening in the same process, which POSIX locks would let through", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    expect(await refusal()).toMatchObject({ kind: "retryable", message: expect.stringMatching(/already open/) });
    await store.close();
    await (await openDuckdbStore(dataDir, { onWarning })).close();
  });

  test("opened read-only it reads, refuses writes, and does not make what is not there", async () => {
    expect(await refusal(true)).toMatchObject({ exitCode: 69, message: expect.stringMatching(/no store/) });
    expect(existsSync(dataDir)).toBe(false);
    const store = await openDuckdbStore(dataDir, { onWarning });
    await store.append([{ timeMs: 1000, point: air, value: 20 }]);
    await store.close();
    const reader = await openDuckdbStore(dataDir, { onWarning, readOnly: true });
    await expect(reader.append([{ timeMs: 2000, point: air, value: 21 }])).rejects.toThrow(/read-only/);
    expect((await reader.latest([air])).get(air)?.value).toBe(20);
    await reader.close();
  });

  test("leaves out a model version whose content does not match its checksum, and says so", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    for (const [i, id] of ["m1", "m2", "m3"].entries()) await store.saveModelVersion(modelVersion(id, i));
    await store.close();
    await sql(`UPDATE model_versions SET json = '{"id":"m2","alpha":[1,2,4]}' WHERE id = 'm2'`);
    const again = await openDuckdbStore(dataDir, { onWarning });
    expect((await again.modelVersions()).map((version) => version.id)).toEqual(["m3", "m1"]);
    expect(warnings).toEqual([expect.stringMatching(/^1 model version.*m2/)]);
    expect(await again.modelVersion("m2")).toBeNull();
    expect(warnings).toHaveLength(2);
    expect((await again.modelVersionHeads()).map(({ id }) => id)).toEqual(["m3", "m2", "m1"]);
    await again.close();
  });

  test("folds its log into the database every ten minutes of writing", async () => {
    let nowMs = 0;
    const store = await openDuckdbStore(dataDir, { onWarning, monotonicMs: () => nowMs });
    const append = (k: number) => store.append(Array.from({ length: 500 }, (_, i) => ({ timeMs: k * 1e6 + i, point: air, value: i })));
    for (let k = 0; k < 5; k++) await append(k);
    const log = `${file}.wal`;
    const before = statSync(log).size;
    nowMs = 11 * 60_000;
    await append(5);
    // The append is acknowledged first; the next one waits behind the folding.
    await append(6);
    expect(before).toBeGreaterThan(20_000);
    expect(existsSync(log) ? statSync(log).size : 0).toBeLessThan(before / 2);
    expect(warnings).toEqual([]);
    await store.close();
  });

  test("many callers at once, reading and writing, each get their own answer", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    await Promise.all(
      Array.from({ length: 60 }, async (_, k) => {
        const point = `z${k}.zoneAirTempC` as const;
        await store.append([{ timeMs: 1000, point, value: k }]);
        await store.setCursor(`c${k}`, k);
        expect((await store.latest([point])).get(point)?.value).toBe(k);
        expect((await store.series([point], 0, 2000, 3)).get(point)).toHaveLength(1);
        expect(await store.cursor(`c${k}`)).toBe(k);
      }),
    );
    expect((await store.readAfter(0, 1000)).map((row) => row.seq)).toEqual(Array.from({ length: 60 }, (_, k) => k + 1));
    await store.close();
  });

  test("a bad append beside good ones in the same moment fails alone", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 9 }, (_, k) => store.append([{ timeMs: k, point: air, value: k === 4 ? Number.NaN : k }])),
    );
    expect(outcomes.map((outcome) => outcome.status === "fulfilled")).toEqual([true, true, true, true, false, true, true, true, true]);
    expect(await store.readAfter(0, 100)).toHaveLength(8);
    await store.close();
  });

  test("a backup made while it is written to opens as a store of its own, with everything acknowledged before", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    await store.append([{ timeMs: 1000, point: air, value: 20 }]);
    await store.saveModelVersion(modelVersion("m1", 5));
    await store.setCursor("influx", 1);
    const target = join(root, `restored${made}`, "isotherm.duckdb");
    mkdirSync(dirname(target));
    const during = Array.from({ length: 20 }, (_, k) => store.append([{ timeMs: 2000 + k, point: air, value: k }]));
    await store.backup(target);
    await Promise.all(during);
    await store.append([{ timeMs: 9000, point: air, value: 9 }]);
    expect(readdirSync(dataDir).sort()).toEqual(["isotherm.duckdb", "isotherm.duckdb.wal"]);
    const copy = await openDuckdbStore(dirname(target), { onWarning });
    expect((await copy.readAfter(0, 100))[0]).toEqual({ seq: 1, point: { timeMs: 1000, point: air, value: 20 } });
    expect((await copy.latest([air])).get(air)?.timeMs).toBeLessThan(9000);
    expect(await copy.modelVersions()).toEqual([modelVersion("m1", 5)]);
    expect(await copy.cursor("influx")).toBe(1);
    await copy.append([{ timeMs: 10_000, point: air, value: 1 }]);
    await copy.close();
    expect((await store.latest([air])).get(air)?.value).toBe(9);
    await expect(store.backup(join(root, "absent", "x.duckdb"))).rejects.toThrow(IsothermError);
    await store.append([{ timeMs: 11_000, point: air, value: 2 }]);
    await store.close();
  });

  test("an import larger than one commit arrives whole and is told once", async () => {
    const store = await openDuckdbStore(dataDir, { onWarning });
    const told: number[] = [];
    store.onChange((change) => told.push(change.kind === "telemetry" ? change.points.length : -1));
    await store.append(Array.from({ length: 45_000 }, (_, i) => ({ timeMs: i * 60_000, point: air, value: i })));
    expect(told).toEqual([45_000]);
    const buckets = (await store.series([air], 0, 45_000 * 60_000, 45)).get(air)!;
    expect(buckets.map((bucket) => bucket.mean)).toEqual(Array.from({ length: 45 }, (_, b) => b * 1000 + 499.5));
    await store.close();
  });
});

describe("a store from before changes of models were written down", () => {
  test("tells which versions were in force from what they say of themselves", async () => {
    const version = (id: string, createdMs: number, accepted: string): string =>
      `INSERT INTO model_versions VALUES ('${id}', ${createdMs}, 'x', '{}', '{"leaveDayOutRmseK":0.1,"accepted":"${accepted}"}')`;
    await sql(
      migrations[0]!.up,
      "CREATE TABLE schema_version (version INTEGER NOT NULL)",
      "INSERT INTO schema_version VALUES (1)",
      version("m2", 20, "no"),
      version("m1", 10, "yes"),
      version("m3", 30, "yes"),
    );
    const store = await openDuckdbStore(dataDir, { onWarning });
    const changes = await store.modelChanges();
    expect(changes.map(({ kind, version: id, before, timeMs }) => [kind, id, before, timeMs])).toEqual([
      ["installed", "m1", null, 10],
      ["refused", "m2", "m1", 20],
      ["installed", "m3", "m1", 30],
    ]);
    await store.recordModelChange({ timeMs: 5, kind: "rolled-back", version: "m1", before: "m3", by: "x", reason: "" });
    expect((await store.modelChanges()).at(-1)?.version).toBe("m1");
    await store.close();
  });
});
