import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultWeights, evaluateCosts, expectedExcessK, sampleSpreadK } from "#controllers/mppi/cost";
import { kwhPerKelvin, terminalValue } from "#controllers/mppi/terminalValue";
import type { CostProblem } from "#domain/cost";
import { normalPdf } from "#math/statistics";

/** ∫ max(0, x) N(x; d, σ²) dx by Simpson's rule. */
const integral = (d: number, sigma: number): number => {
  const [from, to] = [Math.max(0, d - 12 * sigma), d + 12 * sigma];
  if (to <= 0) return 0;
  const n = 4000;
  const h = (to - from) / n;
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    const x = from + i * h;
    sum += ((i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * x * normalPdf((x - d) / sigma)) / sigma;
  }
  return (sum * h) / 3;
};

describe("expected kelvin outside the band", () => {
  it("is the integral of the positive part over the predictive normal", () => {
    for (const sigma of [0.01, 0.3, 2])
      for (const d of [-1, -0.3, 0, 0.02, 0.7, 3]) expect(expectedExcessK(d, sigma)).toBeCloseTo(integral(d, sigma), 8);
  });
  it("is max(0, d) for a sure prediction, and its asymptote far away", () => {
    expect([expectedExcessK(0.4, 0), expectedExcessK(-0.4, 0), expectedExcessK(100, 0.1), expectedExcessK(-100, 0.1)]).toEqual([
      0.4, 0, 100, 0,
    ]);
  });
  it("never falls with d or with σ, and is never below max(0, d)", () => {
    const number = fc.double({ min: -5, max: 5, noNaN: true });
    const positive = fc.double({ min: 0, max: 3, noNaN: true });
    fc.assert(
      fc.property(number, positive, positive, positive, (d, sigma, more, wider) => {
        expect(expectedExcessK(d, sigma)).toBeGreaterThanOrEqual(Math.max(0, d) - 1e-12);
        expect(expectedExcessK(d + more, sigma)).toBeGreaterThanOrEqual(expectedExcessK(d, sigma) - 1e-12);
        expect(expectedExcessK(d, sigma + wider)).toBeGreaterThanOrEqual(expectedExcessK(d, sigma) - 1e-12);
      }),
    );
  });
});

