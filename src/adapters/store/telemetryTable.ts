import type { DuckDBConnection } from "@duckdb/node-api";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { SeriesBucket } from "#domain/store";

/** What is remembered of the telemetry table, always as the file has it. */
export interface TelemetryIndex {
  readonly idOf: Map<PointName, number>;
  readonly nameOf: Map<number, PointName>;
  /** Newest value of each point. */
  readonly newest: Map<PointName, TelemetryPoint>;
  lastSeq: number;
  firstTimeMs: number;
  lastTimeMs: number;
}

/** Reads every block of the table once, so that damage shows when the store is opened and not in the middle of the night. */
export async function loadIndex(connection: DuckDBConnection): Promise<TelemetryIndex> {
  const index: TelemetryIndex = {
    idOf: new Map(),
    nameOf: new Map(),
    newest: new Map(),
    lastSeq: 0,
    firstTimeMs: Number.POSITIVE_INFINITY,
    lastTimeMs: Number.NEGATIVE_INFINITY,
  };
  for (const [id, name] of (await connection.runAndReadAll("SELECT id, name FROM points ORDER BY id")).getRows()) {
    index.idOf.set(name as PointName, id as number);
    index.nameOf.set(id as number, name as PointName);
  }
  const rows = await connection.runAndReadAll(`
    WITH m AS (
      SELECT point_id, min(time_ms) AS first_ms, max(time_ms) AS last_ms, max(seq) AS last_seq, sum(value) AS touched
      FROM telemetry GROUP BY point_id)
    SELECT m.point_id, m.first_ms::DOUBLE, m.last_ms::DOUBLE, m.last_seq::DOUBLE, arg_max(t.value, t.seq), any_value(m.touched)
    FROM m JOIN telemetry t ON t.point_id = m.point_id AND t.time_ms = m.last_ms
    GROUP BY m.point_id, m.first_ms, m.last_ms, m.last_seq`);
  for (const [id, firstMs, lastMs, lastSeq, value] of rows.getRows() as number[][]) {
    const point = index.nameOf.get(id!)!;
    index.newest.set(point, { point, timeMs: lastMs!, value: value! });
    index.lastSeq = Math.max(index.lastSeq, lastSeq!);
    index.firstTimeMs = Math.min(index.firstTimeMs, firstMs!);
    index.lastTimeMs = Math.max(index.lastTimeMs, lastMs!);
  }
  return index;
}

/** Adds rows inside the caller's transaction. Returns the names that are new; the caller remembers them once the transaction is committed. */
export async function insertRows(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  points: readonly TelemetryPoint[],
): Promise<ReadonlyMap<PointName, number>> {
  const fresh = new Map<PointName, number>();
  for (const { point } of points) if (!index.idOf.has(point) && !fresh.has(point)) fresh.set(point, index.idOf.size + fresh.size + 1);
  if (fresh.size > 0) {
    const names = await connection.createAppender("points");
    for (const [name, id] of fresh) {
      names.appendInteger(id);
      names.appendVarchar(name);
      names.endRow();
    }
    names.closeSync();
  }
  const rows = await connection.createAppender("telemetry");
  let seq = index.lastSeq;
  const newestMs = new Map<PointName, number>();
  for (const { point, timeMs, value } of points) {
    rows.appendBigInt(BigInt(++seq));
    rows.appendBigInt(BigInt(timeMs));
    rows.appendInteger(index.idOf.get(point) ?? fresh.get(point)!);
    rows.appendDouble(value);
    const before = newestMs.get(point) ?? index.newest.get(point)?.timeMs ?? Number.NEGATIVE_INFINITY;
    rows.appendBoolean(timeMs <= before);
    newestMs.set(point, Math.max(before, timeMs));
    // A value as it came; hours that are kept as their mean have their lowest and highest here.
    rows.appendNull();
    rows.appendNull();
    rows.endRow();
  }
  rows.closeSync();
  return fresh;
}

