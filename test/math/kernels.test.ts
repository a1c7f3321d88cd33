import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { kernelDiagonal, kernelGradient, kernelMatrix, logHyperparameters, withLogHyperparameters } from "#math/kernels";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { randomKernel } from "./kernelArbitrary.js";
import { availableProviders } from "./providers.js";
import { expectClose, randomSource } from "./tools.js";

const reference = createReferenceLinearAlgebra();
const D = 3;
const inputs = (n: number, seed: number): Float64Array => {
  const random = randomSource(seed);
  return Float64Array.from({ length: n * D }, () => 2 * random());
};

const one = (spec: KernelSpec, x: number[], y: number[]): number =>
  kernelMatrix(reference, spec, Float64Array.from(x), 1, Float64Array.from(y), 1, x.length)[0]!;

describe("kernels evaluate their printed equations", () => {
  const x = [0.3, -1.2];
  const y = [1.1, 0.4];
  const lengthscales = [0.7, 2.5];
  const r2 = ((0.3 - 1.1) / 0.7) ** 2 + ((-1.2 - 0.4) / 2.5) ** 2;
  const r = Math.sqrt(r2);
  it.each([
    ["rbf", Math.exp(-r2 / 2)],
    ["matern32", (1 + Math.sqrt(3) * r) * Math.exp(-Math.sqrt(3) * r)],
    ["matern52", (1 + Math.sqrt(5) * r + (5 * r2) / 3) * Math.exp(-Math.sqrt(5) * r)],
    ["linear", (0.3 * 1.1) / 0.7 ** 2 + (-1.2 * 0.4) / 2.5 ** 2],
  ] as const)("%s", (kind, expected) => {
    expect(one({ kind, lengthscales }, x, y)).toBeCloseTo(expected, 14);
  });

  it("scales, sums, multiplies and picks dimensions", () => {
    const rbf: KernelSpec = { kind: "rbf", lengthscales: [2], dims: [1] };
    const linear: KernelSpec = { kind: "linear", lengthscales: [1], dims: [0] };
    const a = Math.exp(-((1.6 / 2) ** 2) / 2);
    const b = 0.33;
    expect(one({ kind: "sum", parts: [{ kind: "scale", outputScale: 3, base: rbf }, linear] }, x, y)).toBeCloseTo(3 * a + b, 14);
    expect(one({ kind: "product", parts: [rbf, linear] }, x, y)).toBeCloseTo(a * b, 14);
  });

  it("refuses lengthscales that do not fit the inputs", () => {
    expect(() => one({ kind: "rbf", lengthscales: [1] }, x, y)).toThrow(/1 lengthscales for 2 input dimensions/);
    expect(() => one({ kind: "rbf", lengthscales: [1], dims: [2] }, x, y)).toThrow(/outside the 2 inputs/);
    expect(() => one({ kind: "rbf", lengthscales: [1, 0] }, x, y)).toThrow(/not above 0/);
  });
});

