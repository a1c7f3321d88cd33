import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { fillInputs } from "#math/features";
import type { Factorisation } from "#math/gaussianProcess";
import { factoriseRows, type PosteriorProblem } from "#models/posterior";
import { boundedPosterior } from "#models/thermostat/boundedPosterior";
import { boundsOf, brokenBounds } from "#models/thermostat/censoring";
import { hyperparameterSpace } from "#models/thermostat/hyperparameters";
import {
  instability,
  linearLeaf,
  linearWeights,
  radiusGradient,
  spectralRadius,
  tightenDynamics,
  worstExcess,
} from "#models/thermostat/stability";
import { thermostatStructure } from "#models/thermostat/structure";
import { trainingRows } from "#models/thermostat/trainingRows";
import { expectClose, randomSource } from "../math/tools.js";
import { HOUR_S, la, STEP_S, syntheticZone } from "./support.js";

const structure = thermostatStructure({ zone: "zone", neighbours: [], irradiance: null, occupancyScale: 0 });
/** Weights that are 0 but for the named columns. */
const weightsOf = (named: Readonly<Record<string, number>>): Float64Array =>
  Float64Array.from(structure.columns, ({ key }) => named[key] ?? 0);

describe("stability of the linear part", () => {
  it("the largest eigenvalue is how a simulated deviation grows or shrinks in the long run", () => {
    const weights = weightsOf({ "difference.1": 0.15, "slowMean.3600": 0.1, "slowMean.43200": 0.2, "offset.outdoorAirTempC": 0.16 });
    // Scales: trend 0.5, 1 h mass 1, 12 h mass 2, outdoor 8.
    const [a, m1, m2, o] = [0.3, 0.1, 0.1, 0.02];
    let [T, before, fast, slow] = [1, 1, 1, 1];
    const rate = (tau: number): number => 1 - Math.exp(-STEP_S / tau);
    let last = 0;
    for (let i = 0; i < 3000; i++) {
      const next = T + a * (T - before) + m1 * (fast - T) + m2 * (slow - T) - o * T;
      last = next / T;
      before = T;
      T = next;
      fast += rate(HOUR_S) * (T - fast);
      slow += rate(12 * HOUR_S) * (T - slow);
    }
    expect(spectralRadius(structure, weights, STEP_S, "none")).toBeCloseTo(last, 6);
    expect(instability(structure, weights, STEP_S)).toBeLessThan(0);
  });

  it("adds what stands behind a gate in that mode alone, and finds what runs away", () => {
    const weights = weightsOf({ "offset.outdoorAirTempC": 0.16, "heating*offset.outdoorAirTempC": -0.4 });
    expect(spectralRadius(structure, weights, STEP_S, "none")).toBeCloseTo(0.98, 9);
    expect(spectralRadius(structure, weights, STEP_S, "cooling")).toBeCloseTo(0.98, 9);
    expect(spectralRadius(structure, weights, STEP_S, "heating")).toBeCloseTo(1.03, 9);
    expect(instability(structure, weights, STEP_S)).toBeCloseTo(1.03 - Math.exp(STEP_S / (2 * 86_400)), 9);
    expect(instability(structure, weightsOf({}), STEP_S)).toBeGreaterThan(0);
  });

  it("tightening divides the spread of what acts on a state, and of nothing else", () => {
    const { kernel } = hyperparameterSpace(structure, null).at(hyperparameterSpace(structure, null).start);
    const before = linearLeaf(kernel);
    const after = linearLeaf(tightenDynamics(structure, kernel, 2));
    before.dims.forEach((c, at) => {
      const dynamic = /difference|slowMean|offset/.test(structure.columns[c]!.key);
      expect(after.lengthscales[at]).toBeCloseTo(before.lengthscales[at]! * (dynamic ? 2 : 1), 12);
    });
  });

  it("weights are β_c + Σ_i x_ic α_i / ℓ_c²", () => {
    const space = hyperparameterSpace(structure, null);
    const { kernel } = space.at(space.start);
    const d = structure.columns.length;
    const x = Float64Array.from({ length: 2 * d }, (_, i) => Math.sin(i));
    const beta = Float64Array.from({ length: d }, (_, c) => c);
    const { dims, lengthscales } = linearLeaf(kernel);
    const expected = dims.map((c, at) => beta[c]! + (0.5 * x[c]! - 2 * x[d + c]!) / lengthscales[at]! ** 2);
    const weights = linearWeights(kernel, beta, x, 2, d, Float64Array.of(0.5, -2));
    expectClose(
      dims.map((c) => weights[c]!),
      expected,
      1e-12,
    );
  });
});

