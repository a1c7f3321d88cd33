import { createHash } from "node:crypto";
import type { BuildingModel, ZoneModel } from "#domain/model";
import type { ModelVersion } from "#domain/store";
import { modelToJson } from "#models/modelJson";

const zoneModel = (zone: string): ZoneModel => ({
  zone,
  transition: "increment",
  posterior: {
    features: [{ term: { kind: "constant" }, scale: 1 }],
    kernel: { kind: "rbf", lengthscales: [1] },
    meanCoefficients: Float64Array.of(0),
    basisInputs: Float64Array.of(1),
    m: 1,
    d: 1,
    alpha: Float64Array.of(0),
    varianceRoot: Float64Array.of(0.5),
    p: 1,
  },
  noiseVarianceK2: 0.01,
  heldOffsetK: 0,
  heldStdDevK: 0.02,
  stateGain: 0.9,
  spreadScale: 1,
});

/** A whole model of few numbers that says of every zone: it stays as it is, ± 0.1 K. */
export const tinyModel = (
  version: string,
  changes: Partial<BuildingModel> & { readonly zoneIds?: readonly string[] } = {},
): BuildingModel => {
  const { zoneIds = ["a", "b"], ...rest } = changes;
  return {
    version,
    kind: "thermostat",
    stepS: 900,
    zones: zoneIds.map(zoneModel),
    power: null,
    spreadBoundK: 1,
    trainedFromMs: 0,
    trainedToMs: 1000,
    trainRows: 96,
    prior: "none",
    summary: { leaveDayOutRmseK: 0.1 },
    ...rest,
  };
};

export const versionOf = (
  model: BuildingModel,
  createdMs: number,
  summary: ModelVersion["summary"] = {},
  json = modelToJson(model),
): ModelVersion => ({
  id: model.version,
  createdMs,
  checksum: createHash("sha256").update(json).digest("hex"),
  json,
  summary: { ...model.summary, ...summary },
});
