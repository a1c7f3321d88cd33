import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { createBatchPredictor } from "#math/batchPredictor";
import { CholeskyError } from "#math/choleskyWithJitter";
import { nystromBound } from "#models/growing/nystromBound";
import { NystromPosterior } from "#models/growing/nystromPosterior";
import { OnlinePosterior } from "#models/growing/onlinePosterior";
import { budgetedPosterior, exactPosterior, factoriseRows, type PosteriorProblem } from "#models/posterior";
import { expectClose, randomSource } from "../../math/tools.js";
import { la } from "../support.js";

const kernel: KernelSpec = {
  kind: "sum",
  parts: [
    { kind: "scale", outputScale: 0.8, base: { kind: "matern52", lengthscales: [0.7, 1.3] } },
    { kind: "linear", lengthscales: [2, 3] },
  ],
};
const problemOf = (n: number, seed = 1, noiseVariance = 0.01): PosteriorProblem => {
  const random = randomSource(seed);
  const x = Float64Array.from({ length: 2 * n }, () => 2 * random());
  return {
    la,
    features: [],
    kernel,
    meanCoefficients: Float64Array.of(0.3, -0.2),
    x,
    n,
    d: 2,
    residuals: Float64Array.from({ length: n }, (_, i) => Math.sin(3 * x[2 * i]!) + 0.5 * x[2 * i + 1]! + 0.05 * random()),
    noiseVariance,
    onWarning: () => undefined,
  };
};
const rowsOf = (problem: PosteriorProblem, rows: readonly number[]): PosteriorProblem => ({
  ...problem,
  n: rows.length,
  x: Float64Array.from(rows.flatMap((i) => [problem.x[2 * i]!, problem.x[2 * i + 1]!])),
  residuals: Float64Array.from(rows, (i) => problem.residuals[i]!),
});
const queries = (count: number): Float64Array => {
  const random = randomSource(77);
  return Float64Array.from({ length: 2 * count }, () => 3 * random());
};
const predictions = (posterior: ReturnType<typeof exactPosterior>, inputs: Float64Array) => {
  const count = inputs.length / 2;
  const [mean, variance] = [new Float64Array(count), new Float64Array(count)];
  createBatchPredictor(la, posterior, count).predict(inputs, count, mean, variance);
  return { mean, variance };
};

describe("an exact posterior whose rows come and go", () => {
  it("has the α and the predictions of a refit within 1e-8, in any order of coming, going and ageing", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e5 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.nat()), { minLength: 30, maxLength: 60 }),
        (seed, changes) => {
          const all = problemOf(80, seed);
          const held = Array.from({ length: 20 }, (_, i) => i);
          const extra = new Map<number, number>();
          const online = OnlinePosterior.of(rowsOf(all, held));
          let next = 20;
          for (const [kind, pick] of changes) {
            if (kind === 0 && held.length > 1) {
              online.remove(pick % held.length);
              held.splice(pick % held.length, 1);
            } else if (kind === 1) {
              const variance = (pick % 7) / 50;
              online.setExtraNoise(pick % held.length, variance);
              extra.set(held[pick % held.length]!, variance);
            } else if (next < 80) {
              // α is asked for now and then, so that what is kept up to date and what is solved anew both occur.
              if (pick % 2 === 0) expect(online.alpha).toHaveLength(held.length);
              online.add(all.x.subarray(2 * next, 2 * next + 2), all.residuals[next]!);
              held.push(next++);
            }
          }
          const refit = factoriseRows({ ...rowsOf(all, held), extraNoiseVariance: Float64Array.from(held, (i) => extra.get(i) ?? 0) });
          expectClose(online.alpha, refit.alpha, 1e-8);
          const inputs = queries(10);
          const { mean, variance } = online.predict(inputs, 10);
          const posterior = predictions(online.posterior(), inputs);
          expectClose(mean, posterior.mean, 1e-8);
          expectClose(variance, posterior.variance, 1e-8);
          expect(online.refits).toBe(0);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("slides: the window holds the newest rows only", () => {
    const all = problemOf(60);
    const online = OnlinePosterior.of(
      rowsOf(
        all,
        Array.from({ length: 30 }, (_, i) => i),
      ),
      25,
    );
    for (let i = 30; i < 60; i++) online.add(all.x.subarray(2 * i, 2 * i + 2), all.residuals[i]!);
    expect(online.n).toBe(25);
    expectClose(
      online.alpha,
      factoriseRows(
        rowsOf(
          all,
          Array.from({ length: 25 }, (_, i) => 35 + i),
        ),
      ).alpha,
      1e-8,
    );
  });

  it("factorises anew, with a warning, where rounding leaves nothing of a row", () => {
    const warnings: string[] = [];
    const problem = { ...problemOf(6, 1, 1e-17), onWarning: (text: string) => warnings.push(text) };
    const online = OnlinePosterior.of(rowsOf(problem, [0, 1, 2]));
    online.add(problem.x.slice(0, 2), problem.residuals[0]!);
    expect(online.refits).toBe(1);
    expect(online.n).toBe(4);
    expect(online.alpha.every(Number.isFinite)).toBe(true);
    expect(warnings.join(" ")).toMatch(/factorised anew/);
  });

  it("refuses rows that are not finite and stays as it was", () => {
    const problem = problemOf(5);
    const online = OnlinePosterior.of(problem);
    const before = online.alpha.slice();
    expect(() => online.add(Float64Array.of(Number.NaN, 0), 1)).toThrow(RangeError);
    expect(() => online.add(Float64Array.of(0, 0), Number.POSITIVE_INFINITY)).toThrow(RangeError);
    expect(() => online.add(Float64Array.of(0), 1)).toThrow(RangeError);
    expect(() => online.remove(5)).toThrow(RangeError);
    expect(() => online.setExtraNoise(9, 1)).toThrow(RangeError);
    expect(online.n).toBe(5);
    expect(online.alpha).toEqual(before);
  });
});

