import { mkdirSync } from "node:fs";
import { openForeignReader } from "#adapters/influx/foreignSeries";
import { askDaemon } from "#adapters/localSocket/localSocketClient";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { certificatesIn, secretIn } from "#cli/givenFiles";
import { type ImportResult, importHistory } from "#cli/import/importHistory";
import { ownImport, readImportMap } from "#cli/import/importMap";
import type { SiteConfig } from "#config/siteConfig";
import { unavailableError, usageError } from "#domain/errors";

export interface InfluxImport {
  readonly config: SiteConfig;
  /** null: the site file's own InfluxDB, with its database and log-in. */
  readonly url: string | null;
  readonly database: string | null;
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly caFile: string | null;
  readonly mapFile: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly everyS: number | null;
  readonly again: boolean;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly progress: (line: string) => void;
}

/** A plain line now and then where nobody watches. */
const SAY_EVERY_MS = 15_000;

/** Imports into the store of a site whose daemon does not run: what is learned from is read when it starts. */
export const importFromInflux = async (wanted: InfluxImport): Promise<ImportResult> => {
  const { config, signal, say } = wanted;
  if (config.building.kind === "embedded")
    throw usageError("A simulated building has no history elsewhere.", "Name the site file of a real building.");
  if (!(wanted.fromMs < wanted.toMs)) throw usageError("The end of the import is not after its begin.", "Choose --from before --to.");
  const own = wanted.url === null ? config.influx : null;
  if (wanted.url === null && own === null)
    throw usageError("The site file names no InfluxDB.", "Name one: --influx http://127.0.0.1:8086.");
  const database = wanted.database ?? own?.database ?? null;
  if (database === null) throw usageError("Nothing says which database.", "Name it with --database NAME.");
  const username = wanted.username ?? own?.username ?? null;
  const password = (wanted.passwordFile === null ? null : secretIn(wanted.passwordFile)) ?? own?.password?.reveal() ?? null;
  const url = wanted.url ?? own!.url;
  const ca = wanted.caFile === null ? (own?.ca ?? null) : certificatesIn(wanted.caFile);
  const points = wanted.mapFile === null ? ownImport(config) : readImportMap(wanted.mapFile, config);
  if (points.length === 0) throw usageError("The site has no points.", "Describe its sensors in the site file.");
  const { directory } = config.store;
  const running = await askDaemon(socketPathOf(directory), "status", {}, { signal, timeoutMs: 2_000 }).catch(() => undefined);
  if (running !== undefined)
    throw unavailableError(`An isotherm daemon runs on ${directory}; it would not learn from what is imported beside it.`, {
      todo: "Stop it, import, and start it again.",
    });
  mkdirSync(directory, { recursive: true });
  const reader = await openForeignReader({
    url,
    database,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(ca === null ? {} : { ca }),
    requestTimeoutMs: Math.max(60_000, own?.timeoutMs ?? 0),
  });
  try {
    const store = await openDuckdbStore(directory, { onWarning: say });
    try {
      let saidMs = performance.now();
      return await importHistory({
        reader,
        points,
        store,
        source: `${url} ${database}`,
        fromMs: wanted.fromMs,
        toMs: wanted.toMs,
        ...(wanted.everyS === null ? {} : { everyMs: Math.round(wanted.everyS * 1000) }),
        again: wanted.again,
        dryRun: wanted.dryRun,
        signal,
        onProgress: (atMs, fraction, imported) => {
          const line = `Importing ${new Date(atMs).toISOString().slice(0, 10)}: ${imported} values${wanted.fromMs > 0 ? `, ${Math.round(100 * fraction)} %` : ""}`;
          wanted.progress(line);
          if (performance.now() - saidMs < SAY_EVERY_MS) return;
          saidMs = performance.now();
          say(line);
        },
      });
    } finally {
      await store.close();
    }
  } finally {
    reader.close();
  }
};
