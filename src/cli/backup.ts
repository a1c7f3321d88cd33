import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { printJson, printText, runCommand, wholeNumber } from "#cli/cliKit";
import type { SiteConfig } from "#config/siteConfig";

interface BackupArguments {
  readonly config?: string;
  readonly to: string;
  readonly keep?: number;
  readonly json?: boolean;
}

/** A large store takes minutes to copy. */
const LONGEST_COPY_MS = 3_600_000;

/** Has the running daemon make the copy, or makes it from the file where none runs; resolves with where it lies for now. */
const makeCopy = async (config: SiteConfig, signal: AbortSignal): Promise<string> => {
  const [{ askDaemon }, { socketPathOf }] = await Promise.all([
    import("#adapters/localSocket/localSocketClient"),
    import("#adapters/localSocket/socketPath"),
  ]);
  const answer = await askDaemon(socketPathOf(config.store.directory), "backup", {}, { signal, timeoutMs: LONGEST_COPY_MS });
  if (answer !== undefined) return (answer as { readonly folder: string }).folder;
  const [{ openStoreFile }, { writeBackup }, { packageVersion }] = await Promise.all([
    import("#cli/runningSite"),
    import("#cli/daemon/dataBackup"),
    import("#cli/packageVersion"),
  ]);
  const directory = resolve(config.store.directory);
  const store = await openStoreFile(directory, false);
  const folder = join(directory, `backup-${randomBytes(6).toString("hex")}`);
  try {
    await writeBackup({ store, directory, siteFile: config.file, site: config.site.id, version: packageVersion, folder });
  } finally {
    await store.close();
  }
  return folder;
};

export const registerBackup = (program: Command): void => {
  program
    .command("backup")
    .description("a copy of everything a site has learned, decided and been told, while it runs: store, models, users, orders, site file")
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--to <DIR>", "folder that the backup's own folder is made in", ".")
    .option("--keep <N>", "afterwards remove all but the N newest backups of this site there", wholeNumber("--keep", 1, 10_000))
    .option("--json", "one JSON object on standard output")
    .action((options: BackupArguments) =>
      runCommand(async ({ signal }) => {
        const [{ loadSiteConfig }, { demoSiteFile }, { readManifest }, { folderName, moveBackup, removeOldBackups }] = await Promise.all([
          import("#config/loadSiteConfig"),
          import("#cli/start"),
          import("#adapters/files/backupFolder"),
          import("#adapters/files/backupPlace"),
        ]);
        const config = loadSiteConfig(options.config ?? demoSiteFile());
        const folder = await makeCopy(config, signal);
        const manifest = await readManifest(folder);
        await mkdir(options.to, { recursive: true });
        const target = join(resolve(options.to), folderName(config.site.id, manifest.createdAt));
        await moveBackup(folder, target, manifest);
        const removed = options.keep === undefined ? [] : await removeOldBackups(resolve(options.to), config.site.id, options.keep);
        const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
        if (options.json) return printJson({ folder: target, bytes, files: manifest.files.length, removed });
        const gone = removed.length === 0 ? "" : `; ${removed.length} older removed`;
        return printText(`Backup     ${target} (${manifest.files.length} files, ${(bytes / 1e6).toFixed(1)} MB)${gone}\n`);
      }),
    );
};
