import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SpreadModel, ZoneModel } from "#domain/model";
import { CarriedSpread, demandK, leadFactor, type StepEnds } from "#math/carriedSpread";
import { randomSource } from "./tools.js";

const usual: SpreadModel = { innovationVarianceK2: 0.01, leads: [] };
const NOTHING = new Float64Array(0);

const zone = (change: Partial<ZoneModel> = {}): ZoneModel => ({
  zone: "room",
  transition: "thermostat",
  posterior: {
    features: [],
    kernel: { kind: "sum", parts: [] },
    meanCoefficients: NOTHING,
    basisInputs: NOTHING,
    m: 0,
    d: 0,
    alpha: NOTHING,
    varianceRoot: NOTHING,
    p: 0,
  },
  noiseVarianceK2: 0.004,
  heldOffsetK: 0,
  heldStdDevK: 0.02,
  stateGain: 0.9,
  spreadScale: 0.5,
  drift: { decay: [0.9, 0.99], gain: [0.4, 0.05], limitK: 0.4 },
  ...change,
});

/** Latent variance with which a step's innovation has the usual variance: 0.5² (0.036 + 0.004) = 0.01. */
const LATENT_K2 = 0.036;

const normalSource = (seed: number): (() => number) => {
  const uniform = randomSource(seed);
  return () => Math.sqrt(-2 * Math.log(0.5 * (uniform() + 1) + 1e-12)) * Math.cos(Math.PI * uniform());
};

/** Errors of many zones that obey the equations: e' = `reached`(γ e + Σ d + ν), d_j' = ρ_j (d_j + g_j ν). */
const simulate = (model: ZoneModel, steps: number, reached: (error: number, t: number) => number, count = 40_000): number[] => {
  const { decay, gain } = model.drift!;
  const normal = normalSource(7);
  const errors = new Float64Array(count);
  const states = decay.map(() => new Float64Array(count));
  return Array.from({ length: steps }, (_, t) => {
    let squares = 0;
    for (let k = 0; k < count; k++) {
      const innovation = 0.1 * normal();
      const next = model.stateGain * errors[k]! + states.reduce((sum, column) => sum + column[k]!, 0) + innovation;
      states.forEach((column, j) => {
        column[k] = decay[j]! * (column[k]! + gain[j]! * innovation);
      });
      errors[k] = reached(next, t);
      squares += errors[k]! ** 2;
    }
    return Math.sqrt(squares / count);
  });
};

/** Ends of a step whose mean floats with so much room to either setpoint, and equipment without limits. */
const floating = (belowK: number, aboveK = 1000): StepEnds => ({
  freeC: 20,
  heatedC: 1e6,
  cooledC: -1e6,
  heatingSetpointC: 20 - belowK,
  coolingSetpointC: 20 + aboveK,
});

