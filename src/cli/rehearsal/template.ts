import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import { createEmbeddedBuilding } from "#cli/daemon/embeddedBuilding";
import { stepEndOf } from "#cli/daemon/stepRows";
import { buildingText, type OfficeText } from "#cli/rehearsal/siteText";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { createHistoryBuffer } from "#loop/historyBuffer";
import { modelToJson } from "#models/modelJson";
import { shippedPriorFor } from "#models/shippedPriors";
import { trainInWorker } from "#models/trainInWorker";

/** The rows that a site's daemon keeps of a zone, as in service. */
const MODEL_BUDGET = 320;

/** A week of an office under its own schedule in a store, a model learned from it in force, and the building's state where that week ends. Returns that time. */
export const makeTemplate = async (office: OfficeText, folder: string, say: (line: string) => void, withModel = true): Promise<number> => {
  mkdirSync(folder, { recursive: true });
  const config = parseSiteConfig(buildingText(office), "building.yaml");
  if (config.building.kind !== "embedded") throw new Error("no simulated building");
  const building = createEmbeddedBuilding({
    config,
    building: config.building,
    stateFile: join(folder, "building.json"),
    onWarning: say,
  });
  const store = await openDuckdbStore(folder, { onWarning: say });
  const { stepS } = config.control;
  const history = createHistoryBuffer({ stepS, maxRows: (office.historyDays + 1) * 96 });
  await building.simulateHistory(
    office.historyDays * 86_400,
    async (rows) => {
      await store.append(rows);
      for (const { timeMs, point, value } of rows) history.add({ timeMs: stepEndOf(timeMs, stepS), values: new Map([[point, value]]) });
    },
    new AbortController().signal,
  );
  if (withModel) {
    const dataset = history.dataset();
    const zones = config.zones.map(({ id }) => id);
    const model = await trainInWorker({
      dataset,
      zones,
      prior: shippedPriorFor(dataset, ["new-york"])?.prior ?? null,
      toLocalMs: toLocalMsOf(config),
      options: {
        budget: MODEL_BUDGET,
        rows: "budgeted",
        errorLevelK: config.planner.errorLevelK,
        horizonSteps: config.planner.horizonSteps,
      },
      onProgress: () => undefined,
    });
    const json = modelToJson(model);
    await store.saveModelVersion({
      id: model.version,
      createdMs: building.timeMs,
      json,
      checksum: createHash("sha256").update(json).digest("hex"),
      summary: {},
    });
    await store.recordModelChange({
      timeMs: building.timeMs,
      kind: "installed",
      version: model.version,
      before: null,
      by: "learning",
      reason: "learned from the week before the benchmark",
    });
  }
  await store.close();
  writeFileSync(join(folder, "made"), "");
  return building.timeMs;
};
