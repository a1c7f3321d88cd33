import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readManifest } from "#adapters/files/backupFolder";
import { backupsIn, bytesOf, folderName, moveBackup } from "#adapters/files/backupPlace";
import type { BackupOrders } from "#dashboards/server/orders";
import { configurationError, unavailableError } from "#domain/errors";

/** Newest backups that are listed. */
const LISTED = 10;

/**
 * Backups that people ask for on the dashboard, into the folder `directory` of the site file. `make` writes one into a folder of the data directory and resolves with it. Without a
 * folder every order is refused (configuration), with what to write into the site file.
 */
export const createBackupKeeper = (options: {
  readonly make: () => Promise<string>;
  readonly site: string;
  readonly directory: string | null;
}): BackupOrders => {
  const { make, site } = options;
  const directory = options.directory === null ? null : resolve(options.directory);
  return {
    list: async () => {
      if (directory === null) return { folder: null, backups: [] };
      const found = await backupsIn(directory, site).catch((error: NodeJS.ErrnoException) => {
        // Made with the first backup.
        if (error.code === "ENOENT") return [];
        throw configurationError(`The folder of backups cannot be read (${error.code ?? error.message}).`, {
          place: { file: directory },
          todo: "Give isotherm the right to read it, or name another folder in store.backups.",
          cause: error,
        });
      });
      return {
        folder: directory,
        backups: found.slice(0, LISTED).map(({ name, manifest }) => ({
          path: join(directory, name),
          createdMs: Date.parse(manifest.createdAt),
          bytes: bytesOf(manifest),
          files: manifest.files.length,
        })),
      };
    },
    create: async () => {
      if (directory === null)
        throw configurationError("No folder for backups is configured.", {
          todo: "Name one in the site file, store.backups, and start again; or use the command isotherm backup.",
        });
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 });
      } catch (cause) {
        throw configurationError(`The folder of backups cannot be made (${(cause as NodeJS.ErrnoException).code}).`, {
          place: { file: directory },
          todo: "Name a folder in store.backups that isotherm may write.",
          cause,
        });
      }
      const folder = await make();
      const manifest = await readManifest(folder);
      const target = join(directory, folderName(site, manifest.createdAt));
      try {
        await moveBackup(folder, target, manifest);
      } catch (error) {
        // Names are as fine as a second.
        if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
        throw unavailableError("A backup of this very second is there already.", { todo: "Ask again in a second.", cause: error });
      }
      return target;
    },
  };
};
