import { beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { DatasetRows } from "#math/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import { evaluateZone } from "#models/evaluation/evaluateZone";
import { powerError } from "#models/evaluation/powerError";
import { fitPowerModel } from "#models/powerModel";
import { createStepPredictor } from "#models/stepPredictor";
import { fitZone, type ZoneFit } from "#models/thermostat/fitZone";
import { likeliestEmitter } from "#models/thermostat/slowEmitter";
import { slowHouse } from "#simulators/rc/buildings/slowHouse";
import { rcOffice } from "./rcZone.js";
import { la, withoutColumn } from "./support.js";

const WEEK = 7 * 96;
/** Down for the night; in the test days up four hours before people rise. */
const pairAt = (row: number): readonly [number, number] => {
  const hour = (row % 96) / 4;
  return hour > (row < WEEK ? 6 : 2) && hour <= 22 ? [21, 24] : [18, 30];
};

describe("a house with floor heating and a proportional-integral thermostat", { timeout: 300_000 }, () => {
  let whole: Dataset;
  let fit: ZoneFit;
  const week = (): DatasetRows => new DatasetRows(sliceDataset(whole, 0, WEEK));
  beforeAll(async () => {
    whole = (await rcOffice("new-york", "1991-01-01", 10, pairAt, { ...slowHouse, conditioningDays: 2 })).dataset;
    fit = await fitZone(la, week(), "house", [], null, { budget: null, maxIterations: 12 });
  }, 300_000);

  it("is learned as one whose heat comes late", () => {
    expect(fit.model.transition).toBe("increment");
    expect(fit.model.call).toMatchObject({ kind: "effort", zone: "house", timeConstantS: null });
  });

  it.each([
    ["with metered power", (dataset: Dataset) => dataset],
    ["from temperatures alone", (dataset: Dataset) => withoutColumn(dataset, "building.hvacPowerW")],
  ])("shows its thermostat %s", (_, part) => {
    const law = likeliestEmitter(la, new DatasetRows(part(sliceDataset(whole, 0, WEEK))), "house", [])!;
    const { gainPerK, integralTimeS, offsetK } = slowHouse.floorHeating!.thermostat;
    // A step of a quarter of an hour stands for fifteen sub-steps: near, not equal.
    expect(Math.abs(Math.log(law.gainPerK / gainPerK))).toBeLessThan(Math.log(1.4));
    expect(Math.abs(Math.log(law.integralTimeS! / integralTimeS))).toBeLessThan(Math.log(1.6));
    expect(Math.abs(law.offsetK - offsetK)).toBeLessThan(0.15);
  });

  it("is foreseen hours ahead under setpoints of other hours, better than as a thermostat that holds its setpoint, and so is its power", async () => {
    const usual = await fitZone(la, week(), "house", [], null, { budget: null, maxIterations: 12, emitter: null });
    const test = new DatasetRows(whole);
    const [slow, quick] = [fit, usual].map(({ model }) => evaluateZone(la, model, test, WEEK, whole.timesMs.length));
    expect(slow!.rmse20K).toBeLessThan(0.6 * quick!.rmse20K!);
    expect(slow!.rmse96K).toBeLessThan(0.75 * quick!.rmse96K!);
    const power = (await fitPowerModel(la, week(), [fit.model], {}))!.model;
    const zones = [{ model: fit.model, predictor: createStepPredictor(la, fit.model) }];
    // ASHRAE Guideline 14 asks for 30 %; measured with another reading of the same thermostat 119 %.
    expect(powerError(la, power, zones, test, WEEK, whole.timesMs.length)!.cvRmsePct).toBeLessThan(30);
  });
});

describe("a zone of an office that air heats", { timeout: 300_000 }, () => {
  it("is learned as before, number for number", async () => {
    const { dataset, zones } = await rcOffice("new-york", "1991-01-01", 5, (row) => (row % 96 > 24 && row % 96 < 88 ? [21, 24] : [15, 30]));
    const data = new DatasetRows(dataset);
    const zone = zones[0]!;
    const options = { budget: null, maxIterations: 4 };
    const { fitMs: _, ...told } = await fitZone(la, data, zone, zones.slice(1), null, { ...options, emitter: null });
    const { fitMs: __, ...chosen } = await fitZone(la, data, zone, zones.slice(1), null, options);
    expect(chosen).toEqual(told);
    expect(chosen.model.transition).toBe("thermostat");
  });
});
