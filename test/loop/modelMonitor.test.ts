import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import type { TelemetryPoint } from "#domain/points";
import type { Alarm } from "#domain/store";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createCoverageWindow, type JudgedStep } from "#loop/coverageWindow";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { createModelMonitor, defaultMonitorLimits, monitorPoints, type StepJudge } from "#loop/modelMonitor";

const stepMs = 900_000;
const startMs = Date.UTC(1991, 0, 10);

/** A judge that says of every step with a measurement in zone a what the test wants. */
const judgeOf = (options: {
  readonly version?: string;
  readonly trainedToMs?: number;
  readonly heldOutRmseK?: number | null;
  readonly errorK: (endMs: number) => number;
  readonly isOffSetpoint?: (endMs: number) => boolean;
  readonly asked?: Dataset[];
}): StepJudge => ({
  modelVersion: options.version ?? "m1",
  heldOutRmseK: options.heldOutRmseK === undefined ? 0.1 : options.heldOutRmseK,
  trainedToMs: options.trainedToMs ?? startMs,
  judge: (data, fromMs) => {
    options.asked?.push(data);
    const air = data.columns.get("a.zoneAirTempC")!;
    return Array.from(data.timesMs, (endMs, i): JudgedStep => {
      const error = options.errorK(endMs);
      const off = options.isOffSetpoint?.(endMs) ?? true;
      return { zone: "a", endMs, measuredC: air[i]!, meanC: air[i]! - error, stdDevK: 0.1, isOffSetpoint: off };
    }).filter(({ endMs, measuredC }) => endMs > fromMs && Number.isFinite(measuredC));
  },
});
/** z of the 90 % interval is 1.645: at a standard deviation of 0.1 K this is inside, this outside. */
const inside = 0.1;
const outside = 0.18;

const watched = (options: { readonly initial?: readonly Alarm[] } = {}) => {
  const stored: Alarm[] = [];
  const written: TelemetryPoint[] = [];
  const errors: unknown[] = [];
  const history = createHistoryBuffer({ stepS: 900, maxRows: 96 * 10 });
  const alarms = createAlarmBoard({
    store: { putAlarm: async (alarm) => void stored.push(alarm) },
    onError: (error) => errors.push(error),
    ...(options.initial === undefined ? {} : { initial: options.initial }),
  });
  const monitor = createModelMonitor({
    zones: ["a"],
    history,
    lookBackMs: 4 * 86_400_000,
    alarms,
    write: (points) => written.push(...points),
    onError: (error) => errors.push(error),
  });
  let nowMs = startMs;
  const row = (): void => {
    nowMs += stepMs;
    history.add({ timeMs: nowMs, values: new Map([["a.zoneAirTempC", 20]]) });
  };
  return {
    monitor,
    history,
    stored,
    written,
    errors,
    active: () => alarms.active().map(({ id }) => id),
    alarm: (id: string) => alarms.active().find((one) => one.id === id),
    row,
    now: () => nowMs,
    steps: async (count: number) => {
      for (let k = 0; k < count; k++) {
        row();
        await monitor.step(nowMs);
      }
    },
  };
};
/** Of every ten steps so many outside the interval. */
const outsideOfTen =
  (count: number) =>
  (endMs: number): number =>
    (endMs / stepMs) % 10 < count ? outside : inside;

