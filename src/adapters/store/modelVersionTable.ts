import type { DuckDBConnection } from "@duckdb/node-api";
import { sha256 } from "#adapters/store/checks";
import type { ModelChange, ModelChangeKind, ModelVersion, ModelVersionHead } from "#domain/store";

/** SQL and its named values. */
export type Statement = readonly [sql: string, values: Record<string, string | bigint | null>];

export interface VersionsRead {
  readonly whole: readonly ModelVersion[];
  /** Ids of those whose checksum does not match. */
  readonly damaged: readonly string[];
}

const HEAD = "id, created_ms::DOUBLE, checksum, summary";
const NEWEST_FIRST = "ORDER BY created_ms DESC, rowid DESC";

const headOf = ([id, createdMs, checksum, summary]: readonly unknown[]): ModelVersionHead => ({
  id: id as string,
  createdMs: createdMs as number,
  checksum: checksum as string,
  summary: JSON.parse(summary as string),
});

/** Newest first, without the models. */
export async function readHeads(reader: DuckDBConnection): Promise<readonly ModelVersionHead[]> {
  return (await reader.runAndReadAll(`SELECT ${HEAD} FROM model_versions ${NEWEST_FIRST}`)).getRows().map(headOf);
}

/** Newest first; only the one named where `id` is given. */
export async function readVersions(reader: DuckDBConnection, id?: string): Promise<VersionsRead> {
  const result =
    id === undefined
      ? await reader.runAndReadAll(`SELECT ${HEAD}, json FROM model_versions ${NEWEST_FIRST}`)
      : await reader.runAndReadAll(`SELECT ${HEAD}, json FROM model_versions WHERE id = $id`, { id });
  const whole: ModelVersion[] = [];
  const damaged: string[] = [];
  for (const row of result.getRows()) {
    const version: ModelVersion = { ...headOf(row), json: row[4] as string };
    if (sha256(version.json) === version.checksum) whole.push(version);
    else damaged.push(version.id);
  }
  return { whole, damaged };
}

/** In the order in which they were recorded. */
export async function readChanges(reader: DuckDBConnection): Promise<readonly ModelChange[]> {
  const result = await reader.runAndReadAll(
    "SELECT time_ms::DOUBLE, kind, version, version_before, who, reason FROM model_changes ORDER BY seq",
  );
  return result.getRows().map(([timeMs, kind, version, before, by, reason]) => ({
    timeMs: timeMs as number,
    kind: kind as ModelChangeKind,
    version: version as string,
    before: before as string | null,
    by: by as string,
    reason: reason as string,
  }));
}

export const recordingStatement = ({ timeMs, kind, version, before, by, reason }: ModelChange): Statement => [
  `INSERT INTO model_changes
   SELECT coalesce(max(seq), 0) + 1, $timeMs::BIGINT, $kind::VARCHAR, $version::VARCHAR, $before::VARCHAR, $by::VARCHAR, $reason::VARCHAR FROM model_changes`,
  { timeMs: BigInt(Math.round(timeMs)), kind, version, before, by, reason },
];

export const forgettingStatement = (id: string): Statement => ["DELETE FROM model_versions WHERE id = $id", { id }];

export const savingStatements = (version: ModelVersion): readonly Statement[] => [
  forgettingStatement(version.id),
  [
    "INSERT INTO model_versions VALUES ($id, $createdMs::BIGINT, $checksum, $json, $summary)",
    {
      id: version.id,
      createdMs: BigInt(Math.round(version.createdMs)),
      checksum: version.checksum,
      json: version.json,
      summary: JSON.stringify(version.summary),
    },
  ],
];
