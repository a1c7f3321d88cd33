import type { TelemetryPoint } from "#domain/points";
import type { TelemetryStore } from "#domain/store";

export interface StoreWriter {
  /** Takes points in; they are appended in order, one batch at a time. */
  write(points: readonly TelemetryPoint[]): void;
  /** Resolves when everything taken in so far is stored or given up. */
  settled(): Promise<void>;
  readonly waitingPoints: number;
  readonly lostPoints: number;
}

/** A day and a half of a small site at one value a minute: what is kept in memory while the disk is full. */
const MOST_WAITING = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Appends telemetry without ever holding up who brings it. While the store cannot be written (disk full) points wait in memory, the oldest are lost
 * first, and appending goes on by itself once there is room again.
 */
export const createStoreWriter = (options: {
  readonly store: Pick<TelemetryStore, "append">;
  readonly onHealth: (error: Error | null) => void;
  readonly signal: AbortSignal;
}): StoreWriter => {
  let waiting: TelemetryPoint[] = [];
  let running: Promise<void> | null = null;
  let lost = 0;
  let failing = false;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        options.signal.removeEventListener("abort", done);
        resolve();
      }
      options.signal.addEventListener("abort", done, { once: true });
    });
  const run = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await options.store.append(batch);
        pauseMs = FIRST_PAUSE_MS;
        if (failing) options.onHealth(null);
        failing = false;
      } catch (error) {
        if (!failing) options.onHealth(error instanceof Error ? error : new Error(String(error)));
        failing = true;
        const kept = [...batch, ...waiting];
        lost += Math.max(0, kept.length - MOST_WAITING);
        waiting = kept.slice(-MOST_WAITING);
        if (options.signal.aborted) {
          lost += waiting.length;
          waiting = [];
          return;
        }
        await pause(pauseMs);
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      }
    }
  };
  return {
    write: (points) => {
      if (points.length === 0) return;
      waiting.push(...points);
      running ??= run().finally(() => {
        running = null;
      });
    },
    settled: async () => {
      while (running !== null) await running;
    },
    get waitingPoints() {
      return waiting.length;
    },
    get lostPoints() {
      return lost;
    },
  };
};