describe("watching how true the model is", () => {
  it("says nothing without a model, nor before there are enough steps off the setpoint", async () => {
    const site = watched();
    await site.steps(3);
    expect(site.monitor.figures()).toEqual([]);
    const isOffSetpoint = (endMs: number): boolean => (endMs / stepMs) % 2 === 0;
    site.monitor.use(judgeOf({ trainedToMs: site.now(), errorK: () => 1, isOffSetpoint }), false);
    await site.steps(98);
    expect(site.monitor.figures()[0]).toMatchObject({ zone: "a", samples: 49, coverage90Fraction: null, rmseK: null });
    // Errors ten times as large as they should be are doubted long before coverage can be told.
    expect(site.active()).toEqual(["model-doubt:a"]);
    await site.steps(2);
    expect(site.active()).toEqual(["model-doubt:a", "model-coverage:a", "model-drift:a"]);
    expect(site.errors).toEqual([]);
  });

  it.each([
    [1, 0.9, []],
    [2, 0.8, []],
    [3, 0.7, ["model-coverage:a"]],
    [0, 1, ["model-coverage:a"]],
  ])("with %i of ten steps outside the interval the coverage is %f and the alarms are %j", async (count, coverage, alarms) => {
    const site = watched();
    site.monitor.use(judgeOf({ errorK: outsideOfTen(count) }), false);
    await site.steps(100);
    expect(site.monitor.figures()[0]?.coverage90Fraction).toBeCloseTo(coverage, 10);
    expect(site.active()).toEqual(alarms);
  });

  it("tells of a model that is too sure what is wrong, where, and what to do; one that is too careful is only noted", async () => {
    const sure = watched();
    sure.monitor.use(judgeOf({ version: "thermostat-1", errorK: outsideOfTen(4) }), false);
    await sure.steps(60);
    expect(sure.alarm("model-coverage:a")).toMatchObject({
      level: "warning",
      zone: "a",
      text: "Zone a: 60 % of 50 steps of the last 2 days ended inside the 90 % band of model thermostat-1 (75 % to 98 % is right): it is surer than it should be.",
      action: expect.stringMatching(/isotherm model rollback/),
    });
    const careful = watched();
    careful.monitor.use(judgeOf({ errorK: () => 0.01 }), false);
    await careful.steps(99);
    expect(careful.active()).toEqual([]);
    await careful.steps(1);
    expect(careful.alarm("model-coverage:a")).toMatchObject({ level: "info", text: expect.stringMatching(/100 %.*less sure/) });
  });

  it("ends an alarm only well inside the band, and after the bad steps have left the window", async () => {
    const site = watched();
    const isBad = (endMs: number): boolean => endMs <= startMs + 40 * stepMs;
    site.monitor.use(judgeOf({ errorK: (endMs) => (isBad(endMs) ? outside : outsideOfTen(1)(endMs)) }), false);
    await site.steps(60);
    expect(site.active()).toContain("model-coverage:a");
    // 40 bad ones and every tenth of the others: 0.78 is passed on the way from 0.75 to 0.80.
    let endedAt = Number.NaN;
    let seenBetween = false;
    for (let k = 0; k < 250 && Number.isNaN(endedAt); k++) {
      await site.steps(1);
      const share = site.monitor.figures()[0]!.coverage90Fraction!;
      if (site.active().includes("model-coverage:a")) seenBetween ||= share >= 0.75 && share < 0.78;
      else endedAt = share;
    }
    expect(seenBetween).toBe(true);
    expect(endedAt).toBeGreaterThanOrEqual(0.78);
    expect(site.stored.map(({ clearedMs }) => clearedMs !== null)).toEqual([false, true]);
  });

  it("raises drift at twice the held-out error, and not for one odd hour", async () => {
    const odd = watched();
    odd.monitor.use(judgeOf({ errorK: (endMs) => (endMs <= startMs + 4 * stepMs ? 5 : outsideOfTen(1)(endMs)) }), false);
    await odd.steps(100);
    expect(odd.active()).toEqual([]);
    const drifted = watched();
    drifted.monitor.use(judgeOf({ heldOutRmseK: 0.05, errorK: outsideOfTen(1) }), false);
    await drifted.steps(60);
    expect(drifted.active()).toEqual(["model-drift:a"]);
    expect(drifted.alarm("model-drift:a")?.text).toMatch(
      /off by 0\.11 K a step over \d+ steps, on days left out of its training it was 0\.05 K/,
    );
    const unknown = watched();
    unknown.monitor.use(judgeOf({ heldOutRmseK: null, errorK: outsideOfTen(1) }), false);
    await unknown.steps(60);
    expect(unknown.active()).toEqual([]);
  });

  it("counts on with what the model before said after a night's learning, until the new one has enough steps of its own", async () => {
    const site = watched();
    site.monitor.use(judgeOf({ version: "old", errorK: outsideOfTen(5) }), false);
    await site.steps(60);
    site.monitor.use(judgeOf({ version: "new", trainedToMs: site.now(), errorK: outsideOfTen(1) }), false);
    await site.steps(40);
    expect(site.monitor.figures()[0]).toMatchObject({ samples: 100 });
    expect(site.active()).toContain("model-coverage:a");
    await site.steps(60);
    expect(site.monitor.figures()[0]).toMatchObject({ samples: 100, coverage90Fraction: 0.9 });
    expect(site.active()).toEqual([]);
  });

  it("never counts rows that the model learned from", async () => {
    const site = watched();
    for (let k = 0; k < 200; k++) site.row();
    site.monitor.use(judgeOf({ trainedToMs: site.now(), errorK: () => 0 }), false);
    await site.steps(3);
    expect(site.monitor.figures()[0]?.samples).toBe(3);
  });

  it("judges a version that a person chose by the history it did not learn from, at once, and ends what was said of the one before", async () => {
    const site = watched();
    site.monitor.use(judgeOf({ version: "bad", errorK: outsideOfTen(6) }), false);
    await site.steps(150);
    expect(site.active()).toContain("model-coverage:a");
    const asked: Dataset[] = [];
    site.monitor.use(judgeOf({ version: "good", trainedToMs: startMs + 50 * stepMs, errorK: outsideOfTen(1), asked }), true);
    await site.steps(1);
    expect(site.monitor.figures()[0]).toMatchObject({ samples: 101 });
    expect(site.monitor.figures()[0]!.coverage90Fraction).toBeCloseTo(0.9, 1);
    expect(site.active()).toEqual([]);
    await site.steps(1);
    // What lags and slow masses need comes along every time.
    expect(asked).toHaveLength(2);
    expect(asked[1]!.timesMs.length).toBeGreaterThan(100);
  });

  it("ends an alarm about another model where the chosen one has no history of its own, and leaves one from before a restart until it knows", async () => {
    const alarm: Alarm = { id: "model-coverage:a", level: "warning", zone: "a", text: "", action: "", sinceMs: 0, clearedMs: null };
    const chosen = watched({ initial: [alarm] });
    chosen.monitor.use(judgeOf({ errorK: outsideOfTen(1) }), true);
    await chosen.steps(1);
    expect(chosen.active()).toEqual([]);
    const learned = watched({ initial: [alarm] });
    learned.monitor.use(judgeOf({ errorK: outsideOfTen(1) }), false);
    await learned.steps(49);
    expect(learned.active()).toEqual(["model-coverage:a"]);
    await learned.steps(1);
    expect(learned.active()).toEqual([]);
  });

  it("judges a step once, when it is over, however many decisions are taken in it", async () => {
    const site = watched();
    site.monitor.use(judgeOf({ errorK: () => inside }), false);
    await site.steps(60);
    const before = site.written.length;
    site.history.add({ timeMs: site.now() + 0.6 * stepMs, values: new Map([["a.zoneAirTempC", 25]]) });
    await site.monitor.step(site.now() + 0.6 * stepMs);
    await site.monitor.step(site.now() + 0.7 * stepMs);
    expect(site.monitor.figures()[0]?.samples).toBe(60);
    expect(site.written).toHaveLength(before);
    await site.steps(1);
    expect(site.monitor.figures()[0]?.samples).toBe(61);
  });

  it("keeps what it said and how true it was as points of the step's end", async () => {
    const site = watched();
    site.monitor.use(judgeOf({ errorK: outsideOfTen(1) }), false);
    await site.steps(60);
    const points = monitorPoints("a");
    const at = (point: string, timeMs: number) => site.written.find((one) => one.point === point && one.timeMs === timeMs)?.value;
    expect(at(points.mean, startMs + stepMs)).toBeCloseTo(20 - outsideOfTen(1)(startMs + stepMs), 10);
    expect(at(points.stdDev, startMs + stepMs)).toBe(0.1);
    expect(at(points.coverage, startMs + stepMs)).toBeUndefined();
    expect(at(points.coverage, startMs + 60 * stepMs)).toBeCloseTo(0.9, 10);
    expect(at(points.rmse, startMs + 60 * stepMs)).toBeGreaterThan(0.1);
    for (const { value } of site.written) expect(Number.isFinite(value)).toBe(true);
  });

  it("tells of a judge that fails and goes on", async () => {
    const site = watched();
    site.monitor.use({ ...judgeOf({ errorK: () => 0 }), judge: () => Promise.reject(new Error("no")) as never }, false);
    site.monitor.use(
      {
        ...judgeOf({ errorK: () => 0 }),
        judge: () => {
          throw new Error("arrays do not fit");
        },
      },
      false,
    );
    await site.steps(2);
    expect(site.errors).toHaveLength(2);
  });
});

