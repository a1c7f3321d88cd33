import { formatTimeCell } from "#adapters/csv/cells";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { TelemetryStore } from "#domain/store";

const ROWS_PER_CHUNK = 500;

const row = (timeMs: number, points: readonly PointName[], values: ReadonlyMap<PointName, number>): string =>
  [`${formatTimeCell(timeMs)}Z`, ...points.map((point) => values.get(point) ?? "")].join(",");

/**
 * Points over [fromMs, toMs) as CSV text in chunks of some hundred rows: `time` (UTC) and a column per point, one row per time at which any of them has
 * a value, full precision. Returns the number of rows.
 */
export async function* csvRows(
  store: Pick<TelemetryStore, "query">,
  points: readonly PointName[],
  fromMs: number,
  toMs: number,
): AsyncGenerator<string, { readonly rows: number }> {
  let lines = [["time", ...points].join(",")];
  let rows = 0;
  let timeMs = Number.NaN;
  let values = new Map<PointName, number>();
  const close = (): void => {
    if (values.size === 0) return;
    lines.push(row(timeMs, points, values));
    rows++;
    values = new Map();
  };
  for await (const point of store.query(points, fromMs, toMs) as AsyncIterable<TelemetryPoint>) {
    if (point.timeMs !== timeMs) close();
    timeMs = point.timeMs;
    values.set(point.point, point.value);
    if (lines.length < ROWS_PER_CHUNK) continue;
    yield `${lines.join("\n")}\n`;
    lines = [];
  }
  close();
  if (lines.length > 0) yield `${lines.join("\n")}\n`;
  return { rows };
}
