import { beforeAll, describe, expect, it } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { createStepJudge } from "#cli/daemon/stepJudge";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import type { PointName } from "#domain/points";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createCommissioning } from "#loop/commissioning";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { daysLearned, isProvisional, learnCycle } from "#loop/learnCycle";
import { createModelMonitor } from "#loop/modelMonitor";
import type { ControlMode } from "#loop/supervisor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { heldOutError } from "#models/heldOut";
import { modelToJson } from "#models/modelJson";
import { shippedPriorFor } from "#models/shippedPriors";
import { trainBuilding } from "#models/trainBuilding";

const DAY = 96;
const MIN_DAYS = 3;
const toLocalMs = (timeMs: number): number => timeMs;

// Logged weeks of a real setpoint history; the prior knows neither the city nor its weather. Learned as the daemon does, but without threads.
describe.each([
  ["pittsburgh", 0],
  ["pittsburgh", 188],
  ["new-york", 0],
  ["new-york", 188],
])("the first days of a site that begins with nothing (logged year of %s, from day %i)", (city, firstDay) => {
  let la: LinearAlgebra;
  let year: Dataset;
  beforeAll(async () => {
    year = await readDatasetCsv(`test/data/clue/${city}.csv.gz`);
    la = await createLinearAlgebra("auto", { threads: 1 });
  });

  it("plans in shadow mode from hours of data, and goes live within three days, once its predictions have come true for one", async () => {
    const history = createHistoryBuffer({ stepS: 900, maxRows: 9 * DAY });
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const alarms = createAlarmBoard({ store: { putAlarm: async () => undefined }, onError });
    const monitor = createModelMonitor({ zones: ["zone"], history, lookBackMs: 4 * 86_400_000, alarms, write: () => undefined, onError });
    const prior = shippedPriorFor(year)!.prior;
    const learned: { readonly atDay: number; readonly days: number | null }[] = [];
    let model: BuildingModel | null = null;
    const modes = { mode: "shadow" as ControlMode, modeOf: (): ControlMode => modes.mode };
    let live: number | null = null;
    const isFirst = (): boolean | null => (model === null ? null : isProvisional(model, MIN_DAYS));
    const commissioning = createCommissioning({
      zones: ["zone"],
      goLive: "auto",
      monitor,
      isProvisional: isFirst,
      modes,
      setAuto: async () => {
        modes.mode = "auto";
      },
      ask: async () => undefined,
      onChange: () => undefined,
    });
    let wanted = 0.25;
    const learn = async (atDay: number): Promise<void> => {
      const outcome = await learnCycle({
        clock: { nowMs: () => 0, sleepUntil: async () => undefined },
        zones: ["zone"],
        minDays: MIN_DAYS,
        firstDays: 0.25,
        dataset: () => history.dataset((history.newestMs ?? 0) - 7 * 86_400_000),
        train: (dataset) =>
          trainBuilding({ dataset, zones: ["zone"], prior, toLocalMs, la, options: { budget: 160 }, onProgress: () => undefined }),
        heldOut: heldOutError,
        current: () => model,
        install: (next) => {
          model = next;
          monitor.use(createStepJudge(la, next, toLocalMs), false);
        },
        encode: modelToJson,
        versions: { saveModelVersion: async () => undefined },
        onError,
      });
      if (outcome.kind !== "installed") return;
      learned.push({ atDay, days: daysLearned(outcome.model) });
      wanted = Math.min(MIN_DAYS, 1.5 * (daysLearned(outcome.model) ?? 0));
    };
    for (let row = 0; row < 7 * DAY && live === null; row++) {
      const index = firstDay * DAY + row;
      const values = new Map<PointName, number>();
      for (const [point, column] of year.columns) values.set(point, column[index]!);
      const timeMs = year.timesMs[index]!;
      history.add({ timeMs, values });
      await monitor.step(timeMs);
      await commissioning.step(timeMs);
      if (modes.mode === "auto") live = (row + 1) / DAY;
      if (row % 4 === 3 && isFirst() !== false && (row + 1) / DAY >= wanted) await learn((row + 1) / DAY);
    }
    expect(errors).toEqual([]);
    expect(learned[0]!.atDay).toBeLessThanOrEqual(1);
    // A day of watching, after the first steps that tell anything; well before a model of three days.
    expect(live).toBeGreaterThanOrEqual(1.25);
    expect(live).toBeLessThanOrEqual(MIN_DAYS);
  }, 240_000);
});
