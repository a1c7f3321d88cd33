import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ComfortAround, ruleFamily, ruleLookAround, ruleSequence } from "#controllers/ruleBased";
import { scheduleSequence } from "#controllers/schedule";
import { IsothermError } from "#domain/errors";
import type { ComfortSchedule, SetpointLimits } from "#domain/setpoints";

const HOUR = 4;
const DAY = 96;
const STEP_S = 900;
const limits: SetpointLimits = {
  minHeatingSetpointC: 12,
  maxHeatingSetpointC: 24,
  minCoolingSetpointC: 20,
  maxCoolingSetpointC: 32,
  deadbandK: 0.5,
  maxSlewKPerStep: 2,
};
const setback = { heatingSetpointC: 15, coolingSetpointC: 30 };
/** Step ends from 00:15 of Tuesday 1 January 1991. */
const localTimes = (rows: number): Float64Array => Float64Array.from({ length: rows }, (_, i) => Date.UTC(1991, 0, 1) + (i + 1) * 900_000);
const comfortOf = (occupied: Uint8Array, lower = 20, upper = 23.5): ComfortSchedule => ({
  lowerC: new Float64Array(occupied.length).fill(lower),
  upperC: new Float64Array(occupied.length).fill(upper),
  occupied,
});
const stretches = (rows: number, ...spans: (readonly [from: number, to: number])[]): Uint8Array => {
  const occupied = new Uint8Array(rows);
  for (const [from, to] of spans) occupied.fill(1, from, to);
  return occupied;
};
const around = (occupied: Uint8Array, change: Partial<ComfortAround> = {}): ComfortAround => ({
  zones: ["a"],
  comfort: new Map([["a", comfortOf(occupied)]]),
  localMs: localTimes(occupied.length),
  offset: 0,
  horizonSteps: occupied.length,
  setback,
  limits,
  ...change,
});

