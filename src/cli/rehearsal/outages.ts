import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess } from "#cli/rehearsal/broker";
import type { SetpointWatch } from "#cli/rehearsal/watcher";
import type { Clock } from "#domain/clock";

/** Longest wait for a daemon that is to come back, after which it counts as lost. */
const LONGEST_WAIT_MS = 60_000;

/** How long it took from the end of a trouble to the first setpoint that was published after it, in real seconds. */
export interface Recovery {
  readonly trouble: string;
  readonly backS: number;
}

/** Real seconds from now until a setpoint is seen (of an epoch above `aboveEpoch`, where that is set); Infinity: none within a minute. */
export const untilControl = async (watch: SetpointWatch, aboveEpoch = -1): Promise<number> => {
  const beganMs = performance.now();
  while (!(watch.newestRealMs >= beganMs && watch.epoch > aboveEpoch)) {
    if (performance.now() - beganMs > LONGEST_WAIT_MS) return Number.POSITIVE_INFINITY;
    await sleep(20);
  }
  return (performance.now() - beganMs) / 1_000;
};

/** Longest wait for a replication that is to catch up, after which it counts as lost. */
const LONGEST_REPLICATION_MS = 300_000;
/** Values this young are the present, site time: replication looks for new ones every few seconds. */
const PRESENT_MS = 2 * 3_600_000;

/** Real seconds from now until InfluxDB has values of the site's present; Infinity: not within five minutes. */
export const untilReplicated = async (
  access: { readonly url: string; readonly database: string; readonly username: string; readonly password: string },
  clock: Pick<Clock, "nowMs">,
): Promise<number> => {
  const beganMs = performance.now();
  const query = `${access.url}/query?db=${access.database}&epoch=ms&q=${encodeURIComponent("SELECT last(t_air_c) FROM isotherm_zone")}`;
  const headers = { authorization: `Basic ${Buffer.from(`${access.username}:${access.password}`).toString("base64")}` };
  for (;;) {
    const newestMs = await fetch(query, { headers })
      .then((response) => response.json() as Promise<{ results?: { series?: { values: [number, number][] }[] }[] }>)
      .then(({ results }) => results?.[0]?.series?.[0]?.values[0]?.[0] ?? Number.NEGATIVE_INFINITY)
      .catch(() => Number.NEGATIVE_INFINITY);
    if (newestMs > clock.nowMs() - PRESENT_MS) return (performance.now() - beganMs) / 1_000;
    if (performance.now() - beganMs > LONGEST_REPLICATION_MS) return Number.POSITIVE_INFINITY;
    await sleep(250);
  }
};

/** A server that can be ended and started again. */
export interface Restartable {
  child: ChildProcess;
  readonly start: () => Promise<ChildProcess>;
}

/** The server is killed, and back after `downRealS`. */
export const outage = async (server: Restartable, downRealS: number): Promise<void> => {
  await endProcess(server.child, "SIGKILL");
  await sleep(downRealS * 1_000);
  server.child = await server.start();
};
