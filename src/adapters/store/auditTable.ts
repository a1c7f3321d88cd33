import type { DuckDBConnection } from "@duckdb/node-api";
import type { Statement } from "#adapters/store/modelVersionTable";
import type { AuditEntry, StoredAuditEntry } from "#domain/people";

export const auditStatement = ({ timeMs, who, action, target, outcome, address, detail }: AuditEntry): Statement => [
  `INSERT INTO audit
   SELECT coalesce(max(seq), 0) + 1, $timeMs::BIGINT, $who::VARCHAR, $action::VARCHAR, $target::VARCHAR, $outcome::VARCHAR, $address::VARCHAR, $detail::VARCHAR
   FROM audit`,
  { timeMs: BigInt(Math.round(timeMs)), who, action, target, outcome, address, detail },
];

/** Newest first. */
export async function readAudit(reader: DuckDBConnection, limit: number, beforeSeq?: number): Promise<readonly StoredAuditEntry[]> {
  const result = await reader.runAndReadAll(
    `SELECT seq::DOUBLE, time_ms::DOUBLE, who, action, target, outcome, address, detail FROM audit
     WHERE seq < $before::DOUBLE ORDER BY seq DESC LIMIT $limit::BIGINT`,
    { before: beforeSeq ?? Number.MAX_SAFE_INTEGER, limit: BigInt(limit) },
  );
  return result.getRows().map(([seq, timeMs, who, action, target, outcome, address, detail]) => ({
    seq: seq as number,
    timeMs: timeMs as number,
    who: who as string,
    action: action as string,
    target: target as string,
    outcome: outcome as AuditEntry["outcome"],
    address: address as string,
    detail: detail as string,
  }));
}
