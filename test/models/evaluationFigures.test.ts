import { describe, expect, it } from "vitest";
import type { PointName } from "#domain/points";
import { DatasetRows } from "#math/datasetRows";
import { normalQuantile } from "#math/statistics";
import { fitPersistence } from "#models/baselines/persistence";
import { dataCoverage } from "#models/evaluation/dataCoverage";
import { evaluateZoneInFull } from "#models/evaluation/evaluateZone";
import { morningError } from "#models/evaluation/morningError";
import { coverageOf, nlpdOf, reliability } from "#models/evaluation/predictions";
import { priorAlone } from "#models/evaluation/priorAlone";
import { sensitivity } from "#models/evaluation/sensitivity";
import { createStepPredictor } from "#models/stepPredictor";
import { fitZone } from "#models/thermostat/fitZone";
import { la, normalSource, syntheticZone, withColumn } from "./support.js";

const data = new DatasetRows(syntheticZone(9));
const { model } = await fitZone(la, new DatasetRows(syntheticZone(4)), "zone", [], null, { budget: 120, maxIterations: 20 });

describe("reliability", () => {
  it("of errors that are as large as they are said to be lies on the diagonal", () => {
    const normal = normalSource(3);
    const stdDevsK = Array.from({ length: 8000 }, (_, i) => 0.1 + (i % 7) / 10);
    const errorsK = stdDevsK.map((s) => s * normal());
    for (const { nominal, observed } of reliability({ errorsK, stdDevsK })) expect(Math.abs(observed - nominal)).toBeLessThan(0.02);
    expect(coverageOf({ errorsK, stdDevsK: stdDevsK.map((s) => s / 2) })).toBeCloseTo(0.59, 1);
  });

  it("of nothing is nothing, and the NLPD is the printed equation", () => {
    expect(reliability({ errorsK: [], stdDevsK: [] })).toEqual([]);
    expect(coverageOf({ errorsK: [], stdDevsK: [] })).toBeNull();
    expect(nlpdOf({ errorsK: [0.3], stdDevsK: [0.2] })).toBeCloseTo(0.5 * Math.log(2 * Math.PI * 0.04) + 0.09 / 0.08, 12);
    expect(nlpdOf({ errorsK: [0.01], stdDevsK: [0] })).toBeCloseTo(0.5 * Math.log(2 * Math.PI * 0.0004) + 0.0001 / 0.0008, 12);
    expect(normalQuantile(0.95)).toBeCloseTo(1.6448536, 6);
  });
});

describe("evaluateZone in full", () => {
  const { accuracy, after4, after20, oneStep } = evaluateZoneInFull(la, model, data, 6 * 96, 9 * 96);

  it("gives spreads for what it foresees open loop, and their coverage", () => {
    expect(after4.stdDevsK).toHaveLength(after4.errorsK.length);
    expect(accuracy.coverage90At4).toBe(coverageOf(after4));
    expect(accuracy.coverage90At20).toBe(coverageOf(after20));
    expect(accuracy.nlpd4).toBe(nlpdOf(after4));
    expect(Object.keys(accuracy.coverage90ByLead)).toEqual(["1", "4", "20", "96"]);
    expect([accuracy.coverage90ByLead["4"], accuracy.coverage90ByLead["20"]]).toEqual([coverageOf(after4), coverageOf(after20)]);
    expect([accuracy.nlpdByLead["4"], accuracy.nlpdByLead["20"]]).toEqual([nlpdOf(after4), nlpdOf(after20)]);
    expect(oneStep.rows[0]).toBe(6 * 96);
    expect(after20.rows.every((row) => row < 9 * 96)).toBe(true);
  });
});

