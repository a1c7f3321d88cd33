import type { ChildProcess } from "node:child_process";
import type { Logger } from "pino";
import type { TimeLine } from "#cli/daemon/run";
import { backoffMs, dealOut, splitAfterEnd } from "#cli/sites/groups";
import type { FromGroup, SiteHealth, SiteOrder, ToGroup } from "#cli/sites/protocol";
import type { Turns } from "#cli/sites/turns";

export interface SupervisorOptions {
  readonly sites: readonly SiteOrder[];
  readonly processes: number;
  readonly speed: number;
  readonly timeLine?: TimeLine;
  readonly turns: Turns;
  /** Starts a process for so many sites. */
  readonly spawn: (sites: number) => ChildProcess;
  readonly log: Logger;
  readonly say: (line: string) => void;
  readonly onTick?: (latenessS: number) => void;
  readonly onDecision?: (delayS: number) => void;
  /** A process that says nothing for so long hangs, ms. */
  readonly hangMs?: number;
}

export interface SiteState {
  readonly id: string;
  /** The process that holds it; null while that waits to be started again. */
  readonly pid: number | null;
  /** Ends of its process and failures of its own, since the start of the daemon. */
  readonly failures: number;
  readonly lastFailure: string | null;
  readonly health: SiteHealth;
}

export interface SitesSupervisor {
  report(): Promise<{ readonly sites: readonly SiteState[]; readonly metrics: readonly (readonly object[])[] }>;
  /** Ends all sites; what does not end in time is killed. */
  close(longestMs: number): Promise<void>;
}

interface Group {
  readonly number: number;
  readonly sites: readonly SiteOrder[];
  failures: number;
  child: ChildProcess | null;
  lastBeatMs: number;
  startedMs: number;
  readonly busy: Set<string>;
  fault: string | null;
  timer: NodeJS.Timeout | null;
}

const HANG_MS = 30_000;
const CHECK_MS = 1_000;
const REPORT_MS = 5_000;
const WELL_AFTER_MS = 600_000;