describe("rule", () => {
  const office = stretches(DAY, [8 * HOUR, 12 * HOUR], [13 * HOUR, 18 * HOUR]);

  it("holds the band from L steps before the day's first occupied step until its last, through a gap at noon", () => {
    const { heatingSetpointC, coolingSetpointC, name } = ruleSequence(around(office), { leadSteps: 3, ramp: false });
    expect(name).toBe("rule lead 3");
    for (let t = 0; t < DAY; t++) {
      const inBand = t >= 8 * HOUR - 3 && t < 18 * HOUR;
      expect([heatingSetpointC[t], coolingSetpointC[t]]).toEqual(inBand ? [20, 23.5] : [15, 30]);
    }
  });

  it("ramps: setback + (band − setback) · (1 − j/(L+1)) j steps before the first occupied step", () => {
    const L = 4;
    const { heatingSetpointC, coolingSetpointC, name } = ruleSequence(around(office), { leadSteps: L, ramp: true });
    expect(name).toBe("rule lead 4 ramp");
    for (let j = 1; j <= L; j++) {
      expect(heatingSetpointC[8 * HOUR - j]).toBeCloseTo(15 + (20 - 15) * (1 - j / (L + 1)), 12);
      expect(coolingSetpointC[8 * HOUR - j]).toBeCloseTo(30 + (23.5 - 30) * (1 - j / (L + 1)), 12);
    }
    expect(heatingSetpointC[8 * HOUR - L - 1]).toBe(15);
  });

  it("starts the evening before where the first occupied step comes soon after midnight", () => {
    const { heatingSetpointC } = ruleSequence(around(stretches(2 * DAY, [DAY + 1, DAY + 8])), { leadSteps: 4, ramp: false });
    expect([...heatingSetpointC.subarray(DAY - 4, DAY + 2)]).toEqual([15, 20, 20, 20, 20, 20]);
  });

  it("knows at noon that the morning was occupied, and that the afternoon beyond the horizon will be", () => {
    const noon = around(office, { offset: 12 * HOUR, horizonSteps: 2 });
    expect([...ruleSequence(noon, { leadSteps: 0, ramp: false }).heatingSetpointC]).toEqual([20, 20]);
  });

  it("stays inside limits and deadband", () => {
    const narrow = around(office, { comfort: new Map([["a", comfortOf(office, 26, 19)]]) });
    const { heatingSetpointC, coolingSetpointC } = ruleSequence(narrow, { leadSteps: 0, ramp: false });
    for (let t = 0; t < DAY; t++) {
      expect(heatingSetpointC[t]).toBeLessThanOrEqual(24);
      expect(coolingSetpointC[t]! - heatingSetpointC[t]!).toBeGreaterThanOrEqual(0.5);
    }
  });

  it("deciding step by step over a week gives what computing the week at once gives", () => {
    const week = 7 * DAY;
    const spans = fc.array(fc.tuple(fc.nat(week - 1), fc.integer({ min: 1, max: 50 })), { maxLength: 14 });
    fc.assert(
      fc.property(spans, spans, fc.nat(12), fc.boolean(), fc.integer({ min: 1, max: 30 }), (one, other, leadSteps, ramp, horizonSteps) => {
        const rows = week + 2 * DAY + horizonSteps;
        const occupancies = [one, other].map((list) => stretches(rows, ...list.map(([from, length]) => [from, from + length] as const)));
        const comfort = new Map(occupancies.map((occupied, z) => [`z${z}`, comfortOf(occupied, 20 + z, 24 + z)]));
        const zones = [...comfort.keys()];
        const localMs = localTimes(rows);
        const whole = ruleSequence({ ...around(occupancies[0]!), zones, comfort, localMs, horizonSteps: week }, { leadSteps, ramp });
        for (let now = 0; now < week - horizonSteps; now += 7) {
          const { before, after } = ruleLookAround(localMs[now]!, STEP_S, horizonSteps, 12);
          const from = now - before;
          const to = Math.min(rows, now + after);
          const cut = (schedule: ComfortSchedule): ComfortSchedule => ({
            lowerC: schedule.lowerC.slice(from, to),
            upperC: schedule.upperC.slice(from, to),
            occupied: schedule.occupied.slice(from, to),
          });
          const part = ruleSequence(
            {
              zones,
              comfort: new Map([...comfort].map(([zone, schedule]) => [zone, cut(schedule)])),
              localMs: localMs.slice(from, to),
              offset: before,
              horizonSteps,
              setback,
              limits,
            },
            { leadSteps, ramp },
          );
          const expected = whole.heatingSetpointC.subarray(now * 2, (now + horizonSteps) * 2);
          expect(part.heatingSetpointC).toEqual(expected.slice());
          expect(part.coolingSetpointC).toEqual(whole.coolingSetpointC.slice(now * 2, (now + horizonSteps) * 2));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("comes as a family of 25, the one that acts first", () => {
    const family = ruleFamily(around(office));
    expect(family).toHaveLength(25);
    expect(new Set(family.map(({ name }) => name)).size).toBe(25);
    expect(family[0]!.name).toBe("rule lead 4 ramp");
    expect(ruleFamily(around(office), 2, { leadSteps: 20, ramp: false }).map(({ name }) => name)).toEqual([
      "rule lead 20",
      "rule lead 0",
      "rule lead 1",
      "rule lead 1 ramp",
      "rule lead 2",
      "rule lead 2 ramp",
    ]);
  });

  it("refuses a zone without comfort, a short stretch and a lead that is no whole number", () => {
    expect(() => ruleSequence(around(office, { zones: ["a", "b"] }), { leadSteps: 1, ramp: false })).toThrow(/zone b/);
    expect(() => ruleSequence(around(office, { offset: 90, horizonSteps: 20 }), { leadSteps: 1, ramp: false })).toThrow(
      /20 coming steps and has 6/,
    );
    expect(() => ruleSequence(around(office), { leadSteps: 1.5, ramp: false })).toThrow(IsothermError);
  });
});

describe("building's own schedule", () => {
  const columns = new Map([
    ["a.heatingSetpointC", Float64Array.of(5, 12.8, 21.1, Number.NaN, 21.1)],
    ["a.coolingSetpointC", Float64Array.of(99, 40, 23.9, 23.9, Number.NaN)],
  ] as const);

  it("is the coming rows, clamped to the limits, a missing value as the one before", () => {
    const sequence = scheduleSequence({ zones: ["a"], columns, offset: 1, horizonSteps: 5, limits });
    expect([...sequence.heatingSetpointC]).toEqual([12.8, 21.1, 21.1, 21.1, 21.1]);
    expect([...sequence.coolingSetpointC]).toEqual([32, 23.9, 23.9, 23.9, 23.9]);
    expect(sequence.name).toBe("schedule");
  });

  it("refuses a zone whose setpoints it does not know", () => {
    expect(() => scheduleSequence({ zones: ["b"], columns, offset: 0, horizonSteps: 1, limits })).toThrow(/b\.heatingSetpointC/);
  });
});
