import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { MatrixPool } from "#math/matrixPool";
import { asPublishedPlannerFeedsIt, CLUE_BASIS_INPUTS, clueZoneModel, fineTuneClue } from "#models/baselines/clue";
import {
  type ClueKernel,
  type ClueVariant,
  clueFeatures,
  clueLikelihood,
  clueRows,
  kernelOfRaw,
  rawObjective,
  rawOfKernel,
  UNTRAINED_CLUE_KERNEL,
} from "#models/baselines/clueKernel";
import { clueMetaKernel, META_LEARNING_RATE } from "#models/baselines/clueMetaKernel";
import { AUTHORS_CLUE_KERNELS } from "#models/baselines/trainBaseline";
import { sliceDataset } from "#models/datasetSlice";
import { exactPosterior } from "#models/posterior";
import { createStepPredictor } from "#models/stepPredictor";
import { randomSource } from "../../math/tools.js";
import { changed, office, officeRows, ZONE } from "./office.js";

const la = await createLinearAlgebra("auto", { threads: 1 });
const kernel: ClueKernel = { outputScale: 400, lengthscale: 40, noiseVariance: 0.05 };

describe("CLUE's kernel", () => {
  it("starts where GPyTorch starts: ln 2 for every hyperparameter", () => {
    expect(UNTRAINED_CLUE_KERNEL.outputScale).toBeCloseTo(Math.LN2, 12);
    expect(UNTRAINED_CLUE_KERNEL.lengthscale).toBeCloseTo(Math.LN2, 12);
    expect(UNTRAINED_CLUE_KERNEL.noiseVariance).toBeCloseTo(Math.LN2 + 1e-4, 12);
  });

  it("keeps its value through GPyTorch's unconstrained parameters", () => {
    for (const value of [kernel, UNTRAINED_CLUE_KERNEL, { outputScale: 0.01, lengthscale: 3e3, noiseVariance: 0.001 }]) {
      const back = kernelOfRaw(rawOfKernel(value));
      expect(back.outputScale / value.outputScale).toBeCloseTo(1, 10);
      expect(back.lengthscale / value.lengthscale).toBeCloseTo(1, 10);
      expect(back.noiseVariance / value.noiseVariance).toBeCloseTo(1, 10);
    }
  });

  it.each([UNTRAINED_CLUE_KERNEL, kernel])("has the gradient that finite differences give at %o", (at) => {
    const objective = rawObjective(la, clueRows(officeRows({ rows: 120, noiseK: 0.1 }), ZONE, "mended"));
    const raw = rawOfKernel(at);
    const gradient = new Float64Array(3);
    const scratch = new Float64Array(3);
    objective(raw, gradient);
    raw.forEach((value, i) => {
      const h = 1e-4 * Math.max(1, Math.abs(value));
      const moved = (sign: number): number =>
        objective(
          raw.map((one, j) => (i === j ? one + sign * h : one)),
          scratch,
        );
      const numeric = (moved(1) - moved(-1)) / (2 * h);
      expect(Math.abs(gradient[i]! - numeric)).toBeLessThan(1e-5 * Math.max(1, Math.abs(numeric)));
    });
  });

  it("takes in raw units: no input is scaled or shifted", () => {
    const features = clueFeatures(officeRows({ rows: 60 }), ZONE, "published");
    expect(features).toHaveLength(8);
    expect(features.every(({ scale }) => scale === 1)).toBe(true);
  });
});

/** How much the prediction of the step from row `from` moves when one setpoint of one row does. */
const movesWith = (variant: ClueVariant, from: number, row: number, replanned = false): number => {
  const dataset = office({ rows: 200 });
  const model = clueZoneModel(la, new DatasetRows(dataset), ZONE, variant, kernel);
  const predictor = createStepPredictor(la, replanned ? asPublishedPlannerFeedsIt(model) : model);
  const predict = (data: DatasetRows): number => predictor.predict(data.source([from]), false).meanC[0]!;
  const point = zonePoint(ZONE, "heatingSetpointC");
  return Math.abs(predict(new DatasetRows(changed(dataset, point, row, 12))) - predict(new DatasetRows(dataset)));
};

