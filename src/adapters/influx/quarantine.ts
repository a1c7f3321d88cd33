import { appendFile, rename, stat } from "node:fs/promises";
import type { TelemetryPoint } from "#domain/points";

/** A row that InfluxDB refuses for good: it stays in the embedded store under `seq`; here stands why it is not in InfluxDB. */
export interface QuarantinedRow {
  readonly seq: number;
  readonly point: TelemetryPoint;
  readonly reason: string;
}

const MAX_BYTES = 5_000_000;

/** Appends rows as JSON lines; past 5 MB the file becomes `<file>.1` and a new one begins, so that it stays bounded. */
export async function quarantineTo(file: string, rows: readonly QuarantinedRow[]): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > MAX_BYTES) await rename(file, `${file}.1`);
  const lines = rows.map(
    ({ seq, point, reason }) =>
      `${JSON.stringify({ seq, timeMs: point.timeMs, point: point.point, value: point.value, reason: reason.slice(0, 500) })}\n`,
  );
  await appendFile(file, lines.join(""));
}
