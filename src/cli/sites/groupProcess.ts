import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { runDaemon } from "#cli/daemon/daemon";
import { createMemoryReturn } from "#cli/daemon/freedMemory";
import { createLogger } from "#cli/daemon/logger";
import type { OpenedSite } from "#cli/daemon/run";
import { packageVersion } from "#cli/packageVersion";
import { backoffMs } from "#cli/sites/groups";
import type { FromGroup, SiteHealth, SiteOrder, ToGroup } from "#cli/sites/protocol";
import { createSiteHost, createTurnDesk } from "#cli/sites/siteHost";
import { loadSiteConfig } from "#config/loadSiteConfig";
import { IsothermError } from "#domain/errors";
import { createGarbageCollector } from "#math/collectGarbage";

// A process that holds some sites of a daemon. It does what the daemon says, and ends with it.

const BEAT_MS = 1_000;
const MEMORY_RETURN_MS = 5_000;
/** V8 leaves the garbage of calm programs where it is until the heap nears its limit, which many sites need high. */
const COLLECT_MS = 60_000;
/** A site that ran for so long before it failed begins its back-off anew. */
const WELL_AFTER_MS = 600_000;

const send = (message: FromGroup): void => {
  if (process.connected) process.send?.(message, () => undefined);
};
const textOf = (error: unknown): string =>
  error instanceof IsothermError ? error.describe() : error instanceof Error ? `${error.name}: ${error.message}` : String(error);

const ending = new AbortController();
const desk = createTurnDesk(send);
const opened = new Map<string, OpenedSite>();
const failures = new Map<string, string>();
/** Which site's work an error that nobody caught came from. */
const working = new AsyncLocalStorage<string>();
let log: Logger | null = null;

/** Runs one site until the end; after a failure again, after a wait that doubles. */
const keepRunning = async (order: SiteOrder, start: ToGroup & { kind: "start" }, siteLog: Logger): Promise<void> => {
  let count = 0;
  while (!ending.signal.aborted) {
    const beganMs = performance.now();
    try {
      const read = loadSiteConfig(order.file);
      const config = { ...read, control: { ...read.control, phaseS: order.phaseS } };
      siteLog.level = config.log.level;
      await runDaemon({
        config,
        speed: start.speed,
        signal: ending.signal,
        log: siteLog,
        say: (line) => send({ kind: "say", site: order.id, line }),
        version: packageVersion,
        host: createSiteHost(order.id, send, desk, (site) => {
          failures.delete(order.id);
          opened.set(order.id, site);
        }),
        ...(start.timeLine === undefined ? {} : { timeLine: start.timeLine }),
      });
      return;
    } catch (error) {
      opened.delete(order.id);
      count = performance.now() - beganMs > WELL_AFTER_MS ? 1 : count + 1;
      const againMs = backoffMs(count);
      failures.set(order.id, textOf(error));
      send({ kind: "busy", site: order.id, isBusy: false });
      send({ kind: "failed", site: order.id, text: textOf(error), againMs });
      await sleep(againMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  }
};

const healthOf = async (id: string): Promise<SiteHealth> => {
  const site = opened.get(id);
  if (site === undefined) return { ok: false, text: failures.get(id) ?? "It is starting.", phase: "starting" };
  const { phase } = site.status();
  if (site.isLate()) return { ok: false, text: "The control loop does not tick.", phase };
  return site.probe().then(
    () => ({ ok: true, text: "", phase }),
    (error: unknown) => ({ ok: false, text: textOf(error), phase }),
  );
};

const begin = async (start: ToGroup & { kind: "start" }): Promise<void> => {
  const ids = start.sites.map(({ id }) => id);
  log = await createLogger("info");
  const root = log;
  setInterval(() => send({ kind: "beat" }), BEAT_MS).unref();
  const returnMemory = await createMemoryReturn().catch(() => null);
  if (returnMemory !== null) setInterval(returnMemory, MEMORY_RETURN_MS).unref();
  setInterval(createGarbageCollector(), COLLECT_MS).unref();
  process.on("message", (message: ToGroup) => {
    if (message.kind === "granted") desk.granted(message.ticket);
    else if (message.kind === "stop") ending.abort();
    else if (message.kind === "report")
      void (async () => {
        const health = Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await healthOf(id)] as const)));
        const metrics = await Promise.all([...opened.values()].map((site) => site.metrics()));
        send({ kind: "report", ask: message.ask, health, metrics });
      })().catch((error: unknown) => root.error({ err: error }, "the report failed"));
  });
  const running: Promise<void>[] = [];
  for (const order of start.sites) {
    send({ kind: "busy", site: order.id, isBusy: true });
    running.push(working.run(order.id, () => keepRunning(order, start, root.child({ site: order.id }))));
    // One after the other: each may have days of history to read.
    await waitUntilOpen(order.id);
    send({ kind: "busy", site: order.id, isBusy: false });
  }
  await Promise.all(running);
  process.disconnect();
};

const LONGEST_OPENING_MS = 15_000;
const waitUntilOpen = async (id: string): Promise<void> => {
  const endMs = performance.now() + LONGEST_OPENING_MS;
  while (!opened.has(id) && !failures.has(id) && performance.now() < endMs && !ending.signal.aborted)
    await sleep(50, undefined, { signal: ending.signal }).catch(() => undefined);
};

// The terminal's Ctrl-C reaches every process; only the daemon's word counts.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => undefined);
process.on("disconnect", () => {
  if (ending.signal.aborted) process.exit(0);
  // Without its daemon nobody would see or end it.
  ending.abort();
  setTimeout(() => process.exit(0), 5_000).unref();
});
process.on("uncaughtException", (error) => {
  log?.fatal({ err: error, site: working.getStore() }, "an error that nobody caught ends this process");
  const fault: FromGroup = { kind: "fault", site: working.getStore() ?? null, text: textOf(error) };
  process.send?.(fault, () => process.exit(70));
  setTimeout(() => process.exit(70), 500);
});
process.once("message", (message: ToGroup) => {
  if (message.kind === "start")
    begin(message).then(
      () => setTimeout(() => process.exit(0), 100).unref(),
      (error: unknown) => {
        send({ kind: "fault", site: null, text: textOf(error) });
        setTimeout(() => process.exit(70), 100);
      },
    );
});
