import type { Clock } from "#domain/clock";

export type KindOfClock = "live" | "accelerated" | "simulated";
export interface KindClock extends Clock {
  readonly kind: KindOfClock;
}

/** Longest delay `setTimeout` knows is 2³¹−1 ms; longer sleeps are cut. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `durationMs` of the machine's monotonic clock; rejects with `signal.reason` when aborted. */
const sleepMonotonic = (durationMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const endMs = performance.now() + durationMs;
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const next = (): void => {
      const leftMs = endMs - performance.now();
      if (leftMs > 0) {
        // Timers may fire a fraction of a millisecond early; then the rest is slept too.
        timer = setTimeout(next, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
        return;
      }
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    if (signal?.aborted === true) {
      onAbort();
      return;
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    next();
  });

const checkTime = (what: string, timeMs: number): void => {
  if (!Number.isFinite(timeMs)) throw new RangeError(`${what} is not a time: ${timeMs}`);
};

/**
 * The machine's clock. `nowMs` is the wall clock; a sleep lasts the time that was left when it began, measured on the monotonic clock, so that a
 * wall clock set forward or back neither ends it early nor prolongs it by hours.
 */
export const createLiveClock = (): KindClock => ({
  kind: "live",
  nowMs: () => Date.now(),
  sleepUntil: async (timeMs, signal) => {
    checkTime("The end of a sleep", timeMs);
    await sleepMonotonic(Math.max(0, timeMs - Date.now()), signal);
  },
});

/**
 * now = ⌊startMs + speed · (monotonic time since the clock was made)⌋, whole milliseconds as every clock's: the store takes no others. Throws `RangeError` unless `speed` is positive and finite.
 */
export const createAcceleratedClock = (options: { readonly startMs: number; readonly speed: number }): KindClock => {
  const { startMs, speed } = options;
  checkTime("The start of an accelerated clock", startMs);
  if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`The speed of an accelerated clock is not a positive number: ${speed}`);
  const originMs = performance.now();
  const exactMs = (): number => startMs + (performance.now() - originMs) * speed;
  return {
    kind: "accelerated",
    nowMs: () => Math.floor(exactMs()),
    sleepUntil: async (timeMs, signal) => {
      checkTime("The end of a sleep", timeMs);
      await sleepMonotonic(Math.max(0, (timeMs - exactMs()) / speed), signal);
    },
  };
};

/** A clock that jumps to the end of every sleep at once and never goes back. */
export const createSimulatedClock = (startMs: number): KindClock & { advanceTo(timeMs: number): void } => {
  checkTime("The start of a simulated clock", startMs);
  let now = startMs;
  const advanceTo = (timeMs: number): void => {
    checkTime("The end of a sleep", timeMs);
    now = Math.max(now, timeMs);
  };
  return {
    kind: "simulated",
    nowMs: () => now,
    advanceTo,
    sleepUntil: async (timeMs, signal) => {
      signal?.throwIfAborted();
      advanceTo(timeMs);
    },
  };
};
