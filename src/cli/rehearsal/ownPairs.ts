import { join } from "node:path";
import { createEmbeddedBuilding } from "#cli/daemon/embeddedBuilding";
import { pairText } from "#cli/rehearsal/deviceLog";
import { loadSiteConfig } from "#config/loadSiteConfig";
import { zonePoint } from "#domain/points";

const WEEK_S = 7 * 86_400;

/** Every pair of setpoints that a building holds by its own schedule in the week before its first live minute, as `pairText` writes it. */
export const ownPairsOf = async (buildingFile: string, folder: string): Promise<ReadonlySet<string>> => {
  const config = loadSiteConfig(buildingFile);
  if (config.building.kind !== "embedded") throw new Error(`${buildingFile} has no simulated building`);
  const building = createEmbeddedBuilding({
    config,
    building: config.building,
    stateFile: join(folder, "own-schedule.json"),
    onWarning: () => undefined,
  });
  const pairs = new Set<string>();
  await building.simulateHistory(
    WEEK_S,
    async (rows) => {
      const at = new Map(rows.map(({ timeMs, point, value }) => [`${timeMs} ${point}`, value]));
      for (const { timeMs } of rows)
        for (const { id } of config.zones) {
          const [heatC, coolC] = (["heatingSetpointC", "coolingSetpointC"] as const).map((q) => at.get(`${timeMs} ${zonePoint(id, q)}`));
          if (heatC !== undefined && coolC !== undefined) pairs.add(pairText(heatC, coolC));
        }
    },
    new AbortController().signal,
  );
  return pairs;
};
