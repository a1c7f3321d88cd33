import { createEmbeddedBuilding, type EmbeddedBuilding } from "#cli/daemon/embeddedBuilding";
import type { DaemonRun } from "#cli/daemon/run";
import type { SiteConfig } from "#config/siteConfig";

/** Makes the simulated building: goes on where it was, or simulates its history first. */
export const openBuilding = async (options: {
  readonly run: Pick<DaemonRun, "config" | "say" | "log" | "signal">;
  readonly config: Extract<SiteConfig["building"], { kind: "embedded" }>;
  readonly stateFile: string;
  readonly newestStoredMs: number;
  readonly progress: (text: string, fraction: number, timeMs: number) => void;
  readonly append: (rows: Parameters<Parameters<EmbeddedBuilding["simulateHistory"]>[1]>[0]) => Promise<void>;
}): Promise<EmbeddedBuilding> => {
  const { run, config } = options;
  const { say, log } = run;
  options.progress("Building the simulated office", 0, Number.NaN);
  const building = createEmbeddedBuilding({
    config: run.config,
    building: config,
    stateFile: options.stateFile,
    onWarning: (text) => log.warn(text),
  });
  if (Number.isFinite(options.newestStoredMs) && building.restore()) {
    say(`Building   goes on at ${new Date(building.timeMs).toISOString().slice(0, 16)}Z, where it was left`);
    return building;
  }
  if (options.newestStoredMs > building.firstLiveMs) {
    await building.beginAt(options.newestStoredMs);
    say("Building   its state was lost: it begins anew where the store ends");
    return building;
  }
  const days = Math.ceil(config.historyS / 86_400);
  say(`Building   ${config.building}, weather ${config.weather}: ${days} days of history under its own schedule`);
  await building.simulateHistory(
    config.historyS,
    async (rows, day) => {
      await options.append(rows);
      options.progress(`Day ${day} of ${days} of the building's history`, day / days, building.timeMs);
      say(`History    day ${day} of ${days} simulated`);
    },
    run.signal,
  );
  return building;
};
