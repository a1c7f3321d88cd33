import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seedStatistics, studentT95 } from "#cli/compare/seedStatistics";

describe("figures over seeds", () => {
  it.each([
    [1, 12.706205],
    [2, 4.302653],
    [10, 2.228139],
    [11, 2.200985],
    [20, 2.085963],
    [60, 2.000298],
    [1000, 1.962339],
  ])("use the 97.5 %% quantile of Student's t with %i degrees of freedom", (degrees, quantile) => {
    expect(Math.abs(studentT95(degrees) - quantile)).toBeLessThan(2e-5);
  });
  it("give t s / √n, the mean and the worst", () => {
    const { mean, min, worst, halfWidth95 } = seedStatistics([1, 2, 6]);
    expect([mean, min, worst]).toEqual([3, 1, 6]);
    expect(halfWidth95).toBeCloseTo((4.302653 * Math.sqrt((4 + 1 + 9) / 2)) / Math.sqrt(3), 9);
  });
  it("claim no interval from one seed", () => {
    expect(seedStatistics([5]).halfWidth95).toBeNull();
    expect(seedStatistics([]).mean).toBeNaN();
  });
  it("lie between the best and the worst seed", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
        const { mean, min, worst, halfWidth95 } = seedStatistics(values);
        const slack = 1e-9 * Math.max(1, Math.abs(min), Math.abs(worst));
        expect(mean).toBeGreaterThanOrEqual(min - slack);
        expect(mean).toBeLessThanOrEqual(worst + slack);
        if (values.length > 1) expect(halfWidth95).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
