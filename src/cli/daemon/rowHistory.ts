import { rowsOnGrid } from "#cli/daemon/stepRows";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { TelemetryStore } from "#domain/store";
import type { HistoryBuffer } from "#loop/historyBuffer";

const DAY_MS = 86_400_000;

/** One day of stored points at a time: minute values of two weeks would fill the memory. */
async function* byDay(
  store: Pick<TelemetryStore, "query">,
  points: readonly PointName[],
  fromMs: number,
  toMs: number,
): AsyncGenerator<TelemetryPoint> {
  for (let startMs = fromMs; startMs < toMs; startMs += DAY_MS) yield* store.query(points, startMs, Math.min(toMs, startMs + DAY_MS));
}

/** Fills the buffer with what the store has of the time before `nowMs`, on the control grid. */
export const loadHistory = async (
  history: HistoryBuffer,
  store: Pick<TelemetryStore, "query">,
  points: readonly PointName[],
  fromMs: number,
  nowMs: number,
): Promise<void> => {
  const stored = byDay(store, points, fromMs, nowMs + 1);
  for await (const row of rowsOnGrid(stored, history.stepS, history.phaseS)) if (row.timeMs <= nowMs) history.add(row);
};
