import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { fileCheckpoint } from "#models/meta/checkpoint";
import { factorOf } from "#models/meta/dense";
import { estimateHierarchy, logPredictive, type Quadratic, shrunkTowardsDiagonal } from "#models/meta/hierarchy";
import { tasksOf, thinned } from "#models/meta/tasks";
import { metaTrain, type SourceSegment } from "#models/metaTrain";
import type { Prior } from "#models/prior";
import { conditionedPrior } from "#models/priorConditioning";
import { likeliestPrior, priorEvidence } from "#models/priorEvidence";
import { trainingRows } from "#models/thermostat/trainingRows";
import { la, normalSource, syntheticZone } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "isotherm-hierarchy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Tasks whose z is drawn from N(m + B x, S) and seen through noise of variance `noise`. */
const drawnTasks = (count: number, seed: number, noise: number, effect: number): Quadratic[] => {
  const normal = normalSource(seed);
  return Array.from({ length: count }, (_, s) => {
    const x = normal();
    const [u, v] = [normal(), normal()];
    // S = [[1, 0.8], [0.8, 1]] · 0.25
    const z = [1 + effect * x + 0.5 * u, -2 + 0.5 * (0.8 * u + 0.6 * v)];
    const seen = z.map((value) => value + Math.sqrt(noise) * normal());
    return {
      group: `building ${s % 20}`,
      a: Float64Array.from([1 / noise, 0, 0, 1 / noise]),
      r: Float64Array.from(seen, (value) => value / noise),
      covariates: Float64Array.from([x]),
    };
  });
};
const options = {
  location: new Float64Array(2),
  variance: Float64Array.from([1, 1]),
  iterations: 60,
  isMoved: [true, true],
};