describe("which action CLUE pairs with a step", () => {
  it("is the previous one as published: the setpoints in force during the step do not count", () => {
    expect(movesWith("published", 100, 101)).toBe(0);
    expect(movesWith("published", 100, 100)).toBeGreaterThan(1e-3);
  });

  it("is the one in force once mended: the setpoints of the step before do not count", () => {
    expect(movesWith("mended", 100, 100)).toBe(0);
    expect(movesWith("mended", 100, 101)).toBeGreaterThan(0.1);
  });

  it("is the candidate for the coming step in the published planner, which never saw it act", () => {
    expect(movesWith("published", 100, 101, true)).toBeGreaterThan(1e-3);
    expect(movesWith("published", 100, 100, true)).toBe(0);
  });

  it("reaches the published planner's model in the data's order, heating before cooling", () => {
    const model = clueZoneModel(la, officeRows({ rows: 200 }), ZONE, "published", kernel);
    const setpoints = asPublishedPlannerFeedsIt(model).posterior.features.flatMap(({ term }) => (term.kind === "setpoint" ? [term] : []));
    expect(setpoints.map(({ side, lagSteps }) => [side, lagSteps])).toEqual([
      ["heating", 0],
      ["cooling", 0],
    ]);
  });

  it("shows when the actions of two neighbouring rows are swapped: each variant learns from its own pairing", () => {
    const dataset = office({ rows: 150 });
    const point = zonePoint(ZONE, "heatingSetpointC");
    const heating = dataset.columns.get(point)!;
    const swapped = new DatasetRows(changed(changed(dataset, point, 80, heating[81]!), point, 81, heating[80]!));
    const original = new DatasetRows(dataset);
    const column = 6;
    for (const [variant, late] of [
      ["published", 0],
      ["mended", 1],
    ] as const) {
      const before = clueRows(original, ZONE, variant);
      const after = clueRows(swapped, ZONE, variant);
      const differing = before.rows.filter((_, i) => before.x[i * before.d + column] !== after.x[i * after.d + column]);
      expect(differing).toEqual([80 - late, 81 - late]);
    }
  });

  it("matters: where the action in force decides, the mended pairing predicts better", () => {
    const data = officeRows({ rows: 400, noiseK: 0.05 });
    const rmse = (variant: ClueVariant): number => {
      const train = new DatasetRows({
        ...data.dataset,
        timesMs: data.dataset.timesMs.slice(0, 300),
        columns: new Map([...data.dataset.columns].map(([k, v]) => [k, v.slice(0, 300)])),
      });
      const predictor = createStepPredictor(la, clueZoneModel(la, train, ZONE, variant, kernel));
      const rows = Array.from({ length: 90 }, (_, i) => 305 + i);
      const { meanC } = predictor.predict(data.source(rows), false);
      const t = data.column(zonePoint(ZONE, "zoneAirTempC"));
      return Math.sqrt(rows.reduce((sum, row, i) => sum + (meanC[i]! - t[row + 1]!) ** 2, 0) / rows.length);
    };
    expect(rmse("mended")).toBeLessThan(0.5 * rmse("published"));
  });
});

describe("CLUE's uncertainty", () => {
  it("is the latent variance alone as published, with the noise once mended", () => {
    const data = officeRows({ rows: 200, noiseK: 0.1 });
    const rows = [20, 60, 150];
    const squared = (variant: ClueVariant): number[] => {
      const { stdDevK } = createStepPredictor(la, clueZoneModel(la, data, ZONE, variant, kernel)).predict(data.source(rows), true);
      return Array.from(stdDevK!, (s) => s * s);
    };
    for (const value of squared("published")) expect(value).toBeLessThan(kernel.noiseVariance);
    for (const value of squared("mended")) expect(value).toBeGreaterThanOrEqual(kernel.noiseVariance);
  });

  it("grows to the output scale far from the data, where the mean falls to zero", () => {
    const dataset = office({ rows: 200 });
    const model = clueZoneModel(la, new DatasetRows(dataset), ZONE, "published", kernel);
    const far = new DatasetRows(changed(dataset, "site.directNormalIrradianceWm2", 100, 9000));
    const { meanC, stdDevK } = createStepPredictor(la, model).predict(far.source([100]), true);
    expect(Math.abs(meanC[0]!)).toBeLessThan(1e-6);
    expect(stdDevK![0]!).toBeCloseTo(20, 6);
  });
});

describe("CLUE's posterior on a real week", () => {
  it("keeps at most 448 basis inputs and predicts as the exact one within 0.005 K", { timeout: 60_000 }, async () => {
    const dataset = await readDatasetCsv(fileURLToPath(new URL("../../data/clue/pittsburgh.csv.gz", import.meta.url)), { zone: ZONE });
    const data = new DatasetRows(sliceDataset(dataset, 0, 673));
    const { kernel: authors } = AUTHORS_CLUE_KERNELS.winter;
    const model = clueZoneModel(la, data, ZONE, "published", authors);
    expect(model.posterior.m).toBeLessThanOrEqual(CLUE_BASIS_INPUTS);
    const { x, n, d, y } = clueRows(data, ZONE, "published");
    const exact = exactPosterior({
      la,
      features: model.posterior.features,
      kernel: model.posterior.kernel,
      meanCoefficients: new Float64Array(d),
      x,
      n,
      d,
      residuals: y,
      noiseVariance: authors.noiseVariance,
      onWarning: () => undefined,
    });
    const later = new DatasetRows(sliceDataset(dataset, 673, 673 + 192));
    const rows = Array.from({ length: 180 }, (_, i) => i + 2);
    const predict = (one: ZoneModel) => createStepPredictor(la, one).predict(later.source(rows), true);
    const [kept, whole] = [predict(model), predict({ ...model, posterior: exact })];
    for (const k of rows.keys()) {
      expect(Math.abs(kept.meanC[k]! - whole.meanC[k]!)).toBeLessThan(0.005);
      expect(Math.abs(kept.stdDevK![k]! - whole.stdDevK![k]!)).toBeLessThan(0.005);
    }
  });
});

