import { askDaemon } from "#adapters/localSocket/localSocketClient";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import { createModelKeeper, type ModelKeeper, type ModelList, type ModelOrderResult } from "#cli/modelVersions";
import { openStoreFile } from "#cli/runningSite";
import { demoSiteFile } from "#cli/start";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { SiteConfig } from "#config/siteConfig";

/** The models of a site: asked of the running daemon, else read from and written to the store's file. */
export interface ModelSiteAccess extends Omit<ModelKeeper, "inTurn"> {
  readonly from: "daemon" | "file";
  close(): Promise<void>;
}

/** Exit code 69 where neither a daemon nor a store is there. `isOrder`: changes are coming, so a file is opened for writing. */
export const openModelSite = async (configFile: string | undefined, isOrder: boolean, signal: AbortSignal): Promise<ModelSiteAccess> => {
  const config: SiteConfig = loadSiteConfig(configFile ?? demoSiteFile());
  const { directory } = config.store;
  const path = socketPathOf(directory);
  if ((await askDaemon(path, "status", {}, { signal })) !== undefined) {
    const ask = async <T>(method: string, params: Readonly<Record<string, unknown>>): Promise<T> =>
      (await askDaemon(path, method, params, { signal })) as T;
    return {
      from: "daemon",
      list: () => ask<ModelList>("modelList", {}),
      promote: ({ version, by, reason }) => ask<ModelOrderResult>("modelPromote", { version, by, reason }),
      rollback: ({ by, reason }) => ask<ModelOrderResult>("modelRollback", { by, reason }),
      close: async () => undefined,
    };
  }
  const store = await openStoreFile(directory, !isOrder);
  const keeper = createModelKeeper({
    store,
    site: { id: config.site.id, zones: config.zones.map(({ id }) => id), stepS: config.control.stepS },
    // A simulated building's clock stands still with it.
    nowMs: async () => (config.building.kind === "embedded" ? ((await store.latestDecision())?.timeMs ?? Date.now()) : Date.now()),
    record: (change) => store.recordModelChange(change),
  });
  return { ...keeper, from: "file", close: () => store.close() };
};
