import { beforeAll, describe, expect, it } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { createStepJudge } from "#cli/daemon/stepJudge";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import type { PointName } from "#domain/points";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { createModelMonitor } from "#loop/modelMonitor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { normals } from "#math/random";
import { sliceDataset } from "#models/datasetSlice";
import { shippedPriorFor } from "#models/shippedPriors";
import { trainBuilding } from "#models/trainBuilding";

const DAY = 96;
const WEEK = 7 * DAY;

describe("a learned model watched on the days after its training (logged year of Pittsburgh)", () => {
  let la: LinearAlgebra;
  let year: Dataset;
  let model: BuildingModel;
  const toLocalMs = (timeMs: number): number => timeMs;
  beforeAll(async () => {
    year = await readDatasetCsv("test/data/clue/pittsburgh.csv.gz");
    la = await createLinearAlgebra("auto", { threads: 1 });
    const dataset = sliceDataset(year, 0, WEEK);
    const prior = shippedPriorFor(year)!.prior;
    const options = { budget: 160 };
    model = await trainBuilding({ dataset, zones: ["zone"], prior, toLocalMs, la, options, onProgress: () => undefined });
  }, 120_000);

  it("finds its spread true, tells of a zone that has changed, and that it is well again", async () => {
    const history = createHistoryBuffer({ stepS: 900, maxRows: 8 * DAY });
    const errors: unknown[] = [];
    const alarms = createAlarmBoard({ store: { putAlarm: async () => undefined }, onError: (error) => errors.push(error) });
    const monitor = createModelMonitor({
      zones: ["zone"],
      history,
      lookBackMs: 4 * 86_400_000,
      alarms,
      write: () => undefined,
      onError: (error) => errors.push(error),
    });
    monitor.use(createStepJudge(la, model, toLocalMs), true);
    const noise = new Float64Array(3 * WEEK);
    normals(3, 0, noise);
    const air: PointName = "zone.zoneAirTempC";
    const rows = async (from: number, to: number, noiseK: number): Promise<void> => {
      for (let row = from; row < to; row++) {
        const values = new Map<PointName, number>();
        for (const [point, column] of year.columns) values.set(point, column[row]!);
        values.set(air, values.get(air)! + noiseK * noise[row]!);
        history.add({ timeMs: year.timesMs[row]!, values });
        if (row >= WEEK) await monitor.step(year.timesMs[row]!);
      }
    };
    const ids = (): readonly string[] => alarms.active().map(({ id }) => id);
    await rows(0, WEEK + 2 * DAY, 0);
    const [clean] = monitor.figures();
    expect(clean!.samples).toBeGreaterThanOrEqual(50);
    expect(clean!.coverage90Fraction).toBeGreaterThan(0.8);
    expect(clean!.rmseK).toBeLessThan(2 * clean!.heldOutRmseK!);
    expect(ids()).toEqual([]);
    // A sensor that has come loose: half a kelvin of noise.
    await rows(WEEK + 2 * DAY, WEEK + 4 * DAY, 0.5);
    expect(ids()).toContain("model-coverage:zone");
    expect(ids()).toContain("model-drift:zone");
    expect(alarms.active().find(({ id }) => id === "model-coverage:zone")?.level).toBe("warning");
    await rows(WEEK + 4 * DAY, WEEK + 7 * DAY, 0);
    expect(ids()).toEqual([]);
    expect(errors).toEqual([]);
  }, 120_000);
});
