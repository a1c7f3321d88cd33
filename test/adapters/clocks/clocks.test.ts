import { afterEach, describe, expect, it, vi } from "vitest";
import { createAcceleratedClock, createLiveClock, createSimulatedClock } from "#adapters/clocks/clocks";

const START_MS = Date.UTC(2026, 2, 28, 23);
afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([
  ["live", () => createLiveClock()],
  ["accelerated", () => createAcceleratedClock({ startMs: START_MS, speed: 1_000 })],
  ["simulated", () => createSimulatedClock(START_MS)],
] as const)("%s clock", (kind, make) => {
  it("has reached the time when a sleep until it ends, and does not wait for what is past", async () => {
    const clock = make();
    expect(clock.kind).toBe(kind);
    const target = clock.nowMs() + 20;
    await clock.sleepUntil(target);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(target - 1);
    await clock.sleepUntil(target - 1e9);
    await expect(clock.sleepUntil(Number.NaN)).rejects.toThrow(RangeError);
  });

  it("rejects with the signal's reason when aborted, before or during the sleep", async () => {
    const clock = make();
    const reason = new Error("stop");
    await expect(clock.sleepUntil(clock.nowMs() + 1e9, AbortSignal.abort(reason))).rejects.toBe(reason);
    if (kind === "simulated") return;
    const control = new AbortController();
    const sleeping = clock.sleepUntil(clock.nowMs() + 1e9, control.signal);
    control.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});

describe("clocks", () => {
  it("a wall clock that jumps neither ends a live sleep early nor keeps it asleep", async () => {
    const clock = createLiveClock();
    for (const jumpMs of [86_400_000, -86_400_000]) {
      const real = Date.now;
      const startedMs = performance.now();
      const sleeping = clock.sleepUntil(clock.nowMs() + 80);
      vi.spyOn(Date, "now").mockImplementation(() => real() + jumpMs);
      await sleeping;
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(79);
      vi.restoreAllMocks();
    }
  });

  it("an accelerated clock shows whole milliseconds, whatever its start and speed", async () => {
    const clock = createAcceleratedClock({ startMs: START_MS + 0.7, speed: 97.3 });
    for (let i = 0; i < 50; i++) {
      expect(Number.isInteger(clock.nowMs())).toBe(true);
      await clock.sleepUntil(clock.nowMs() + 40);
    }
  });

  it("an accelerated clock runs `speed` times as fast as real time", async () => {
    const clock = createAcceleratedClock({ startMs: START_MS, speed: 60 });
    const [simulated, real] = [clock.nowMs(), performance.now()];
    await clock.sleepUntil(START_MS + 6_000);
    const [simulatedMs, realMs] = [clock.nowMs() - simulated, performance.now() - real];
    expect(simulatedMs / realMs).toBeCloseTo(60, 0);
    expect(() => createAcceleratedClock({ startMs: 0, speed: 0 })).toThrow(RangeError);
    expect(() => createAcceleratedClock({ startMs: 0, speed: Number.POSITIVE_INFINITY })).toThrow(RangeError);
  });

  it("a simulated clock jumps at once and never back", async () => {
    const clock = createSimulatedClock(START_MS);
    await clock.sleepUntil(START_MS + 365 * 86_400_000);
    expect(clock.nowMs()).toBe(START_MS + 365 * 86_400_000);
    await clock.sleepUntil(START_MS);
    clock.advanceTo(START_MS);
    expect(clock.nowMs()).toBe(START_MS + 365 * 86_400_000);
  });

  it("a sleep leaves no abort listener behind", async () => {
    const control = new AbortController();
    const add = vi.spyOn(control.signal, "addEventListener");
    const remove = vi.spyOn(control.signal, "removeEventListener");
    const clock = createLiveClock();
    for (let i = 0; i < 20; i++) await clock.sleepUntil(clock.nowMs() + 1, control.signal);
    expect(remove.mock.calls.length).toBe(add.mock.calls.length);
  });
});
