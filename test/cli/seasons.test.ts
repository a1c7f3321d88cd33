import { beforeAll, expect, it } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { createStepJudge } from "#cli/daemon/stepJudge";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import { learnCycle } from "#loop/learnCycle";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { sliceDataset } from "#models/datasetSlice";
import { heldOutBeside, heldOutError } from "#models/heldOut";
import { modelToJson } from "#models/modelJson";
import { shippedPriorFor } from "#models/shippedPriors";
import { trainBuilding } from "#models/trainBuilding";

const DAY = 96;
const WEEK = 7 * DAY;
/** Between two rounds of learning: a daemon learns every night, a test has less time. */
const EVERY_DAYS = 10;
const LAST_DAY = 197;
const toLocalMs = (timeMs: number): number => timeMs;

let la: LinearAlgebra;
let year: Dataset;
beforeAll(async () => {
  year = await readDatasetCsv("test/data/clue/pittsburgh.csv.gz");
  la = await createLinearAlgebra("auto", { threads: 1 });
});

it("seasonal drift: the model in force follows the year from January to July, and none grows old (logged year of Pittsburgh)", async () => {
  const prior = shippedPriorFor(year)!.prior;
  const errors: unknown[] = [];
  let model: BuildingModel | null = null;
  const current = (): BuildingModel => model!;
  const rmse = (of: BuildingModel, fromDay: number): number => {
    const data = sliceDataset(year, (fromDay - 4) * DAY, (fromDay + EVERY_DAYS) * DAY);
    const steps = createStepJudge(la, of, toLocalMs)
      .judge(data, data.timesMs[4 * DAY]!)
      .filter(({ isOffSetpoint }) => isOffSetpoint);
    return Math.sqrt(steps.reduce((sum, { measuredC, meanC }) => sum + (measuredC - meanC) ** 2, 0) / steps.length);
  };
  let january: BuildingModel | null = null;
  const ages: number[] = [];
  const summer: { readonly inForceK: number; readonly januaryK: number }[] = [];
  for (let day = 7; day <= LAST_DAY; day += EVERY_DAYS) {
    const outcome = await learnCycle({
      clock: { nowMs: () => 0, sleepUntil: async () => undefined },
      zones: ["zone"],
      minDays: 3,
      dataset: () => sliceDataset(year, day * DAY - WEEK, day * DAY),
      train: (dataset) =>
        trainBuilding({
          dataset,
          zones: ["zone"],
          prior,
          toLocalMs,
          la,
          options: { budget: 160, ...(model === null ? {} : { incumbent: current() }) },
          onProgress: () => undefined,
        }),
      heldOut: heldOutError,
      beside: heldOutBeside,
      current: () => model,
      install: (next) => {
        model = next;
      },
      encode: modelToJson,
      versions: { saveModelVersion: async () => undefined },
      onError: (error) => errors.push(error),
    });
    january ??= model;
    if (outcome.kind === "failed") errors.push(outcome.error);
    ages.push((year.timesMs[day * DAY - 1]! - current().trainedToMs) / 86_400_000);
    if (day >= 150) summer.push({ inForceK: rmse(current(), day), januaryK: rmse(january!, day) });
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(errors).toEqual([]);
  // A model that is refused again and again would be the fault.
  expect(Math.max(...ages)).toBeLessThanOrEqual(2 * EVERY_DAYS);
  expect(mean(summer.map(({ inForceK }) => inForceK))).toBeLessThan(0.6 * mean(summer.map(({ januaryK }) => januaryK)));
}, 300_000);
