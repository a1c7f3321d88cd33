import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { createBatchPredictor } from "#math/batchPredictor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { factorise, predict } from "#math/gaussianProcess";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { budgetedPosterior, chooseInducingRows, exactPosterior, type PosteriorProblem } from "#models/posterior";
import { hyperparameterSpace, meanCoefficients, residualsOf } from "#models/thermostat/hyperparameters";
import { trainingRows } from "#models/thermostat/trainingRows";
import { expectClose, randomSource } from "../math/tools.js";
import { cityYear, daysOf, la, rms } from "./support.js";

const kernel: KernelSpec = {
  kind: "sum",
  parts: [
    { kind: "scale", outputScale: 0.8, base: { kind: "matern52", lengthscales: [0.7, 1.3] } },
    { kind: "linear", lengthscales: [2, 3] },
  ],
};
const problemOf = (n: number, seed = 1, change: Partial<PosteriorProblem> = {}): PosteriorProblem => {
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
    noiseVariance: 0.01,
    onWarning: () => undefined,
    ...change,
  };
};
const predictions = (
  algebra: LinearAlgebra,
  posterior: PosteriorData,
  inputs: Float64Array,
): { mean: Float64Array; variance: Float64Array } => {
  const count = inputs.length / posterior.d;
  const [mean, variance] = [new Float64Array(count), new Float64Array(count)];
  createBatchPredictor(algebra, posterior, count).predict(inputs, count, mean, variance);
  return { mean, variance };
};
const queries = (count: number, seed = 9): Float64Array => {
  const random = randomSource(seed);
  return Float64Array.from({ length: 2 * count }, () => 3 * random());
};

describe("exact posterior", () => {
  it("predicts what algorithm 2.1 predicts", () => {
    const problem = problemOf(60);
    const { alpha, choleskyLower } = factorise({ ...problem, y: problem.residuals, noiseVariance: new Float64Array(60).fill(0.01) });
    const inputs = queries(40);
    const expected = predict({ ...problem, alpha, choleskyLower }, inputs, 40);
    const actual = predictions(la, exactPosterior(problem), inputs);
    expectClose(actual.mean, expected.mean, 1e-10);
    expectClose(actual.variance, expected.variance, 1e-9);
  });

  it("refuses inputs that are not finite instead of giving NaN", () => {
    const problem = problemOf(10);
    problem.x[3] = Number.NaN;
    expect(() => exactPosterior(problem)).toThrow(/not finite/);
    expect(() => budgetedPosterior(problem, 5)).toThrow(/not finite/);
    expect(() => budgetedPosterior(problemOf(10, 1, { residuals: new Float64Array(10).fill(Number.NaN) }), 5)).toThrow(/not finite/);
  });
});

describe("budgeted posterior", () => {
  it("with as many inducing inputs as rows equals the exact one to 1e-6", () => {
    const problem = problemOf(60);
    const inputs = queries(40);
    const exact = predictions(la, exactPosterior(problem), inputs);
    const budgeted = budgetedPosterior(problem, 60);
    expect(budgeted.m).toBe(60);
    const actual = predictions(la, budgeted, inputs);
    expectClose(actual.mean, exact.mean, 1e-6);
    expectClose(actual.variance, exact.variance, 1e-6);
  });

  it("with one inducing input knows the function there: mean and variance by hand", () => {
    const problem = problemOf(1, 4, { kernel: { kind: "rbf", lengthscales: [1, 1] } });
    const posterior = budgetedPosterior(problem, 1);
    const { mean, variance } = predictions(la, posterior, problem.x);
    expect(mean[0]).toBeCloseTo(problem.residuals[0]! / 1.01, 10);
    expect(variance[0]).toBeCloseTo(1 - 1 / 1.01, 8);
  });

  it("never predicts a negative variance, nor one above the prior's", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 1000 }),
        (n, budget, seed) => {
          const { variance, mean } = predictions(la, budgetedPosterior(problemOf(n, seed), budget), queries(20, seed + 1));
          const priors = predictions(
            la,
            { ...exactPosterior(problemOf(1, seed)), varianceRoot: new Float64Array(1) },
            queries(20, seed + 1),
          ).variance;
          return mean.every(Number.isFinite) && variance.every((value, i) => value >= 0 && value <= priors[i]! * (1 + 1e-9));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("is the same on every linear algebra that is here", async () => {
    const problem = problemOf(50);
    const inputs = queries(20);
    const plain = await createLinearAlgebra("reference");
    const expected = predictions(plain, budgetedPosterior({ ...problem, la: plain }, 20), inputs);
    const actual = predictions(la, budgetedPosterior(problem, 20), inputs);
    expectClose(actual.mean, expected.mean, 1e-7);
    expectClose(actual.variance, expected.variance, 1e-7);
  });

  it("does not wait on 10,000 rows of which all but three repeat, and learns from all of them", () => {
    const n = 10_000;
    const points = [0, 0, 1, -1, -1, 0.5];
    const x = Float64Array.from({ length: 2 * n }, (_, i) => points[2 * (Math.floor(i / 2) % 3) + (i % 2)]!);
    const residuals = Float64Array.from({ length: n }, (_, i) => [1, 2, 3][i % 3]! + (i % 2 === 0 ? 0.1 : -0.1));
    const posterior = budgetedPosterior(problemOf(0, 1, { n, x, residuals }), 160);
    expect(posterior.m).toBe(3);
    const { mean, variance } = predictions(la, posterior, x.slice(0, 6));
    expectClose(mean, [1, 2, 3], 1e-3);
    // σ² / rows of each kind.
    expectClose(variance, [3e-6, 3e-6, 3e-6], 0.05, 1e-6);
  });
});

