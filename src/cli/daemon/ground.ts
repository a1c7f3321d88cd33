import type { PointMapping } from "#adapters/telemetry/pointMapping";
import { keepClosuresFile, readClosuresFile, withClosures } from "#cli/daemon/closuresFile";
import { type DataDirectory, openDataDirectory } from "#cli/daemon/dataDirectory";
import { mappingsOf } from "#cli/daemon/pointMappings";
import type { DaemonRun } from "#cli/daemon/run";
import type { Shutdown } from "#cli/daemon/shutdown";
import { createDemoClock, createLiveSiteClock, createTimeLineClock, type SiteClock } from "#cli/daemon/siteClock";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { Closures } from "#loop/closures";

/** What every part of a running daemon stands on: who started it, the data directory, the time, and how work and troubles are told of. */
export interface Ground {
  readonly run: DaemonRun;
  readonly shutdown: Shutdown;
  readonly zones: readonly string[];
  readonly isDemo: boolean;
  readonly data: DataDirectory;
  /** Closed days that people entered; `run.config` has them among its zones' holidays. */
  readonly closures: Closures;
  readonly mappings: readonly PointMapping[];
  /** Everything that is measured or derived. */
  readonly points: readonly PointName[];
  /** The newest stored value of each point. */
  readonly stored: readonly TelemetryPoint[];
  /** −∞ in an empty store. */
  readonly newestStoredMs: number;
  readonly clock: SiteClock;
  readonly nowMs: () => number;
  /** A control step in real time, ms. */
  readonly stepRealMs: number;
  /** Aborts when the daemon ends, before the zones are given back. */
  readonly ending: AbortController;
  readonly onWarning: (text: string) => void;
  readonly onError: (error: unknown) => void;
  /** Work that nobody waits for; a failure is logged under the name, unless the daemon ends. */
  readonly inBackground: (name: string, work: Promise<unknown>) => void;
}

/** Opens the data directory and finds out what time it is at the site. */
export const openGround = async (started: DaemonRun, shutdown: Shutdown): Promise<Ground> => {
  const { config, log } = started;
  const onWarning = (text: string): void => log.warn(text);
  for (const warning of config.warnings) log.warn(warning);
  const data = await openDataDirectory(config.store.directory, onWarning);
  shutdown.add("store", () => data.store.close(), 2_000);
  const zones = config.zones.map(({ id }) => id);
  const onError = (error: unknown): void => log.error({ err: error }, error instanceof Error ? error.message : String(error));
  const closures = readClosuresFile(data.closuresFile, zones, onWarning);
  shutdown.add("closed days", keepClosuresFile(data.closuresFile, closures, onError));
  const run: DaemonRun = { ...started, config: withClosures(config, closures) };
  const mappings = mappingsOf(config);
  const points: PointName[] = [...mappings.map(({ point }) => point), ...config.derived.map(({ point }) => point)];
  const stored = [...(await data.store.latest(points)).values()];
  const newestStoredMs = Math.max(...stored.map(({ timeMs }) => timeMs), Number.NEGATIVE_INFINITY);
  const clock =
    config.building.kind === "embedded"
      ? createDemoClock(
          Number.isFinite(newestStoredMs) ? newestStoredMs : Date.parse(`${config.building.year}-${config.building.start}T00:00:00Z`),
          run.speed,
        )
      : run.timeLine === undefined
        ? createLiveSiteClock()
        : createTimeLineClock(run.timeLine);
  const ending = new AbortController();
  return {
    run,
    shutdown,
    zones,
    isDemo: config.building.kind === "embedded",
    data,
    closures,
    mappings,
    points,
    stored,
    newestStoredMs,
    clock,
    nowMs: () => clock.nowMs(),
    stepRealMs: (config.control.stepS * 1_000) / clock.speed,
    ending,
    onWarning,
    onError,
    inBackground: (name, work) => {
      work.catch((error: unknown) => (ending.signal.aborted ? undefined : log.error({ err: error }, `${name} ended`)));
    },
  };
};
