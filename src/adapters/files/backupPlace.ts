import { randomBytes } from "node:crypto";
import { cp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BackupManifest, readManifest, verifyFiles } from "#adapters/files/backupFolder";

const prefixOf = (site: string): string => `isotherm-${site}-`;
/** Name of a backup's own folder; names sort by time. */
export const folderName = (site: string, createdAt: string): string =>
  `${prefixOf(site)}${createdAt.replace(/[-:]/g, "").replace(/\.\d+/, "")}`;

/** Moves a finished backup to its place, whole or not at all, also from one file system to another. */
export const moveBackup = async (folder: string, target: string, manifest: BackupManifest): Promise<void> => {
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await cp(folder, temporary, { recursive: true, errorOnExist: true, preserveTimestamps: true });
    await verifyFiles(temporary, manifest);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
};

/** Finished backups of a site in `directory`, newest first; folders that are none are passed over. Rejects where the folder cannot be read. */
export const backupsIn = async (
  directory: string,
  site: string,
): Promise<readonly { readonly name: string; readonly manifest: BackupManifest }[]> => {
  const found: { name: string; manifest: BackupManifest }[] = [];
  for (const name of (await readdir(directory)).sort().reverse()) {
    if (!name.startsWith(prefixOf(site))) continue;
    const manifest = await readManifest(join(directory, name)).catch(() => null);
    if (manifest?.site === site && name === folderName(site, manifest.createdAt)) found.push({ name, manifest });
  }
  return found;
};

/** Bytes of all files of a backup. */
export const bytesOf = ({ files }: BackupManifest): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Removes all but the newest backups of this site in `directory`; resolves with their names. */
export const removeOldBackups = async (directory: string, site: string, keep: number): Promise<readonly string[]> => {
  const old = (await backupsIn(directory, site)).slice(keep).map(({ name }) => name);
  for (const name of old) await rm(join(directory, name), { recursive: true });
  return old;
};
