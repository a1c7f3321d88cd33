import type { DuckDBConnection } from "@duckdb/node-api";
import type { TelemetryIndex } from "#adapters/store/telemetryTable";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** End of the hour that holds a row: hours are open at their begin and closed at their end, as control steps are. */
const HOUR_END = `((time_ms + ${HOUR_MS - 1}) // ${HOUR_MS}) * ${HOUR_MS}`;

/** A meter's reading is what it is at the hour's end; its mean would be no reading. A price per kWh is none. */
const isReading = (name: string): boolean => name.endsWith("Kwh") && !name.endsWith("PerKwh");

/** Begin of the first day (UTC) after `afterMs` that has values to be replaced, up to whole hours before `beforeMs`; null where there is none. */
export async function nextRawDayMs(connection: DuckDBConnection, afterMs: number, beforeMs: number): Promise<number | null> {
  const after = Number.isFinite(afterMs) ? `AND time_ms > ${Math.floor(afterMs)}` : "";
  const result = await connection.runAndReadAll(
    `SELECT min(time_ms)::DOUBLE FROM telemetry WHERE low IS NULL ${after} AND time_ms <= ${Math.floor(beforeMs / HOUR_MS) * HOUR_MS}`,
  );
  const first = result.getRows()[0]![0] as number | null;
  return first === null ? null : Math.floor((first - 1) / DAY_MS) * DAY_MS;
}

/**
 * Replaces the values of one day (`dayMs`, `dayMs` + 24 h], as far as they lie in whole hours before `beforeMs`, by one row an hour at its end: the mean, or the last reading of a
 * meter (`…Kwh`), with the lowest and the highest value. Runs inside the caller's transaction. Hours stay as they are that hold a row which is not delivered
 * (seq > `throughSeq`), the newest value of a point, or the last row of all, from which the numbering goes on. An hour's row has the number of its last one: it is not
 * delivered again.
 */
export async function downsampleDay(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  dayMs: number,
  beforeMs: number,
  throughSeq: number,
): Promise<void> {
  const toMs = Math.min(dayMs + DAY_MS, Math.floor(beforeMs / HOUR_MS) * HOUR_MS);
  const lastSeq = Math.min(throughSeq, index.lastSeq - 1);
  const newest = [...index.newest.values()]
    .filter(({ timeMs }) => timeMs > dayMs && timeMs <= toMs)
    .map(({ point, timeMs }) => `AND NOT (point_id = ${index.idOf.get(point)!} AND hour_ms = ${Math.ceil(timeMs / HOUR_MS) * HOUR_MS})`);
  const readings = [...index.idOf].filter(([name]) => isReading(name)).map(([, id]) => id);
  await connection.run(`
    CREATE OR REPLACE TEMP TABLE hours AS
    SELECT point_id, hour_ms,
      ${readings.length === 0 ? "avg(v.value)" : `CASE WHEN point_id IN (${readings}) THEN arg_max(v.value, time_ms) ELSE avg(v.value) END`} AS value,
      min(v.low) AS low, max(v.high) AS high, max(seq) AS seq
    FROM (
      SELECT point_id, time_ms, ${HOUR_END} AS hour_ms, max(seq) AS seq, bool_or(low IS NULL) AS raw,
        arg_max({'value': value, 'low': coalesce(low, value), 'high': coalesce(high, value)}, seq) AS v
      FROM telemetry WHERE time_ms > ${dayMs} AND time_ms <= ${toMs} GROUP BY point_id, time_ms)
    GROUP BY point_id, hour_ms
    HAVING bool_or(raw) AND max(seq) <= ${Math.floor(lastSeq)} ${newest.join(" ")}`);
  await connection.run(`
    DELETE FROM telemetry USING hours
    WHERE telemetry.point_id = hours.point_id AND telemetry.time_ms > hours.hour_ms - ${HOUR_MS} AND telemetry.time_ms <= hours.hour_ms`);
  await connection.run("INSERT INTO telemetry SELECT seq, hour_ms, point_id, value, false, low, high FROM hours ORDER BY seq");
  await connection.run("DROP TABLE hours");
}

/** The day after `dayMs`. */
export const dayAfterMs = (dayMs: number): number => dayMs + DAY_MS;
