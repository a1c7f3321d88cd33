import { Matrix, solve } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { zonePoint } from "#domain/points";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { fitArx } from "#models/baselines/arx";
import { fitPersistence } from "#models/baselines/persistence";
import { baselineRows } from "#models/baselines/rows";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor } from "#models/stepPredictor";
import { changed, OFFICE, office, officeRows, STEP_S, ZONE } from "./office.js";

const la = await createLinearAlgebra("auto", { threads: 1 });
const rowsFrom = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe("ridge autoregression", () => {
  it("finds a linear zone's own law and its noise", async () => {
    const data = officeRows({ rows: 600, noiseK: 0.1 });
    const { model, hyperparameters } = await fitArx(la, data, ZONE);
    const fresh = officeRows({ rows: 300, seed: 9 });
    const t = fresh.column(zonePoint(ZONE, "zoneAirTempC"));
    const rows = rowsFrom(10, 280);
    const { meanC } = createStepPredictor(la, model).predict(fresh.source(rows), false);
    const rmse = Math.sqrt(rows.reduce((sum, row, i) => sum + (meanC[i]! - t[row + 1]!) ** 2, 0) / rows.length);
    expect(rmse).toBeLessThan(0.02);
    // Uniform in ±0.1: the variance is 0.1²/3.
    expect(hyperparameters.noiseVariance).toBeGreaterThan(0.8 * (0.01 / 3));
    expect(hyperparameters.noiseVariance).toBeLessThan(1.2 * (0.01 / 3));
    expect(model.stateGain).toBeCloseTo(1 - OFFICE.leak - OFFICE.pull, 1);
  });

  it("is ridge regression, λ = σ²/s², with the Bayesian spread", async () => {
    const data = officeRows({ rows: 200, noiseK: 0.3 });
    const known = { outputScale: 0.02, noiseVariance: 0.05 };
    const { model } = await fitArx(la, data, ZONE, { hyperparameters: known });
    const { features } = model.posterior;
    const { x, n, d, y } = baselineRows(data, ZONE, features, "increment");
    const X = Matrix.from1DArray(n, d, x);
    const gram = X.transpose()
      .mmul(X)
      .add(Matrix.eye(d).mul(known.noiseVariance / known.outputScale));
    const w = solve(gram, X.transpose().mmul(Matrix.columnVector(y)));
    const asked = rowsFrom(50, 20);
    const predicted = createStepPredictor(la, model).predict(data.source(asked), true);
    const t = data.column(zonePoint(ZONE, "zoneAirTempC"));
    const first = baselineRows(data, ZONE, features, "increment").rows.indexOf(50);
    asked.forEach((row, i) => {
      const at = X.getRow(first + i);
      const mean = t[row]! + at.reduce((sum, value, c) => sum + value * w.get(c, 0), 0);
      const column = Matrix.columnVector(at);
      const variance = known.noiseVariance * (1 + column.transpose().mmul(solve(gram, column)).get(0, 0));
      expect(predicted.meanC[i]).toBeCloseTo(mean, 6);
      expect(predicted.stdDevK![i]).toBeCloseTo(Math.sqrt(variance), 6);
    });
    expect(model.posterior.m).toBeLessThanOrEqual(d);
  });

  it("leaves out what never changes and what is never measured", async () => {
    const whole = office({ rows: 200, heatingC: () => 20 });
    const dataset = { ...whole, columns: new Map([...whole.columns].filter(([name]) => name !== "site.windSpeedMps")) };
    const { model } = await fitArx(la, new DatasetRows(dataset), ZONE, { maxIterations: 5 });
    const kinds = model.posterior.features.map(({ term }) => ("point" in term ? term.point : "side" in term ? term.side : term.kind));
    expect(kinds).not.toContain("heating");
    expect(kinds).not.toContain("site.windSpeedMps");
    expect(kinds).toContain("cooling");
    expect(model.posterior.alpha.every(Number.isFinite)).toBe(true);
  });

  it("learns around missing values and refuses a handful of rows", async () => {
    const gap = changed(office({ rows: 200, noiseK: 0.1 }), zonePoint(ZONE, "zoneAirTempC"), 100, Number.NaN);
    const { model } = await fitArx(la, new DatasetRows(gap), ZONE, { maxIterations: 5 });
    expect(model.posterior.alpha.every(Number.isFinite)).toBe(true);
    await expect(fitArx(la, officeRows({ rows: 30 }), ZONE)).rejects.toThrow(/arx needs 48/);
    const columns = new Map([...gap.columns].filter(([name]) => name !== zonePoint(ZONE, "coolingSetpointC")));
    await expect(fitArx(la, new DatasetRows({ ...gap, columns }), ZONE)).rejects.toThrow(/no column room\.coolingSetpointC/);
  });
});

describe("persistence", () => {
  it("predicts the temperature of now, with the training increments' root mean square as spread", () => {
    const data = officeRows({ rows: 150 });
    const model = fitPersistence(data, ZONE);
    const t = data.column(zonePoint(ZONE, "zoneAirTempC"));
    const { meanC, stdDevK } = createStepPredictor(la, model).predict(data.source([3, 70, 148]), true);
    expect(meanC).toEqual(Float64Array.of(t[3]!, t[70]!, t[148]!));
    let sum = 0;
    for (let i = 0; i < 149; i++) sum += (t[i + 1]! - t[i]!) ** 2;
    for (const value of stdDevK!) expect(value).toBeCloseTo(Math.sqrt(sum / 149), 12);
  });

  it("stays where it is over a whole day and grows less sure as a random walk does", () => {
    const data = officeRows({ rows: 150 });
    const model = fitPersistence(data, ZONE);
    const { meanC, stdDevK } = openLoop(createStepPredictor(la, model), model, data, [5], 96, true);
    expect(meanC[95]![0]).toBe(data.column(zonePoint(ZONE, "zoneAirTempC"))[5]);
    const day = (24 * 3600) / STEP_S;
    expect(stdDevK[day - 1]![0]! / stdDevK[0]![0]!).toBeGreaterThan(0.9 * Math.sqrt(day));
    expect(stdDevK[day - 1]![0]! / stdDevK[0]![0]!).toBeLessThanOrEqual(Math.sqrt(day));
  });
});
