import { beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import type { ZoneModel } from "#domain/model";
import { createBatchPredictor } from "#math/batchPredictor";
import { DatasetRows } from "#math/datasetRows";
import { powerDrivers } from "#math/powerInputs";
import { deliveredK, fitPowerModel } from "#models/powerModel";
import { createStepPredictor } from "#models/stepPredictor";
import { fitZone } from "#models/thermostat/fitZone";
import { la, normalSource, syntheticZone, withColumn } from "./support.js";

describe("what heating and cooling delivered", () => {
  it("is the way from the free float, on the side where there was a call", () => {
    expect(deliveredK(18, 21, 21, 24)).toEqual([3, 0]);
    expect(deliveredK(26, 24, 21, 24)).toEqual([0, 2]);
    expect(deliveredK(22, 22.3, 21, 24)).toEqual([0, 0]);
    // A call that led the other way: equipment that is off.
    expect(deliveredK(18, 17, 21, 24)).toEqual([0, 0]);
    expect(deliveredK(26, 27, 21, 24)).toEqual([0, 0]);
  });
  it("is NaN where anything is missing", () => {
    const all = [18, 21, 21, 24] as const;
    for (const missing of [0, 1, 2, 3]) {
      const [free, reached, heating, cooling] = all.map((value, i) => (i === missing ? Number.NaN : value)) as [
        number,
        number,
        number,
        number,
      ];
      expect(deliveredK(free, reached, heating, cooling)).toEqual([Number.NaN, Number.NaN]);
    }
  });
});

describe("HVAC power", () => {
  const base = syntheticZone(5);
  let zone: ZoneModel;
  const powered = (watts: (heatingK: number, row: number) => number): Dataset => {
    const data = new DatasetRows(base);
    const rows = Array.from({ length: data.length - 1 }, (_, i) => i);
    const { freeC } = createStepPredictor(la, zone).predict(data.source(rows), false);
    const T = data.column("zone.zoneAirTempC");
    const heat = data.column("zone.heatingSetpointC");
    const values = Float64Array.from(T, (reached, i) =>
      i === 0 ? 0 : watts(freeC[i - 1]! < heat[i]! ? Math.max(0, reached - freeC[i - 1]!) : 0, i),
    );
    return { ...base, columns: new Map(base.columns).set("building.hvacPowerW", values) };
  };
  beforeAll(async () => {
    zone = (await fitZone(la, new DatasetRows(base), "zone", [], null, { budget: null, maxIterations: 15 })).model;
  });

  it("of a building that pays 800 W per kelvin and 300 W by day is foreseen within its noise", async () => {
    const normal = normalSource(8);
    const truth = (heatingK: number, row: number): number => 800 * heatingK + (row % 96 > 28 && row % 96 < 72 ? 300 : 100);
    const data = new DatasetRows(powered((heatingK, row) => truth(heatingK, row) + 20 * normal()));
    const { model, trainRows, rmseW } = (await fitPowerModel(la, data, [zone], {}))!;
    expect(trainRows).toBeGreaterThan(400);
    expect(rmseW).toBeLessThan(120);
    expect(model.zones).toEqual(["zone"]);
    expect(model.noiseStdDevW).toBe(rmseW);
    // By hand: P = max(0, f(x)) with the inputs of the contract, each divided by its scale.
    const powerAt = (heatingK: number, row: number): number => {
      const outdoor = data.column("site.outdoorAirTempC")[row]!;
      const inputs = [heatingK, 0, ...powerDrivers(outdoor, data.localMs(row))].map((value, c) => value / model.inputScale[c]!);
      const mean = new Float64Array(1);
      createBatchPredictor(la, model.posterior, 1).predict(Float64Array.from(inputs), 1, mean, null);
      const linear = inputs.reduce((sum, value, c) => sum + model.posterior.meanCoefficients[c]! * value, 0);
      return Math.max(0, (linear + mean[0]!) * model.outputScaleW);
    };
    for (const row of [130, 150, 250]) {
      expect(Math.abs(powerAt(1, row) - truth(1, row))).toBeLessThan(200);
      // What one more kelvin costs.
      expect(Math.abs(powerAt(1.5, row) - powerAt(0.5, row) - 800)).toBeLessThan(160);
    }
  });

  it("goes on rising with the cold beyond what training held, and not with the heat", async () => {
    const outdoor = new DatasetRows(base).column("site.outdoorAirTempC");
    const at = async (wattsPerK: number): Promise<(outdoorC: number) => number> => {
      const data = new DatasetRows(powered((heatingK, row) => 800 * heatingK + 2000 + wattsPerK * outdoor[row]!));
      const { model } = (await fitPowerModel(la, data, [zone], {}))!;
      return (outdoorC) => {
        const midnight = powerDrivers(outdoorC, Date.UTC(1991, 0, 1));
        const inputs = Float64Array.from([0, 0, ...midnight], (value, c) => value / model.inputScale[c]!);
        const mean = new Float64Array(1);
        createBatchPredictor(la, model.posterior, 1).predict(inputs, 1, mean, null);
        const linear = inputs.reduce((sum, value, c) => sum + model.posterior.meanCoefficients[c]! * value, 0);
        return (linear + mean[0]!) * model.outputScaleW;
      };
    };
    const coldest = outdoor.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const heater = await at(-100);
    // A basin heater: 100 W more a kelvin, 10 K below the coldest hour of training.
    expect(Math.abs(heater(coldest - 10) - heater(coldest) - 1000)).toBeLessThan(200);
    // More power when it is hot is what cooling costs, and stands in its slopes.
    const fan = await at(100);
    expect(fan(coldest - 10)).toBeGreaterThan(fan(coldest) - 1000);
  });

  it("rises with the cold at the hours at which ventilation runs, beyond what training held", async () => {
    const cold = withColumn(base, "site.outdoorAirTempC", (value, row) => value - 10 + 4 * Math.sin(row / 40));
    const data = new DatasetRows(cold);
    const outdoor = data.column("site.outdoorAirTempC");
    const runs = (row: number): boolean => row % 96 > 32 && row % 96 <= 68;
    const watts = Float64Array.from(outdoor, (value, row) => (runs(row) ? 500 + 300 * Math.max(0, 8 - value) : 100));
    const dataset = { ...cold, columns: new Map(cold.columns).set("building.hvacPowerW", watts) };
    const { model } = (await fitPowerModel(la, new DatasetRows(dataset), [zone], {}))!;
    const at = (outdoorC: number, row: number): number => {
      const inputs = Float64Array.from([0, 0, ...powerDrivers(outdoorC, data.localMs(row))], (value, c) => value / model.inputScale[c]!);
      const mean = new Float64Array(1);
      createBatchPredictor(la, model.posterior, 1).predict(inputs, 1, mean, null);
      return (inputs.reduce((sum, value, c) => sum + model.posterior.meanCoefficients[c]! * value, 0) + mean[0]!) * model.outputScaleW;
    };
    const coldest = outdoor.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const slope = (row: number): number => (at(coldest - 4, row) - at(coldest, row)) / 4;
    // At 12:30 and at 1:00.
    expect(slope(50)).toBeGreaterThan(200);
    expect(slope(50)).toBeLessThan(400);
    expect(Math.abs(slope(4))).toBeLessThan(100);
  });

  it("is not learned without a column of it, nor from less than half a day, nor from NaN", async () => {
    expect(await fitPowerModel(la, new DatasetRows(base), [zone], {})).toBeNull();
    const nothing = powered(() => Number.NaN);
    expect(await fitPowerModel(la, new DatasetRows(nothing), [zone], {})).toBeNull();
    const little = withColumn(
      powered(() => 500),
      "building.hvacPowerW",
      (value, i) => (i < 40 ? value : Number.NaN),
    );
    expect(await fitPowerModel(la, new DatasetRows(little), [zone], {})).toBeNull();
  });

  it("of a meter that never changes is learned without NaN", async () => {
    const { model } = (await fitPowerModel(la, new DatasetRows(powered(() => 500)), [zone], { maxIterations: 5 }))!;
    expect(model.posterior.alpha.every(Number.isFinite)).toBe(true);
    expect(model.posterior.varianceRoot.every(Number.isFinite)).toBe(true);
  });

  it("ends when aborted", async () => {
    await expect(
      fitPowerModel(la, new DatasetRows(powered(() => 500)), [zone], { signal: AbortSignal.abort(new Error("enough")) }),
    ).rejects.toThrow("enough");
  });
});
