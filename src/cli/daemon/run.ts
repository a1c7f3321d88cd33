import type { Logger } from "pino";
import type { SiteConfig } from "#config/siteConfig";

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
}
