import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { admit } from "#controllers/admission";
import { correlatedNoise, streamOf, UniformSource } from "#controllers/mppi/noise";
import { addPerturbations, BatchBuilder, pairRange, sequenceOf, withZone } from "#controllers/mppi/samples";
import { officeLimits } from "../../fixtures/thermostatBuilding.js";

describe("correlated noise", () => {
  const shape = { count: 4000, horizonSteps: 8, nz: 2, correlationSteps: 4, sharedFraction: 0.5 };
  const noise = correlatedNoise(7, streamOf(3, 1), shape);
  /** Mean over samples of ε_{t,z} ε_{s,y}. */
  const covariance = (t: number, z: number, s: number, y: number): number => {
    let sum = 0;
    for (let k = 0; k < shape.count; k++) sum += noise[(k * 8 + t) * 2 + z]! * noise[(k * 8 + s) * 2 + y]!;
    return sum / shape.count;
  };

  it("has variance 1 at every step, correlation exp(−|t − s|/τ) in time and the shared fraction between zones", () => {
    for (const t of [0, 3, 7]) expect(Math.abs(covariance(t, 0, t, 0) - 1)).toBeLessThan(0.1);
    for (const s of [1, 4, 7]) expect(Math.abs(covariance(0, 1, s, 1) - Math.exp(-s / 4))).toBeLessThan(0.1);
    expect(Math.abs(covariance(5, 0, 5, 1) - 0.5)).toBeLessThan(0.1);
    expect(Math.abs(covariance(2, 0, 4, 1) - 0.5 * Math.exp(-0.5))).toBeLessThan(0.1);
  });

  it("depends on seed, tick and use alone", () => {
    const small = { ...shape, count: 2 };
    expect(correlatedNoise(7, streamOf(3, 1), small)).toEqual(noise.slice(0, 32));
    for (const stream of [streamOf(4, 1), streamOf(3, 2)]) expect(correlatedNoise(7, stream, small)).not.toEqual(noise.slice(0, 32));
    expect(correlatedNoise(8, streamOf(3, 1), small)).not.toEqual(noise.slice(0, 32));
    expect(() => streamOf(1, 64)).toThrow(RangeError);
  });

  it("comes as uniform numbers in [0, 1) too, the same in any block", () => {
    const [a, b] = [new UniformSource(1, 2), new UniformSource(1, 2)];
    const first = Array.from({ length: 1200 }, () => a.next());
    expect(Array.from({ length: 1200 }, () => b.next())).toEqual(first);
    expect(new Set(first).size).toBe(1200);
    expect(first.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(Math.abs(first.reduce((x, y) => x + y) / 1200 - 0.5)).toBeLessThan(0.05);
  });
});

const nowhere = { inForceHeatingC: Float64Array.of(Number.NaN), inForceCoolingC: Float64Array.of(Number.NaN), gridK: 0 };

describe("an admissible sequence", () => {
  it("is left as it is", () => {
    const number = fc.double({ noNaN: false });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0.3, 2, Infinity),
        fc.constantFrom(0, 0.5),
        (pairs, slew, gridK) => {
          const admission = { ...nowhere, gridK, limits: { ...officeLimits, maxSlewKPerStep: slew } };
          const heating = Float64Array.from(pairs, ([value]) => value);
          const cooling = Float64Array.from(pairs, ([, value]) => value);
          admit(heating, cooling, 0, pairs.length, 1, admission);
          const [again, once] = [heating.slice(), cooling.slice()];
          admit(again, once, 0, pairs.length, 1, admission);
          again.forEach((value, t) => {
            expect(value).toBeCloseTo(heating[t]!, 9);
            expect(once[t]).toBeCloseTo(cooling[t]!, 9);
          });
        },
      ),
    );
  });

  it("moves cooling out of heating's way, heating where cooling may not move", () => {
    const admission = { ...nowhere, limits: { ...officeLimits, maxCoolingSetpointC: 23 } };
    const heating = Float64Array.of(21, 23.5);
    const cooling = Float64Array.of(21, 21);
    admit(heating, cooling, 0, 2, 1, admission);
    expect([...heating, ...cooling]).toEqual([21, 22.5, 21.5, 23]);
  });

  it("lies on the grid where there is one", () => {
    const heating = Float64Array.of(19.8, 20.26, 15.1);
    const cooling = Float64Array.of(23.4, 24.9, 29.9);
    admit(heating, cooling, 0, 3, 1, { ...nowhere, limits: officeLimits, gridK: 0.5 });
    expect([...heating, ...cooling]).toEqual([20, 20.5, 15, 23.5, 25, 30]);
  });

  it("stays as narrow as people decided, as far as the slew allows", () => {
    const widest = { heatingSetpointC: new Float64Array(64).fill(15), coolingSetpointC: new Float64Array(64).fill(30) };
    const limits = { ...officeLimits, maxSlewKPerStep: 1 };
    const admission = { limits, gridK: 0, widest, inForceHeatingC: Float64Array.of(12.5), inForceCoolingC: Float64Array.of(31.5) };
    const heating = new Float64Array(4).fill(12);
    const cooling = new Float64Array(4).fill(32);
    admit(heating, cooling, 0, 4, 1, admission);
    expect([...heating]).toEqual([13.5, 14.5, 15, 15]);
    expect([...cooling]).toEqual([30.5, 30, 30, 30]);
  });
});

describe("samples", () => {
  const nominal = {
    heatingSetpointC: Float64Array.from({ length: 20 }, (_, i) => (i < 10 ? 15 : 20)),
    coolingSetpointC: Float64Array.from({ length: 20 }, (_, i) => (i < 10 ? 30 : 23.5)),
  };
  const admission = {
    limits: officeLimits,
    gridK: 0,
    inForceHeatingC: Float64Array.of(15, 15),
    inForceCoolingC: Float64Array.of(30, 30),
  };
  const options = { noiseStdDevK: 0.7, correlationSteps: 6, sharedFraction: 0.5, maxShiftSteps: 3 };
  const fill = (seed: number) => {
    const builder = new BatchBuilder(300, 10, 2, admission, new Set());
    const off = withZone(
      nominal,
      { heatingSetpointC: new Float64Array(20).fill(15), coolingSetpointC: new Float64Array(20).fill(30) },
      0,
      2,
    );
    addPerturbations(
      builder,
      nominal,
      [off],
      300,
      pairRange([nominal], 2, admission),
      options,
      new Float64Array(nominal.heatingSetpointC.length).fill(options.noiseStdDevK),
      seed,
      1,
      0,
    );
    return builder.batch();
  };

  it("come in the same order for the same seed, and are all different", () => {
    const one = fill(1);
    expect(fill(1)).toEqual(one);
    expect(fill(2)).not.toEqual(one);
    const keys = Array.from({ length: one.count }, (_, k) =>
      Object.values(sequenceOf(one, k, 20))
        .map((side) => [...side].join())
        .join("|"),
    );
    expect(new Set(keys).size).toBe(one.count);
    expect(one.count).toBeGreaterThan(200);
  });

  it("hold starts moved both ways", () => {
    const batch = fill(1);
    const starts = new Set<number>();
    for (let k = 0; k < batch.count; k++) {
      const { heatingSetpointC } = sequenceOf(batch, k, 20);
      const zone = Array.from({ length: 10 }, (_, t) => heatingSetpointC[2 * t]!);
      const start = zone.indexOf(20);
      if (start > 0 && zone.every((value, t) => value === (t < start ? 15 : 20))) starts.add(start);
    }
    expect([...starts].sort()).toEqual(expect.arrayContaining([2, 3, 4, 6, 7, 8]));
  });
});