/** Takes committed rows into what is remembered. */
export function remember(index: TelemetryIndex, points: readonly TelemetryPoint[], fresh: ReadonlyMap<PointName, number>): void {
  for (const [name, id] of fresh) {
    index.idOf.set(name, id);
    index.nameOf.set(id, name);
  }
  index.lastSeq += points.length;
  for (const point of points) {
    const known = index.newest.get(point.point);
    if (known === undefined || point.timeMs >= known.timeMs) index.newest.set(point.point, { ...point });
    index.firstTimeMs = Math.min(index.firstTimeMs, point.timeMs);
    index.lastTimeMs = Math.max(index.lastTimeMs, point.timeMs);
  }
}

/**
 * Condition on rows older than `beforeMs` that may go: delivered ones (`seq` ≤ `throughSeq`), except each point's newest and the last of all, from which
 * the numbering goes on.
 */
export function forgettable(index: TelemetryIndex, beforeMs: number, throughSeq: number): string {
  const lastSeq = Math.min(throughSeq, index.lastSeq - 1);
  const silent = [...index.newest.values()].filter(({ timeMs }) => timeMs < beforeMs);
  const newest = silent.map(({ point, timeMs }) => `AND NOT (point_id = ${index.idOf.get(point)!} AND time_ms = ${timeMs})`);
  return `time_ms < ${Math.floor(beforeMs)} AND seq <= ${Math.floor(lastSeq)} ${newest.join(" ")}`;
}

const idsOf = (index: TelemetryIndex, points: readonly PointName[]): number[] => [
  ...new Set(points.flatMap((point) => index.idOf.get(point) ?? [])),
];

/** Rows with `fromMs` ≤ time < `toMs`, replaced ones left out, ordered by time. All numbers are 64-bit floats, exact up to 2^53. */
export async function readRange(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  points: readonly PointName[],
  fromMs: number,
  toMs: number,
): Promise<readonly TelemetryPoint[]> {
  const ids = idsOf(index, points);
  if (ids.length === 0) return [];
  const result = await connection.runAndReadAll(
    `SELECT time_ms::DOUBLE, point_id, arg_max(value, seq) FROM telemetry
     WHERE time_ms >= ${Math.ceil(fromMs)} AND time_ms < ${Math.ceil(toMs)} AND point_id IN (${ids})
     GROUP BY time_ms, point_id ORDER BY time_ms, list_position([${ids}], point_id)`,
  );
  const [times, pointIds, values] = result.getColumns() as number[][];
  return (times ?? []).map((timeMs, i) => ({ timeMs, point: index.nameOf.get(pointIds![i]!)!, value: values![i]! }));
}

/** Time of the first row at or after `fromMs`, before `toMs`, of any of the points; null where there is none. */
export async function nextTimeMs(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  points: readonly PointName[],
  fromMs: number,
  toMs: number,
): Promise<number | null> {
  const ids = idsOf(index, points);
  if (ids.length === 0) return null;
  const result = await connection.runAndReadAll(
    `SELECT min(time_ms)::DOUBLE FROM telemetry WHERE time_ms >= ${Math.ceil(fromMs)} AND time_ms < ${Math.ceil(toMs)} AND point_id IN (${ids})`,
  );
  return result.getRows()[0]![0] as number | null;
}

/** Newest row of each point with `fromMs` ≤ time ≤ `atMs`. */
export async function readLatest(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  points: readonly PointName[],
  fromMs: number,
  atMs: number,
): Promise<readonly TelemetryPoint[]> {
  const ids = idsOf(index, points);
  if (ids.length === 0) return [];
  const from = Number.isFinite(fromMs) ? `AND time_ms >= ${Math.ceil(fromMs)}` : "";
  const result = await connection.runAndReadAll(
    `SELECT point_id, max(time_ms)::DOUBLE, arg_max(value, (time_ms, seq)) FROM telemetry
     WHERE time_ms <= ${Math.floor(atMs)} ${from} AND point_id IN (${ids}) GROUP BY point_id`,
  );
  return (result.getRows() as number[][]).map(([id, timeMs, value]) => ({ point: index.nameOf.get(id!)!, timeMs: timeMs!, value: value! }));
}

