import type { DuckDBConnection } from "@duckdb/node-api";
import { sha256 } from "#adapters/store/checks";
import type { ModelVersion, ModelVersionHead } from "#domain/store";

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
