import type { DuckDBConnection } from "@duckdb/node-api";
import { migrations, schemaVersion } from "#adapters/store/schema";
import { configurationError } from "#domain/errors";

/** Schema version of an open database; 0 for an empty one. Refuses a file that isotherm did not make. */
export async function versionOf(connection: DuckDBConnection, file: string): Promise<number> {
  const exists = await connection.runAndReadAll("SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_version'");
  if (exists.currentRowCount > 0) {
    const rows = await connection.runAndReadAll("SELECT max(version)::INTEGER FROM schema_version");
    return Number(rows.getRows()[0]![0] ?? 0);
  }
  const others = await connection.runAndReadAll("SELECT count(*)::INTEGER FROM duckdb_tables()");
  if (Number(others.getRows()[0]![0]) > 0)
    throw configurationError("This DuckDB file was not made by isotherm.", { place: { file }, todo: "Name another data directory." });
  return 0;
}

/** What a database loses on its way from `from` back to `to`, for people. */
export const lostOnTheWay = (from: number, to: number): readonly string[] =>
  migrations
    .slice(to, from)
    .flatMap(({ lost }) => lost ?? [])
    .reverse();

/** Brings a database from one schema version to another, up or down, in one transaction: a crash leaves the old version, complete. */
export async function migrateTo(connection: DuckDBConnection, from: number, to: number): Promise<void> {
  const steps =
    to >= from
      ? migrations.slice(from, to).map(({ up }) => up)
      : migrations
          .slice(to, from)
          .reverse()
          .map(({ down }) => down);
  await connection.run("BEGIN");
  try {
    await connection.run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    for (const step of steps) if (step !== "") await connection.run(step);
    await connection.run("DELETE FROM schema_version");
    await connection.run(`INSERT INTO schema_version VALUES (${to})`);
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Brings a database that was just opened up to this isotherm's schema. */
export async function migrate(connection: DuckDBConnection, file: string, readOnly: boolean): Promise<void> {
  const version = await versionOf(connection, file);
  if (version > schemaVersion)
    throw configurationError(`The store has schema version ${version}; this isotherm knows ${schemaVersion} at most.`, {
      place: { file },
      todo: `Use the newer isotherm that wrote it, take it back with that one (isotherm migrate --to ${schemaVersion}), or name another data directory.`,
    });
  if (version === schemaVersion) return;
  if (readOnly)
    throw configurationError(`The store has schema version ${version}, older than ${schemaVersion}, and is opened read-only.`, {
      place: { file },
      todo: "Open it once for writing (isotherm start) to bring it up to date.",
    });
  await migrateTo(connection, version, schemaVersion);
}
