import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess } from "#cli/rehearsal/broker";
import type { SetpointWatch } from "#cli/rehearsal/watcher";

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
