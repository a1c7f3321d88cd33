import { addressOf, type InfluxLine } from "#adapters/influx/wireNames";
import type { TelemetryPoint } from "#domain/points";

/**
 * Telemetry rows as lines, in their order: fields of one series and time share a line, and of two values of one field the later counts,
 * as it does in the store.
 */
export function encodeTelemetry(building: string, points: readonly TelemetryPoint[]): readonly InfluxLine[] {
  const lines = new Map<
    string,
    { measurement: string; tags: Readonly<Record<string, string>>; fields: Record<string, number>; timeMs: number }
  >();
  for (const { point, timeMs, value } of points) {
    const { measurement, tags, field } = addressOf(building, point);
    const key = JSON.stringify([measurement, timeMs, Object.values(tags)]);
    const line = lines.get(key);
    if (line === undefined) lines.set(key, { measurement, tags, fields: { [field]: value }, timeMs });
    else line.fields[field] = value;
  }
  return [...lines.values()];
}

/** Seconds where every time is a whole second; milliseconds otherwise, because two points of one series within a second would overwrite each other. */
export const precisionOf = (lines: readonly InfluxLine[]): "s" | "ms" => (lines.every((line) => line.timeMs % 1000 === 0) ? "s" : "ms");
