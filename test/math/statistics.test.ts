import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  logSumExp,
  mean,
  median,
  normalCdf,
  normalPdf,
  normalQuantile,
  quantiles,
  RunningMoments,
  softmax,
  standardDeviation,
  variance,
} from "#math/statistics";
import { expectClose } from "./tools.js";

describe("normal distribution", () => {
  // ½ erfc(−x/√2) from the C library
  it.each([
    [0, 0.5],
    [1, 0.8413447460685429],
    [-1, 0.15865525393145707],
    [1.959963984540054, 0.975],
    [-3.5, 0.00023262907903552504],
    [-5, 2.866515718791933e-7],
    [-10, 7.61985302416047e-24],
    [-37, 5.725571222524577e-300],
    [8, 0.9999999999999993],
  ])("Φ(%f) = %f", (x, expected) => {
    expect(Math.abs(normalCdf(x) - expected)).toBeLessThanOrEqual(2e-13 * expected);
  });

  it("has the density as its derivative and is antisymmetric about ½", () => {
    for (let x = -6; x <= 6; x += 0.37) {
      expect((normalCdf(x + 1e-5) - normalCdf(x - 1e-5)) / 2e-5).toBeCloseTo(normalPdf(x), 9);
      expect(normalCdf(x) + normalCdf(-x)).toBeCloseTo(1, 14);
    }
    expect(normalCdf(Infinity)).toBe(1);
    expect(normalCdf(-Infinity)).toBe(0);
    expect(normalCdf(Number.NaN)).toBeNaN();
  });

  it("has a quantile that inverts it from 1e-300 to 1 − 1e-12", () => {
    for (const p of [1e-300, 1e-50, 1e-9, 0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 1 - 1e-12]) {
      expect(Math.abs(normalCdf(normalQuantile(p)) / p - 1)).toBeLessThan(1e-10);
    }
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
    expect([normalQuantile(0), normalQuantile(1), normalQuantile(-0.1)]).toEqual([-Infinity, Infinity, Number.NaN]);
  });
});

describe("summaries", () => {
  const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 50 });

  it("agree between one pass and two", () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const running = new RunningMoments();
        for (const value of values) running.add(value);
        expectClose(
          [running.mean, running.variance(), running.variance(1)],
          [mean(values), variance(values), variance(values, 1)],
          1e-10,
          1e3,
        );
        expect(standardDeviation(values)).toBeCloseTo(Math.sqrt(variance(values)), 10);
      }),
    );
    expect([new RunningMoments().mean, mean([]), variance([1], 1)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it("interpolate quantiles as numpy does", () => {
    expect(quantiles([4, 1, 3, 2], [0, 0.25, 0.5, 0.9, 1])).toEqual([1, 1.75, 2.5, 3.7, 4]);
    expect(median([5, 1, 9])).toBe(5);
    expect(quantiles([], [0.5])).toEqual([Number.NaN]);
    expect(quantiles([1, Number.NaN], [0.5])).toEqual([Number.NaN]);
  });
});

describe("softmax", () => {
  it("sums to 1 for any costs and does not see a common factor of the weights", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 }), (values) => {
        const weights = softmax(values);
        expect(weights.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
        expectClose(
          softmax(
            values,
            values.map(() => 2),
          ),
          weights,
          1e-12,
        );
      }),
    );
    expectClose(softmax([5e5, 5e5 + 1]), softmax([0, 1]), 1e-15);
    expectClose(softmax([0, Math.log(3)], [3, 1]), [0.5, 0.5], 1e-15);
  });

  it("gives entries at −∞ or of weight 0 nothing, whatever their value", () => {
    expectClose(softmax([-Infinity, 1, 1]), [0, 0.5, 0.5], 1e-15);
    expectClose(softmax([1e6, 1, 1], [0, 1, 1]), [0, 0.5, 0.5], 1e-15);
    expect(logSumExp([])).toBe(-Infinity);
    expect(logSumExp([1000, 1000])).toBeCloseTo(1000 + Math.log(2), 12);
  });
});
