import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { factorise, logMarginalLikelihoodAndGradient, predict, predictCovariance, type TrainingSet } from "#math/gaussianProcess";
import { logHyperparameters, withLogHyperparameters } from "#math/kernels";
import { MatrixPool } from "#math/matrixPool";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { randomKernel } from "./kernelArbitrary.js";
import { availableProviders } from "./providers.js";
import { expectClose, randomSource } from "./tools.js";

interface GoldenCase {
  readonly name: string;
  readonly theta: readonly number[];
  readonly noise: number;
  readonly X: readonly (readonly number[])[];
  readonly y: readonly number[];
  readonly Xs: readonly (readonly number[])[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly cov: readonly (readonly number[])[];
  readonly lml: number;
  readonly grad: readonly number[];
  readonly alpha: readonly number[];
  readonly L_diag: readonly number[];
  readonly cond: number;
}

const golden = JSON.parse(readFileSync(new URL("../golden/gp.json", import.meta.url), "utf8")) as {
  readonly cases: readonly GoldenCase[];
  readonly failure_case_F: { readonly X: readonly (readonly number[])[]; readonly noise: number };
};

const KINDS = { A: "rbf", B: "matern52", C: "matern32" } as const;
const kernelOf = ({ name, theta }: GoldenCase): KernelSpec => ({
  kind: "scale",
  outputScale: Math.exp(theta[0]!),
  base: { kind: KINDS[name[0] as keyof typeof KINDS], lengthscales: theta.slice(1).map(Math.exp) },
});
const matrix = (rows: readonly (readonly number[])[]): Float64Array => Float64Array.from(rows.flat());
const refuseWarning = (text: string): void => expect.fail(text);
const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

describe.each(availableProviders)("exact Gaussian process on $name", ({ load }) => {
  it.each(golden.cases)("agrees with scikit-learn: $name", async (example) => {
    const la = await load();
    const [n, d, count] = [example.X.length, example.X[0]!.length, example.Xs.length];
    const set: TrainingSet = {
      la,
      kernel: kernelOf(example),
      x: matrix(example.X),
      n,
      d,
      y: Float64Array.from(example.y),
      onWarning: refuseWarning,
    };
    const fitted = factorise({ ...set, noiseVariance: new Float64Array(n).fill(example.noise) });
    // Rounding of K passes through (K + σ²I)⁻¹, so what alpha and L keep depends on the condition number.
    const rounding = 1e-15 * example.cond;
    expectClose(fitted.alpha, example.alpha, 1e-12 + 10 * rounding, largest(example.alpha));
    expectClose(
      fitted.choleskyLower.filter((_, i) => i % (n + 1) === 0),
      example.L_diag,
      1e-10,
    );
    expect(Math.abs(fitted.logMarginalLikelihood - example.lml)).toBeLessThanOrEqual(1e-9 * example.cond ** 0.5 * 1e-1 + 1e-9);

    const process = { ...set, ...fitted };
    const inputs = matrix(example.Xs);
    const { mean, variance } = predict(process, inputs, count);
    expectClose(mean, example.mean, 1e-9, largest(example.mean));
    expectClose(
      mean.map((value) => value),
      example.mean,
      1e-6,
      0.01,
    );
    expectClose(variance.map(Math.sqrt), example.std, 1e-6, 0);
    const { mean: sameMean, covariance } = predictCovariance(process, inputs, count);
    expectClose(sameMean, mean, 1e-12);
    expectClose(covariance, example.cov.flat(), 1e-10, Math.exp(example.theta[0]!));

    const likelihood = logMarginalLikelihoodAndGradient({
      ...set,
      logNoiseVariance: Float64Array.of(Math.log(example.noise)),
      noiseGroup: new Uint8Array(n),
    });
    expect(Math.abs(likelihood.logMarginalLikelihood - example.lml)).toBeLessThanOrEqual(1e-5);
    expectClose(likelihood.kernelGradient, example.grad, 1e-5);
    expectClose(
      likelihood.targetGradient,
      example.alpha.map((value) => -value),
      1e-12 + 10 * rounding,
      largest(example.alpha),
    );
  });

  it("has the gradients that central differences give: kernel, noise groups, targets", async () => {
    const la = await load();
    const reference = createReferenceLinearAlgebra();
    const pool = new MatrixPool();
    const D = 3;
    fc.assert(
      fc.property(randomKernel(D), fc.integer({ min: 2, max: 14 }), fc.integer(), (kernel, n, seed) => {
        const random = randomSource(seed);
        const x = Float64Array.from({ length: n * D }, () => 1.5 * random());
        const y = Float64Array.from({ length: n }, random);
        const logNoiseVariance = Float64Array.of(-1 + random(), -2 + random());
        const noiseGroup = Uint8Array.from({ length: n }, (_, i) => i % 2);
        const fixedNoiseVariance = Float64Array.from({ length: n }, () => 0.05 * (1 + random()));
        const at = (provider: typeof la, spec: KernelSpec, logNoise: Float64Array, targets: Float64Array) =>
          logMarginalLikelihoodAndGradient({
            la: provider,
            kernel: spec,
            x,
            n,
            d: D,
            y: targets,
            logNoiseVariance: logNoise,
            noiseGroup,
            fixedNoiseVariance,
            onWarning: refuseWarning,
            pool,
          });
        const result = at(la, kernel, logNoiseVariance, y);
        // The pool now holds the matrices of another evaluation.
        expect(at(la, kernel, logNoiseVariance, y)).toEqual(result);
        const differences = (point: Float64Array, value: (shifted: Float64Array) => number): number[] =>
          Array.from(point, (_, p) => {
            const [up, down] = [point.slice(), point.slice()];
            up[p]! += 1e-4;
            down[p]! -= 1e-4;
            return (value(up) - value(down)) / 2e-4;
          });
        const theta = logHyperparameters(kernel);
        const value = (spec: KernelSpec, logNoise: Float64Array, targets: Float64Array): number =>
          at(reference, spec, logNoise, targets).logMarginalLikelihood;
        const [kernelExpected, noiseExpected, targetExpected] = [
          differences(theta, (shifted) => value(withLogHyperparameters(kernel, shifted), logNoiseVariance, y)),
          differences(logNoiseVariance, (shifted) => value(kernel, shifted, y)),
          differences(y, (shifted) => value(kernel, logNoiseVariance, shifted)),
        ];
        expectClose(result.kernelGradient, kernelExpected, 1e-5, 3 * n);
        expectClose(result.noiseGradient, noiseExpected, 1e-5, 3 * n);
        expectClose(result.targetGradient, targetExpected, 1e-5, 3 * n);
      }),
      { numRuns: 40 },
    );
  });

  it("predicts no negative variance, at training points and everywhere else", async () => {
    const la = await load();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (n, seed) => {
        const random = randomSource(seed);
        const x = Float64Array.from({ length: n }, random);
        const kernel: KernelSpec = { kind: "rbf", lengthscales: [2] };
        const fitted = factorise({ la, kernel, x, n, d: 1, y: x, noiseVariance: new Float64Array(n).fill(1e-7), onWarning: () => {} });
        const inputs = Float64Array.from({ length: 30 }, (_, i) => (i < n ? x[i]! : 3 * random()));
        const { variance } = predict({ la, kernel, x, n, d: 1, ...fitted }, inputs, 30);
        expect(variance.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
    );
  });

  it("factorises the singular matrix of duplicate rows without noise with the first jitter and one warning", async () => {
    const la = await load();
    const warnings: string[] = [];
    const { X, noise } = golden.failure_case_F;
    const { jitter } = factorise({
      la,
      kernel: { kind: "rbf", lengthscales: [1] },
      x: matrix(X),
      n: 3,
      d: 1,
      y: Float64Array.of(1, 1, 2),
      noiseVariance: new Float64Array(3).fill(noise),
      onWarning: (text) => warnings.push(text),
    });
    expect(jitter).toBe(1e-8);
    expect(warnings).toHaveLength(1);
  });

  it("refuses inputs and targets that are not finite", async () => {
    const la = await load();
    const base = {
      la,
      kernel: { kind: "rbf", lengthscales: [1] } as const,
      n: 2,
      d: 1,
      noiseVariance: Float64Array.of(1, 1),
      onWarning: () => {},
    };
    expect(() => factorise({ ...base, x: Float64Array.of(0, Number.NaN), y: Float64Array.of(0, 1) })).toThrowError(
      expect.objectContaining({ reason: "not-finite" }),
    );
    expect(() => factorise({ ...base, x: Float64Array.of(0, 1), y: Float64Array.of(0, Number.NaN) })).toThrow(/targets/);
  });
});
