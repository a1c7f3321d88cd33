import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readManifest, verifyFiles } from "#adapters/files/backupFolder";
import { createBackupKeeper } from "#cli/daemon/backupKeeper";
import { writeBackup } from "#cli/daemon/dataBackup";
import type { AuditView, BackupsView, Problem } from "#dashboards/server/wire";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { Client, passwords, quickScrypt, threePeople } from "./client.js";
import { inMemoryPeople, type RunningDashboard, serve } from "./server.js";

const root = mkdtempSync(join(tmpdir(), "isotherm-backups-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("backups on the dashboard", () => {
  let office: Office;
  const open: RunningDashboard[] = [];
  beforeAll(async () => {
    office = await buildOffice({ days: 0.25 });
  });
  afterAll(async () => {
    for (const dashboard of open) await dashboard.close();
  });

  /** Writes what a backup has, without a store of its own. */
  const make = async (): Promise<string> => {
    const directory = mkdtempSync(join(root, "data-"));
    writeFileSync(join(directory, "people.json"), "{}");
    writeFileSync(join(directory, "savings-adjustments.json"), "[]");
    const siteFile = join(directory, "site.yaml");
    writeFileSync(siteFile, "site: {}\n");
    const folder = join(directory, "backup-0123456789ab");
    const store = { backup: async (file: string) => writeFileSync(file, "x".repeat(1_000)) };
    await writeBackup({ store, directory, siteFile, site: office.site.id, version: "0.1.0", folder });
    return folder;
  };
  const serveWith = async (directory: string | null, from = make) => {
    const dashboard = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      orders: { backups: createBackupKeeper({ make: from, site: office.site.id, directory }) },
    });
    open.push(dashboard);
    const as = async (name: keyof typeof passwords): Promise<Client> => {
      const client = new Client(dashboard.port);
      await client.logIn(name, passwords[name]);
      return client;
    };
    return { as };
  };

  it("an admin makes one; it is whole, listed with time, size and place, and in the audit log", async () => {
    const directory = join(root, "kept");
    const { as } = await serveWith(directory);
    const ada = await as("ada");
    expect(await ada.json<BackupsView>("GET", "/backups")).toEqual({ folder: directory, backups: [], running: false, failure: null });
    const { backups, running, failure } = await ada.json<BackupsView>("POST", "/backups");
    expect([running, failure, backups.length]).toEqual([false, null, 1]);
    const [{ path, createdMs, bytes, files }] = backups as [BackupsView["backups"][number]];
    const manifest = await readManifest(path);
    await verifyFiles(path, manifest);
    expect(manifest.files.map(({ name }) => name).sort()).toEqual([
      "isotherm.duckdb",
      "people.json",
      "savings-adjustments.json",
      "site.yaml",
    ]);
    expect(createdMs).toBe(Date.parse(manifest.createdAt));
    expect(bytes).toBe(manifest.files.reduce((sum, { name }) => sum + statSync(join(path, name)).size, 0));
    expect(files).toBe(4);
    expect(readdirSync(directory)).toHaveLength(1);
    const { entries } = await ada.json<AuditView>("GET", "/audit");
    expect(entries.find(({ action }) => action === "backup.create")).toMatchObject({ who: "ada", outcome: "done" });
  });

  it("nobody but an admin sees or makes any", async () => {
    const { as } = await serveWith(join(root, "unseen"));
    for (const name of ["bob", "eve"] as const) {
      const client = await as(name);
      for (const method of ["GET", "POST"]) expect([name, method, await client.status(method, "/backups")]).toEqual([name, method, 403]);
    }
    expect(readdirSync(root)).not.toContain("unseen");
  });

  it("says what to write into the site file where no folder is configured, and writes the refusal down", async () => {
    const { as } = await serveWith(null);
    const ada = await as("ada");
    expect(await ada.json<BackupsView>("GET", "/backups")).toMatchObject({ folder: null, backups: [] });
    const answer = await ada.send("POST", "/backups");
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.body) as Problem).toMatchObject({
      error: "No folder for backups is configured.",
      todo: expect.stringContaining("store.backups"),
    });
    const { entries } = await ada.json<AuditView>("GET", "/audit");
    expect(entries.find(({ action }) => action === "backup.create")).toMatchObject({ outcome: "refused" });
  });

  it("refuses a second one while one is being made, and a folder that cannot be made", async () => {
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let began = (): void => undefined;
    const beginning = new Promise<void>((resolve) => {
      began = resolve;
    });
    const { as } = await serveWith(join(root, "one"), async () => {
      began();
      await gate;
      return make();
    });
    const ada = await as("ada");
    const first = ada.json<BackupsView>("POST", "/backups");
    await beginning;
    expect((await ada.json<BackupsView>("GET", "/backups")).running).toBe(true);
    expect(await ada.status("POST", "/backups")).toBe(409);
    go();
    expect((await first).backups).toHaveLength(1);
    mkdirSync(join(root, "full"));
    writeFileSync(join(root, "full/file"), "");
    const blocked = await serveWith(join(root, "full/file/below"));
    const again = await blocked.as("ada");
    expect(await again.status("POST", "/backups")).toBe(409);
    // The folder cannot be read either.
    expect(await again.status("GET", "/backups")).toBe(409);
  });
});
