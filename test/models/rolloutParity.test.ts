import { describe, expect, it } from "vitest";
import { initialStateFromHistory, rolloutDisturbances } from "#controllers/rollout/initialState";
import { createReferenceBackend } from "#controllers/rollout/reference/createReferenceBackend";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import { DatasetRows } from "#math/datasetRows";
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
  ])("the reference rollout predicts the temperatures and spreads of the open-loop evaluation (%s)", async (_name, dataset) => {
    const data = new DatasetRows(dataset);
    const { model } = await fitZone(la, data, "zone", [], null, { budget: null, maxIterations: 8 });
    // Within the day that a planner looks back for its model's errors.
    const starts = [30, 47, 60, 80, 96];
    const expected = openLoop(createStepPredictor(la, model), model, data, starts, HORIZON, true);
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
      const now = dataset.timesMs[row]!;
      const columns = new Map([...dataset.columns].map(([point, values]) => [point, values.slice(row + 1, row + 1 + HORIZON)]));
      const stepEndMs = dataset.timesMs.slice(row + 1, row + 1 + HORIZON);
      const history = { stepS: 900, nowMs: now, columns: dataset.columns, rows: row + 1 };
      const result = await rollout.run({
        count: 1,
        horizonSteps: HORIZON,
        heatingSetpointC: columns.get("zone.heatingSetpointC")!,
        coolingSetpointC: columns.get("zone.coolingSetpointC")!,
        disturbances: rolloutDisturbances(building, {
          forecast: { issuedAtMs: now, provider: "test", stepEndMs, columns },
          history: { ...history, columns: new Map([...dataset.columns].map(([point, values]) => [point, values.slice(0, row + 1)])) },
          localMs: stepEndMs,
        }),
        localMs: stepEndMs,
        initial: initialStateFromHistory(building, history),
      });
      expectClose(
        result.meanC,
        expected.meanC.map((values) => values[k]!),
        1e-7,
      );
      expectClose(
        result.stdDevK,
        expected.stdDevK.map((values) => values[k]!),
        1e-7,
      );
      expect(result.stdDevK.every((value) => value > 0)).toBe(true);
    }
    rollout.close();
  });
});