describe("a budgeted posterior whose rows come and go", () => {
  const problem = problemOf(90);
  const z = problem.x.slice(0, 2 * 25);
  const noise = new Float64Array(90).fill(0.01);
  const nystrom = (): NystromPosterior => new NystromPosterior({ ...problem, basisInputs: z, m: 25 });

  it("is the same whether rows come at once or one by one, and as if a row that left had never come", () => {
    const atOnce = nystrom();
    atOnce.add(problem.x, problem.residuals, noise);
    const single = nystrom();
    for (let i = 0; i < 90; i++)
      single.add(problem.x.subarray(2 * i, 2 * i + 2), problem.residuals.subarray(i, i + 1), noise.subarray(i, i + 1));
    single.add(Float64Array.of(0.3, 0.4), Float64Array.of(5), Float64Array.of(0.02));
    single.remove(Float64Array.of(0.3, 0.4), 5, 0.02);
    const [a, b] = [atOnce, single].map((one) => predictions(one.posterior(), queries(20)));
    expectClose(b!.mean, a!.mean, 1e-8);
    expectClose(b!.variance, a!.variance, 1e-8);
    expect([atOnce.rows, single.rows]).toEqual([90, 90]);
    expect(single.unexplainedTrace).toBeCloseTo(atOnce.unexplainedTrace, 9);
  });

  it("is the exact posterior where every row is kept, and the budgeted one of the same inducing rows", () => {
    const whole = new NystromPosterior({ ...problem, basisInputs: problem.x, m: 90 });
    whole.add(problem.x, problem.residuals, noise);
    const exact = predictions(exactPosterior(problem), queries(20));
    const found = predictions(whole.posterior(), queries(20));
    expectClose(found.mean, exact.mean, 1e-5);
    expectClose(found.variance, exact.variance, 1e-5);
    const budgeted = budgetedPosterior(problem, 25);
    const same = new NystromPosterior({ ...problem, basisInputs: budgeted.basisInputs, m: budgeted.m });
    same.add(problem.x, problem.residuals, noise);
    expectClose(predictions(same.posterior(), queries(20)).mean, predictions(budgeted, queries(20)).mean, 1e-6);
  });

  it("refuses a row that was never there and one that is not finite, and stays as it was", () => {
    const one = nystrom();
    one.add(problem.x, problem.residuals, noise);
    const before = predictions(one.posterior(), queries(5));
    expect(() => one.remove(z.slice(0, 2), 1, 1e-6)).toThrow(CholeskyError);
    expect(() => one.add(Float64Array.of(Number.NaN, 0), Float64Array.of(1), Float64Array.of(1))).toThrow(RangeError);
    expect(() => one.add(Float64Array.of(0, 0), Float64Array.of(1), Float64Array.of(0))).toThrow(RangeError);
    expect(predictions(one.posterior(), queries(5))).toEqual(before);
    expect(one.rows).toBe(90);
  });

  it("is never off by more than its bound, in mean and variance, wherever one asks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(0.003, 0.03, 0.3),
        (seed, m, noiseVariance) => {
          const each = problemOf(40, seed, noiseVariance);
          const noises = new Float64Array(40).fill(noiseVariance);
          const budgeted = new NystromPosterior({ ...each, basisInputs: each.x.slice(0, 2 * m), m });
          budgeted.add(each.x, each.residuals, noises);
          const posterior = budgeted.posterior();
          const bound = nystromBound(la, kernel, posterior, each.x, each.residuals, noises, 2);
          const inputs = queries(30);
          const exact = predictions(exactPosterior(each), inputs);
          const found = predictions(posterior, inputs);
          for (let i = 0; i < 30; i++) {
            const spread = Math.sqrt(exact.variance[i]!);
            expect(Math.abs(found.mean[i]! - exact.mean[i]!)).toBeLessThanOrEqual(bound.meanErrorInStdDevs * spread + 1e-6);
            const ratio = found.variance[i]! / exact.variance[i]!;
            expect(ratio).toBeGreaterThanOrEqual(bound.leastVarianceRatio - 1e-6);
            expect(ratio).toBeLessThanOrEqual(bound.largestVarianceRatio + 1e-6);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
