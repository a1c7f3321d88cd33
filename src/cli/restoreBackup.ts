import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, copyFile, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { atomicWrite, syncDirectory } from "#adapters/files/atomicWrite";
import { type BackupManifest, readManifest, verifyFiles } from "#adapters/files/backupFolder";
import { askDaemon } from "#adapters/localSocket/localSocketClient";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import { openSession } from "#adapters/store/duckdbSession";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { schemaVersion } from "#adapters/store/schema";
import { siteFileName, stateFileNames, storeFileName } from "#cli/daemon/dataBackup";
import { restoringFileName } from "#cli/daemon/dataDirectory";
import { configurationError, IsothermError, unavailableError } from "#domain/errors";

/** Only a log that was not tidied up; a store beside it that is another one must not find it. */
const logFileName = `${storeFileName}.wal`;

const refuseRunning = async (directory: string): Promise<void> => {
  const answer = await askDaemon(socketPathOf(directory), "status", {}, { timeoutMs: 2_000 });
  if (answer !== undefined) {
    const running = z.object({ pid: z.number() }).safeParse(answer);
    const who = running.success ? ` (process ${running.data.pid})` : "";
    throw unavailableError(`An isotherm daemon${who} runs on ${directory}: a restore under it would be lost, or break it.`, {
      todo: "Stop it first (systemctl stop isotherm, or end the process), restore, and start it again.",
    });
  }
  if (!existsSync(join(directory, storeFileName))) return;
  try {
    const session = await openSession(directory, false, async () => undefined);
    session.close();
  } catch (error) {
    // A damaged store is what restores are for; one that another process holds is not.
    if (error instanceof IsothermError && error.kind === "retryable") throw error;
  }
};

const refuseUnfit = ({ schema, isotherm, site }: BackupManifest, wanted: string, backup: string): void => {
  if (schema > schemaVersion)
    throw configurationError(
      `The backup was made by isotherm ${isotherm} with store schema ${schema}; this isotherm knows ${schemaVersion} at most.`,
      { place: { file: backup }, todo: "Install that version or a newer one." },
    );
  if (site !== wanted)
    throw configurationError(`The backup is of site "${site}", the site file is of "${wanted}".`, {
      place: { file: backup },
      todo: "Name the right site file with --config, or the right backup.",
    });
};

/** Copies are on disk for certain, and belong to whoever owns the data directory, also where root restores. */
const copyIn = async (from: string, to: string, owner: { readonly uid: number; readonly gid: number }): Promise<void> => {
  await copyFile(from, to);
  const handle = await open(to, "r+");
  try {
    await handle.chmod(0o600);
    if (process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/**
 * Puts a backup into a data directory that no daemon runs on. Everything is checked before anything changes: the manifest, its versions and checksums, and that the copied store
 * opens here (its schema is brought up to date). What was there goes aside with `replace`, and is a reason to refuse without. A restore that is broken off in its last step is told of
 * by the next start, which refuses until it is repeated.
 */
export const restoreBackup = async (options: {
  readonly backup: string;
  readonly site: string;
  readonly directory: string;
  readonly replace: boolean;
}): Promise<{ readonly manifest: BackupManifest; readonly aside: string | null }> => {
  const { backup } = options;
  const directory = resolve(options.directory);
  const manifest = await readManifest(backup);
  refuseUnfit(manifest, options.site, backup);
  await verifyFiles(backup, manifest);
  await refuseRunning(directory);
  const present = [storeFileName, logFileName, ...stateFileNames].filter((name) => existsSync(join(directory, name)));
  if (present.includes(storeFileName) && !options.replace)
    throw configurationError(`${directory} has a store already.`, {
      place: { file: directory },
      todo: "Repeat with --replace: what is there is put aside, not deleted.",
    });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const owner = await stat(directory);
  const staged = join(directory, `restore-${randomBytes(6).toString("hex")}`);
  await mkdir(staged, { mode: 0o700 });
  try {
    const names = manifest.files.map(({ name }) => name).filter((name) => name !== siteFileName);
    for (const name of names) await copyIn(join(backup, name), join(staged, name), owner);
    await verifyFiles(staged, { ...manifest, files: manifest.files.filter(({ name }) => name !== siteFileName) });
    const store = await openDuckdbStore(staged, { onWarning: () => undefined });
    await store.close();

    let aside: string | null = null;
    const marker = join(directory, restoringFileName);
    await atomicWrite(marker, JSON.stringify({ backup: resolve(backup) }), { mode: 0o600 });
    if (present.length > 0) {
      aside = join(directory, `replaced-${manifest.createdAt.replace(/[^0-9TZ]/g, "")}-${randomBytes(3).toString("hex")}`);
      await mkdir(aside, { mode: 0o700 });
      if (process.getuid?.() === 0) await chown(aside, owner.uid, owner.gid);
      for (const name of present) await rename(join(directory, name), join(aside, name));
    }
    for (const name of names) await rename(join(staged, name), join(directory, name));
    await syncDirectory(directory);
    await rm(marker);
    return { manifest, aside };
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
};