describe("morningError", () => {
  it("is the error at the day's first occupied step, begun two hours before", () => {
    // Persistence foresees the temperature of two hours before.
    const still = fitPersistence(data, "zone");
    const morning = morningError(createStepPredictor(la, still), still, data, 6 * 96, 9 * 96);
    const people = data.column("zone.occupancyCount" as PointName);
    const air = data.column("zone.zoneAirTempC" as PointName);
    const first = [6, 7, 8]
      .map((day) => Array.from({ length: 96 }, (_, i) => day * 96 + i).find((row) => people[row]! > 0))
      .filter((row) => row !== undefined);
    expect(morning.rows).toEqual(first);
    expect(morning.errorsK).toEqual(first.map((row) => expect.closeTo(air[row]! - air[row - 8]!, 9)));
    expect(morning.days).toBe(first.length);
    expect(first.length).toBeGreaterThan(0);
  });

  it("of a zone where nobody comes is null", () => {
    const empty = new DatasetRows(withColumn(data.dataset, "zone.occupancyCount", () => 0));
    expect(morningError(createStepPredictor(la, model), model, empty, 96, 9 * 96)).toMatchObject({ rmseK: null, days: 0 });
  });
});

describe("the prior alone", () => {
  it("predicts finite temperatures without having seen any, less well than a model that has", () => {
    const alone = priorAlone(new DatasetRows(syntheticZone(4)), "zone", [], null);
    const blind = priorAlone(
      new DatasetRows(withColumn(syntheticZone(4), "zone.zoneAirTempC", (value, row) => (row === 0 ? value : 18 + (row % 5)))),
      "zone",
      [],
      null,
    );
    expect(blind.posterior).toEqual(alone.posterior);
    const { accuracy } = evaluateZoneInFull(la, alone, data, 6 * 96, 9 * 96);
    const learned = evaluateZoneInFull(la, model, data, 6 * 96, 9 * 96).accuracy;
    expect(accuracy.rmse1K).toBeGreaterThan(learned.rmse1K);
    expect(Number.isFinite(accuracy.nlpd)).toBe(true);
  });
});

describe("sensitivity", () => {
  const { inputs, directions } = sensitivity(la, model);

  it("finds what moves the zone: outdoor air, people, full heating; and orders it", () => {
    const effect = (key: string) => inputs.find((one) => one.key === key)!.effectK;
    expect(inputs.map(({ effectK }) => effectK)).toEqual([...inputs.map(({ effectK }) => effectK)].sort((x, y) => y - x));
    expect(effect("heating*constant")).toBeGreaterThan(0.1);
    expect(effect("offset.outdoorAirTempC")).toBeGreaterThan(0.01);
    expect(inputs.find(({ key }) => key === "heating*constant")!.meanEffectK).toBeGreaterThan(0);
    expect(inputs.every(({ effectK, meanEffectK }) => effectK + 1e-12 >= Math.abs(meanEffectK))).toBe(true);
  });

  it("its directions are unit vectors whose shares fall and sum to at most 1", () => {
    for (const { weights } of directions) expect(weights.reduce((sum, { weight }) => sum + weight * weight, 0)).toBeCloseTo(1, 9);
    const shares = directions.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((x, y) => y - x));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(1 + 1e-9);
  });
});

describe("what the data lack", () => {
  const lacks = (dataset: ReturnType<typeof syntheticZone>) => dataCoverage(new DatasetRows(dataset), "zone").missing.join("; ");

  it("is said in words: days, cooling, people, weekends", () => {
    const text = lacks(withColumn(syntheticZone(3), "zone.occupancyCount", () => 0));
    expect(text).toMatch(/7 days wanted, 3\.0 there/);
    expect(text).toMatch(/no samples with cooling on/);
    expect(text).toMatch(/no samples with people in the zone/);
    expect(text).toMatch(/no samples at a weekend/);
  });

  it("counts rows with missing values, and the days that are there without them", () => {
    const holed = dataCoverage(
      new DatasetRows(withColumn(syntheticZone(7), "zone.zoneAirTempC", (value, row) => (row < 365 ? Number.NaN : value))),
      "zone",
    );
    expect(holed.missing.join()).toMatch(/7 days wanted, 3\.2 there/);
    expect(holed.rows.unknown).toBe(365);
  });

  it("is nothing of cooling where a summer week cooled", () => {
    expect(lacks(syntheticZone(7, { outdoorC: 30 }))).not.toMatch(/with cooling on/);
  });
});