describe("a posterior whose linear part would run away", () => {
  const data = new DatasetRows(syntheticZone(3));
  const rows = { ...trainingRows(data, "zone", []), held: [] };
  const { structure: columns, n, d, x } = rows;
  const space = hyperparameterSpace(columns, null);
  /** A zone that hardly forgets, or drifts off: what the rows say, with a little noise. */
  const problemOf = (forgettingPerStep: number) => {
    const random = randomSource(5);
    const weights = Float64Array.from(columns.columns, ({ key }) => (key === "offset.outdoorAirTempC" ? 8 * forgettingPerStep : 0));
    const y = Float64Array.from({ length: n }, (_, i) => {
      let value = 0.02 * random();
      for (let c = 0; c < d; c++) value += weights[c]! * x[i * d + c]!;
      return value;
    });
    return {
      la,
      features: columns.features,
      ...space.at(space.start),
      meanCoefficients: new Float64Array(d),
      x,
      n,
      d,
      residuals: y,
      onWarning: () => undefined,
    };
  };
  const weightsIn = ({ problem, factorisation }: { problem: PosteriorProblem; factorisation: Factorisation }) =>
    linearWeights(problem.kernel, problem.meanCoefficients, x, n, d, factorisation.alpha);

  it("is conditioned on being stable: the kernel stays, the residuals follow the mean, and nothing is done where it is stable", () => {
    for (const forgetting of [0.0015, -0.01, -0.05]) {
      const problem = problemOf(forgetting);
      const first = factoriseRows(problem);
      expect(instability(columns, weightsIn({ problem, factorisation: first }), STEP_S)).toBeGreaterThan(0);
      const bounded = boundedPosterior(problem, first, rows, data);
      expect(instability(columns, weightsIn(bounded), STEP_S)).toBeLessThanOrEqual(0);
      expect(bounded.problem.kernel).toEqual(problem.kernel);
      const { meanCoefficients, residuals } = bounded.problem;
      const mean = Float64Array.from({ length: n }, (_, i) => meanCoefficients.reduce((sum, value, c) => sum + value * x[i * d + c]!, 0));
      expectClose(
        residuals,
        problem.residuals.map((y, i) => y - mean[i]!),
        1e-9,
      );
      expectClose(bounded.factorisation.alpha, factoriseRows(bounded.problem).alpha, 1e-5);
    }
    const calm = problemOf(0.05);
    const first = factoriseRows(calm);
    expect(boundedPosterior(calm, first, rows, data)).toEqual({ problem: calm, factorisation: first });
  });

  it("moves its coefficients by C g / gᵀ C g times the excess, C their posterior covariance: the least change in its metric", () => {
    const problem = problemOf(0.0015);
    const first = factoriseRows(problem);
    const before = weightsIn({ problem, factorisation: first });
    const { mode, excess } = worstExcess(columns, before, STEP_S);
    const g = radiusGradient(columns, before, STEP_S, mode);
    const { dims, lengthscales } = linearLeaf(problem.kernel);
    const prior = new Float64Array(d);
    dims.forEach((c, at) => {
      prior[c] = 1 / lengthscales[at]! ** 2;
    });
    // C g with C = Λ − Λ Xᵀ (K + σ²)⁻¹ X Λ.
    const scaled = g.map((value, c) => prior[c]! * value);
    const solved = Float64Array.from({ length: n }, (_, i) => scaled.reduce((sum, value, c) => sum + value * x[i * d + c]!, 0));
    la.solveLower(n, 1, first.choleskyLower, solved, false);
    la.solveLower(n, 1, first.choleskyLower, solved, true);
    const moved = scaled.map((value, c) => value - prior[c]! * solved.reduce((sum, v, i) => sum + v * x[i * d + c]!, 0));
    const scale = moved.reduce((sum, value, c) => sum + value * g[c]!, 0);
    const after = weightsIn(boundedPosterior(problem, first, rows, data));
    const size = Math.max(...moved.map((value) => Math.abs((value * excess) / scale)));
    moved.forEach((value, c) => {
      expect(Math.abs(after[c]! - before[c]! + (value * excess) / scale)).toBeLessThan(0.1 * size);
    });
  });
});

describe("bounds of held steps", () => {
  const data = new DatasetRows(syntheticZone(7));
  const rows = trainingRows(data, "zone", []);
  const bounds = boundsOf(rows.structure, data, rows.held);

  it("are two per step, of all steps: f(x, none) ≤ T_hea − T ≤ f(x, heating), mirrored for cooling", () => {
    const few = rows.held.slice(0, 5);
    const { x, count, boundK, side } = boundsOf(rows.structure, data, few);
    expect(count).toBe(10);
    few.forEach(({ row, boundK: bound }, i) => {
      const heats = data.column("zone.heatingSetpointC")[row + 1]! - data.column("zone.zoneAirTempC")[row]!;
      const cools = data.column("zone.coolingSetpointC")[row + 1]! - data.column("zone.zoneAirTempC")[row]!;
      const heating = Math.abs(heats) < Math.abs(cools);
      expect(bound).toBeCloseTo(heating ? heats : cools, 12);
      expect([boundK[2 * i], boundK[2 * i + 1]]).toEqual([bound, bound]);
      expect([side[2 * i], side[2 * i + 1]]).toEqual(heating ? [-1, 1] : [1, -1]);
      const gates = (open: number) => ({ heating: Uint8Array.of(heating ? open : 0), cooling: Uint8Array.of(heating ? 0 : open) });
      for (const open of [0, 1]) {
        const d = rows.d;
        expectClose(
          x.slice((2 * i + open) * d, (2 * i + open + 1) * d),
          fillInputs(rows.structure.features, data.source([row]), gates(open)),
          1e-12,
        );
      }
    });
    expect(bounds.count).toBe(2 * rows.held.length);
  });

  it("are broken on the wrong side by more than 0.02 K", () => {
    const two = { x: new Float64Array(0), count: 4, boundK: Float64Array.of(1, 1, 1, 1), side: Int8Array.of(-1, -1, 1, 1) };
    expect(brokenBounds(two, Float64Array.of(1.01, 1.03, 0.99, 0.97))).toEqual([1, 3]);
  });
});