/** Whether a row of the range may have replaced another. */
async function hasLateRows(connection: DuckDBConnection, range: string): Promise<boolean> {
  return (await connection.runAndReadAll(`SELECT 1 FROM telemetry WHERE late AND ${range} LIMIT 1`)).currentRowCount > 0;
}

/** Mean, minimum and maximum over buckets [fromMs + b·widthMs, fromMs + (b+1)·widthMs); a bucket's time is its start; empty buckets are absent. */
export async function readSeries(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  points: readonly PointName[],
  fromMs: number,
  toMs: number,
  widthMs: number,
): Promise<ReadonlyMap<PointName, readonly SeriesBucket[]>> {
  const series = new Map<PointName, SeriesBucket[]>(points.map((point) => [point, []]));
  const ids = idsOf(index, points);
  if (ids.length === 0) return series;
  const from = Math.floor(fromMs);
  const range = `time_ms >= ${Math.ceil(fromMs)} AND time_ms < ${Math.ceil(toMs)} AND point_id IN (${ids})`;
  const rows = (await hasLateRows(connection, range))
    ? `(SELECT point_id, time_ms, unnest(arg_max({'value': value, 'low': low, 'high': high}, seq)) FROM telemetry WHERE ${range} GROUP BY point_id, time_ms)`
    : `(SELECT point_id, time_ms, value, low, high FROM telemetry WHERE ${range})`;
  const result = await connection.runAndReadAll(
    `SELECT point_id, (${from} + bucket * ${widthMs})::DOUBLE, avg(value), min(coalesce(low, value)), max(coalesce(high, value))
     FROM (SELECT point_id, (time_ms - ${from}) // ${widthMs} AS bucket, value, low, high FROM ${rows})
     GROUP BY point_id, bucket ORDER BY point_id, bucket`,
  );
  const [pointIds, timesMs, means, mins, maxs] = result.getColumns() as number[][];
  (pointIds ?? []).forEach((id, i) => {
    series.get(index.nameOf.get(id)!)!.push({ timeMs: timesMs![i]!, mean: means![i]!, min: mins![i]!, max: maxs![i]! });
  });
  return series;
}

/** Rows in the order of their acknowledgement, replaced ones too. */
export async function readAfterSeq(
  connection: DuckDBConnection,
  index: TelemetryIndex,
  seq: number,
  maxRows: number,
): Promise<readonly { readonly seq: number; readonly point: TelemetryPoint }[]> {
  // A closed range; ORDER BY … LIMIT would read the whole table.
  const upTo = Math.min(index.lastSeq, seq + maxRows);
  if (upTo <= seq) return [];
  const result = await connection.runAndReadAll(
    `SELECT seq::DOUBLE, time_ms::DOUBLE, point_id, value FROM telemetry WHERE seq > ${Math.floor(seq)} AND seq <= ${Math.floor(upTo)} ORDER BY seq`,
  );
  const [seqs, times, pointIds, values] = result.getColumns() as number[][];
  if ((seqs ?? []).length === 0 && upTo < index.lastSeq) {
    // All of the range is forgotten: the next rows come after the gap.
    const next = (
      await connection.runAndReadAll(`SELECT min(seq)::DOUBLE FROM telemetry WHERE seq > ${Math.floor(upTo)}`)
    ).getRows()[0]![0];
    return readAfterSeq(connection, index, (next as number) - 1, maxRows);
  }
  return (seqs ?? []).map((row, i) => ({
    seq: row,
    point: { timeMs: times![i]!, point: index.nameOf.get(pointIds![i]!)!, value: values![i]! },
  }));
}