/** Keeps processes with sites running: what ends or hangs is started again with a wait that doubles, with those who were in the middle of something set apart from the others. */
export const superviseSites = (options: SupervisorOptions): SitesSupervisor => {
  const { turns, log, say, hangMs = HANG_MS } = options;
  const groups = new Set<Group>();
  const failures = new Map<string, { count: number; text: string }>();
  const reports = new Map<number, (report: FromGroup & { kind: "report" }) => void>();
  let numbers = 0;
  let asks = 0;
  let isClosing = false;

  const failed = (site: string, text: string): void => {
    failures.set(site, { count: (failures.get(site)?.count ?? 0) + 1, text });
  };
  const receive = (group: Group, message: FromGroup): void => {
    group.lastBeatMs = performance.now();
    switch (message.kind) {
      case "say":
        say(`[${message.site}] ${message.line}`);
        break;
      case "ask":
        turns.ask(message.work, group.number, message.ticket, () => post(group, { kind: "granted", ticket: message.ticket }));
        break;
      case "release":
        turns.release(group.number, message.ticket);
        break;
      case "busy":
        if (message.isBusy) group.busy.add(message.site);
        else group.busy.delete(message.site);
        break;
      case "ticked":
        options.onTick?.(message.latenessS);
        break;
      case "decided":
        options.onDecision?.(message.delayS);
        break;
      case "failed":
        failed(message.site, message.text);
        log.error({ site: message.site, againMs: message.againMs }, `the site ended and is started again: ${message.text}`);
        say(`[${message.site}] It ended: ${message.text} It is started again in ${message.againMs / 1_000} s; the other sites go on.`);
        break;
      case "fault":
        group.fault = message.text;
        if (message.site === null) break;
        group.busy.clear();
        group.busy.add(message.site);
        break;
      case "report":
        reports.get(message.ask)?.(message);
        break;
      case "beat":
      case "opened":
        break;
    }
  };
  const post = (group: Group, message: ToGroup): void => {
    if (group.child?.connected === true) group.child.send(message, () => undefined);
  };

  const ended = (group: Group, how: string): void => {
    if (group.child === null) return;
    group.child = null;
    turns.forget(group.number);
    if (isClosing) return;
    groups.delete(group);
    const ids = group.sites.map(({ id }) => id);
    const text = `the process of ${ids.join(", ")} ${group.fault === null ? how : `ended: ${group.fault}`}`;
    for (const id of ids) if (group.busy.has(id) || ids.length === 1) failed(id, text);
    const count = performance.now() - group.startedMs > WELL_AFTER_MS ? 1 : group.failures + 1;
    const parts = splitAfterEnd(ids, group.busy);
    log.error({ sites: ids, busy: [...group.busy] }, text);
    for (const part of parts) {
      // Those who had nothing to do with it need not wait.
      const isCulprit = parts.length === 1 || part.some((id) => group.busy.has(id));
      const waitMs = isCulprit ? backoffMs(count) : 0;
      say(`${text}; ${part.join(", ")} ${part.length === 1 ? "is" : "are"} started again${waitMs === 0 ? "" : ` in ${waitMs / 1_000} s`}.`);
      const wanted = new Set(part);
      open(
        group.sites.filter(({ id }) => wanted.has(id)),
        isCulprit ? count : 0,
        waitMs,
      );
    }
  };
  const open = (sites: readonly SiteOrder[], count: number, waitMs: number): void => {
    numbers += 1;
    const group: Group = {
      number: numbers,
      sites,
      failures: count,
      child: null,
      lastBeatMs: 0,
      startedMs: 0,
      busy: new Set(),
      fault: null,
      timer: null,
    };
    groups.add(group);
    const start = (): void => {
      group.timer = null;
      if (isClosing) return;
      const child = options.spawn(sites.length);
      group.child = child;
      group.startedMs = performance.now();
      group.lastBeatMs = performance.now();
      child.on("message", (message) => receive(group, message as FromGroup));
      child.once("error", (error) => ended(group, `could not be started (${error.message})`));
      child.once("exit", (code, signal) => ended(group, signal === null ? `ended with code ${code}` : `was ended by ${signal}`));
      const { speed, timeLine } = options;
      post(group, { kind: "start", sites, speed, ...(timeLine === undefined ? {} : { timeLine }) });
    };
    if (waitMs === 0) start();
    else group.timer = setTimeout(start, waitMs);
  };

  for (const sites of dealOut(options.sites, options.processes)) open(sites, 0, 0);
  const checks = setInterval(() => {
    turns.check();
    for (const group of groups) {
      if (group.child === null || performance.now() - group.lastBeatMs < hangMs) continue;
      group.fault ??= `it did not answer for ${Math.round(hangMs / 1_000)} s`;
      group.child.kill("SIGKILL");
    }
  }, CHECK_MS);

  const reportOf = (group: Group): Promise<(FromGroup & { kind: "report" }) | null> =>
    new Promise((resolve) => {
      if (group.child === null) return resolve(null);
      asks += 1;
      const ask = asks;
      const end = (report: (FromGroup & { kind: "report" }) | null): void => {
        clearTimeout(timer);
        reports.delete(ask);
        resolve(report);
      };
      const timer = setTimeout(() => end(null), REPORT_MS);
      reports.set(ask, end);
      post(group, { kind: "report", ask });
    });

  return {
    report: async () => {
      const all = [...groups];
      const answers = await Promise.all(all.map(reportOf));
      const sites = all.flatMap((group, i) =>
        group.sites.map(({ id }): SiteState => {
          const known = failures.get(id);
          const silent: SiteHealth = {
            ok: false,
            text: group.child === null ? "Its process waits to be started again." : "Its process does not answer.",
            phase: "starting",
          };
          return {
            id,
            pid: group.child?.pid ?? null,
            failures: known?.count ?? 0,
            lastFailure: known?.text ?? null,
            health: answers[i]?.health[id] ?? silent,
          };
        }),
      );
      return {
        sites: sites.sort((a, b) => (a.id < b.id ? -1 : 1)),
        metrics: answers.flatMap((answer) => answer?.metrics ?? []),
      };
    },
    close: async (longestMs) => {
      isClosing = true;
      clearInterval(checks);
      await Promise.all(
        [...groups].map(async (group) => {
          if (group.timer !== null) clearTimeout(group.timer);
          const { child } = group;
          if (child === null || child.exitCode !== null || child.signalCode !== null) return;
          const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
          post(group, { kind: "stop" });
          const timer = setTimeout(() => child.kill("SIGKILL"), longestMs);
          await gone;
          clearTimeout(timer);
        }),
      );
    },
  };
};
