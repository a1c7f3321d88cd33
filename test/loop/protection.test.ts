import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Danger, dangersOf, defaultProtection, protectedPair } from "#loop/protection";
import { safetyEnvelope } from "#loop/safetyEnvelope";

const limits = {
  minHeatingSetpointC: 15,
  maxHeatingSetpointC: 22.5,
  minCoolingSetpointC: 23,
  maxCoolingSetpointC: 32,
  deadbandK: 0.5,
  maxSlewKPerStep: 1,
};
const endsAs = (temperatures: readonly (number | undefined)[]): (Danger | undefined)[] => {
  let dangers: ReadonlyMap<string, Danger> = new Map();
  return temperatures.map((t) => {
    dangers = dangersOf(["a"], () => t, dangers);
    return dangers.get("a");
  });
};

describe("frost and overheat protection", () => {
  it("begins beyond the threshold, ends two kelvin on the safe side of it, and is not ended by a silent sensor", () => {
    expect(endsAs([7, 6.9, undefined, Number.NaN, 8.9, 9, 8.9])).toEqual([
      undefined,
      "frost",
      "frost",
      "frost",
      "frost",
      undefined,
      undefined,
    ]);
    expect(endsAs([35, 35.1, undefined, 33.1, 33, 34])).toEqual([undefined, "overheat", "overheat", "overheat", undefined, undefined]);
    expect(endsAs([undefined, 20, 3, 40, 3])).toEqual([undefined, undefined, "frost", "overheat", "frost"]);
  });
  it("heats a freezing zone and cools an overheated one at once, whatever is wanted, in force or allowed per step", () => {
    const number = fc.double({ min: -40, max: 60, noNaN: true });
    const pair = fc.record({ heatingSetpointC: number, coolingSetpointC: number });
    fc.assert(
      fc.property(
        pair,
        pair,
        fc.constantFrom("good", "hold", "lost", "away"),
        fc.constantFrom<Danger>("frost", "overheat"),
        (wanted, now, quality, danger) => {
          const { zones, changes } = safetyEnvelope({
            zones: ["a"],
            wanted: new Map([["a", wanted]]),
            inForce: new Map([["a", now]]),
            bounded: new Map(),
            quality: new Map([["a", quality]]),
            limits,
            dangers: new Map([["a", danger]]),
          });
          const { heatingSetpointC, coolingSetpointC } = zones.get("a")!;
          expect(coolingSetpointC - heatingSetpointC).toBeGreaterThanOrEqual(limits.deadbandK);
          expect(coolingSetpointC).toBeLessThanOrEqual(32);
          if (danger === "frost") expect(heatingSetpointC).toBeGreaterThanOrEqual(defaultProtection.frostHeatingC);
          else expect([heatingSetpointC, coolingSetpointC <= defaultProtection.overheatCoolingC]).toEqual([15, true]);
          const plain = safetyEnvelope({
            zones: ["a"],
            wanted: new Map([["a", wanted]]),
            inForce: new Map([["a", now]]),
            bounded: new Map(),
            quality: new Map([["a", quality]]),
            limits,
          }).zones.get("a")!;
          const isSame = Math.abs(plain.heatingSetpointC - heatingSetpointC) + Math.abs(plain.coolingSetpointC - coolingSetpointC) < 1e-9;
          expect(changes.some((text) => text.includes("protection"))).toBe(!isSame);
        },
      ),
      { numRuns: 500 },
    );
  });
  it("leaves a pair that protects already as it is", () => {
    const warm = { heatingSetpointC: 21, coolingSetpointC: 24 };
    expect(protectedPair(warm, "frost", limits)).toEqual(warm);
    expect(protectedPair({ heatingSetpointC: 21, coolingSetpointC: 32 }, "overheat", limits)).toEqual({
      heatingSetpointC: 15,
      coolingSetpointC: 26,
    });
  });
});
