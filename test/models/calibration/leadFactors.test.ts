import { describe, expect, it } from "vitest";
import { calibratedLeads, type LeadErrors, leadFactors } from "#models/calibration/leadFactors";
import { normalSource } from "../support.js";

/** A week's trajectories from every 4th row, in error `times` as far as they were said to be. */
const errorsOf = (times: number, count = 168, seed = 1): readonly LeadErrors[] =>
  calibratedLeads(900).map((steps, i) => {
    const normal = normalSource(seed + i);
    return { steps, ratios: Array.from({ length: count }, () => Math.abs(times * normal())) };
  });
const factors = (errors: readonly LeadErrors[], days = 7): number[] => leadFactors(errors, 900, 4, days, 2).map(({ factor }) => factor);

describe("factors by lead", () => {
  it("are told for one, five and twenty-four hours, whatever the step, and are 1 for the first step", () => {
    expect(calibratedLeads(900)).toEqual([4, 20, 96]);
    expect(calibratedLeads(300)).toEqual([12, 60, 288]);
    expect(calibratedLeads(3600)).toEqual([5, 24]);
    expect(leadFactors(errorsOf(1.5), 900, 4, 7, 2)[0]).toEqual({ steps: 1, factor: 1 });
    expect(leadFactors([], 900, 4, 7, 2)).toEqual([{ steps: 1, factor: 1 }]);
  });

  it("widen where held-out trajectories erred by more than they were said to, most where there are most of them, and narrow where by less", () => {
    const [, hour, five, day] = factors(errorsOf(2));
    expect(hour).toBeGreaterThan(1.6);
    expect(hour).toBeLessThan(2.2);
    expect(five).toBeGreaterThan(1.5);
    // A week holds few days: what is believed without any weighs more.
    expect(day).toBeGreaterThan(1.15);
    expect(day).toBeLessThan(1.6);
    expect(Math.max(...factors(errorsOf(0.7)).slice(1, 3))).toBeLessThan(1);
  });

  it("stay within 0.8 and 2.5", () => {
    expect(factors(errorsOf(1e-6)).slice(1)).toEqual([0.8, 0.8, 0.8]);
    expect(factors(errorsOf(1e6)).slice(1)).toEqual([2.5, 2.5, 2.5]);
    expect(factors(errorsOf(1, 0), 0).slice(1)).toEqual([1.3, 1.5, 1.8]);
  });

  it("without trajectories are what few days call for, less the more days there are and the nearer the lead", () => {
    const [, one, five, twentyFour] = factors(errorsOf(1, 0), 1);
    expect([one, five, twentyFour]).toEqual([1.3, 1.5, 1.8]);
    const week = factors(errorsOf(1, 0), 7);
    expect(week[1]).toBeCloseTo(1.3 ** (1 / 7), 12);
    expect(week[3]!).toBeLessThan(twentyFour!);
    expect(week[3]!).toBeGreaterThan(week[2]!);
  });

  it("put about 90 % of new errors inside where errors are many and normal", () => {
    let inside = 0;
    let all = 0;
    for (let seed = 0; seed < 30; seed++) {
      const factor = leadFactors(errorsOf(1.3, 2000, 100 * seed), 900, 96, 60, 0)[1]!.factor;
      const normal = normalSource(7000 + seed);
      for (let i = 0; i < 2000; i++, all++) if (Math.abs(1.3 * normal()) <= 1.6448536 * factor) inside++;
    }
    expect(inside / all).toBeGreaterThan(0.89);
    expect(inside / all).toBeLessThan(0.91);
  });
});