describe("fine-tuning", () => {
  it("takes the given number of steps, each about as long as the learning rate at most, and comes out the same twice", async () => {
    const data = officeRows({ rows: 120, noiseK: 0.1 });
    const seen: string[] = [];
    const once = await fineTuneClue(la, data, ZONE, "published", kernel, { maxIterations: 5, onProgress: (_, text) => seen.push(text) });
    expect(seen).toHaveLength(5);
    const raw = rawOfKernel(once);
    for (const [i, from] of rawOfKernel(kernel).entries()) expect(Math.abs(raw[i]! - from)).toBeLessThanOrEqual(0.05 * 1.01);
    expect(await fineTuneClue(la, data, ZONE, "published", kernel, { maxIterations: 5 })).toEqual(once);
    expect(once).not.toEqual(kernel);
  });

  it("refuses a handful of rows and says how many there are", async () => {
    const few = officeRows({ rows: 20 });
    await expect(fineTuneClue(la, few, ZONE, "published", kernel)).rejects.toThrow(/room has 19 usable steps .* CLUE needs 48/);
  });
});

/** A zone that follows outdoors along a wave: no lengthscale but a finite one explains it, whereas a linear zone wants an endless one. */
const wavy = (seed: number): DatasetRows => {
  const dataset = office({ rows: 250, seed });
  const random = randomSource(seed);
  const outdoor = dataset.columns.get("site.outdoorAirTempC")!;
  const dropped = ["site.outdoorRelativeHumidityPct", "site.directNormalIrradianceWm2", "site.windSpeedMps", `${ZONE}.occupancyCount`];
  const columns = new Map([...dataset.columns].filter(([name]) => !dropped.includes(name)));
  columns.set(
    zonePoint(ZONE, "zoneAirTempC"),
    outdoor.map((value) => 20 + 3 * Math.sin(value / 3) + 0.2 * random()),
  );
  return new DatasetRows({ ...dataset, columns });
};

describe("meta-kernel learning", () => {
  it("as published takes one step of 0.001 a segment of 1,000 rows, the source counted as winter and as year", async () => {
    const data = officeRows({ rows: 1102, noiseK: 0.1 });
    // 1,101 steps twice: rows 0–999 and 1,000–1,999 of 2,202.
    let segments = 0;
    const learned = await clueMetaKernel(la, [{ name: "office", data, zone: ZONE }], "published", { onProgress: () => segments++ });
    expect(segments).toBe(2);
    const raw = rawOfKernel(learned);
    const start = rawOfKernel(UNTRAINED_CLUE_KERNEL);
    // A kernel that is far too short and small is pushed the same way by every segment.
    expect(raw[0]! - start[0]!).toBeCloseTo(2 * META_LEARNING_RATE, 6);
    expect(raw[1]! - start[1]!).toBeCloseTo(2 * META_LEARNING_RATE, 6);
  });

  it("mended ends where every change of a hyperparameter lowers the summed likelihood", async () => {
    const sources = [1, 2].map((seed) => ({ name: `office ${seed}`, data: wavy(seed), zone: ZONE }));
    const learned = await clueMetaKernel(la, sources, "mended");
    const pool = new MatrixPool();
    const likelihood = (one: ClueKernel): number =>
      sources.reduce((sum, { data }) => sum + clueLikelihood(la, clueRows(data, ZONE, "mended"), one, pool).value, 0);
    const best = likelihood(learned);
    for (const key of ["outputScale", "lengthscale", "noiseVariance"] as const) {
      for (const factor of [0.8, 1.25]) expect(likelihood({ ...learned, [key]: learned[key] * factor })).toBeLessThan(best);
    }
    expect(await clueMetaKernel(la, sources, "mended")).toEqual(learned);
  });

  it("refuses sources that measure different things, and none at all", async () => {
    const whole = office({ rows: 100 });
    const without = { ...whole, columns: new Map([...whole.columns].filter(([name]) => name !== "site.windSpeedMps")) };
    const sources = [whole, without].map((dataset, i) => ({ name: `office ${i}`, data: new DatasetRows(dataset), zone: ZONE }));
    await expect(clueMetaKernel(la, sources, "mended")).rejects.toThrow(/office 0 and office 1 do not hold the same weather/);
    await expect(clueMetaKernel(la, [], "mended")).rejects.toThrow(/at least one source/);
  });
});
