import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SetpointLimits, ZoneSetpoints } from "#domain/setpoints";
import { boundedSchedule, type EnvelopeInput, lastResortLimits, safetyEnvelope, type ZoneQuality } from "#loop/safetyEnvelope";

const limits: SetpointLimits = {
  minHeatingSetpointC: 15,
  maxHeatingSetpointC: 22.5,
  minCoolingSetpointC: 21,
  maxCoolingSetpointC: 30,
  deadbandK: 0.5,
  maxSlewKPerStep: 2,
};
const pair = (heatingSetpointC: number, coolingSetpointC: number): ZoneSetpoints => ({ heatingSetpointC, coolingSetpointC });
const one = (
  changes: Partial<Omit<EnvelopeInput, "wanted" | "inForce" | "bounded" | "quality">> & {
    wanted?: ZoneSetpoints;
    inForce?: ZoneSetpoints;
    bounded?: ZoneSetpoints;
    quality?: ZoneQuality;
  },
) => {
  const map = <T>(value: T | undefined) => (value === undefined ? new Map<string, T>() : new Map([["a", value]]));
  const result = safetyEnvelope({
    zones: ["a"],
    limits: changes.limits ?? limits,
    wanted: map(changes.wanted),
    inForce: map(changes.inForce),
    bounded: map(changes.bounded),
    quality: map(changes.quality),
  });
  return { pair: result.zones.get("a"), changes: result.changes };
};

/** Anything that a wrong sensor, a wrong plan or a wrong cast may put in a number's place. */
const anything = fc.oneof(
  fc.double(),
  fc.double({ min: -50, max: 80, noNaN: true }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined, null, "21", {}),
) as fc.Arbitrary<number>;
const anyPair = fc.oneof(
  fc.record({ heatingSetpointC: anything, coolingSetpointC: anything }),
  fc.constantFrom(null, undefined),
) as fc.Arbitrary<ZoneSetpoints>;
const anyZoneMap = <T>(value: fc.Arbitrary<T>) =>
  fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), value), { maxLength: 4 }).map((entries) => new Map(entries));
const anyLimits = fc.record({
  minHeatingSetpointC: anything,
  maxHeatingSetpointC: anything,
  minCoolingSetpointC: anything,
  maxCoolingSetpointC: anything,
  deadbandK: anything,
  maxSlewKPerStep: anything,
}) as fc.Arbitrary<SetpointLimits>;
const goodLimits = fc
  .tuple(
    fc.double({ min: 5, max: 18, noNaN: true }),
    fc.double({ min: 0, max: 10, noNaN: true }),
    fc.double({ min: 16, max: 24, noNaN: true }),
    fc.double({ min: 0, max: 12, noNaN: true }),
    fc.double({ min: 0, max: 3, noNaN: true }),
    fc.double({ min: 0, max: 20, noNaN: true }),
  )
  .map(
    ([low, span, coolLow, coolSpan, deadbandK, maxSlewKPerStep]): SetpointLimits => ({
      minHeatingSetpointC: low,
      maxHeatingSetpointC: low + span,
      minCoolingSetpointC: coolLow,
      maxCoolingSetpointC: Math.max(coolLow + coolSpan, low + deadbandK),
      deadbandK,
      maxSlewKPerStep,
    }),
  );
const inputOf = (limitsOf: fc.Arbitrary<SetpointLimits>): fc.Arbitrary<EnvelopeInput> =>
  fc.record({
    zones: fc.constantFrom(["a"], ["a", "b"], ["b", "c", "a"]),
    wanted: anyZoneMap(anyPair),
    inForce: anyZoneMap(anyPair),
    bounded: anyZoneMap(anyPair),
    quality: anyZoneMap(fc.constantFrom<ZoneQuality>("good", "hold", "lost", "away")),
    limits: limitsOf,
  });

