import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { kernelMatrix } from "#math/kernels";
import { factoriseRows, type PosteriorProblem } from "#models/posterior";
import { withHeavyTails } from "#models/thermostat/heavyTails";
import { la } from "./support.js";

const kernel: KernelSpec = { kind: "scale", outputScale: 1, base: { kind: "rbf", lengthscales: [1] } };
const n = 40;
const at = (i: number): number => (i - n / 2) / 5;
const truth = (x: number): number => Math.sin(x);

/** A sine with 0.02 K of alternating noise; `outlierK` on top of row 20. */
const problemWith = (outlierK: number): PosteriorProblem => ({
  la,
  features: [],
  kernel,
  meanCoefficients: new Float64Array(1),
  x: Float64Array.from({ length: n }, (_, i) => at(i)),
  n,
  d: 1,
  residuals: Float64Array.from({ length: n }, (_, i) => truth(at(i)) + (i % 2 === 0 ? 0.02 : -0.02) + (i === 20 ? outlierK : 0)),
  noiseVariance: 0.02 ** 2,
  onWarning: () => undefined,
});

const errorAt = (problem: PosteriorProblem, alpha: Float64Array, x: number): number => {
  const covariance = kernelMatrix(la, kernel, Float64Array.of(x), 1, problem.x, n, 1);
  return Math.abs(covariance.reduce((sum, value, i) => sum + value * alpha[i]!, 0) - truth(x));
};

describe("rows with heavy-tailed noise", () => {
  it("leave the others' fit as it was where one row is far off", () => {
    const problem = problemWith(1);
    const plain = factoriseRows(problem);
    const robust = withHeavyTails(problem, plain);
    const { extraNoiseVariance } = robust.problem;
    expect(extraNoiseVariance![20]).toBeGreaterThan(10 * problem.noiseVariance);
    expect(errorAt(problem, plain.alpha, at(20))).toBeGreaterThan(0.1);
    expect(errorAt(problem, robust.factorisation.alpha, at(20))).toBeLessThan(0.03);
    // σ²/w at the fixed point: w = (ν + 1) / (ν + e²/σ²), e nearly 1 K.
    const weight = 5 / (4 + 1 / problem.noiseVariance);
    const expected = problem.noiseVariance / weight;
    expect(extraNoiseVariance![20]! / expected).toBeGreaterThan(0.85);
    expect(extraNoiseVariance![20]! / expected).toBeLessThan(1.15);
  });

  it("change nothing where all rows are ordinary", () => {
    const problem = problemWith(0);
    const plain = factoriseRows(problem);
    expect(withHeavyTails(problem, plain)).toEqual({ problem, factorisation: plain });
  });
});