describe("the carried spread", () => {
  it("is that of errors whose drift lasts, without a thermostat and far from its setpoints", () => {
    const model = zone();
    const expected = simulate(model, 60, (error) => error);
    const free = new CarriedSpread(model, usual, 1);
    const far = new CarriedSpread(model, usual, 1);
    expected.forEach((stdDev, t) => {
      const carried = free.free(t, 0, LATENT_K2);
      expect(carried / stdDev).toBeGreaterThan(0.98);
      expect(carried / stdDev).toBeLessThan(1.02);
      expect(far.thermostat(t, 0, LATENT_K2, floating(1000))).toBeCloseTo(carried, 12);
    });
  });

  it("without a drift is the sum of independent errors that fade", () => {
    const { drift: _, ...model } = zone();
    const carried = new CarriedSpread(model, usual, 1);
    let variance = 0;
    for (let t = 0; t < 30; t++) {
      variance = 0.81 * variance + 0.01;
      expect(carried.free(t, 0, LATENT_K2)).toBeCloseTo(Math.sqrt(variance), 12);
    }
  });

  const sure = zone({ heldStdDevK: 0 });
  const cases: readonly (readonly [string, StepEnds, (error: number) => number])[] = [
    ["floats above a heating setpoint", floating(0.05), (e) => Math.max(e, -0.05)],
    ["floats between both", floating(0.1, 0.02), (e) => Math.min(Math.max(e, -0.1), 0.02)],
    [
      "floats above a setpoint that weak heating may not reach",
      { ...floating(0.05), heatedC: 20.03 },
      (e) => (e > -0.05 ? e : Math.min(-0.05, e + 0.03)),
    ],
    ["floats under cooling that is off by its own schedule", { ...floating(1000, 0.05), cooledC: 20.1 }, (e) => e],
    [
      "is held between the free float and full heating",
      { ...floating(0), freeC: 20 - 0.07, heatedC: 20 + 0.04, heatingSetpointC: 20 },
      (e) => (e > 0.07 ? e - 0.07 : Math.min(0, e + 0.04)),
    ],
    [
      "is held between the free float and full cooling",
      { ...floating(0), freeC: 20.07, cooledC: 20 - 0.04, heatingSetpointC: 0, coolingSetpointC: 20 },
      (e) => (e < -0.07 ? e + 0.07 : Math.max(0, e - 0.04)),
    ],
    [
      "falls just short of the setpoint under full heating",
      { ...floating(0), freeC: 19.7, heatedC: 19.9, heatingSetpointC: 20 },
      (e) => (e < 0.1 ? e : e < 0.3 ? 0.1 : e - 0.2),
    ],
    [
      "stays just above the setpoint under full cooling",
      { ...floating(0), freeC: 20.3, cooledC: 20.1, heatingSetpointC: 0, coolingSetpointC: 20 },
      (e) => (e > -0.1 ? e : e > -0.3 ? -0.1 : e + 0.2),
    ],
  ];

  it.each(cases)("after one step that %s is the second moment of what the thermostat makes of it", (_, ends, reached) => {
    // ∫ reached(e)² φ(e / 0.1) de / 0.1 by the trapezoidal rule.
    let moment = 0;
    for (let z = -8; z <= 8; z += 1e-3) moment += (reached(0.1 * z) ** 2 * Math.exp(-0.5 * z * z) * 1e-3) / Math.sqrt(2 * Math.PI);
    expect(new CarriedSpread(sure, usual, 1).thermostat(0, 0, LATENT_K2, ends)).toBeCloseTo(Math.sqrt(moment), 6);
  });

  it("stays near the truth where a setpoint is near for two hours", () => {
    // After the first step the error is no longer normal nor its mean zero: measured, it comes to be too small.
    const expected = simulate(sure, 8, (error) => Math.max(error, -0.3));
    const carried = new CarriedSpread(sure, usual, 1);
    expected.forEach((stdDev, t) => {
      const ratio = carried.thermostat(t, 0, LATENT_K2, floating(0.3)) / stdDev;
      expect(ratio).toBeGreaterThan(0.75);
      expect(ratio).toBeLessThan(1.1);
    });
  });

  it("on a setpoint that is surely held is the scatter there, and then grows again faster than from the beginning, for the drift stays", () => {
    const model = zone();
    const held: StepEnds = { freeC: 10, heatedC: 30, cooledC: 0, heatingSetpointC: 20, coolingSetpointC: 26 };
    const carried = new CarriedSpread(model, usual, 2);
    for (let t = 0; t < 20; t++) expect(carried.thermostat(t, 0, Number.NaN, held)).toBeCloseTo(0.02, 12);
    const fresh = new CarriedSpread(model, usual, 1);
    for (let t = 0; t < 4; t++) {
      expect(carried.thermostat(20 + t, 0, LATENT_K2, floating(1000))).toBeGreaterThan(
        1.3 * fresh.thermostat(t, 0, LATENT_K2, floating(1000)),
      );
    }
    carried.start();
    expect(carried.thermostat(0, 0, LATENT_K2, floating(1000))).toBeCloseTo(0.1, 12);
  });

  it("has ε² D² more where the thermostat asks for D kelvins, whether they are reached or not, and nothing more where it asks for none", () => {
    const doubting: SpreadModel = { ...usual, demandDoubt: 0.3 };
    const held: StepEnds = { freeC: 10, heatedC: 30, cooledC: 0, heatingSetpointC: 20, coolingSetpointC: 26 };
    const asked: readonly (readonly [StepEnds, number])[] = [
      [held, 10],
      [{ ...held, freeC: 30 }, 4],
      [{ ...held, heatedC: 15 }, 10],
      [{ ...held, freeC: 30, cooledC: 28 }, 4],
      [{ ...held, freeC: 23 }, 0],
    ];
    for (const [ends, demand] of asked) {
      expect(demandK(ends)).toBe(demand);
      const sure = new CarriedSpread(zone(), usual, 1).thermostat(0, 0, LATENT_K2, ends);
      const stdDev = new CarriedSpread(zone(), doubting, 1).thermostat(0, 0, LATENT_K2, ends);
      expect(stdDev).toBeCloseTo(Math.hypot(sure, 0.3 * demand), 12);
    }
  });

  it("multiplies by the lead's factor all but the scatter on a setpoint", () => {
    const spread: SpreadModel = {
      ...usual,
      leads: [
        { steps: 1, factor: 1 },
        { steps: 4, factor: 2 },
      ],
    };
    const [plain, scaled] = [new CarriedSpread(zone(), usual, 1), new CarriedSpread(zone(), spread, 1)];
    for (let t = 0; t < 8; t++) {
      const ratio = scaled.free(t, 0, LATENT_K2) / plain.free(t, 0, LATENT_K2);
      expect(ratio).toBeCloseTo(leadFactor(spread, t + 1), 12);
    }
    const held: StepEnds = { freeC: 10, heatedC: 30, cooledC: 0, heatingSetpointC: 20, coolingSetpointC: 26 };
    expect(scaled.thermostat(8, 0, 0, held)).toBeCloseTo(0.02, 12);
  });

  it("keeps samples apart, is never negative, and is NaN only for a latent variance that is", () => {
    const some = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(some, some, some, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 30 }),
        (steps) => {
          const together = new CarriedSpread(zone(), usual, 3);
          const alone = new CarriedSpread(zone(), usual, 1);
          steps.forEach(([free, heat, cool, latentK2], t) => {
            const ends: StepEnds = { freeC: 20 + free, heatedC: 20 + heat, cooledC: 20 + cool, heatingSetpointC: 20, coolingSetpointC: 21 };
            together.thermostat(t, 0, 1, floating(1));
            const value = together.thermostat(t, 2, latentK2, ends);
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBe(alone.thermostat(t, 0, latentK2, ends));
          });
        },
      ),
    );
    expect(new CarriedSpread(zone(), usual, 1).thermostat(0, 0, Number.NaN, floating(1))).toBeNaN();
  });
});

describe("leadFactor", () => {
  const leads = [
    { steps: 1, factor: 1 },
    { steps: 4, factor: 2 },
    { steps: 64, factor: 0.5 },
  ];

  it("is the model's own at its leads, log-linear in log steps between them, and constant outside", () => {
    expect([1, 4, 64, 200].map((steps) => leadFactor({ leads }, steps))).toEqual([1, 2, 0.5, 0.5]);
    expect(leadFactor({ leads }, 2)).toBeCloseTo(Math.SQRT2, 12);
    expect(leadFactor({ leads }, 16)).toBeCloseTo(1, 12);
    expect(leadFactor({ leads: leads.slice(1) }, 2)).toBe(2);
  });

  it("is 1 for a model without leads", () => {
    expect(leadFactor({ leads: [] }, 7)).toBe(1);
  });
});