describe("random kernels", () => {
  it("are symmetric and positive semi-definite, with the diagonal kernelDiagonal gives", () => {
    fc.assert(
      fc.property(randomKernel(D), fc.integer({ min: 1, max: 24 }), fc.integer(), (spec, n, seed) => {
        const x = inputs(n, seed);
        const k = kernelMatrix(reference, spec, x, n, x, n, D);
        const diagonal = kernelDiagonal(spec, x, n, D);
        const largest = Math.max(...diagonal, 1e-300);
        expectClose(
          k.filter((_, i) => i % (n + 1) === 0),
          diagonal,
          1e-12,
          largest,
        );
        expectClose(
          k,
          k.map((_, i) => k[(i % n) * n + Math.floor(i / n)]!),
          1e-14,
          largest,
        );
        const shifted = k.map((value, i) => (value + (i % (n + 1) === 0 ? 1e-10 * n * largest : 0)) / largest);
        expect(reference.cholesky(n, shifted)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it("keep their structure when hyperparameters go through logarithms, depth first", () => {
    const spec: KernelSpec = {
      kind: "sum",
      parts: [
        { kind: "scale", outputScale: 2, base: { kind: "matern52", lengthscales: [3, 4], dims: [0, 2] } },
        {
          kind: "product",
          parts: [
            { kind: "linear", lengthscales: [5], dims: [1] },
            { kind: "rbf", lengthscales: [6, 7, 8] },
          ],
        },
      ],
    };
    const theta = logHyperparameters(spec);
    expectClose(theta, [2, 3, 4, 5, 6, 7, 8].map(Math.log), 1e-15);
    const back = withLogHyperparameters(spec, theta);
    expectClose(logHyperparameters(back), theta, 1e-15);
    expect(JSON.stringify(back).replace(/\d+\.\d+/g, (text) => String(Math.round(Number(text))))).toBe(JSON.stringify(spec));
    expect(() => withLogHyperparameters(spec, theta.subarray(1))).toThrow(/7 hyperparameters/);
  });

  it("have the gradient that central differences give, on every provider", async () => {
    for (const { load } of availableProviders) {
      const la = await load();
      fc.assert(
        fc.property(randomKernel(D), fc.integer({ min: 1, max: 12 }), fc.integer(), (spec, n, seed) => {
          const x = inputs(n, seed);
          const random = randomSource(seed + 1);
          const w = new Float64Array(n * n);
          for (let i = 0; i < n; i++) {
            for (let j = 0; j <= i; j++) {
              w[i * n + j] = random();
              w[j * n + i] = w[i * n + j]!;
            }
          }
          const weighted = (at: Float64Array): number => {
            const k = kernelMatrix(reference, withLogHyperparameters(spec, at), x, n, x, n, D);
            return k.reduce((sum, value, i) => sum + value * w[i]!, 0);
          };
          const theta = logHyperparameters(spec);
          const gradient = kernelGradient(la, spec, x, n, D, w);
          const scale = Math.max(...kernelDiagonal(spec, x, n, D)) * n;
          expect(gradient.length).toBe(theta.length);
          theta.forEach((_, p) => {
            const step = 1e-4;
            const up = theta.slice();
            const down = theta.slice();
            up[p]! += step;
            down[p]! -= step;
            const expected = (weighted(up) - weighted(down)) / (2 * step);
            expectClose([gradient[p]!], [expected], 2e-6, scale);
          });
        }),
        { numRuns: 60 },
      );
    }
  });

  it("give the same matrix on every provider", async () => {
    for (const { load } of availableProviders) {
      const la = await load();
      fc.assert(
        fc.property(randomKernel(D), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.integer(), (spec, n, m, seed) => {
          const [x, y] = [inputs(n, seed), inputs(m, seed + 7)];
          const scale = Math.max(...kernelDiagonal(spec, x, n, D), ...kernelDiagonal(spec, y, m, D));
          expectClose(kernelMatrix(la, spec, x, n, y, m, D), kernelMatrix(reference, spec, x, n, y, m, D), 1e-12, scale);
        }),
        { numRuns: 60 },
      );
    }
  });
});

describe("Cholesky with jitter", () => {
  it("leaves a positive definite matrix untouched by jitter", () => {
    const warnings: string[] = [];
    const { lower, jitter } = choleskyWithJitter(reference, 2, Float64Array.of(4, 2, 2, 5), (text) => warnings.push(text));
    expect([jitter, ...lower, ...warnings]).toEqual([0, 2, 0, 1, 2]);
  });

  it("factorises [[1,1],[1,1]] as A + 1e-8 I, with one warning and A as it was", () => {
    const warnings: string[] = [];
    const a = Float64Array.of(1, 1, 1, 1);
    const { lower, jitter } = choleskyWithJitter(reference, 2, a, (text) => warnings.push(text));
    const expected = Float64Array.of(1 + 1e-8, 1, 1, 1 + 1e-8);
    reference.cholesky(2, expected);
    expect(lower).toEqual(expected);
    expect(jitter).toBe(1e-8);
    expect(warnings).toHaveLength(1);
    expect([...a]).toEqual([1, 1, 1, 1]);
  });

  it("warns at each of three steps, then refuses an indefinite matrix with its cause", () => {
    const warnings: string[] = [];
    expect(() => choleskyWithJitter(reference, 2, Float64Array.of(1, 2, 2, 1), (text) => warnings.push(text))).toThrowError(
      expect.objectContaining({ kind: "permanent", reason: "not-positive-definite", cause: expect.any(Error) }),
    );
    expect(warnings.map((text) => /adding (\S+)/.exec(text)?.[1])).toEqual(["1e-8", "1e-7", "0.000001"]);
  });

  it("refuses NaN at once, without jitter", () => {
    const warnings: string[] = [];
    expect(() =>
      choleskyWithJitter(reference, 2, Float64Array.of(1, Number.NaN, Number.NaN, 1), (text) => warnings.push(text)),
    ).toThrowError(expect.objectContaining({ reason: "not-finite" }));
    expect(warnings).toEqual([]);
  });
});
