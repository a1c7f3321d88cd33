import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mppiUpdate } from "#controllers/mppi/update";
import { importanceWeights, temperatureFor } from "#controllers/mppi/weights";

interface GoldenCase {
  lambda_: number;
  noise_abs_cost: boolean;
  action: number[];
  U_after: number[];
  cost_total: number[];
  omega: number[];
  bounded_noise: number[][];
  ess: number;
}
const golden = JSON.parse(readFileSync(new URL("../../golden/mppi.json", import.meta.url), "utf8")) as {
  K: number;
  T: number;
  U_before_shift: number[];
  cases: GoldenCase[];
};
const { K, T } = golden;
const noise = Float64Array.from({ length: K * T }, (_, i) => 1.5 * Math.sin(1.7 * (Math.floor(i / T) + 1) * ((i % T) + 1)));

const rolloutCosts = (controls: Float64Array): Float64Array =>
  Float64Array.from({ length: controls.length / T }, (_, k) => {
    let x = 18;
    let cost = 0;
    for (let t = 0; t < T; t++) {
      const u = controls[k * T + t]!;
      x = 0.9 * x + 1.5 * u + 1;
      cost += (x - 21) ** 2 + 0.1 * u * u;
    }
    return cost;
  });
const update = (change: { lambda?: number; absolute?: boolean; costs?: (controls: Float64Array) => Float64Array } = {}) =>
  mppiUpdate({
    controls: Float64Array.from(golden.U_before_shift),
    initial: Float64Array.of(0),
    noise,
    inverseCovariance: Float64Array.of(1),
    low: Float64Array.of(-1),
    high: Float64Array.of(1),
    mppiTemperature: change.lambda ?? 30,
    noiseAbsCost: change.absolute ?? false,
    rolloutCosts: change.costs ?? rolloutCosts,
  });
const close = (actual: ArrayLike<number>, expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-9);
  });
};

describe("one textbook MPPI step", () => {
  it.each(golden.cases.map((one) => [one.lambda_, one.noise_abs_cost, one] as const))(
    "gives what pytorch_mppi gives at temperature %d, absolute noise cost %s",
    (lambda, absolute, one) => {
      const result = update({ lambda, absolute });
      close(result.noise, one.bounded_noise.flat());
      close(result.costs, one.cost_total);
      close(result.weights, one.omega);
      close(result.controls, one.U_after);
      close(result.controls.subarray(0, 1), one.action);
      expect(Math.abs(result.effectiveSampleSize - one.ess)).toBeLessThan(1e-9);
    },
  );

  it("charges the control cost of |ε| with the absolute noise cost", () => {
    const shifted = [0.2, -0.1, 0.4, 0];
    const plain = update();
    const absolute = update({ absolute: true });
    for (let k = 0; k < K; k++) {
      let expected = plain.costs[k]!;
      for (let t = 0; t < T; t++) expected += 30 * shifted[t]! * (Math.abs(plain.noise[k * T + t]!) - plain.noise[k * T + t]!);
      expect(absolute.costs[k]).toBeCloseTo(expected, 9);
    }
  });

  it("weighs with a full covariance: λ Σ uᵀ Σ⁻¹ ε", () => {
    const inverse = Float64Array.of(2, 0.5, 0.5, 1);
    const epsilon = Float64Array.of(0.1, -0.2, 0.3, 0.05);
    const result = mppiUpdate({
      controls: Float64Array.of(9, 9, 0.4, -0.3),
      initial: Float64Array.of(0.1, 0.2),
      noise: epsilon,
      inverseCovariance: inverse,
      low: Float64Array.of(-1, -1),
      high: Float64Array.of(1, 1),
      mppiTemperature: 3,
      rolloutCosts: () => Float64Array.of(7),
    });
    const quadratic = (u: number[], e: number[]): number =>
      e[0]! * (inverse[0]! * u[0]! + inverse[1]! * u[1]!) + e[1]! * (inverse[2]! * u[0]! + inverse[3]! * u[1]!);
    expect(result.costs[0]).toBeCloseTo(7 + 3 * (quadratic([0.4, -0.3], [0.1, -0.2]) + quadratic([0.1, 0.2], [0.3, 0.05])), 12);
  });

  it("drops one cost that is not a number and still acts", () => {
    const withNan = (controls: Float64Array): Float64Array => rolloutCosts(controls).map((cost, k) => (k === 3 ? Number.NaN : cost));
    const result = update({ costs: withNan });
    expect(result.notFinite).toBe(1);
    expect(result.weights[3]).toBe(0);
    expect(result.controls.every(Number.isFinite)).toBe(true);
    expect(result.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  it("leaves the shifted plan alone where no cost is finite", () => {
    const result = update({ costs: (controls) => new Float64Array(controls.length / T).fill(Number.POSITIVE_INFINITY) });
    close(result.controls, [0.2, -0.1, 0.4, 0]);
    expect([result.notFinite, result.effectiveSampleSize]).toEqual([K, 0]);
  });
});

describe("importance weights", () => {
  const cost = fc.oneof(
    { weight: 5, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
    fc.constantFrom(Number.NaN, Infinity, -Infinity),
  );

  it("sum to 1, are never negative and leave out what is not finite, at any temperature", () => {
    fc.assert(
      fc.property(fc.array(cost, { minLength: 1, maxLength: 50 }), fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (costs, lambda) => {
        const { weights, notFinite, effectiveSampleSize } = importanceWeights(Float64Array.from(costs), lambda);
        const finite = costs.filter(Number.isFinite).length;
        expect(notFinite).toBe(costs.length - finite);
        const sum = weights.reduce((a, b) => a + b, 0);
        if (finite === 0) expect([sum, effectiveSampleSize]).toEqual([0, 0]);
        else {
          expect(sum).toBeCloseTo(1, 12);
          expect(effectiveSampleSize).toBeGreaterThan(1 - 1e-9);
          expect(effectiveSampleSize).toBeLessThan(finite + 1e-9);
        }
        weights.forEach((weight, k) => {
          expect(weight >= 0 && (Number.isFinite(costs[k]!) || weight === 0)).toBe(true);
        });
      }),
    );
  });

  it("equal exp(−(S − min S)/λ) over its sum", () => {
    const costs = [3, 1, 2.5];
    const raw = costs.map((S) => Math.exp(-(S - 1) / 0.7));
    const sum = raw.reduce((a, b) => a + b);
    close(
      importanceWeights(Float64Array.from(costs), 0.7).weights,
      raw.map((value) => value / sum),
    );
  });

  it("refuse a temperature that is not above 0", () => {
    expect(() => importanceWeights(Float64Array.of(1), 0)).toThrow(RangeError);
    expect(() => importanceWeights(Float64Array.of(1), Number.NaN)).toThrow(RangeError);
  });

  it("reach the effective sample size asked for", () => {
    const costs = Float64Array.from({ length: 200 }, (_, k) => 5 + Math.sin(k * 12.9898) * 3);
    for (const target of [3, 10, 50, 150])
      expect(importanceWeights(costs, temperatureFor(costs, target)).effectiveSampleSize).toBeCloseTo(target, 4);
    expect(temperatureFor(Float64Array.of(2, 2, 2), 2)).toBe(1);
    expect(temperatureFor(Float64Array.of(Number.NaN, 4), 2)).toBe(1);
  });
});
