import { createHash } from "node:crypto";
import { IsothermError } from "#domain/errors";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { ModelVersion } from "#domain/store";

const refused = (message: string, todo: string) => new IsothermError("permanent", message, { todo });

/** Refuses what no store may hold: a value or time that is not finite, a time that is not a whole millisecond, a name without `entity.quantity`. */
export function checkPoints(points: readonly TelemetryPoint[]): void {
  for (const { point, timeMs, value } of points) {
    if (typeof point !== "string" || !/^[^.]+\.[^.]/.test(point))
      throw refused(`"${String(point)}" is not a point name.`, "Point names are <entity>.<quantity>, e.g. lobby.zoneAirTempC.");
    if (typeof value !== "number" || !Number.isFinite(value))
      throw refused(`The value of ${point} is ${String(value)}, not a finite number.`, "Leave missing values out instead of storing them.");
    if (!Number.isSafeInteger(timeMs))
      throw refused(
        `The time of ${point} is ${String(timeMs)}, not a whole number of milliseconds.`,
        "Times are Unix epoch milliseconds, UTC.",
      );
  }
}

export const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

/** Refuses a model version whose checksum is not the sha-256 of its JSON: it was damaged before it came here. */
export function checkModelVersion(version: ModelVersion): void {
  if (version.checksum !== sha256(version.json))
    throw refused(
      `The checksum of model version ${version.id} does not match its content.`,
      "Learn the model again; this one is not stored.",
    );
}

/** Width of equal buckets that cover [fromMs, toMs) with at most `maxBuckets` of them: a whole number of milliseconds. */
export function bucketWidthMs(fromMs: number, toMs: number, maxBuckets: number): number {
  if (!(Number.isFinite(fromMs) && Number.isFinite(toMs)) || !Number.isInteger(maxBuckets) || maxBuckets < 1)
    throw refused(
      `A series needs finite times and at least one bucket (got ${fromMs}, ${toMs}, ${maxBuckets}).`,
      "Ask for a finite range and a positive whole number of buckets.",
    );
  return Math.max(1, Math.ceil((Math.ceil(toMs) - Math.floor(fromMs)) / maxBuckets));
}

/** Order of points with one time: the order in which they were asked for. */
export const rankOf = (points: readonly PointName[]): ReadonlyMap<PointName, number> => new Map(points.map((point, i) => [point, i]));
