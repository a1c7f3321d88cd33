import { describe, expect, it } from "vitest";
import type { Decision, Plan, PredictedPlan } from "#domain/plan";
import type { PointName } from "#domain/points";
import { createRegretMonitor, defaultRegretLimits } from "#loop/regretMonitor";

const stepMs = 900_000;
const T = 4;
const price = 0.2;
const predicted = (powerW: number, comfort = 0): PredictedPlan => ({
  zones: {},
  powerW: new Array(T).fill(powerW),
  cost: { comfort, energy: (price * powerW * T) / 4000, uncertainty: 0, movement: 0, total: 0 },
});
const decisionAt = (nowMs: number, chosen: PredictedPlan, rule: PredictedPlan, source: Plan["source"] = "mppi"): Decision =>
  ({
    plan: {
      stepS: 900,
      stepEndMs: Array.from({ length: T }, (_, t) => nowMs + (t + 1) * stepMs),
      source,
      chosen,
      rule,
      comfort: { a: { lowerC: new Array(T).fill(20), upperC: new Array(T).fill(24), occupied: new Array(T).fill(true) } },
      pricePerKwh: new Array(T).fill(price),
      diagnostics: { comfortPerKh: 2 },
    },
  }) as unknown as Decision;
const row = (airC: number, powerW: number): ReadonlyMap<PointName, number> =>
  new Map<PointName, number>([
    ["a.zoneAirTempC", airC],
    ["building.hvacPowerW", powerW],
  ]);

/** So many steps, each decided upon and then measured. */
const live = (
  monitor: ReturnType<typeof createRegretMonitor>,
  steps: number,
  at: (i: number) => { chosen: PredictedPlan; rule: PredictedPlan; airC: number; powerW: number; source?: Plan["source"] },
  fromMs = 0,
): number => {
  for (let i = 0; i < steps; i++) {
    const nowMs = fromMs + i * stepMs;
    const { chosen, rule, airC, powerW, source } = at(i);
    if (monitor.resting(nowMs) === null) monitor.decided(decisionAt(nowMs, chosen, rule, source));
    monitor.ended(nowMs + stepMs, row(airC, powerW));
  }
  return fromMs + steps * stepMs;
};

describe("regret", () => {
  it("is the realised cost less what the rule was predicted to cost", () => {
    const monitor = createRegretMonitor({ ...defaultRegretLimits, lossShare: Number.POSITIVE_INFINITY });
    live(monitor, 120, () => ({ chosen: predicted(1000), rule: predicted(1500), airC: 19.5, powerW: 1000 }));
    const found = monitor.figures()!;
    // Half a kelvin below the band for an hour at 2 per K·h, and 1 kWh at 0.2.
    expect(found.realised).toBeCloseTo(1.2, 10);
    expect(found.promised).toBeCloseTo(0.2, 10);
    expect(found.rulePredicted).toBeCloseTo(0.3, 10);
    expect(found.energyBias).toBeCloseTo(1, 10);
  });

  it("does not hold a power model against the planner that is wrong for everybody alike", () => {
    const monitor = createRegretMonitor();
    live(monitor, 200, () => ({ chosen: predicted(1000), rule: predicted(1100), airC: 21, powerW: 1300 }));
    const found = monitor.figures()!;
    expect(found.energyBias).toBeCloseTo(1.3, 10);
    expect(found.regret).toBeCloseTo(-0.1 * 0.2 * 1.3, 10);
    expect(monitor.resting(201 * stepMs)).toBeNull();
  });

  it("hands over to the rule for a day where planning loses, and for two days where it does so again", () => {
    const monitor = createRegretMonitor();
    // It promises comfort for less and keeps people cold.
    const losing = () => ({ chosen: predicted(900), rule: predicted(1000), airC: 19, powerW: 900 });
    const { enough, restMs } = defaultRegretLimits;
    let nowMs = live(monitor, enough + T, losing);
    const since = nowMs;
    expect(monitor.resting(nowMs)).toMatch(/^planning has cost \d+ % more than the rule was predicted to, over 96 decisions$/);
    const rests = (): number => {
      let count = 0;
      while (monitor.resting(nowMs) !== null) {
        monitor.ended(nowMs + stepMs, row(21, 1000));
        nowMs += stepMs;
        count++;
      }
      return count;
    };
    const first = rests();
    expect((nowMs - since) / restMs).toBeCloseTo(1, 1);
    nowMs = live(monitor, enough + T, losing, nowMs);
    expect(rests()).toBeGreaterThan(1.9 * first);
  });

  it("says nothing of few decisions, of the rule's own, and of horizons that were not measured whole", () => {
    const few = createRegretMonitor();
    live(few, 50, () => ({ chosen: predicted(900), rule: predicted(1000), airC: 15, powerW: 5000 }));
    expect(few.figures()).toBeNull();
    const rule = createRegretMonitor();
    live(rule, 200, () => ({ chosen: predicted(900), rule: predicted(1000), airC: 15, powerW: 900, source: "rule" }));
    expect(rule.figures()).toBeNull();
    const gaps = createRegretMonitor();
    for (let i = 0; i < 300; i++) {
      gaps.decided(decisionAt(i * stepMs, predicted(900), predicted(1000)));
      if (i % 3 !== 0) gaps.ended((i + 1) * stepMs, row(15, 900));
    }
    expect(gaps.figures()).toBeNull();
  });
});
