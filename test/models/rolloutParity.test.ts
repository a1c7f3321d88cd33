import { describe, expect, it } from "vitest";
import { createReferenceBackend } from "#controllers/rollout/reference/createReferenceBackend";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import { slowMeanKey } from "#domain/rollout";
import { disturbancesOf, slowMeansOf, stateLagSteps } from "#math/features";
import { DatasetRows } from "#models/datasetRows";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor } from "#models/stepPredictor";
import { fitZone } from "#models/thermostat/fitZone";
import { expectClose } from "../math/tools.js";
import { la, syntheticZone } from "./support.js";

const HORIZON = 20;

describe("what is evaluated is what is planned with", () => {
  // In the hot one cooling is learned from the prior alone: full cooling may lie on either side of the free float.
  it.each<[string, Dataset]>([
    ["cold days", syntheticZone(4)],
    ["hot days", syntheticZone(4, { outdoorC: 27 })],
  ])("the reference rollout predicts the temperatures of the open-loop evaluation (%s)", async (_name, dataset) => {
    const data = new DatasetRows(dataset);
    const { model } = await fitZone(la, data, "zone", [], null, { budget: null, maxIterations: 8 });
    const starts = [100, 127, 160, 200, 230];
    const expected = openLoop(createStepPredictor(la, model), model, data, starts, HORIZON).meanC;
    const { features } = model.posterior;
    const building: BuildingModel = {
      version: "v",
      kind: "thermostat",
      stepS: 900,
      zones: [model],
      power: null,
      spreadBoundK: 1,
      trainedFromMs: 0,
      trainedToMs: 0,
      trainRows: 0,
      prior: "none",
      summary: {},
    };
    const rollout = await createReferenceBackend().prepare({ model: building, maxSamples: 1, horizonSteps: HORIZON });
    for (const [k, row] of starts.entries()) {
      const ahead = (point: Parameters<DatasetRows["column"]>[0]): Float64Array => data.column(point).slice(row + 1, row + 1 + HORIZON);
      const lags = stateLagSteps(features) + 1;
      const result = await rollout.run({
        count: 1,
        horizonSteps: HORIZON,
        heatingSetpointC: ahead("zone.heatingSetpointC"),
        coolingSetpointC: ahead("zone.coolingSetpointC"),
        disturbances: new Map(disturbancesOf(features).map((point) => [point, ahead(point)])),
        localMs: dataset.timesMs.slice(row + 1, row + 1 + HORIZON),
        initial: {
          temperaturesC: [data.column("zone.zoneAirTempC").slice(row + 1 - lags, row + 1)],
          slowMeans: new Map(
            slowMeansOf(features).map(({ point, timeConstantS }) => [
              slowMeanKey(point, timeConstantS),
              data.slowMean(point, timeConstantS)[row]!,
            ]),
          ),
          heatingSetpointC: Float64Array.of(data.column("zone.heatingSetpointC")[row]!),
          coolingSetpointC: Float64Array.of(data.column("zone.coolingSetpointC")[row]!),
          disturbances: new Map(disturbancesOf(features).map((point) => [point, data.column(point)[row]!])),
        },
      });
      expectClose(
        result.meanC,
        expected.map((values) => values[k]!),
        1e-7,
      );
      expect(result.stdDevK.every((value) => value > 0)).toBe(true);
    }
    rollout.close();
  });
});