const T = 3;
const nz = 2;
const problem = (change: Partial<CostProblem> = {}): CostProblem => ({
  horizonSteps: T,
  nz,
  stepS: 900,
  lowerC: new Float64Array(T * nz).fill(20),
  upperC: new Float64Array(T * nz).fill(23.5),
  occupied: Uint8Array.of(0, 1, 1, 1, 0, 1),
  pricePerKwh: Float64Array.of(0.1, 0.2, 0.4),
  demandCharge: { pricePerKw: 15, peakSoFarW: 4000 },
  inForceHeatingC: Float64Array.of(15, Number.NaN),
  inForceCoolingC: Float64Array.of(30, Number.NaN),
  weights: { comfortPerKh: 12, uncertaintyPerK: 0.3, movementPerK: 0.01 },
  toleranceK: 0.05,
  terminal: { heatToC: Float64Array.of(20, -Infinity), coolToC: Float64Array.of(Infinity, 23), pricePerK: 0.04 },
  ...change,
});
const batch = {
  count: 2,
  heatingSetpointC: Float64Array.of(15, 15, 20, 20, 20, 20, 16, 16, 16, 16, 16, 16),
  coolingSetpointC: Float64Array.of(30, 30, 24, 24, 24, 24, 30, 30, 30, 30, 30, 30),
};
const result = {
  meanC: Float64Array.of(15, 19.5, 20.1, 20, 19, 24, 18, 18, 18, 18, 18, 18),
  stdDevK: Float64Array.of(0.1, 0.2, 0.3, 0.1, 0.2, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
  powerW: Float64Array.of(1000, 5000, 3000, 0, 0, 0),
};

describe("cost of a sequence", () => {
  it("is to the bit what it was before equipment and other load could count, where neither is named", () => {
    expect(evaluateCosts(problem(), batch, result).terms).toEqual([
      {
        comfort: 3.018250998694798,
        energy: 0.575,
        uncertainty: 0.075,
        movement: 0.22,
        demand: 15,
        terminal: 0.08,
        total: 18.968250998694796,
      },
      { comfort: 23.39999999999999, energy: 0, uncertainty: 0.03, movement: 0.01, demand: 0, terminal: 0.08, total: 23.519999999999992 },
    ]);
  });
  it("counts the peak of HVAC with the building's other load where the peak is the building's", () => {
    const charge = { pricePerKw: 15, peakSoFarW: 4000 };
    const other = [0, 500, 4000];
    const [term] = evaluateCosts(problem({ demandCharge: { ...charge, otherLoadW: other } }), batch, result).terms;
    expect(term!.demand).toBeCloseTo((15 * (Math.max(...[1000, 5000, 3000].map((p, t) => p + other[t]!)) - 4000)) / 1000, 12);
    const without = evaluateCosts(problem({ demandCharge: charge }), batch, result);
    expect(evaluateCosts(problem({ demandCharge: { ...charge, otherLoadW: [0, 0, 0] } }), batch, result)).toEqual(without);
  });
  it("is, term by term, the printed equation", () => {
    const { terms, totals } = evaluateCosts(problem(), batch, result);
    const h = 0.25;
    const outside = (lower: number, mean: number, sigma: number): number =>
      integral(lower - 0.05 - mean, sigma) + integral(mean - 0.05 - (lower + 3.5), sigma);
    const [first] = terms;
    expect(first!.comfort).toBeCloseTo(
      12 * h * (outside(20, 19.5, 0.2) + outside(20, 20.1, 0.3) + outside(20, 20, 0.1) + outside(20, 24, 0.4)),
      7,
    );
    expect(first!.energy).toBeCloseTo((0.1 * 1 + 0.2 * 5 + 0.4 * 3) * h, 12);
    expect(first!.demand).toBeCloseTo(15 * (5 - 4), 12);
    expect(first!.uncertainty).toBeCloseTo((0.3 * (0.2 + 0.3 + 0.1 + 0.4)) / 4, 12);
    // Zone a: 15 → 20 and 30 → 24 in the second step; zone b alike, its first step is not counted because nothing is known to be in force.
    expect(first!.movement).toBeCloseTo(0.01 * 2 * (5 + 6), 12);
    expect(first!.terminal).toBeCloseTo(0.04 * (1 + 1), 12);
    const { comfort, energy, demand, uncertainty, movement, terminal } = first!;
    expect(totals[0]).toBeCloseTo(comfort + energy + demand! + uncertainty + movement + terminal!, 12);
    expect(terms[1]!.movement).toBeCloseTo(0.01 * 1, 12);
  });

  it("counts comfort at the end of occupied steps only, and no uncertainty where nobody is", () => {
    const { terms } = evaluateCosts(problem({ occupied: new Uint8Array(T * nz) }), batch, result);
    expect([terms[0]!.comfort, terms[0]!.uncertainty]).toEqual([0, 0]);
  });

  it("is not a number where any prediction is not finite or a deviation negative", () => {
    for (const [key, value] of [
      ["meanC", Number.NaN],
      ["stdDevK", -0.1],
      ["stdDevK", Infinity],
      ["powerW", Number.NaN],
    ] as const) {
      const broken = { ...result, [key]: result[key].map((old, i) => (i === 1 ? value : old)) };
      const { totals } = evaluateCosts(problem(), batch, broken);
      expect([Number.isNaN(totals[0]!), Number.isNaN(totals[1]!)]).toEqual([true, false]);
    }
  });

  it("judges the spread by the least known zone's occupied steps, by all steps where a zone is empty", () => {
    expect(sampleSpreadK(problem(), result, 0)).toBeCloseTo(Math.max(0.3, (0.2 + 0.1 + 0.4) / 3), 12);
    expect(sampleSpreadK(problem({ occupied: Uint8Array.of(0, 1, 0, 0, 0, 0) }), result, 0)).toBeCloseTo(
      Math.max((0.1 + 0.3 + 0.2) / 3, 0.2),
      12,
    );
  });
});

describe("default weights", () => {
  it("weigh a kelvin-hour as 20 kWh at the highest price and half a kW of peak, and scale with the currency", () => {
    const weights = defaultWeights(Float64Array.of(0.1, 0.4), 15);
    expect(weights.comfortPerKh).toBeCloseTo(8 + 7.5, 12);
    expect(weights.uncertaintyPerK).toBeCloseTo(0.04, 12);
    expect(weights.movementPerK).toBeCloseTo(0.0008, 12);
    expect(defaultWeights(Float64Array.of(0, 0)).comfortPerKh).toBe(20);
    expect(defaultWeights(Float64Array.of(-0.3)).comfortPerKh).toBeCloseTo(6, 12);
  });
});

describe("what is owed at the horizon's end", () => {
  const comfort = { lowerC: new Float64Array(4).fill(20), upperC: new Float64Array(4).fill(23.5), occupied: Uint8Array.of(0, 0, 0, 1) };

  const setback = { heatingSetpointC: new Float64Array(3).fill(15), coolingSetpointC: new Float64Array(3).fill(30) };
  it("is what the rule gets ready for where the schedule ends with the horizon", () => {
    const unknown = { ...comfort, occupied: new Uint8Array(3) };
    const starting = { heatingSetpointC: Float64Array.of(15, 15, 20), coolingSetpointC: Float64Array.of(30, 30, 23.5) };
    expect(terminalValue([unknown], 3, Float64Array.of(19), starting, 0.1)).toMatchObject({
      heatToC: Float64Array.of(19),
      coolToC: Float64Array.of(23.5),
    });
    expect(terminalValue([unknown], 3, Float64Array.of(19), setback, 0.1)).toMatchObject({ heatToC: Float64Array.of(-Infinity) });
  });
  it("is the way back to the rule's end, as far as the band asks for it", () => {
    expect(terminalValue([comfort], 3, Float64Array.of(19), setback, 0.1)).toMatchObject({
      heatToC: Float64Array.of(19),
      coolToC: Float64Array.of(23.5),
    });
    expect(terminalValue([comfort], 3, Float64Array.of(22), setback, 0.1)).toMatchObject({ heatToC: Float64Array.of(20) });
    expect(terminalValue([comfort], 3, Float64Array.of(26), setback, 0.1)).toMatchObject({ coolToC: Float64Array.of(26) });
  });
  it("is nothing where nobody is known to come, without a price, or without the rule's prediction", () => {
    const empty = { ...comfort, occupied: Uint8Array.of(1, 0, 0, 0) };
    expect(terminalValue([empty], 3, Float64Array.of(19), setback, 0.1)).toMatchObject({
      heatToC: Float64Array.of(-Infinity),
      coolToC: Float64Array.of(Infinity),
    });
    expect(terminalValue([comfort], 3, Float64Array.of(19), setback, 0)).toBeNull();
    expect(terminalValue([comfort], 3, Float64Array.of(Number.NaN), setback, 0.1)).toBeNull();
  });
  it("is priced by what the given plans show: energy between the warmest and the coldest over their difference", () => {
    const two = {
      meanC: Float64Array.of(15, 15, 15, 15, 15, 15, 19, 17),
      stdDevK: new Float64Array(8),
      powerW: Float64Array.of(400, 400, 400, 7600),
    };
    expect(kwhPerKelvin(two, 2, 2, 2, 900)).toBeCloseTo(((7600 - 400) * 0.25) / 1000 / 6, 12);
    const same = { ...two, meanC: new Float64Array(8).fill(20) };
    expect(kwhPerKelvin(same, 2, 2, 2, 900)).toBe(0);
  });
});
