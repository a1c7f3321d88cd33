import { existsSync } from "node:fs";
import { join } from "node:path";
import { askDaemon } from "#adapters/localSocket/localSocketClient";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import type { BackedUpStore } from "#adapters/store/duckdbStore";
import { csvRows } from "#cli/csvExport";
import { demoSiteFile } from "#cli/start";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { SiteConfig } from "#config/siteConfig";
import { unavailableError } from "#domain/errors";
import type { Decision } from "#domain/plan";
import type { PointName } from "#domain/points";
import type { ModelVersion } from "#domain/store";

/** A site's data for commands that look at it: asked of the running daemon, else read from the store's file. */
export interface SiteReader {
  readonly config: SiteConfig;
  readonly from: "daemon" | "file";
  latestDecision(): Promise<Decision | null>;
  decision(id: string): Promise<Decision | null>;
  modelVersion(id: string): Promise<ModelVersion | null>;
  /** Time of the newest value of these points; null where there is none. */
  newestMs(points: readonly PointName[]): Promise<number | null>;
  /** CSV text in pieces; see `csvRows`. */
  export(points: readonly PointName[], fromMs: number, toMs: number, onText: (text: string) => Promise<void>): Promise<number>;
  close(): Promise<void>;
}

const newestOf = async (store: Pick<BackedUpStore, "latest">, points: readonly PointName[]): Promise<number | null> => {
  const times = [...(await store.latest(points)).values()].map(({ timeMs }) => timeMs);
  return times.length === 0 ? null : Math.max(...times);
};

/** The store's file, for a command that found no daemon on it. Rejects with exit code 69 where there is none, or another process holds it. */
export const openStoreFile = async (directory: string, readOnly: boolean): Promise<BackedUpStore> => {
  if (!existsSync(join(directory, "isotherm.duckdb")))
    throw unavailableError(`No isotherm runs on ${directory}, and there is no store in it.`, {
      todo: "Start it first (isotherm start), or name its site file with --config; store.directory counts from where it was started.",
    });
  const { openDuckdbStore } = await import("#adapters/store/duckdbStore");
  return openDuckdbStore(directory, { readOnly, onWarning: (text) => process.stderr.write(`${text}\n`) });
};

/** Opens the site of a file (default: the demo site). Rejects with exit code 69 where neither a daemon nor a store is there. */
export const openSiteReader = async (configFile: string | undefined, signal: AbortSignal): Promise<SiteReader> => {
  const config = loadSiteConfig(configFile ?? demoSiteFile());
  const { directory } = config.store;
  const path = socketPathOf(directory);
  const running = await askDaemon(path, "status", {}, { signal });
  if (running !== undefined) {
    return {
      config,
      from: "daemon",
      latestDecision: async () => (await askDaemon(path, "plan", {}, { signal })) as Decision | null,
      decision: async (id) => (await askDaemon(path, "decision", { id }, { signal })) as Decision | null,
      modelVersion: async (id) => (await askDaemon(path, "model", { id }, { signal })) as ModelVersion | null,
      newestMs: async (points) => (await askDaemon(path, "newest", { points }, { signal })) as number | null,
      export: async (points, fromMs, toMs, onText) => {
        const result = await askDaemon(path, "export", { points, fromMs, toMs }, { signal, onChunk: (text) => onText(text as string) });
        return (result as { rows: number }).rows;
      },
      close: async () => undefined,
    };
  }
  const store = await openStoreFile(directory, true);
  return {
    config,
    from: "file",
    latestDecision: () => store.latestDecision(),
    decision: (id) => store.decision(id),
    modelVersion: (id) => store.modelVersion(id),
    newestMs: (points) => newestOf(store, points),
    export: async (points, fromMs, toMs, onText) => {
      const rows = csvRows(store, points, fromMs, toMs);
      for (;;) {
        signal.throwIfAborted();
        const next = await rows.next();
        if (next.done === true) return next.value.rows;
        await onText(next.value);
      }
    },
    close: () => store.close(),
  };
};
