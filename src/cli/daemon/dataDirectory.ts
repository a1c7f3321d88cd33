import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { askDaemon } from "#adapters/localSocket/localSocketClient";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import { type BackedUpStore, openDuckdbStore } from "#adapters/store/duckdbStore";
import { configurationError, IsothermError, unavailableError } from "#domain/errors";

/** There while a restore puts files into place. */
export const restoringFileName = "restoring.json";

/** Where a daemon keeps everything: the store, the embedded building's state, overrides, and the socket it answers on. */
export interface DataDirectory {
  readonly path: string;
  readonly store: BackedUpStore;
  readonly socketPath: string;
  readonly buildingStateFile: string;
  readonly supervisorFile: string;
  readonly demandResponseFile: string;
  readonly closuresFile: string;
  readonly commissioningFile: string;
  readonly announcedFile: string;
  readonly adjustmentsFile: string;
  readonly quarantineFile: string;
  /** Who commands: greater than that of every earlier start, also where the directory was lost. */
  readonly epoch: number;
  /** Stays the same over restarts, and is another one where the directory was copied to another place or machine. */
  readonly instance: string;
}

const runningSchema = z.object({ pid: z.number(), dashboardUrl: z.string().nullable().optional() });

/** Names the daemon that holds the directory, where one answers. */
const refuseSecond = async (path: string, socketPath: string, cause: unknown): Promise<never> => {
  const answer = await askDaemon(socketPath, "status", {}, { timeoutMs: 2_000 }).catch(() => undefined);
  const running = runningSchema.safeParse(answer);
  if (!running.success) throw cause;
  const { pid, dashboardUrl } = running.data;
  throw unavailableError(`An isotherm daemon (process ${pid}) already runs on ${path}; it answers on ${socketPath}.`, {
    todo: `${dashboardUrl == null ? "" : `Its dashboard is ${dashboardUrl}. `}Stop it first (kill ${pid}), or name another store.directory in the site file.`,
    cause,
  });
};

const nextEpoch = async (file: string): Promise<number> => {
  let before = 0;
  try {
    before = z.object({ epoch: z.number().int().min(0) }).parse(JSON.parse(readFileSync(file, "utf8"))).epoch;
  } catch {
    // None yet, or unusable: then the wall clock alone makes it greater than before.
  }
  const epoch = Math.max(before + 1, Math.floor(Date.now() / 1_000));
  await atomicWrite(file, JSON.stringify({ epoch }));
  return epoch;
};

const instanceOf = async (file: string): Promise<string> => {
  let id = "";
  try {
    id = z.object({ id: z.uuid() }).parse(JSON.parse(readFileSync(file, "utf8"))).id;
  } catch {
    id = randomUUID();
    await atomicWrite(file, JSON.stringify({ id }));
  }
  const place = createHash("sha256")
    .update(`${id}\n${hostname()}\n${resolve(file)}`)
    .digest("hex")
    .slice(0, 12);
  return `${hostname()
    .replace(/[^a-zA-Z0-9_-]/g, "-")
    .slice(0, 40)}-${place}`;
};

/** Makes the directory where it is not there and opens its store for this process alone. A directory in use is refused with who uses it (exit code 69). */
export const openDataDirectory = async (path: string, onWarning: (text: string) => void): Promise<DataDirectory> => {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw configurationError(`The data directory ${path} cannot be made (${(cause as NodeJS.ErrnoException).code}).`, {
      todo: "Name a directory in store.directory that isotherm may write.",
      cause,
    });
  }
  if (existsSync(join(path, restoringFileName)))
    throw configurationError(`A restore into ${path} was broken off.`, {
      place: { file: join(path, restoringFileName) },
      todo: "Repeat isotherm restore with --replace, or remove this file to start with what is there.",
    });
  const socketPath = socketPathOf(path);
  let store: BackedUpStore;
  try {
    store = await openDuckdbStore(path, { onWarning });
  } catch (error) {
    if (error instanceof IsothermError && error.kind === "retryable") return refuseSecond(path, socketPath, error);
    throw error;
  }
  try {
    // Backups whose command ended before it took them away.
    for (const name of readdirSync(path)) if (/^backup-[0-9a-f]{12}$/.test(name)) rmSync(join(path, name), { recursive: true });
    return {
      path,
      store,
      socketPath,
      buildingStateFile: join(path, "building.json"),
      supervisorFile: join(path, "supervisor.json"),
      demandResponseFile: join(path, "demandResponse.json"),
      closuresFile: join(path, "closures.json"),
      commissioningFile: join(path, "commissioning.json"),
      announcedFile: join(path, "announced.json"),
      adjustmentsFile: join(path, "savings-adjustments.json"),
      quarantineFile: join(path, "influx-quarantine.jsonl"),
      epoch: await nextEpoch(join(path, "epoch.json")),
      instance: await instanceOf(join(path, "instance.json")),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
};