describe("inducing rows", () => {
  it("are distinct, within the budget, and the first has the largest prior variance", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 1000 }),
        (n, budget, seed) => {
          const { x } = problemOf(n, seed);
          const { rows: chosen } = chooseInducingRows(kernel, la, x, n, 2, budget);
          const diagonal = Array.from({ length: n }, (_, i) => 0.8 + (x[2 * i]! / 2) ** 2 + (x[2 * i + 1]! / 3) ** 2);
          return (
            chosen.length <= Math.min(n, budget) &&
            new Set(chosen).size === chosen.length &&
            diagonal[chosen[0]!]! >= Math.max(...diagonal) - 1e-12
          );
        },
      ),
      { numRuns: 60 },
    );
  });
  it("stop where the rows repeat", () => {
    const x = Float64Array.from({ length: 200 }, (_, i) => (Math.floor(i / 2) % 4) * 0.5);
    expect(chooseInducingRows({ kind: "rbf", lengthscales: [1, 1] }, la, x, 100, 2, 50).rows).toHaveLength(4);
  });
});

describe("on a week of the office in Pittsburgh", () => {
  let problem: PosteriorProblem;
  let inputs: Float64Array;
  beforeAll(async () => {
    const year = await cityYear("pittsburgh");
    const rows = trainingRows(new DatasetRows(daysOf(year, "1991-01-01", 7)), "zone", []);
    const later = trainingRows(new DatasetRows(daysOf(year, "1991-01-08", 2)), "zone", []);
    const space = hyperparameterSpace(rows.structure, null);
    const beta = meanCoefficients(rows.structure, null, 900);
    problem = {
      la,
      ...rows,
      ...space.at(space.start),
      features: rows.structure.features,
      meanCoefficients: beta,
      residuals: residualsOf(rows, beta),
      onWarning: () => undefined,
    };
    inputs = later.x;
  });

  it("the budgeted posterior comes nearer to the exact one as its budget grows", () => {
    const exact = predictions(la, exactPosterior(problem), inputs);
    const errors = [20, 80, 320].map((budget) => {
      const { mean, variance } = predictions(la, budgetedPosterior(problem, budget), inputs);
      expect(variance.every((value) => value >= 0)).toBe(true);
      return {
        mean: rms(mean.map((value, i) => value - exact.mean[i]!)),
        stdDev: rms(variance.map((value, i) => Math.sqrt(value) - Math.sqrt(exact.variance[i]!))),
      };
    });
    // Measured with 552 rows: means 0.137, 0.102, 0.0015 K, standard deviations 0.23, 0.13, 0.0008 K.
    expect(errors[1]!.mean).toBeLessThan(0.8 * errors[0]!.mean);
    expect(errors[1]!.stdDev).toBeLessThan(0.8 * errors[0]!.stdDev);
    expect(errors[2]!.mean).toBeLessThan(0.01);
    expect(errors[2]!.stdDev).toBeLessThan(0.01);
  });
});
