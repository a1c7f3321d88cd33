import { chmod, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { type BackupManifest, writeManifest } from "#adapters/files/backupFolder";
import type { BackedUpStore } from "#adapters/store/duckdbStore";
import { schemaVersion } from "#adapters/store/schema";

export const storeFileName = "isotherm.duckdb";
/** The site file as it was, for people; a restore leaves the present one. */
export const siteFileName = "site.yaml";
/** What a data directory has beside the store, as far as it is kept: users, orders, closed days, adjustments of the savings baseline, the simulated building, what Home Assistant was told, refused rows. */
export const stateFileNames: readonly string[] = [
  "people.json",
  "supervisor.json",
  "demandResponse.json",
  "closures.json",
  "commissioning.json",
  "savings-adjustments.json",
  "building.json",
  "announced.json",
  "influx-quarantine.jsonl",
];

/**
 * Writes a backup of a data directory into the new folder `folder`: a consistent copy of the store (models are in it), the state files, the site file, and a manifest with
 * checksums. Control and measurements go on meanwhile. Files are readable by their owner only; secrets that the site file refers to are not in it.
 */
export const writeBackup = async (options: {
  readonly store: Pick<BackedUpStore, "backup">;
  readonly directory: string;
  readonly siteFile: string;
  readonly site: string;
  readonly version: string;
  readonly folder: string;
}): Promise<BackupManifest> => {
  const { directory, folder } = options;
  const createdAt = new Date().toISOString();
  await mkdir(folder, { mode: 0o700 });
  try {
    const names: string[] = [];
    const copy = async (from: string, name: string): Promise<void> => {
      let content: Buffer;
      try {
        content = await readFile(from);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
        throw error;
      }
      await atomicWrite(join(folder, name), content, { mode: 0o600 });
      names.push(name);
    };
    await options.store.backup(join(folder, storeFileName));
    await chmod(join(folder, storeFileName), 0o600);
    names.push(storeFileName);
    for (const name of stateFileNames) await copy(join(directory, name), name);
    await copy(options.siteFile, siteFileName);
    return await writeManifest(folder, names, { isotherm: options.version, schema: schemaVersion, site: options.site, createdAt });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};
