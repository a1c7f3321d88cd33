import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readManifest, verifyFiles } from "#adapters/files/backupFolder";
import { createLocalSocketServer } from "#adapters/localSocket/localSocketServer";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { schemaVersion } from "#adapters/store/schema";
import { stateFileNames, writeBackup } from "#cli/daemon/dataBackup";
import { openDataDirectory, restoringFileName } from "#cli/daemon/dataDirectory";
import { restoreBackup } from "#cli/restoreBackup";
import type { PointName } from "#domain/points";

const root = mkdtempSync(join(tmpdir(), "isotherm-backup-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const folder = (): string => join(root, String(made++));
const onWarning = (): void => undefined;
const air: PointName = "a.zoneAirTempC";

/** A data directory whose store is written to while its backup is made. */
const backedUp = async (rows = 2_000) => {
  const directory = folder();
  const siteFile = `${directory}.yaml`;
  mkdirSync(directory);
  for (const name of stateFileNames) writeFileSync(join(directory, name), `{"of":"${name}"}`, { mode: 0o600 });
  writeFileSync(siteFile, "site: {}\n");
  const store = await openDuckdbStore(directory, { onWarning });
  let acknowledged = 0;
  const append = async (): Promise<void> => {
    const timeMs = acknowledged * 1_000;
    await store.append([{ point: air, timeMs, value: acknowledged }]);
    acknowledged++;
  };
  await store.append(Array.from({ length: rows }, (_, i) => ({ point: "b.zoneAirTempC" as PointName, timeMs: i * 1_000, value: i })));
  for (let i = 0; i < 5; i++) await append();
  await store.setCursor("influx", 7);
  const before = acknowledged;
  const backup = folder();
  const writing = writeBackup({ store, directory, siteFile, site: "office", version: "0.1.0", folder: backup });
  let done = false;
  const writer = (async () => {
    while (!done) await append();
  })();
  await writing;
  done = true;
  await writer;
  await store.close();
  return { directory, backup, before, acknowledged };
};
const count = async (directory: string, point: PointName): Promise<number[]> => {
  const store = await openDuckdbStore(directory, { onWarning });
  const values: number[] = [];
  for await (const { value } of store.query([point], 0, 1e12)) values.push(value);
  await store.close();
  return values;
};

describe("backup and restore", () => {
  it("copies a store that is written to as of one moment, with users, orders and checksums, and the copy goes on", async () => {
    const { backup, before, acknowledged } = await backedUp();
    const manifest = await readManifest(backup);
    expect(manifest).toMatchObject({ site: "office", schema: schemaVersion, isotherm: "0.1.0" });
    expect(manifest.files.map(({ name }) => name).sort()).toEqual(["isotherm.duckdb", "site.yaml", ...stateFileNames].sort());
    await verifyFiles(backup, manifest);
    if (process.platform !== "win32") for (const { name } of manifest.files) expect(statSync(join(backup, name)).mode & 0o077).toBe(0);

    const target = folder();
    expect(await restoreBackup({ backup, site: "office", directory: target, replace: false })).toMatchObject({ aside: null });
    expect(readdirSync(target).sort()).toEqual(["isotherm.duckdb", ...stateFileNames].sort());
    const values = await count(target, air);
    // Everything acknowledged before it began, nothing torn, in order.
    expect(values).toEqual(Array.from(values, (_, i) => i));
    expect(values.length).toBeGreaterThanOrEqual(before);
    expect(values.length).toBeLessThanOrEqual(acknowledged);
    expect(await count(target, "b.zoneAirTempC")).toHaveLength(2_000);
    const forgotten = join(target, "backup-0123456789ab");
    mkdirSync(forgotten);
    const data = await openDataDirectory(target, onWarning);
    expect(() => statSync(forgotten)).toThrow();
    expect(await data.store.cursor("influx")).toBe(7);
    await data.store.append([{ point: air, timeMs: 1e9, value: 1 }]);
    expect((await data.store.readAfter(2_000 + values.length, 10)).map(({ seq }) => seq)).toEqual([2_001 + values.length]);
    await data.store.close();
  });

  it("puts data that is there aside only where it is told to, and keeps it whole", async () => {
    const { directory, backup, acknowledged } = await backedUp(10);
    await expect(restoreBackup({ backup, site: "office", directory, replace: false })).rejects.toMatchObject({
      kind: "configuration",
      todo: expect.stringContaining("--replace"),
    });
    writeFileSync(join(directory, "instance.json"), "{}");
    const { aside } = await restoreBackup({ backup, site: "office", directory, replace: true });
    expect(await count(aside!, air)).toHaveLength(acknowledged);
    // Who this installation is does not come from a backup.
    expect(readFileSync(join(directory, "instance.json"), "utf8")).toBe("{}");
    expect(readdirSync(directory).filter((name) => name.startsWith("restor"))).toEqual([]);
  });

  it("refuses a directory that a daemon runs on, by its socket and by its store's lock", async () => {
    const { directory, backup } = await backedUp(10);
    const before = readdirSync(directory).sort();
    const server = await createLocalSocketServer({
      path: socketPathOf(directory),
      handlers: { status: async () => ({ pid: 4711 }) },
      onWarning,
    });
    await expect(restoreBackup({ backup, site: "office", directory, replace: true })).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringContaining("process 4711"),
    });
    await server.close();
    const store = await openDuckdbStore(directory, { onWarning });
    await expect(restoreBackup({ backup, site: "office", directory, replace: true })).rejects.toMatchObject({ exitCode: 69 });
    await store.close();
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  it("refuses another site's backup, one of a newer schema or format, a damaged or unfinished one, before anything changes", async () => {
    const { backup } = await backedUp(10);
    const target = folder();
    const restore = (from: string, site = "office") => restoreBackup({ backup: from, site, directory: target, replace: false });
    await expect(restore(backup, "school")).rejects.toThrow(/of site "office"/);
    const manifestFile = join(backup, "manifest.json");
    const manifest = readFileSync(manifestFile, "utf8");
    const changed = (change: (text: string) => string): void => writeFileSync(manifestFile, change(manifest));
    changed((text) => text.replace(`"schema": ${schemaVersion}`, `"schema": ${schemaVersion + 1}`));
    await expect(restore(backup)).rejects.toThrow(
      new RegExp(`store schema ${schemaVersion + 1}; this isotherm knows ${schemaVersion} at most`),
    );
    changed((text) => text.replace('"format": 1', '"format": 2'));
    await expect(restore(backup)).rejects.toThrow(/format 2/);
    changed((text) => text.replace('"people.json"', '"../people.json"'));
    await expect(restore(backup)).rejects.toThrow(/not a backup/);
    changed((text) => text);
    const store = join(backup, "isotherm.duckdb");
    const bytes = readFileSync(store);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(store, bytes);
    rmSync(join(backup, "people.json"));
    writeFileSync(join(backup, "building.json"), "short");
    await expect(restore(backup)).rejects.toThrow(/isotherm.duckdb has changed; people.json is missing; building.json has 5 bytes/);
    rmSync(manifestFile);
    await expect(restore(backup)).rejects.toThrow(/not finished/);
    expect(() => statSync(target)).toThrow();
  });

  it("leaves no half backup where the store fails, and no start on a restore that was broken off", async () => {
    const target = folder();
    const failing = { backup: () => Promise.reject(new Error("disk full")) };
    await expect(
      writeBackup({ store: failing, directory: root, siteFile: "absent", site: "office", version: "0", folder: target }),
    ).rejects.toThrow("disk full");
    expect(() => statSync(target)).toThrow();
    const directory = folder();
    mkdirSync(directory);
    writeFileSync(join(directory, restoringFileName), "{}");
    await expect(openDataDirectory(directory, onWarning)).rejects.toThrow(/was broken off/);
  });
});
