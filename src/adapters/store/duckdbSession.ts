import { mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { lostOnTheWay, migrate, migrateTo, versionOf } from "#adapters/store/migrate";
import { schemaVersion } from "#adapters/store/schema";
import { configurationError, IsothermError, unavailableError } from "#domain/errors";

export const databaseFileName = "isotherm.duckdb";

/** An open database: one connection that writes, one that reads. */
export interface DuckdbSession {
  readonly writer: DuckDBConnection;
  readonly reader: DuckDBConnection;
  close(): void;
}

// POSIX locks do not keep one process from opening a file twice, and two DuckDB instances on one file destroy it.
const openHere = new Set<string>();

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether DuckDB gave the instance up: every later statement fails until the file is opened again. */
export const isFatal = (error: unknown): boolean => /FATAL|invalidated|INTERNAL Error/.test(messageOf(error));

/** DuckDB's error as one that a person can act on; one that already is an IsothermError passes through. */
export function storeError(error: unknown, file: string): IsothermError {
  if (error instanceof IsothermError) return error;
  const text = messageOf(error);
  const first = text.split("\n")[0]!.slice(0, 400);
  const options = { place: { file }, cause: error };
  if (/lock on file|Conflicting lock|being used by another process/i.test(text)) {
    const pid = /PID (\d+)/.exec(text)?.[1];
    return unavailableError(`The store is in use by another process${pid === undefined ? "" : ` (process ${pid})`}.`, {
      ...options,
      todo: "Stop the other isotherm that runs on this data directory, or use another directory. Commands talk to the running daemon instead of opening its store.",
    });
  }
  if (/No space left|ENOSPC|disk is full|Disk quota|File too large|max_temp_directory_size/i.test(text))
    return unavailableError(`The store cannot be written: no space left. (${first})`, {
      ...options,
      todo: "Free space on this disk; the store goes on by itself. What was acknowledged before is kept.",
    });
  if (
    /Corrupt|not a valid DuckDB database|Could not read enough bytes|does not match stored checksum|Failure while replaying WAL|Failed to load metadata/i.test(
      text,
    )
  )
    return new IsothermError("permanent", `The store is damaged: ${first}`, {
      ...options,
      todo: `Nothing was changed. Keep a copy of ${file} and ${file}.wal, then put back a backup (isotherm restore), or move both files away to start with an empty store.`,
    });
  if (/Permission denied|EACCES|Read-only file system|EROFS/i.test(text))
    return configurationError(`The store cannot be opened or written: ${first}`, {
      ...options,
      todo: "Give the user that runs isotherm the right to read and write this directory.",
    });
  if (/read-only mode.*does not exist|database does not exist/i.test(text))
    return unavailableError("There is no store here yet.", {
      ...options,
      todo: "Start isotherm on this data directory once, or name another one.",
    });
  if (/fsync failed|I\/O error|IO Error|EIO/i.test(text))
    return unavailableError(`The disk under the store failed: ${first}`, {
      ...options,
      todo: "Check the disk; the store tries again by itself.",
    });
  return new IsothermError("permanent", `The store failed: ${first}`, {
    ...options,
    todo: "This is a fault of isotherm; please report it with this message.",
  });
}

/** Opens (or makes) the database in `dataDir` and brings its schema up to date. Refuses a file that is locked, damaged, foreign or newer, and changes nothing in it then. `bringUp` replaces bringing it up to date. */
export async function openSession(
  dataDir: string,
  readOnly: boolean,
  bringUp: (connection: DuckDBConnection, file: string, readOnly: boolean) => Promise<void> = migrate,
): Promise<DuckdbSession> {
  const named = join(dataDir, databaseFileName);
  let instance: DuckDBInstance | undefined;
  let file = named;
  let held = false;
  try {
    if (!readOnly) mkdirSync(dirname(named), { recursive: true });
    file = join(realpathSync(dataDir), databaseFileName);
    if (openHere.has(file))
      throw unavailableError("The store is already open in this process.", { place: { file: named }, todo: "Close the other one first." });
    openHere.add(file);
    held = true;
    const { DuckDBInstance } = await import("@duckdb/node-api");
    instance = await DuckDBInstance.create(file, {
      memory_limit: "128MB",
      threads: "2",
      // Pages that its allocator has freed go back to the system: a night's model leaves 25 MB behind otherwise, every night.
      allocator_background_threads: "true",
      ...(readOnly ? { access_mode: "READ_ONLY" } : {}),
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const writer = await instance.connect();
    // Only data: SQL reaches no code and no files, but for backups that are made beside the database.
    await writer.run(`SET allowed_directories = ['${dirname(file).replaceAll("'", "''")}/']`);
    await writer.run("SET enable_external_access = false");
    await bringUp(writer, named, readOnly);
    const reader = await instance.connect();
    const opened = instance;
    return {
      writer,
      reader,
      close() {
        reader.closeSync();
        writer.closeSync();
        opened.closeSync();
        openHere.delete(file);
      },
    };
  } catch (error) {
    instance?.closeSync();
    if (held) openHere.delete(file);
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw unavailableError("There is no store here yet.", {
        place: { file: named },
        todo: "Start isotherm on this data directory once, or name another one.",
      });
    throw storeError(error, named);
  }
}

/** Brings a store that nobody uses to another schema version, up or down, and says what it lost. Refuses versions that this isotherm does not know. */
export async function migrateStore(dataDir: string, to: number): Promise<{ readonly from: number; readonly lost: readonly string[] }> {
  let outcome = { from: 0, lost: [] as readonly string[] };
  const session = await openSession(dataDir, false, async (connection, file) => {
    const from = await versionOf(connection, file);
    if (from > schemaVersion || from === 0)
      throw configurationError(`The store has schema version ${from}; this isotherm knows 1 to ${schemaVersion}.`, {
        place: { file },
        todo: "Use the isotherm that wrote it.",
      });
    outcome = { from, lost: lostOnTheWay(from, to) };
    if (from !== to) await migrateTo(connection, from, to);
    await connection.run("CHECKPOINT");
  });
  session.close();
  return outcome;
}
