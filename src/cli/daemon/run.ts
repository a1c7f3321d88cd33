import type { Logger } from "pino";
import type { SiteConfig } from "#config/siteConfig";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";

/** Work that takes a core or more: one decision's search, one learning round. */
export type HeavyWork = "plan" | "learn";

/** What a site shows of itself to the daemon that holds it beside others. */
export interface OpenedSite {
  readonly status: () => DaemonStatus;
  readonly isLate: () => boolean;
  /** Writes something to the store. */
  readonly probe: () => Promise<void>;
  readonly metrics: () => Promise<readonly object[]>;
}

/** The daemon of many buildings, as one of them sees it. */
export interface SiteHost {
  /** Runs heavy work when it is this site's turn, first come, first served over all sites. Rejects when `signal` aborts while it waits. */
  turn<T>(kind: HeavyWork, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** A control tick begins, so long after its time, real s. */
  tickBegan(latenessS: number): void;
  /** Its decision was published (or failed), so long after the tick's time, real s. */
  tickEnded(delayS: number): void;
  opened(site: OpenedSite): void;
}

/** A clock for rehearsals: now = startMs + speed · (wall clock − anchorMs), the same for every process that is given it, and after a restart. */
export interface TimeLine {
  readonly startMs: number;
  readonly anchorMs: number;
  readonly speed: number;
}

export interface DaemonRun {
  readonly config: SiteConfig;
  /** Of an embedded building: simulated seconds per real second. */
  readonly speed: number;
  /** Ends the daemon. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** A plain line for who started it. */
  readonly say: (line: string) => void;
  readonly version: string;
  /** Absent: the only site of its daemon. */
  readonly host?: SiteHost;
  /** Absent: a real building lives by the machine's clock. */
  readonly timeLine?: TimeLine;
}
