import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { IsothermError } from "#domain/errors";
import type { EmbeddedStore } from "#domain/store";
import { transpileSources } from "./support/transpiled.js";

const root = mkdtempSync(join(tmpdir(), "isotherm-crash-"));
let writerScript = "";
const children: ChildProcess[] = [];

// Appends rows whose value is their number, replaces the model version "current" by the next generation, and writes a line for each acknowledgement.
const writerSource = `
import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
const [dataDir, firstRow, firstGeneration] = process.argv.slice(2);
const store = await openDuckdbStore(dataDir, { onWarning: (text) => writeSync(1, "warning " + text + "\\n") });
writeSync(1, "open\\n");
let row = Number(firstRow);
let generation = Number(firstGeneration);
for (let k = 0; ; k++) {
  const size = [1, 7, 50, 400][k % 4];
  const points = Array.from({ length: size }, (_, i) => ({ timeMs: 1e12 + (row + i) * 1000, point: "z" + ((row + i) % 5) + ".zoneAirTempC", value: row + i }));
  await store.append(points);
  row += size;
  writeSync(1, "rows " + row + "\\n");
  if (k % 3 === 0) {
    const json = JSON.stringify({ generation: ++generation, weights: "x".repeat(100000) + generation });
    await store.saveModelVersion({ id: "current", createdMs: generation, json, checksum: createHash("sha256").update(json).digest("hex"), summary: { generation } });
    await store.setCursor("reader", row);
    writeSync(1, "model " + generation + "\\n");
  }
}
`;

beforeAll(() => {
  writerScript = transpileSources(join(root, "code"), ["src/domain", "src/adapters/store", "src/adapters/files"])("writer", writerSource);
});
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

interface Acknowledged {
  rows: number;
  generation: number;
}

/** Runs the writer, SIGKILLs it `lifeMs` after its first acknowledgement, and returns what it was told is safe. */
async function writeUntilKilled(dataDir: string, from: Acknowledged, lifeMs: number): Promise<Acknowledged> {
  const child = spawn(process.execPath, [writerScript, dataDir, String(from.rows), String(from.generation)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const acknowledged = { ...from };
  let timer: NodeJS.Timeout | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [what, value] = line.split(" ");
    if (what === "rows") acknowledged.rows = Number(value);
    if (what === "model") acknowledged.generation = Number(value);
    if (what === "warning") throw new Error(line);
    if (what === "rows") timer ??= setTimeout(() => child.kill("SIGKILL"), lifeMs);
  }
  if (timer === undefined) throw new Error("the writer ended before its first acknowledgement");
  return acknowledged;
}

/** As writeUntilKilled, until the log holds a record: DuckDB folds it into the database by itself now and then, and a writer killed just after that leaves none. */
async function writeUntilKilledWithLog(dataDir: string, lifeMs: number): Promise<{ safe: Acknowledged; wal: string }> {
  const wal = join(dataDir, "isotherm.duckdb.wal");
  for (let attempt = 0; attempt < 20; attempt++) {
    rmSync(dataDir, { recursive: true, force: true });
    const safe = await writeUntilKilled(dataDir, { rows: 0, generation: 0 }, lifeMs + attempt);
    if ((statSync(wal, { throwIfNoEntry: false })?.size ?? 0) > 200) return { safe, wal };
  }
  throw new Error("no writer left a log behind");
}

async function rowsOf(store: EmbeddedStore): Promise<number[]> {
  const values: number[] = [];
  for await (const { value } of store.query(
    ["z0.zoneAirTempC", "z1.zoneAirTempC", "z2.zoneAirTempC", "z3.zoneAirTempC", "z4.zoneAirTempC"],
    0,
    4e12,
  ))
    values.push(value);
  return values;
}

/** xorshift32: the kill times are the same in every run. */
function seeded(seed: number): () => number {
  let s = seed;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 2 ** 32;
  };
}