describe("the hierarchy over tasks", () => {
  it("recovers the distribution that the tasks were drawn from: location, effect of the covariate, covariance", () => {
    const { location, effects, covariance } = estimateHierarchy(la, drawnTasks(300, 1, 0.05, 0.7), options);
    expect(location[0]).toBeCloseTo(1, 0);
    expect(location[1]).toBeCloseTo(-2, 0);
    expect(Math.abs(effects[0]! - 0.7)).toBeLessThan(0.1);
    expect(Math.abs(effects[1]!)).toBeLessThan(0.1);
    expect(Math.abs(covariance[0]! - 0.25)).toBeLessThan(0.07);
    expect(covariance[1]! / Math.sqrt(covariance[0]! * covariance[3]!)).toBeGreaterThan(0.65);
    expect(covariance[1]! / Math.sqrt(covariance[0]! * covariance[3]!)).toBeLessThan(0.9);
  });

  it("foretells tasks that it has not seen better than one without covariance, and than one without the effect", () => {
    const [seen, unseen] = [drawnTasks(200, 2, 0.05, 0.7), drawnTasks(100, 3, 0.05, 0.7)];
    const found = estimateHierarchy(la, seen, options);
    const whole = logPredictive(la, unseen, found);
    expect(whole).toBeGreaterThan(logPredictive(la, unseen, { ...found, covariance: shrunkTowardsDiagonal(2, found.covariance, 0) }) + 10);
    const fixed = estimateHierarchy(la, seen, { ...options, isMoved: [false, false] });
    expect(whole).toBeGreaterThan(logPredictive(la, unseen, fixed) + 10);
  });

  it("is hardly moved by a few tasks unlike all others", () => {
    const tasks = drawnTasks(100, 4, 0.05, 0);
    const wild = tasks.slice(0, 4).map((task) => ({ ...task, r: task.r.map((value) => value + 20 / 0.05) }));
    const found = estimateHierarchy(la, [...tasks.slice(4), ...wild], options);
    expect(Math.abs(found.location[0]! - 1)).toBeLessThan(0.25);
  });

  it("has a positive definite covariance whatever the tasks say, even where they say nothing", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.double({ min: 1e-6, max: 1e4, noNaN: true }),
        (count, seed, scale) => {
          const normal = normalSource(seed);
          const d = 4;
          const tasks = Array.from({ length: count }, (): Quadratic => {
            const pull = normal();
            // Of rank one at most, or nothing at all.
            const direction = Array.from({ length: d }, () => (seed % 3 === 0 ? 0 : scale * normal()));
            return {
              group: "one",
              a: Float64Array.from({ length: d * d }, (_, i) => direction[Math.floor(i / d)]! * direction[i % d]!),
              r: Float64Array.from(direction, (value) => value * pull),
              covariates: new Float64Array(0),
            };
          });
          const found = estimateHierarchy(la, tasks, {
            location: new Float64Array(d),
            variance: new Float64Array(d).fill(0.3),
            iterations: 20,
            isMoved: Array<boolean>(d).fill(false),
          });
          expect(factorOf(la, d, found.covariance).lower.every(Number.isFinite)).toBe(true);
          expect(factorOf(la, d, shrunkTowardsDiagonal(d, found.covariance, 0.9)).lower.every(Number.isFinite)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});

const building = (seed: number, heatingK: number): SourceSegment => ({
  name: `building ${seed}`,
  group: `building ${seed}`,
  data: new DatasetRows(syntheticZone(2, { seed, truth: { heatingK, coolingK: 2, noiseK: 0.05 } })),
  zone: "zone",
  neighbours: [],
  ratings: { floorAreaM2: 100, designHeatingW: 3000 * heatingK, designCoolingW: 6000 },
});
const segments = [building(1, 1.5), building(2, 3), building(3, 2), building(4, 2.5)];
const quiet = { onProgress: () => undefined };
const effort = { rounds: 2, iterationsPerRound: 3, tasksPerRound: 2, maxRows: 80, isLenient: true, seed: 1, passes: 2 };

describe("meta-training over buildings", () => {
  it("ended anywhere and started again comes to the same prior, bit for bit", async () => {
    const whole = await metaTrain(la, segments, { ...effort, ...quiet });
    for (const endsAt of [0.15, 0.5, 0.75]) {
      const checkpoint = fileCheckpoint(join(folder, `at-${endsAt}.partial`));
      const abort = new AbortController();
      let saves = 0;
      const counting = {
        ...checkpoint,
        save: (...args: Parameters<typeof checkpoint.save>) => {
          saves++;
          checkpoint.save(...args);
        },
      };
      const onProgress = (fraction: number): void => {
        if (fraction >= endsAt) abort.abort(new Error("killed"));
      };
      await expect(metaTrain(la, segments, { ...effort, checkpoint: counting, onProgress, signal: abort.signal })).rejects.toThrow(
        "killed",
      );
      const texts: string[] = [];
      const again = await metaTrain(la, segments, { ...effort, checkpoint, onProgress: (_, text) => texts.push(text) });
      expect(again).toEqual(whole);
      // What was saved is not made again.
      if (saves > 0) expect(texts[0]).not.toMatch(/^round 1 of/);
    }
  });

  it("takes nothing from a checkpoint of other segments", async () => {
    const checkpoint = fileCheckpoint(join(folder, "other.partial"));
    await metaTrain(la, segments.slice(0, 2), { ...effort, ...quiet, checkpoint });
    const others = await metaTrain(la, segments.slice(2), { ...effort, ...quiet, checkpoint });
    expect(others).toEqual(await metaTrain(la, segments.slice(2), { ...effort, ...quiet }));
  });

  it("skips segments without enough rows with the reason, and refuses when none is left", async () => {
    const short: SourceSegment = { ...segments[0]!, name: "short one", data: new DatasetRows(syntheticZone(0.25)) };
    const { skipped, tasks } = await metaTrain(la, [...segments.slice(0, 2), short], { ...effort, ...quiet });
    expect(tasks).toBe(2);
    expect(skipped).toEqual([{ name: "short one", reason: expect.stringMatching(/short one has \d+ usable rows/) }]);
    await expect(metaTrain(la, [short], { ...effort, ...quiet })).rejects.toThrow("None of the 1 source segments has enough usable rows");
  });

  it("judges covariance and scaling by buildings left out, and its prior conditions on a new building's rows", async () => {
    const learned = await metaTrain(la, segments, { ...effort, ...quiet });
    expect(Object.keys(learned.leftOutLogLikelihood!)).toContain("coefficients, scaling sizeAndRatings, best covariance");
    for (const { location, spread } of [...Object.values(learned.logHyperparameters), ...Object.values(learned.meanCoefficients)]) {
      expect(Number.isFinite(location)).toBe(true);
      expect(spread).toBeGreaterThan(0);
    }
    const names = [...Object.keys(learned.logHyperparameters), ...Object.keys(learned.meanCoefficients)];
    expect(new Set(names).size).toBe(names.length);
    // Two coefficients that vary together: the rows of a stronger building pull both.
    const prior: Prior = {
      ...learned,
      schema: "isotherm-prior-2",
      name: "four",
      model: "thermostat",
      stepS: 900,
      covariance: { names: ["mean.heating*constant", "mean.cooling*constant"], correlations: [-0.8] },
      manifest: { made: "", version: "", command: "", seed: 0, sources: [], logMarginalLikelihoodPerRow: 0 },
    };
    const rows = trainingRows(building(9, 4).data, "zone", []);
    const heating = rows.structure.columns.findIndex(({ key }) => key === "heating*constant");
    const onlyHeating = {
      ...rows,
      x: rows.x.map((value, i) => (rows.structure.columns[i % rows.d]!.key.startsWith("cooling*") ? 0 : value)),
    };
    expect(onlyHeating.x.some((value, i) => i % rows.d === heating && value !== 0)).toBe(true);
    const conditioned = conditionedPrior(la, prior, onlyHeating);
    const moved = (key: string): number => conditioned.meanCoefficients[key]!.location - prior.meanCoefficients[key]!.location;
    // The rows never cooled: what they say of cooling they say through heating.
    expect(moved("cooling*constant")).toBeLessThan(0);
    expect(conditioned.meanCoefficients["cooling*constant"]!.spread).toBeCloseTo(
      prior.meanCoefficients["cooling*constant"]!.spread * 0.6,
      6,
    );
    expect(conditioned.logHyperparameters["linear.lengthscale.cooling*constant"]!.location).toBeCloseTo(
      -Math.log(conditioned.meanCoefficients["cooling*constant"]!.spread),
      10,
    );
    const { covariance: _covariance, ...independent } = prior;
    expect(conditionedPrior(la, independent, rows)).toBe(independent);
  });

  it("gives a prior that foretells such buildings better than the generic one, and is chosen for them", async () => {
    const learned = await metaTrain(la, segments, { ...effort, ...quiet });
    const prior = { ...learned, name: "four", stepS: 900 } as unknown as Prior;
    const { data } = building(8, 2.2);
    expect(priorEvidence(la, prior, data, ["zone"])).toBeGreaterThan(priorEvidence(la, null, data, ["zone"]));
    const wrong: Prior = {
      ...prior,
      name: "wrong",
      meanCoefficients: {
        ...prior.meanCoefficients,
        "heating*constant": { location: -20, spread: 0.1 },
        constant: { location: 5, spread: 0.1 },
      },
    };
    expect(likeliestPrior(la, [{ prior: wrong }, { prior }], data, ["zone"])!.prior.name).toBe("four");
    expect(likeliestPrior(la, [], data, ["zone"])).toBeNull();
    expect(priorEvidence(la, prior, new DatasetRows(syntheticZone(0.25)), ["zone"])).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("thinned rows", () => {
  it("keep rows behind the gates, in order, and all of them where there are few", () => {
    const rows = trainingRows(segments[0]!.data, "zone", []);
    const few = thinned(rows, 60);
    expect(few.n).toBe(60);
    expect([...few.rows]).toEqual([...few.rows].sort((a, b) => a - b));
    const c = rows.structure.columns.findIndex(({ key }) => key === "heating*constant");
    const gated = ({ x, n, d }: typeof rows): number =>
      Array.from({ length: n }, (_, i) => x[i * d + c]!).filter((value) => value !== 0).length;
    expect(gated(few)).toBe(Math.min(20, gated(rows)));
    expect(thinned(rows, rows.n)).toBe(rows);
    expect(tasksOf(segments, { maxRows: null, isLenient: false }).tasks[0]!.rows.n).toBe(rows.n);
  });
});
