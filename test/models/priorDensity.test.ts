import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Prior } from "#models/prior";
import { priorDensity } from "#models/priorDensity";
import { predictorOf, priorFor } from "#models/priorScaling";

const priorOf = (correlations: readonly number[], spreads: readonly number[] = [0.5, 0.2, 2]): Prior => ({
  schema: "isotherm-prior-2",
  name: "small",
  model: "thermostat",
  stepS: 900,
  logHyperparameters: { noiseVariance: { location: -6, spread: spreads[0]! } },
  meanCoefficients: {
    constant: { location: 0.1, spread: spreads[1]! },
    "heating*constant": { location: 2, spread: spreads[2]! },
  },
  covariance: { names: ["noiseVariance", "mean.constant", "mean.heating*constant"], correlations: [...correlations] },
  scaling: {
    predictors: [
      { name: "logFloorAreaM2", centre: Math.log(100) },
      { name: "logDesignHeatingWm2", centre: Math.log(50) },
    ],
    meanCoefficients: { "heating*constant": [0.2, 1.5] },
  },
  manifest: { made: "2026-01-01", version: "0", command: "", seed: 0, sources: [], logMarginalLikelihoodPerRow: 0 },
});
const names = ["noiseVariance", "mean.constant", "mean.heating*constant"];

describe("the joint density of a prior", () => {
  it("is that of the normal distribution with the prior's covariance: value by the inverse, gradient by differences", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 3 }), (away) => {
        const density = priorDensity(priorOf([0.6, -0.3, 0.2]), names, 900);
        const z = density.location.map((value, i) => value + away[i]!);
        const gradient = new Float64Array(3);
        const value = density.negativeLog(z, gradient);
        // S⁻¹ (z − m) is the gradient, so S gradient gives z − m back, and half its product with z − m the value.
        for (let i = 0; i < 3; i++) {
          let back = 0;
          for (let j = 0; j < 3; j++) back += density.covariance[3 * i + j]! * gradient[j]!;
          expect(back).toBeCloseTo(away[i]!, 8);
        }
        expect(value).toBeCloseTo(0.5 * away.reduce((sum, one, i) => sum + one * gradient[i]!, 0), 8);
        const h = 1e-5;
        for (let i = 0; i < 3; i++) {
          const at = (by: number): number => density.negativeLog(z.with(i, z[i]! + by), new Float64Array(3));
          expect((at(h) - at(-h)) / (2 * h)).toBeCloseTo(gradient[i]!, 3);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("adds to the gradient, and takes names that the covariance lacks, or that stand again, as independent", () => {
    const density = priorDensity(priorOf([0.6, -0.3, 0.2]), ["noiseVariance", "mean.constant", "noiseVariance", "smooth.outputScale"], 900);
    const at = (i: number, j: number): number => density.covariance[4 * i + j]!;
    expect(at(1, 0)).toBeCloseTo(0.6 * 0.5 * 0.2, 12);
    expect([at(2, 0), at(2, 1), at(3, 0), at(3, 1), at(3, 2)]).toEqual([0, 0, 0, 0, 0]);
    expect(at(2, 2)).toBeCloseTo(0.25, 12);
    const gradient = Float64Array.from([1, 1, 1, 1]);
    density.negativeLog(density.location, gradient);
    expect([...gradient]).toEqual([1, 1, 1, 1]);
  });

  it("without a covariance is the product of its entries", () => {
    const density = priorDensity(null, ["noiseVariance", "mean.constant"], 900);
    expect(density.covariance[1]).toBe(0);
    expect(
      density.negativeLog(
        density.location.map((value, i) => value + density.spread[i]!),
        new Float64Array(2),
      ),
    ).toBeCloseTo(1, 12);
  });

  it("refuses correlations that no normal distribution has", () => {
    expect(() => priorDensity(priorOf([0.99, 0.99, -0.99]), names, 900)).toThrow(
      "The covariance of the prior small is not positive definite.",
    );
  });
});

describe("a prior for a zone of known size and ratings", () => {
  const heating = (prior: Prior): number => prior.meanCoefficients["heating*constant"]!.location;
  it("moves the coefficients that follow them, and nothing else", () => {
    const prior = priorOf([0, 0, 0]);
    const twice = priorFor(prior, { floorAreaM2: 100, designHeatingW: 10_000 });
    expect(heating(twice)).toBeCloseTo(2 + 1.5 * Math.log(2), 12);
    expect(twice.meanCoefficients.constant).toEqual(prior.meanCoefficients.constant);
    expect(twice.logHyperparameters).toEqual(prior.logHyperparameters);
  });
  it("stays as it is where nothing is known, and goes no farther than ratings five times the sources'", () => {
    const prior = priorOf([0, 0, 0]);
    expect(priorFor(prior, null)).toBe(prior);
    expect(priorFor(prior, {})).toBe(prior);
    expect(priorFor(prior, { floorAreaM2: 0, designHeatingW: -3 })).toBe(prior);
    expect(heating(priorFor(prior, { floorAreaM2: 1e9 }))).toBeCloseTo(2 + 0.2 * Math.log(5), 12);
    expect(predictorOf("logDesignCoolingWm2", { floorAreaM2: 10, designCoolingW: 1000 })).toBeCloseTo(Math.log(100), 12);
  });
});
