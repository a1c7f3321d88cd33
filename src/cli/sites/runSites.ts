import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { openServiceManager } from "#adapters/serviceManager/serviceManager";
import { MOST_HEAPS } from "#cli/daemon/freedMemory";
import { createLogger } from "#cli/daemon/logger";
import type { TimeLine } from "#cli/daemon/run";
import { phaseOf } from "#cli/sites/phase";
import { readSiteFiles } from "#cli/sites/siteFiles";
import { createSitesFigures, openSitesServer } from "#cli/sites/sitesServer";
import { superviseSites } from "#cli/sites/supervisor";
import { Turns } from "#cli/sites/turns";
import { configurationError } from "#domain/errors";

/** Processes unless a person says otherwise: a quarter of the buildings go down together at worst, and what every process has of its own is shared by many. */
const PROCESSES = 4;
/** A decision's turn, a learning round's: longer than either takes where all is well. */
const LONGEST_PLAN_MS = 120_000;
const LONGEST_LEARN_MS = 3_600_000;
/** Heap of a process, and for every site in it, MB. One that grows beyond is started again. */
const HEAP_MB = 160;
const HEAP_PER_SITE_MB = 48;
const CLOSE_MS = 10_000;

export interface SitesRun {
  readonly files: readonly string[];
  readonly processes?: number;
  readonly statusPort: number;
  readonly speed: number;
  readonly timeLine?: TimeLine;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The daemon of many buildings, until the signal aborts. Rejects where no site file can be used (exit code 78) or its port cannot be had. */
export const runSites = async (run: SitesRun): Promise<void> => {
  const { sites, refused } = readSiteFiles(run.files);
  for (const { file, error } of refused) run.say(`Refused    ${error.place.file === undefined ? `${file}: ` : ""}${error.describe()}`);
  if (sites.length === 0)
    throw configurationError(`None of the ${refused.length} site files can be used.`, {
      todo: "Correct at least one; each was named above.",
    });
  const log = await createLogger("info");
  const cores = availableParallelism();
  const figures = await createSitesFigures();
  const script = fileURLToPath(new URL("./groupProcess.js", import.meta.url));
  const supervisor = superviseSites({
    sites: sites.map(({ id, file, config }) => ({ id, file, phaseS: phaseOf(id, config.control.stepS) })),
    processes: run.processes ?? PROCESSES,
    speed: run.speed,
    ...(run.timeLine === undefined ? {} : { timeLine: run.timeLine }),
    turns: new Turns({ plan: { atOnce: cores, longestMs: LONGEST_PLAN_MS }, learn: { atOnce: 1, longestMs: LONGEST_LEARN_MS } }),
    spawn: (count) =>
      fork(script, [], {
        execArgv: [`--max-old-space-size=${HEAP_MB + HEAP_PER_SITE_MB * count}`, "--max-semi-space-size=4"],
        env: { ...process.env, MALLOC_ARENA_MAX: String(MOST_HEAPS) },
        serialization: "advanced",
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      }),
    log,
    say: run.say,
    onTick: (latenessS) => figures.ticked(latenessS),
    onDecision: (delayS) => figures.decided(delayS),
  });
  try {
    const server = await openSitesServer({ port: run.statusPort, supervisor, refused, figures });
    run.say(
      `Sites      ${sites.length} run${refused.length === 0 ? "" : `, ${refused.length} refused`}; ${server.url}/healthz and ${server.url}/metrics`,
    );
    const manager = await openServiceManager((text) => log.warn(text));
    await manager.notify("READY=1");
    // The processes watch over sites; this one only has to live.
    const alive = manager.watchdogMs === null ? undefined : setInterval(() => void manager.notify("WATCHDOG=1"), manager.watchdogMs / 3);
    await new Promise<void>((resolve) => {
      if (run.signal.aborted) resolve();
      else run.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    run.say("Stopping: the zones go back to the buildings' own control.");
    clearInterval(alive);
    await manager.notify("STOPPING=1");
    await server.close();
  } finally {
    await supervisor.close(CLOSE_MS);
  }
};
