import { createHash } from "node:crypto";
import type { ForeignReader, ForeignSeries } from "#adapters/influx/foreignSeries";
import { createTelemetryIntake } from "#adapters/telemetry/intake";
import { type ImportedPoint, importTopic } from "#cli/import/importMap";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { ReplicationSource, TelemetryStore } from "#domain/store";

const HOUR_MS = 3_600_000;
/** A day of values a second of one point fits the memory. */
const WINDOW_MS = 24 * HOUR_MS;
const BATCH_POINTS = 5_000;

export interface PointCounts {
  read: number;
  imported: number;
  /** A value of the same time was in the store already. */
  alreadyThere: number;
  /** By reason, as live values are refused. */
  readonly refused: Record<string, number>;
}
export interface ImportResult {
  /** From where it read; later than asked for where an earlier import had come so far. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: Readonly<Record<PointName, PointCounts>>;
}

export interface ImportOptions {
  readonly reader: ForeignReader;
  readonly points: readonly ImportedPoint[];
  readonly store: Pick<TelemetryStore, "append" | "query"> & Pick<ReplicationSource, "cursor" | "setCursor">;
  /** Address and database: with the series it makes the name of the cursor. */
  readonly source: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Means over so long instead of every value. */
  readonly everyMs?: number;
  /** From the beginning, whatever an earlier import did. */
  readonly again?: boolean;
  /** Everything is read and judged, nothing is written. */
  readonly dryRun?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (atMs: number, fraction: number, imported: number) => void;
}

/**
 * Takes history in day by day: every value goes through what live values go through (unit, formula, plausible range, jump, finite), values whose time the store has already stay as
 * they are, and after each day the cursor moves: an import that was broken off goes on there, and the same import again changes nothing. Days without any data are passed over.
 */
export const importHistory = async (options: ImportOptions): Promise<ImportResult> => {
  const { reader, points, store, toMs, everyMs, signal } = options;
  const series = points.map(({ series: one }): ForeignSeries => (everyMs === undefined ? one : { ...one, everyMs }));
  const identity = JSON.stringify([options.source, points.map(({ mapping }, i) => [mapping.point, series[i]])]);
  const cursorName = `import:${createHash("sha256").update(identity).digest("hex").slice(0, 24)}`;
  const reachedMs = options.again === true ? 0 : await store.cursor(cursorName);
  const firstMs = Math.max(options.fromMs, reachedMs);
  let nowMs = firstMs;
  const intake = createTelemetryIntake({
    mappings: points.map(({ mapping }) => mapping),
    clock: { nowMs: () => nowMs, sleepUntil: async () => undefined },
  });
  const counts: Record<PointName, PointCounts> = {};
  for (const { mapping } of points) counts[mapping.point] = { read: 0, imported: 0, alreadyThere: 0, refused: {} };
  let imported = 0;

  const takeWindow = async (startMs: number, endMs: number): Promise<void> => {
    const accepted: TelemetryPoint[] = [];
    for (const [index, { mapping }] of points.entries()) {
      signal.throwIfAborted();
      const { point } = mapping;
      const count = counts[point]!;
      const rows = await reader.rows(series[index]!, startMs, endMs);
      if (rows.length === 0) continue;
      const known = new Set<number>();
      // Means lie in the middle of their time.
      for await (const { timeMs } of store.query([point], startMs, endMs + (everyMs ?? 0))) known.add(timeMs);
      for (const { timeMs, value } of rows) {
        count.read++;
        nowMs = timeMs;
        const [outcome] = intake.receive({
          topic: importTopic(point),
          payload: JSON.stringify({ value, time: timeMs }),
          retained: false,
        });
        if (outcome === undefined) continue;
        if (!outcome.ok) count.refused[outcome.reason] = (count.refused[outcome.reason] ?? 0) + 1;
        else if (known.has(timeMs)) count.alreadyThere++;
        else {
          count.imported++;
          accepted.push(outcome.point);
        }
      }
    }
    accepted.sort((a, b) => a.timeMs - b.timeMs);
    imported += accepted.length;
    if (options.dryRun === true) return;
    for (let i = 0; i < accepted.length; i += BATCH_POINTS) await store.append(accepted.slice(i, i + BATCH_POINTS));
    await store.setCursor(cursorName, endMs);
  };

  let startMs = firstMs;
  while (startMs < toMs) {
    signal.throwIfAborted();
    const firsts = await Promise.all(series.map((one) => reader.firstMs(one, startMs, toMs)));
    const nextMs = Math.min(...firsts.map((first) => first ?? Number.POSITIVE_INFINITY));
    if (!Number.isFinite(nextMs)) break;
    // On whole hours, so that means begin and end there.
    startMs = Math.max(startMs, Math.floor(nextMs / HOUR_MS) * HOUR_MS);
    const endMs = Math.min(toMs, startMs + WINDOW_MS);
    await takeWindow(startMs, endMs);
    startMs = endMs;
    options.onProgress(startMs, (startMs - firstMs) / Math.max(1, toMs - firstMs), imported);
  }
  return { fromMs: firstMs, toMs, points: counts };
};
