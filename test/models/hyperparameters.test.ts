import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { logHyperparameters } from "#math/kernels";
import { MatrixPool } from "#math/matrixPool";
import { hyperparameterPrior, type Prior } from "#models/prior";
import {
  hyperparameterSpace,
  maximumAPosteriori,
  meanCoefficients,
  negativeLogLikelihood,
  residualsOf,
} from "#models/thermostat/hyperparameters";
import { FIXED_HYPERPARAMETER, hyperparameterNames, thermostatKernel, thermostatStructure } from "#models/thermostat/structure";
import { trainingRows } from "#models/thermostat/trainingRows";
import { expectClose } from "../math/tools.js";
import { daysOf, la, syntheticZone } from "./support.js";

/** One zone with two neighbours that are a little warmer and colder. */
const rows = (() => {
  const one = daysOf(syntheticZone(3), "1991-01-01", 2);
  const air = one.columns.get("zone.zoneAirTempC")!;
  const columns = new Map(one.columns);
  columns.set(
    "north.zoneAirTempC",
    air.map((value, i) => value - 1 - 0.3 * Math.sin(i / 7)),
  );
  columns.set(
    "south.zoneAirTempC",
    air.map((value, i) => value + 1 + 0.4 * Math.cos(i / 9)),
  );
  return trainingRows(new DatasetRows({ ...one, columns }), "zone", ["north", "south"]);
})();
const { structure } = rows;

describe("names of hyperparameters", () => {
  const names = hyperparameterNames(structure);
  it("stand in the order in which the kernel holds its hyperparameters", () => {
    // A different value for every name shows where it lands.
    const values = new Map(names.map((name, i) => [name, Math.exp(0.01 * (i + 1))]));
    const kernel = thermostatKernel(structure, (name) => values.get(name)!);
    const expected = names.slice(0, -1).map((name) => Math.log(values.get(name)!));
    expectClose(logHyperparameters(kernel), expected, 1e-12);
    expect(names.at(-1)).toBe("noiseVariance");
  });
  it("are known to the priors, every one", () => {
    for (const name of names) expect(hyperparameterPrior(null, name).spread).toBeGreaterThan(0);
    expect(() => hyperparameterPrior(null, "smooth.nothing")).toThrow("smooth.nothing");
  });
});

describe("hyperparameters", () => {
  const space = hyperparameterSpace(structure, null);
  const beta = meanCoefficients(structure, null, 900);
  const residuals = residualsOf(rows, beta);

  it("give the kernel of `thermostatKernel` with a lengthscale for each neighbour", () => {
    const theta = Float64Array.from(space.names, (_, i) => -1 + 0.03 * i);
    const { kernel, noiseVariance } = space.at(theta);
    expectClose(logHyperparameters(kernel), theta.slice(0, -1), 1e-12);
    expect(noiseVariance).toBe(Math.exp(theta.at(-1)!));
    expect(space.names.filter((name) => name === "linear.lengthscale.neighbour")).toHaveLength(2);
  });

  it("residuals are y − βᵀx", () => {
    const i = 17;
    const fitted = beta.reduce((sum, b, c) => sum + b * rows.x[i * rows.d + c]!, 0);
    expect(residuals[i]).toBeCloseTo(rows.y[i]! - fitted, 12);
  });

  it("the likelihood's gradient is that of finite differences, in every direction that may move", () => {
    const pool = new MatrixPool();
    const value = (theta: Float64Array): number =>
      negativeLogLikelihood(la, rows, residuals, space, theta, new Float64Array(theta.length), pool);
    const theta = space.start.map((start, i) => start + 0.2 * Math.sin(i));
    const gradient = new Float64Array(theta.length);
    negativeLogLikelihood(la, rows, residuals, space, theta, gradient, pool);
    const h = 1e-4;
    const differences = Array.from(theta, (_, p) => {
      const moved = (by: number): Float64Array => theta.map((one, i) => (i === p ? one + by : one));
      return (value(moved(h)) - value(moved(-h))) / (2 * h);
    });
    expectClose(gradient, differences, 2e-5, 5);
  });

  it("MAP: the objective falls, stays in its bounds, and the fixed gate does not move", async () => {
    const values: number[] = [];
    const { x, reason, gradient } = await maximumAPosteriori(la, rows, residuals, space, {
      likelihoodPower: 1,
      maxIterations: 15,
      onIteration: (_, value) => values.push(value),
    });
    expect(values.at(-1)!).toBeLessThan(values[0]!);
    expect([...values].sort((a, b) => b - a)).toEqual(values);
    expect(reason).not.toBe("start");
    expect(gradient.every(Number.isFinite)).toBe(true);
    const fixed = space.names.indexOf(FIXED_HYPERPARAMETER);
    expect(x[fixed]).toBe(space.start[fixed]);
    x.forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(space.lower[i]!);
      expect(value).toBeLessThanOrEqual(space.upper[i]!);
    });
  });

  it("MAP: with hardly any likelihood the prior wins, with an abort nothing moves on", async () => {
    const { x } = await maximumAPosteriori(la, rows, residuals, space, { likelihoodPower: 1e-9, maxIterations: 5 });
    expectClose(x, space.start, 1e-4);
    const { iterations } = await maximumAPosteriori(la, rows, residuals, space, {
      likelihoodPower: 1,
      maxIterations: 50,
      signal: AbortSignal.abort(),
    }).catch(() => ({ iterations: 0 }));
    expect(iterations).toBe(0);
  });
});

describe("a learned prior", () => {
  const prior = {
    stepS: 900,
    logHyperparameters: { "smooth.outputScale": { location: -4, spread: 0.3 } },
    meanCoefficients: { "difference.1": { location: 0.25, spread: 0.1 } },
  } as unknown as Prior;
  it("is followed where it speaks, the generic one elsewhere", () => {
    const space = hyperparameterSpace(structure, prior);
    const generic = hyperparameterSpace(structure, null);
    expect(space.start[0]).toBe(-4);
    expect(space.priors[0]).toEqual({ location: -4, spread: 0.3 });
    expect([...space.start.slice(1)]).toEqual([...generic.start.slice(1)]);
    const beta = meanCoefficients(structure, prior, 900);
    const at = (key: string): number => structure.columns.findIndex((column) => column.key === key);
    expect(beta[at("difference.1")]).toBe(0.25);
    expect(beta[at("heating*constant")]).toBe(2);
    expect(beta[at("cooling*constant")]).toBe(-2);
  });
  it("generic capacity grows with the step", () => {
    const at = structure.columns.findIndex(({ key }) => key === "heating*constant");
    expect(meanCoefficients(structure, null, 3600)[at]).toBe(8);
  });
});

describe("structure", () => {
  it("has no sun and no people where the data have none, and one column per neighbour", () => {
    const bare = thermostatStructure({ zone: "a", neighbours: ["b", "c", "d"], irradiance: null, occupancyScale: 0 });
    expect(bare.columns.filter(({ key }) => key === "neighbour")).toHaveLength(3);
    expect(bare.columns.some(({ key }) => /Irradiance|occupancy/.test(key))).toBe(false);
    expect(bare.linear).toHaveLength(bare.columns.length);
    expect(bare.columns[bare.coolingGate]!.key).toBe("cooling*constant");
  });
});
