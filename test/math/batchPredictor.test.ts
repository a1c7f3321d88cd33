import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { createBatchPredictor, type PredictorData } from "#math/batchPredictor";
import { factorise, predict } from "#math/gaussianProcess";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { randomKernel } from "./kernelArbitrary.js";
import { availableProviders } from "./providers.js";
import { expectClose, randomSource } from "./tools.js";

const reference = createReferenceLinearAlgebra();

const exactData = (kernel: KernelSpec, m: number, d: number, seed: number): PredictorData => {
  const random = randomSource(seed);
  const basisInputs = Float64Array.from({ length: m * d }, () => 1.5 * random());
  const y = Float64Array.from({ length: m }, random);
  const { alpha, choleskyLower } = factorise({
    la: reference,
    kernel,
    x: basisInputs,
    n: m,
    d,
    y,
    noiseVariance: new Float64Array(m).fill(0.05),
    onWarning: (text) => expect.fail(text),
  });
  return { kernel, basisInputs, m, d, alpha, varianceRoot: reference.inverseLower(m, choleskyLower), p: m };
};

const queries = (count: number, d: number, seed: number): Float64Array => {
  const random = randomSource(seed);
  return Float64Array.from({ length: count * d }, () => 2 * random());
};

describe.each(availableProviders)("batch predictor on $name", ({ load }) => {
  it("gives the exact GP's mean and variance for random kernels and sizes", async () => {
    const la = await load();
    const D = 3;
    fc.assert(
      fc.property(
        randomKernel(D),
        fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(65, 70)),
        fc.integer({ min: 1, max: 30 }),
        fc.integer(),
        (kernel, m, count, seed) => {
          const data = exactData(kernel, m, D, seed);
          const inputs = queries(count, D, seed + 1);
          const [mean, variance] = [new Float64Array(count), new Float64Array(count)];
          const predictor = createBatchPredictor(la, data, count + 3);
          predictor.predict(inputs, count, mean, variance);
          const expected = createBatchPredictor(reference, data, count);
          const [expectedMean, expectedVariance] = [new Float64Array(count), new Float64Array(count)];
          expected.predict(inputs, count, expectedMean, expectedVariance);
          const scale = expectedVariance.reduce((largest, value) => Math.max(largest, value), 1e-3) * 100;
          expectClose(mean, expectedMean, 1e-10, Math.max(...expectedMean.map(Math.abs), scale));
          expectClose(variance, expectedVariance, 1e-10, scale * 100);
          const meanOnly = new Float64Array(count);
          predictor.predict(inputs, count, meanOnly, null);
          expect(meanOnly).toEqual(mean);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("agrees with predict() on a model larger than every block, in batches of any size", async () => {
    const la = await load();
    const [m, d] = [203, 4];
    const kernel: KernelSpec = {
      kind: "sum",
      parts: [
        { kind: "scale", outputScale: 2, base: { kind: "matern52", lengthscales: [1, 2, 3, 1.5] } },
        { kind: "scale", outputScale: 0.3, base: { kind: "linear", lengthscales: [1, 2, 1, 2] } },
      ],
    };
    const random = randomSource(5);
    const x = Float64Array.from({ length: m * d }, () => 2 * random());
    const y = Float64Array.from({ length: m }, random);
    const fitted = factorise({
      la,
      kernel,
      x,
      n: m,
      d,
      y,
      noiseVariance: new Float64Array(m).fill(0.02),
      onWarning: (text) => expect.fail(text),
    });
    const data = { kernel, basisInputs: x, m, d, alpha: fitted.alpha, varianceRoot: la.inverseLower(m, fitted.choleskyLower), p: m };
    const predictor = createBatchPredictor(la, data, 1100);
    for (const count of [1, 5, 513, 1100]) {
      const inputs = queries(count, d, count);
      const [mean, variance] = [new Float64Array(count), new Float64Array(count)];
      predictor.predict(inputs, count, mean, variance);
      const expected = predict({ la, kernel, x, n: m, d, ...fitted }, inputs, count);
      expectClose(mean, expected.mean, 1e-9);
      expectClose(variance, expected.variance, 1e-9);
    }
  });

  it("takes a rectangular root of reduced rank", async () => {
    const la = await load();
    const [m, d, p] = [37, 2, 11];
    const random = randomSource(9);
    const data: PredictorData = {
      kernel: { kind: "matern32", lengthscales: [1, 1] },
      basisInputs: queries(m, d, 1),
      m,
      d,
      alpha: Float64Array.from({ length: m }, random),
      varianceRoot: Float64Array.from({ length: p * m }, () => 0.05 * random()),
      p,
    };
    const inputs = queries(21, d, 2);
    const results = [la, reference].map((provider) => {
      const [mean, variance] = [new Float64Array(21), new Float64Array(21)];
      createBatchPredictor(provider, data, 21).predict(inputs, 21, mean, variance);
      return { mean, variance };
    });
    expectClose(results[0]!.mean, results[1]!.mean, 1e-11);
    expectClose(results[0]!.variance, results[1]!.variance, 1e-11);
  });

  it("shows NaN inputs as NaN in their own rows only, and refuses batches that do not fit", async () => {
    const la = await load();
    const data = exactData({ kind: "matern52", lengthscales: [1, 1] }, 10, 2, 3);
    const predictor = createBatchPredictor(la, data, 6);
    const inputs = queries(6, 2, 4);
    inputs[5] = Number.NaN;
    const [mean, variance] = [new Float64Array(6), new Float64Array(6)];
    predictor.predict(inputs, 6, mean, variance);
    expect(Array.from(mean, Number.isNaN)).toEqual([false, false, true, false, false, false]);
    expect(Array.from(variance, Number.isNaN)).toEqual([false, false, true, false, false, false]);
    expect(() => predictor.predict(inputs, 7, mean, variance)).toThrow(/7 rows/);
    expect(() => predictor.predict(inputs, 6, mean, new Float64Array(5))).toThrow(/too short/);
    expect(() => createBatchPredictor(la, { ...data, p: 9 }, 6)).toThrow(/varianceRoot/);
  });
});
