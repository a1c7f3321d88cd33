import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { factorise, predict } from "#math/gaussianProcess";
import { leaveDayOut, type SpreadError, spreadBound, spreadScaleFrom } from "#models/calibration";
import { expectClose, randomSource } from "../math/tools.js";
import { la, normalSource } from "./support.js";

describe("days left out", () => {
  it("equal really refitting without that day, mean and variance", () => {
    const n = 24;
    const random = randomSource(2);
    const kernel: KernelSpec = { kind: "scale", outputScale: 1.4, base: { kind: "matern52", lengthscales: [0.6] } };
    const x = Float64Array.from({ length: n }, () => 2 * random());
    const y = x.map((value) => Math.sin(4 * value) + 0.1 * random());
    const noise = 0.02;
    // Days of different lengths, their rows not side by side.
    const day = Array.from({ length: n }, (_, i) => [7, 7, 3, 1, 3, 7][i % 6]!);
    const { alpha, choleskyLower } = factorise({
      la,
      kernel,
      x,
      n,
      d: 1,
      y,
      noiseVariance: new Float64Array(n).fill(noise),
      onWarning: () => undefined,
    });
    const { errors, variances } = leaveDayOut(la, n, choleskyLower, alpha, day);
    for (const out of new Set(day)) {
      const kept = day.flatMap((one, i) => (one === out ? [] : [i]));
      const left = day.flatMap((one, i) => (one === out ? [i] : []));
      const rest = { la, kernel, x: Float64Array.from(kept, (i) => x[i]!), n: kept.length, d: 1, onWarning: () => undefined };
      const refitted = factorise({
        ...rest,
        y: Float64Array.from(kept, (i) => y[i]!),
        noiseVariance: new Float64Array(kept.length).fill(noise),
      });
      const { mean, variance } = predict(
        { ...rest, ...refitted },
        Float64Array.from(left, (i) => x[i]!),
        left.length,
      );
      expectClose(
        Float64Array.from(left, (i) => errors[i]!),
        left.map((i, k) => y[i]! - mean[k]!),
        1e-9,
      );
      expectClose(
        Float64Array.from(left, (i) => variances[i]!),
        Array.from(variance, (value) => value + noise),
        1e-9,
      );
    }
  });

  it("of a single day leave the prior", () => {
    const kernel: KernelSpec = { kind: "rbf", lengthscales: [1] };
    const x = Float64Array.of(0, 1, 2);
    const y = Float64Array.of(1, -1, 2);
    const { alpha, choleskyLower } = factorise({
      la,
      kernel,
      x,
      n: 3,
      d: 1,
      y,
      noiseVariance: new Float64Array(3).fill(0.1),
      onWarning: () => undefined,
    });
    const { errors, variances } = leaveDayOut(la, 3, choleskyLower, alpha, [5, 5, 5]);
    expectClose(errors, y, 1e-9);
    expectClose(variances, [1.1, 1.1, 1.1], 1e-9);
  });
});

describe("spread scale", () => {
  const errorsOf = (stdDev: number, count = 4000): Float64Array => {
    const normal = normalSource(11);
    return Float64Array.from({ length: count }, () => stdDev * normal());
  };
  const unit = (count = 4000): Float64Array => new Float64Array(count).fill(1);
  it("is 1 where the errors are as large as predicted, and their ratio where they are not", () => {
    expect(spreadScaleFrom(errorsOf(1), unit())).toBeCloseTo(1, 1);
    expect(spreadScaleFrom(errorsOf(1.8), unit())).toBeCloseTo(1.8 * spreadScaleFrom(errorsOf(1), unit()), 10);
    expect(spreadScaleFrom(errorsOf(1), unit().fill(0.25))).toBeCloseTo(2 * spreadScaleFrom(errorsOf(1), unit()), 10);
  });
  it("puts exactly 90 % of these errors inside ±1.645 scaled standard deviations", () => {
    const errors = errorsOf(1.3);
    const scale = spreadScaleFrom(errors, unit());
    const inside = errors.filter((error) => Math.abs(error) <= 1.6448536269514722 * scale).length;
    expect(inside / errors.length).toBeCloseTo(0.9, 3);
  });
  it("stays within 0.4 and 2.5, and is 1 from fewer than 50 errors", () => {
    expect(spreadScaleFrom(errorsOf(0.01), unit())).toBe(0.4);
    expect(spreadScaleFrom(errorsOf(50), unit())).toBe(2.5);
    expect(spreadScaleFrom(errorsOf(50, 49), unit(49))).toBe(1);
    expect(spreadScaleFrom(new Float64Array(60), new Float64Array(60))).toBe(0.4);
  });
});

describe("spread bound", () => {
  const pair = (spreadK: number, errorK: number): SpreadError => ({ spreadK, errorK });
  it("is the largest spread up to which at most a tenth err by more than the level", () => {
    // 19 right, then one wrong after the other: 2 of 21 are within a tenth, 3 of 22 are not.
    const pairs = [
      ...Array.from({ length: 19 }, (_, i) => pair(0.1 + 0.01 * i, 0.2)),
      pair(0.3, 2),
      pair(0.31, 2),
      pair(0.5, 3),
      pair(0.6, 3),
    ];
    expect(spreadBound(pairs, 1)).toBe(0.31);
    expect(spreadBound([...pairs].reverse(), 1)).toBe(0.31);
    expect(spreadBound(pairs, 1, 0.06)).toBe(0.3);
  });
  it("is 1.5 times the largest spread seen where all of the few there are keep the level", () => {
    expect(spreadBound([pair(0.2, 0.1), pair(0.8, 0.9)], 1)).toBeCloseTo(1.2, 12);
  });
  it("is, where all of many keep the level, the spread at which nine in ten would still keep it if errors grew with the spread", () => {
    // Errors of 1 to 20 times a spread of 0.01 K: the 19th of 20 is 19 times the spread, and 1.5 K is that of 1.5 / 19 K.
    const pairs = Array.from({ length: 20 }, (_, i) => pair(0.01, 0.01 * (i + 1)));
    expect(spreadBound(pairs, 1.5)).toBeCloseTo(1.5 / 19, 12);
    // Errors that are all zero say no more than that the level is kept.
    expect(
      spreadBound(
        pairs.map(({ spreadK }) => pair(spreadK, 0)),
        1.5,
      ),
    ).toBe(1.5);
  });
  it("lets a quarter of the plans through where all of them err", () => {
    expect(
      spreadBound(
        [1, 2, 3, 4, 5].map((spread) => pair(spread, 10)),
        1,
      ),
    ).toBe(2);
  });
  it("is the error level itself without trajectories", () => {
    expect(spreadBound([], 0.7)).toBe(0.7);
  });
  it("grows with the error level and with the risk, whatever the trajectories", () => {
    const positive = fc.double({ min: 0.01, max: 5, noNaN: true });
    const pairs = fc.array(fc.record({ spreadK: positive, errorK: positive }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(pairs, positive, positive, fc.double({ min: 0, max: 0.5, noNaN: true }), (seen, a, b, risk) => {
        const bound = (level: number, allowed = risk): number => spreadBound(seen, level, allowed);
        const spreads = seen.map(({ spreadK }) => spreadK);
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        return (
          bound(low) <= bound(high) &&
          bound(low, risk / 2) <= bound(low) &&
          bound(low) >= Math.min(...spreads) &&
          bound(high) <= Math.max(high, 1.5 * Math.max(...spreads))
        );
      }),
    );
  });
});