describe("the embedded store when its process is killed", () => {
  test("holds every acknowledged row and a whole model version after each of 12 SIGKILLs at random times", async () => {
    const dataDir = join(root, "killed");
    const random = seeded(20261122);
    let safe: Acknowledged = { rows: 0, generation: 0 };
    for (let round = 0; round < 12; round++) {
      safe = await writeUntilKilled(dataDir, safe, 5 + random() * 250);
      const warnings: string[] = [];
      const store = await openDuckdbStore(dataDir, { onWarning: (text) => warnings.push(text) });
      const values = await rowsOf(store);
      // Rows come in the order of their number; an append that was not acknowledged may be there, whole.
      expect(values.length).toBeGreaterThanOrEqual(safe.rows);
      expect(values).toEqual(values.map((_, i) => i));
      const replicated = await store.readAfter(values.length - 1, 10);
      expect(replicated.map(({ seq, point }) => [seq, point.value])).toEqual([[values.length, values.length - 1]]);
      const versions = await store.modelVersions();
      expect(versions.length).toBeLessThanOrEqual(1);
      const generation = (versions[0]?.summary.generation as number | undefined) ?? 0;
      expect(generation).toBeGreaterThanOrEqual(safe.generation);
      expect(generation).toBeLessThanOrEqual(safe.generation + 1);
      expect(await store.cursor("reader")).toBeLessThanOrEqual(values.length);
      expect(warnings).toEqual([]);
      await store.close();
      safe = { rows: values.length, generation };
    }
    expect(safe.rows).toBeGreaterThan(1000);
  });

  test("goes on after a log torn in the middle of a record, and keeps what is written then through the next crash", async () => {
    const dataDir = join(root, "torn");
    const { safe, wal } = await writeUntilKilledWithLog(dataDir, 100);
    truncateSync(wal, statSync(wal).size - 7);
    let store = await openDuckdbStore(dataDir, { onWarning: () => undefined });
    const left = await rowsOf(store);
    expect(left).toEqual(left.map((_, i) => i));
    expect(left.length).toBeGreaterThan(safe.rows / 2);
    const generation = (await store.modelVersions())[0]!.summary.generation as number;
    await store.close();
    const then = await writeUntilKilled(dataDir, { rows: left.length, generation }, 60);
    store = await openDuckdbStore(dataDir, { onWarning: () => undefined });
    expect((await rowsOf(store)).length).toBeGreaterThanOrEqual(then.rows);
    await store.close();
  });

  test("says who holds the store while another process has it open, and opens once that has ended", async () => {
    const dataDir = join(root, "locked");
    const child = spawn(process.execPath, [writerScript, dataDir, "0", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    for (const readOnly of [false, true]) {
      const error = await openDuckdbStore(dataDir, { onWarning: () => undefined, readOnly }).catch((caught) => caught);
      expect(error).toBeInstanceOf(IsothermError);
      expect(error).toMatchObject({ kind: "retryable", exitCode: 69 });
      expect(error.describe()).toContain("isotherm.duckdb");
      expect(error.describe()).toContain(String(child.pid));
      expect(error.todo).toMatch(/Stop the other/);
    }
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    const store = await openDuckdbStore(dataDir, { onWarning: () => undefined });
    await store.close();
  });
});

describe("a damaged store", () => {
  const damages: readonly [string, (file: Buffer) => Buffer][] = [
    ["cut in half", (file) => file.subarray(0, file.length >> 1)],
    ["cut by 100 bytes", (file) => file.subarray(0, file.length - 100)],
    ["cut inside its header", (file) => file.subarray(0, 5000)],
    ["emptied", () => Buffer.alloc(0)],
    ["overwritten with text", (file) => Buffer.from("not a database\n".repeat(Math.ceil(file.length / 15)))],
    ...[0, 9, 50, 4100, 12_400, 0.4, 0.6, 0.99].map((where): [string, (file: Buffer) => Buffer] => [
      `with a byte flipped at ${where < 1 && where > 0 ? `${where * 100} % of it` : where}`,
      (file) => {
        const copy = Buffer.from(file);
        const offset = where < 1 && where > 0 ? Math.floor(file.length * where) : where;
        copy[offset] = copy[offset]! ^ 0xff;
        return copy;
      },
    ]),
  ];
  const dataDir = join(root, "damaged");
  const file = join(dataDir, "isotherm.duckdb");
  let whole: Buffer;

  beforeAll(async () => {
    const store = await openDuckdbStore(dataDir, { onWarning: () => undefined });
    for (let k = 0; k < 5; k++)
      await store.append(
        Array.from({ length: 20_000 }, (_, i) => ({
          timeMs: 1e12 + (k * 20_000 + i) * 1000,
          point: "z.zoneAirTempC",
          value: Math.sin(k * 20_000 + i),
        })),
      );
    await store.close();
    whole = readFileSync(file);
  });

  test.each(damages)("%s is refused with what to do, or still gives every row; nothing is written over it", async (_, damage) => {
    const damaged = damage(whole);
    writeFileSync(file, damaged);
    for (const readOnly of [true, false]) {
      const opened = await openDuckdbStore(dataDir, { onWarning: () => undefined, readOnly }).catch((caught) => caught);
      if (opened instanceof Error) {
        expect(opened).toBeInstanceOf(IsothermError);
        expect(opened).toMatchObject({ kind: "permanent", place: { file } });
        expect((opened as IsothermError).describe()).toMatch(/damaged.*\n.*backup/);
        expect(readFileSync(file).equals(damaged)).toBe(true);
        continue;
      }
      // DuckDB keeps two headers and free blocks; damage there costs nothing.
      const store: EmbeddedStore = opened;
      let count = 0;
      for await (const { value, timeMs } of store.query(["z.zoneAirTempC"], 0, 4e12))
        if (value === Math.sin((timeMs - 1e12) / 1000)) count++;
      expect(count).toBe(100_000);
      await store.close();
    }
  });

  test("a log with a flipped byte is refused and left as it is", async () => {
    const own = join(root, "damagedLog");
    const { wal } = await writeUntilKilledWithLog(own, 80);
    const bytes = readFileSync(wal);
    bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 0xff;
    writeFileSync(wal, bytes);
    const error = await openDuckdbStore(own, { onWarning: () => undefined }).catch((caught) => caught);
    expect(error).toMatchObject({ kind: "permanent" });
    expect(error.describe()).toMatch(/damaged[\s\S]*\.wal[\s\S]*backup/);
    expect(readFileSync(wal).equals(bytes)).toBe(true);
  });
});