describe("safety envelope", () => {
  it("gives every zone finite setpoints inside the limits and apart by the deadband, whatever goes in", () => {
    fc.assert(
      fc.property(inputOf(goodLimits), (input) => {
        const { zones } = safetyEnvelope(input);
        expect([...zones.keys()]).toEqual([...input.zones]);
        for (const { heatingSetpointC, coolingSetpointC } of zones.values()) {
          expect(heatingSetpointC).toBeGreaterThanOrEqual(input.limits.minHeatingSetpointC - 1e-9);
          expect(heatingSetpointC).toBeLessThanOrEqual(input.limits.maxHeatingSetpointC + 1e-9);
          expect(coolingSetpointC).toBeGreaterThanOrEqual(input.limits.minCoolingSetpointC - 1e-9);
          expect(coolingSetpointC).toBeLessThanOrEqual(input.limits.maxCoolingSetpointC + 1e-9);
          expect(coolingSetpointC - heatingSetpointC).toBeGreaterThanOrEqual(input.limits.deadbandK - 1e-9);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("never moves a setpoint further than the slew from an admissible pair in force", () => {
    fc.assert(
      fc.property(inputOf(goodLimits), (raw) => {
        // Bring what is in force inside first, by the envelope itself without any slew.
        const settled = safetyEnvelope({ ...raw, inForce: new Map(), limits: { ...raw.limits, maxSlewKPerStep: 1000 } }).zones;
        const { zones } = safetyEnvelope({ ...raw, wanted: raw.inForce, inForce: settled });
        for (const [zone, { heatingSetpointC, coolingSetpointC }] of zones) {
          expect(Math.abs(heatingSetpointC - settled.get(zone)!.heatingSetpointC)).toBeLessThanOrEqual(raw.limits.maxSlewKPerStep + 1e-9);
          expect(Math.abs(coolingSetpointC - settled.get(zone)!.coolingSetpointC)).toBeLessThanOrEqual(raw.limits.maxSlewKPerStep + 1e-9);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("stays finite and ordered even under limits that are no limits", () => {
    fc.assert(
      fc.property(inputOf(anyLimits), (input) => {
        for (const { heatingSetpointC, coolingSetpointC } of safetyEnvelope(input).zones.values()) {
          expect(Number.isFinite(heatingSetpointC) && Number.isFinite(coolingSetpointC)).toBe(true);
          expect(heatingSetpointC).toBeLessThanOrEqual(coolingSetpointC);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("changes nothing about its own answer", () => {
    fc.assert(
      fc.property(inputOf(goodLimits), (input) => {
        const first = safetyEnvelope(input).zones;
        const again = safetyEnvelope({
          ...input,
          wanted: first,
          inForce: first,
          quality: new Map(input.zones.map((zone) => [zone, "good"])),
        });
        for (const [zone, { heatingSetpointC, coolingSetpointC }] of again.zones) {
          expect(heatingSetpointC).toBeCloseTo(first.get(zone)!.heatingSetpointC, 8);
          expect(coolingSetpointC).toBeCloseTo(first.get(zone)!.coolingSetpointC, 8);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("passes an admissible pair as it is and says nothing", () => {
    expect(one({ wanted: pair(20, 23.5), inForce: pair(19, 24), quality: "good" })).toEqual({ pair: pair(20, 23.5), changes: [] });
  });
  it("says in words what it clipped", () => {
    const { pair: got, changes } = one({ wanted: pair(10, 40), quality: "good" });
    expect(got).toEqual(pair(15, 30));
    expect(changes).toEqual(["a: 10/40 °C is outside the limits, 15/30 °C instead"]);
  });
  it("lets cooling give way to the deadband first, then heating", () => {
    expect(one({ wanted: pair(22, 22), quality: "good" }).pair).toEqual(pair(22, 22.5));
    expect(one({ wanted: pair(22.5, 21), quality: "good", limits: { ...limits, maxCoolingSetpointC: 22 } }).pair).toEqual(pair(21.5, 22));
  });
  it("goes one slew towards a far pair", () => {
    const { pair: got, changes } = one({ wanted: pair(20, 24), inForce: pair(15, 30), quality: "good" });
    expect(got).toEqual(pair(17, 28));
    expect(changes).toEqual(["a: 20/24 °C is too far for one step, 17/28 °C on the way"]);
  });
  it("holds what is in force for a zone that is not measured for a moment", () => {
    expect(one({ wanted: pair(22, 25), inForce: pair(19, 26), quality: "hold" }).pair).toEqual(pair(19, 26));
  });
  it("uses the bounded schedule where there is nothing to hold", () => {
    expect(one({ wanted: pair(22, 25), bounded: pair(21, 24), quality: "hold" }).pair).toEqual(pair(21, 24));
  });
  it("walks to the bounded schedule for a lost zone, and for one whose quality nobody knows", () => {
    expect(one({ wanted: pair(15, 30), inForce: pair(20, 25), bounded: pair(21, 24), quality: "lost" }).pair).toEqual(pair(21, 24));
    expect(one({ wanted: pair(15, 30), bounded: pair(21, 24) }).pair).toEqual(pair(21, 24));
  });
  it("answers a plan that is not finite with the bounded schedule, and a broken one of those with 16/32 inside the limits", () => {
    expect(one({ wanted: pair(Number.NaN, 24), bounded: pair(21, 24), quality: "good" }).pair).toEqual(pair(21, 24));
    expect(one({ wanted: pair(Number.NaN, 24), bounded: pair(21, Number.NaN), quality: "good" }).pair).toEqual(pair(16, 30));
  });
  it.each([
    ["not finite", { ...limits, maxSlewKPerStep: Number.NaN }],
    ["swapped for heating", { ...limits, minHeatingSetpointC: 23 }],
    ["swapped for cooling", { ...limits, minCoolingSetpointC: 31 }],
    ["without room for the deadband", { ...limits, deadbandK: 20 }],
    ["with a negative deadband", { ...limits, deadbandK: -1 }],
    ["with a negative slew", { ...limits, maxSlewKPerStep: -1 }],
  ])("counts the last-resort limits where the configured ones are %s", (_what, broken) => {
    const { pair: got, changes } = one({ wanted: pair(0, 60), quality: "good", limits: broken });
    expect(got).toEqual(pair(lastResortLimits.minHeatingSetpointC, lastResortLimits.maxCoolingSetpointC));
    expect(changes[0]).toMatch(/limits are unusable/);
  });
  it("keeps Guideline 36's order: 21/24 occupied, 16/32 unoccupied, heating below cooling", () => {
    expect(boundedSchedule(true)).toEqual(pair(21, 24));
    expect(boundedSchedule(false)).toEqual(pair(16, 32));
  });
});
