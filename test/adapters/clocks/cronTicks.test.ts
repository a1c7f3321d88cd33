import fc from "fast-check";
import cron from "node-cron";
import { afterEach, describe, expect, it } from "vitest";
import { createAcceleratedClock, createLiveClock, createSimulatedClock } from "#adapters/clocks/clocks";
import { createCronTicks } from "#adapters/clocks/cronTicks";

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
const next = (expression: string, after: string): string => iso(createCronTicks(expression).nextTickMs(Date.parse(`${after}Z`)));
const never = (error: unknown): void => {
  throw error;
};

describe("cron ticks", () => {
  it.each(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe"])(
    "come every 15 minutes over both changes of summer time, on a machine in %s",
    (timeZone) => {
      process.env.TZ = timeZone;
      const ticks = createCronTicks("*/15 * * * *");
      for (const start of ["2026-10-24T12:00Z", "2027-03-27T12:00Z", "2026-10-03T12:00Z", "2027-04-03T12:00Z"]) {
        let t = Date.parse(start);
        for (let i = 1; i <= 200; i++) {
          t = ticks.nextTickMs(t);
          expect(t).toBe(Date.parse(start) + i * 900_000);
        }
      }
    },
  );

  it("know the ends of months and years, leap days and weekdays", () => {
    expect(next("0 3 1 * *", "2026-01-31T23:59")).toBe("2026-02-01T03:00");
    expect(next("30 2 31 * *", "2026-01-31T02:30")).toBe("2026-03-31T02:30");
    expect(next("0 0 29 2 *", "2026-01-01T00:00")).toBe("2028-02-29T00:00");
    expect(next("0 0 29 2 *", "2096-02-29T00:00")).toBe("2104-02-29T00:00");
    expect(next("*/15 * * * *", "2026-12-31T23:45")).toBe("2027-01-01T00:00");
    expect(next("0 6 * * 1-5", "2026-11-20T06:00")).toBe("2026-11-23T06:00");
    expect(next("0 0 13 * 5", "2026-01-01T00:00")).toBe("2026-02-13T00:00");
    expect(next("5,35 8-9 * * *", "2026-11-22T08:05")).toBe("2026-11-22T08:35");
  });

  it("are strictly after the given moment, also between seconds", () => {
    const ticks = createCronTicks("* * * * *");
    expect(ticks.nextTickMs(60_000)).toBe(120_000);
    expect(ticks.nextTickMs(59_999)).toBe(60_000);
    expect(ticks.nextTickMs(59_999.5)).toBe(60_000);
    expect(ticks.nextTickMs(-1)).toBe(0);
    expect(createCronTicks("*/10 * * * * *").nextTickMs(1)).toBe(10_000);
    expect(() => ticks.nextTickMs(Number.NaN)).toThrow(RangeError);
  });

  it("are those that node-cron's own matcher accepts, and none between them is left out", () => {
    const field = (from: number, to: number) =>
      fc.oneof(
        fc.constant("*"),
        fc.integer({ min: from, max: to }).map(String),
        fc.integer({ min: 2, max: 9 }).map((n) => `*/${n}`),
        fc
          .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      );
    const expression = fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map((fields) => fields.join(" "));
    fc.assert(
      fc.property(expression, fc.integer({ min: 0, max: 4_000_000_000 }), (text, afterS) => {
        const task = cron.createTask(text, () => undefined, { timezone: "UTC" });
        const afterMs = afterS * 1_000;
        const tickMs = createCronTicks(text).nextTickMs(afterMs);
        expect(task.match(new Date(tickMs))).toBe(true);
        const firstMinute = Math.floor(afterMs / 60_000) * 60_000 + 60_000;
        for (let t = firstMinute; t < Math.min(tickMs, firstMinute + 60 * 60_000); t += 60_000) expect(task.match(new Date(t))).toBe(false);
        task.destroy();
      }),
      { numRuns: 40 },
    );
  });

  it("an expression that is wrong or never comes true is refused as configuration", () => {
    for (const expression of ["", "hello", "61 * * * *", "* * * *", "0 0 30 2 *", "0 0 31 4 *"])
      expect(() => createCronTicks(expression), expression).toThrow(expect.objectContaining({ kind: "configuration" }));
  });

  it("on a simulated clock a week of quarter hours passes in an instant, each tick once", async () => {
    const startMs = Date.UTC(2026, 9, 20, 0, 7);
    const clock = createSimulatedClock(startMs);
    const stop = new AbortController();
    const seen: number[] = [];
    await createCronTicks("*/15 * * * *").run({
      clock,
      signal: stop.signal,
      onTick: (t) => {
        seen.push(t);
        expect(clock.nowMs()).toBe(t);
        if (seen.length === 672) stop.abort();
      },
      onError: never,
    });
    expect(seen.length).toBe(672);
    expect(seen.every((t, i) => t === Date.UTC(2026, 9, 20, 0, 15) + i * 900_000)).toBe(true);
  });

  it("ticks missed while busy are skipped and counted, not queued", async () => {
    const clock = createSimulatedClock(0);
    const stop = new AbortController();
    const seen: number[] = [];
    const skipped: number[] = [];
    await createCronTicks("*/15 * * * *").run({
      clock,
      signal: stop.signal,
      onTick: async (t) => {
        seen.push(t / 60_000);
        if (seen.length === 1) clock.advanceTo(t + 50 * 60_000);
        if (seen.length === 3) stop.abort();
      },
      onSkipped: (ticks) => skipped.push(ticks),
      onError: never,
    });
    expect(seen).toEqual([15, 75, 90]);
    expect(skipped).toEqual([3]);
  });

  it("on an accelerated clock a slow tick causes no burst of catch-up ticks", async () => {
    const clock = createAcceleratedClock({ startMs: 0, speed: 60_000 });
    const stop = new AbortController();
    const seen: number[] = [];
    let underWay = 0;
    let most = 0;
    await createCronTicks("*/15 * * * *").run({
      clock,
      signal: stop.signal,
      onTick: async (t) => {
        most = Math.max(most, ++underWay);
        seen.push(t);
        await new Promise((resolve) => setTimeout(resolve, seen.length === 2 ? 100 : 1));
        underWay--;
        if (seen.length === 6) stop.abort();
      },
      onError: never,
    });
    expect(most).toBe(1);
    expect(seen.every((t, i) => i === 0 || t > seen[i - 1])).toBe(true);
    expect(seen[2] - seen[1]).toBeGreaterThanOrEqual(6 * 900_000);
  });

  it("a tick that fails is told and the next one comes", async () => {
    const clock = createSimulatedClock(0);
    const stop = new AbortController();
    const errors: unknown[] = [];
    let ticks = 0;
    await createCronTicks("* * * * *").run({
      clock,
      signal: stop.signal,
      onTick: () => {
        if (++ticks === 3) stop.abort();
        throw new Error(`tick ${ticks}`);
      },
      onError: (error) => errors.push(error),
    });
    expect(errors.length).toBe(3);
  });

  it("on the live clock it comes on whole seconds, never twice at once, and ends when aborted", async () => {
    const before = cron.getTasks().size;
    const stop = new AbortController();
    const seen: number[] = [];
    let skipped = 0;
    let underWay = 0;
    let most = 0;
    await createCronTicks("* * * * * *").run({
      clock: createLiveClock(),
      signal: stop.signal,
      onTick: async (t) => {
        most = Math.max(most, ++underWay);
        seen.push(t);
        if (seen.length === 1) await new Promise((resolve) => setTimeout(resolve, 1_500));
        else stop.abort();
        underWay--;
      },
      onSkipped: (n) => {
        skipped += n;
      },
      onError: never,
    });
    expect(most).toBe(1);
    expect(seen.length).toBe(2);
    expect(seen.every((t) => t % 1_000 === 0)).toBe(true);
    expect(skipped).toBeGreaterThanOrEqual(1);
    expect(cron.getTasks().size).toBe(before);
  });
});
