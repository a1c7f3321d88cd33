import type { Clock } from "#domain/clock";

export interface RunLoopOptions {
  readonly clock: Clock;
  /** The first tick strictly after a time, e.g. of a cron expression. */
  readonly nextTickMs: (afterMs: number) => number;
  readonly onTick: (tickMs: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Ticks that came while one was busy: they are dropped, never made up for. */
  readonly onSkipped?: (ticks: number) => void;
  /** What `onTick` threw; the next tick comes all the same. */
  readonly onError: (error: unknown) => void;
  /** How long a tick that does not end may delay the end of the loop after an abort, ms of real time; default 4000. */
  readonly graceMs?: number;
}

/** Ticks further apart than this from what the clock says are a clock that was set. */
const CLOCK_JITTER_MS = 60_000;
const MOST_COUNTED = 10_000;

/**
 * One tick at a time until the signal aborts. The next tick is computed from the clock after each one: none overlaps, missed ones are counted and
 * dropped, and a clock set back or forward causes neither a burst nor a silence. After an abort it ends within `graceMs` even if a tick hangs.
 */
export async function runLoop(options: RunLoopOptions): Promise<void> {
  const { clock, nextTickMs, onTick, signal, onSkipped, onError } = options;
  let lastMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    // A timer may fire a little early by the clock: the same tick must not come twice. A clock set back begins anew.
    const tickMs = nextTickMs(nowMs < lastMs && lastMs - nowMs <= CLOCK_JITTER_MS ? lastMs : nowMs);
    if (!Number.isFinite(tickMs)) return;
    try {
      await clock.sleepUntil(tickMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await endOrGrace(
      onTick(tickMs, signal).catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      }),
      signal,
      options.graceMs ?? 4000,
    );
    lastMs = tickMs;
    if (onSkipped === undefined || signal.aborted) continue;
    const endMs = clock.nowMs();
    let skipped = 0;
    for (let t = nextTickMs(tickMs); t <= endMs && skipped < MOST_COUNTED; t = nextTickMs(t)) skipped++;
    if (skipped > 0) onSkipped(skipped);
  }
}

/** Resolves with the tick, or `graceMs` after an abort if that is earlier. */
function endOrGrace(tick: Promise<void>, signal: AbortSignal, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      timer = setTimeout(end, graceMs);
    };
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    void tick.then(end);
  });
}
