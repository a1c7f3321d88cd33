import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { DatasetRows } from "#math/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import { evaluateZone } from "#models/evaluation/evaluateZone";
import { readPrior } from "#models/prior";
import { shippedPriorsFolder } from "#models/shippedPriors";
import { trainZone } from "#models/trainBuilding";
import { la, syntheticZone } from "../support.js";

const DAY = 96;
const days = syntheticZone(26, { seed: 3 });
/** Another house than it was learned from; it spares iterations. */
const prior = readPrior(join(shippedPriorsFolder, "reference-buildings.json"));
const train = (dataset: Dataset, rows: "recent" | "budgeted", budget: number | null) =>
  trainZone({
    dataset,
    zone: "zone",
    neighbours: [],
    prior,
    toLocalMs: (timeMs) => timeMs,
    la,
    options: { budget, rows },
    onProgress: () => undefined,
  });

describe("a building trained with older rows behind its last week", () => {
  it("foretells the next days no worse than from the last week, with as many inducing inputs", async () => {
    const learned = sliceDataset(days, 0, 22 * DAY);
    const [grown, recent] = [await train(learned, "budgeted", 320), await train(sliceDataset(days, 15 * DAY, 22 * DAY), "recent", 320)];
    expect(grown.trainRows).toBeGreaterThan(recent.trainRows);
    expect(grown.trainRows).toBeLessThanOrEqual(1000);
    expect(grown.model.posterior.m).toBeLessThanOrEqual(320);
    // Power, held-out days and drift are those of the week.
    expect(grown.heldOutRmseK).toBe(recent.heldOutRmseK);
    expect(grown.model.drift).toEqual(recent.model.drift);
    const accuracy = ({ model }: typeof grown) => evaluateZone(la, model, new DatasetRows(days), 22 * DAY, 26 * DAY);
    const [ofGrown, ofRecent] = [accuracy(grown), accuracy(recent)];
    expect(ofGrown.rmse1K).toBeLessThan(1.05 * ofRecent.rmse1K);
    expect(ofGrown.rmse20K!).toBeLessThan(1.1 * ofRecent.rmse20K!);
    // Measured: 0.93.
    expect(ofGrown.coverage90).toBeGreaterThan(0.85);
  });

  it("is the same as without them while there are three weeks at most", async () => {
    const learned = sliceDataset(days, 0, 4 * DAY);
    const [grown, recent] = [await train(learned, "budgeted", null), await train(learned, "recent", null)];
    expect(grown.model).toEqual(recent.model);
  });
});