describe("a window of judged steps", () => {
  it("has a coverage between 0 and 1 and an error of at most the limit, whatever comes, or says that it knows nothing", () => {
    const step = fc.record({
      zone: fc.constant("a"),
      endMs: fc.integer({ min: 0, max: 1000 }),
      measuredC: fc.double({ min: -50, max: 60 }),
      meanC: fc.double(),
      stdDevK: fc.double({ min: -1 }),
      isOffSetpoint: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 60 }), (steps, enough) => {
        const window = createCoverageWindow();
        for (const [i, one] of steps.entries()) window.add(one, i % 2 === 0 ? "even" : "odd");
        const { samples, coverage90Fraction, rmseK } = window.figures(100, "even", enough, 2);
        expect(samples).toBeLessThanOrEqual(steps.filter(({ endMs, isOffSetpoint }) => endMs > 100 && isOffSetpoint).length);
        if (samples < enough) expect([coverage90Fraction, rmseK]).toEqual([null, null]);
        else {
          expect(coverage90Fraction).toBeGreaterThanOrEqual(0);
          expect(coverage90Fraction).toBeLessThanOrEqual(1);
          expect(rmseK).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it("looks back two days by default", () => {
    expect(defaultMonitorLimits.windowMs).toBe(2 * 86_400_000);
  });
});
