import { beforeAll, describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import { DatasetRows } from "#math/datasetRows";
import { modelFromJson, modelToJson } from "#models/modelJson";
import { createStepPredictor } from "#models/stepPredictor";
import { trainBuilding } from "#models/trainBuilding";
import { la, syntheticZone } from "./support.js";

const dataset = (() => {
  const one = syntheticZone(3);
  return {
    ...one,
    columns: new Map(one.columns).set(
      "building.hvacPowerW",
      one.columns.get("zone.zoneAirTempC")!.map((value, i) => 500 + 100 * Math.abs(value - 18) + (i % 7)),
    ),
  };
})();
let model: BuildingModel;
let text: string;
beforeAll(async () => {
  model = await trainBuilding({
    dataset,
    zones: ["zone"],
    prior: null,
    toLocalMs: (t) => t,
    la,
    options: { budget: 20 },
    onProgress: () => undefined,
  });
  text = modelToJson(model);
});
const refusal = (broken: string): IsothermError => {
  try {
    modelFromJson(broken);
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  return expect.fail("It was taken for a model.");
};

describe("a model as JSON", () => {
  it("holds what a zone's thermostat calls for, and refuses a call that is none", () => {
    const call = { kind: "effort" as const, zone: "zone", gainPerK: 0.6, integralTimeS: 8000, offsetK: 0.5, timeConstantS: null };
    const late: BuildingModel = { ...model, zones: model.zones.map((zone) => ({ ...zone, transition: "increment" as const, call })) };
    expect(modelFromJson(modelToJson(late))).toEqual(late);
    const odd = { ...late, zones: late.zones.map((zone) => ({ ...zone, call: { ...call, timeConstantS: 3600 } })) };
    expect(refusal(modelToJson(odd as unknown as BuildingModel)).message).toMatch(/call/);
  });

  it("comes back bit for bit, with its power model, and gives the same text again", () => {
    const back = modelFromJson(text);
    expect(back).toEqual(model);
    expect(back.power).not.toBeNull();
    expect(modelToJson(back)).toBe(text);
    const bits = (values: Float64Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex");
    for (const [i, zone] of model.zones.entries()) {
      for (const key of ["alpha", "varianceRoot", "basisInputs", "meanCoefficients"] as const) {
        expect(bits(back.zones[i]!.posterior[key])).toBe(bits(zone.posterior[key]));
      }
    }
  });

  it("keeps numbers that decimal text would spoil: −0, the smallest and the largest", () => {
    const odd = Float64Array.of(-0, Number.MIN_VALUE, Number.MAX_VALUE, 0.1 + 0.2, -1 / 3);
    const inputScale = model.power!.inputScale.slice();
    inputScale.set(odd);
    const power = { ...model.power!, inputScale };
    const back = modelFromJson(modelToJson({ ...model, power })).power!.inputScale;
    expect([...odd].every((value, i) => Object.is(value, back[i]))).toBe(true);
  });

  it("of before errors were known to last is read as it is", () => {
    const zones = model.zones.map(({ spread: _, ...zone }) => zone);
    const back = modelFromJson(modelToJson({ ...model, zones }));
    expect(model.zones[0]!.spread!.leads.length).toBeGreaterThan(1);
    expect(back.zones[0]!.spread).toBeUndefined();
    expect(back).toEqual({ ...model, zones });
  });

  it("predicts the same", () => {
    const data = new DatasetRows(dataset);
    const run = ({ zones }: BuildingModel): Float64Array => createStepPredictor(la, zones[0]!).predict(data.source([100, 150]), true).meanC;
    expect(run(modelFromJson(text))).toEqual(run(model));
  });

  it("cut at any length is refused", () => {
    for (let length = 0; length < text.length; length += Math.ceil(text.length / 150)) {
      const error = refusal(text.slice(0, length));
      expect(error.exitCode).toBe(78);
      expect(error.message).toMatch(/^This is not a whole model: /);
      expect(error.todo).toMatch(/Train again/);
    }
  });

  it("with any one character changed is refused", () => {
    for (let at = 0; at < text.length; at += Math.ceil(text.length / 150)) {
      const flipped = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      expect(refusal(flipped).exitCode).toBe(78);
    }
  });

  it.each([
    "",
    "null",
    "[]",
    "7",
    '"model"',
    "{}",
    '{"format":"isotherm-model-2"}',
    '{"format":"isotherm-model-2","checksum":"x","body":"{}"}',
  ])("is not %j", (other) => {
    expect(refusal(other).message).toMatch(/not a whole model/);
  });

  it("of another version is refused, saying which", () => {
    const older = text.replace("isotherm-model-2", "isotherm-model-1");
    expect(refusal(older).message).toContain("another version of isotherm (isotherm-model-1, not isotherm-model-2)");
  });

  it("with a power model that lacks an input is refused", () => {
    const power = { ...model.power!, inputScale: model.power!.inputScale.subarray(1) };
    expect(refusal(modelToJson({ ...model, power })).message).toContain("its power has");
  });

  it("with a right checksum around a wrong body is refused still, saying where it is wrong", () => {
    const zone = model.zones[0]!;
    const wrong = (change: object): IsothermError => refusal(modelToJson({ ...model, ...change }));
    expect(wrong({ spreadBoundK: Number.NaN }).message).toContain("spreadBoundK");
    expect(wrong({ zones: [{ ...zone, transition: "magic" }] }).message).toContain("zones.0.transition");
    expect(wrong({ zones: [{ ...zone, posterior: { ...zone.posterior, alpha: new Float64Array(3) } }] }).message).toContain(
      "arrays of zone",
    );
    expect(wrong({ zones: [{ ...zone, spread: { ...zone.spread!, leads: [{ steps: 4 }] } }] }).message).toContain(
      "zones.0.spread.leads.0.factor",
    );
    expect(wrong({ extra: 1 }).message).toContain("extra");
  });
});
