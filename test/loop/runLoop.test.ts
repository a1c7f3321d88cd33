import { describe, expect, it } from "vitest";
import type { Clock } from "#domain/clock";
import { runLoop } from "#loop/runLoop";

const every = 100;
const nextTickMs = (afterMs: number): number => (Math.floor(afterMs / every) + 1) * every;

/** A clock that a test can set; sleeping takes no time. */
function settableClock(startMs: number) {
  const clock = {
    now: startMs,
    /** How much too early or late a sleep ends. */
    driftMs: 0,
    nowMs: () => clock.now,
    sleepUntil: async (timeMs: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      clock.now = Math.max(clock.now, timeMs + clock.driftMs);
    },
  };
  return clock satisfies Clock;
}

describe("loop of ticks", () => {
  it("ticks once per interval and counts, without making up for them, those it missed", async () => {
    const clock = settableClock(0);
    const abort = new AbortController();
    const ticks: number[] = [];
    let skipped = 0;
    await runLoop({
      clock,
      nextTickMs,
      signal: abort.signal,
      onError: () => undefined,
      onSkipped: (count) => {
        skipped += count;
      },
      onTick: async (tickMs) => {
        ticks.push(tickMs);
        if (ticks.length === 2) clock.now += 350;
        if (ticks.length === 4) abort.abort();
      },
    });
    expect(ticks).toEqual([100, 200, 600, 700]);
    expect(skipped).toBe(3);
  });

  it("does not tick twice when a timer fires early", async () => {
    const clock = settableClock(0);
    clock.driftMs = -1;
    const abort = new AbortController();
    const ticks: number[] = [];
    await runLoop({
      clock,
      nextTickMs,
      signal: abort.signal,
      onError: () => undefined,
      onTick: async (tickMs) => {
        ticks.push(tickMs);
        if (ticks.length === 3) abort.abort();
      },
    });
    expect(ticks).toEqual([100, 200, 300]);
  });

  it("goes on from the new time when the clock is set back or forward by a day", async () => {
    const day = 86_400_000;
    const clock = settableClock(10 * day);
    const abort = new AbortController();
    const ticks: number[] = [];
    await runLoop({
      clock,
      nextTickMs,
      signal: abort.signal,
      onError: () => undefined,
      onTick: async (tickMs) => {
        ticks.push(tickMs);
        if (ticks.length === 1) clock.now -= day;
        if (ticks.length === 2) clock.now += 2 * day;
        if (ticks.length === 3) abort.abort();
      },
    });
    expect(ticks).toEqual([10 * day + 100, 9 * day + 200, 11 * day + 300]);
  });

  it("never runs two ticks at once", async () => {
    const clock = settableClock(0);
    const abort = new AbortController();
    let running = 0;
    let most = 0;
    let count = 0;
    await runLoop({
      clock,
      nextTickMs,
      signal: abort.signal,
      onError: () => undefined,
      onTick: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        if (++count === 5) abort.abort();
      },
    });
    expect(most).toBe(1);
  });

  it("tells what a tick threw and goes on", async () => {
    const abort = new AbortController();
    const errors: unknown[] = [];
    let count = 0;
    await runLoop({
      clock: settableClock(0),
      nextTickMs,
      signal: abort.signal,
      onError: (error) => errors.push(error),
      onTick: async () => {
        if (++count === 2) abort.abort();
        else throw new Error("boom");
      },
    });
    expect(errors).toEqual([new Error("boom")]);
    expect(count).toBe(2);
  });

  it("ends after the grace even if a tick never does, and tells it to stop", async () => {
    const abort = new AbortController();
    let told = false;
    const ended = runLoop({
      clock: settableClock(0),
      nextTickMs,
      signal: abort.signal,
      graceMs: 20,
      onError: () => undefined,
      onTick: (_tickMs, signal) => {
        signal.addEventListener("abort", () => {
          told = true;
        });
        return new Promise(() => undefined);
      },
    });
    setTimeout(() => abort.abort(), 5);
    await ended;
    expect(told).toBe(true);
  });
});
