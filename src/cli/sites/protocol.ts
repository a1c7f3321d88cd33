import type { HeavyWork, TimeLine } from "#cli/daemon/run";

/** One site as its process is told of it. */
export interface SiteOrder {
  readonly id: string;
  readonly file: string;
  readonly phaseS: number;
}

export interface SiteHealth {
  readonly ok: boolean;
  /** Why not; empty where it is. */
  readonly text: string;
  readonly phase: string;
}

/** From the daemon to a process that holds some of its sites. */
export type ToGroup =
  | { readonly kind: "start"; readonly sites: readonly SiteOrder[]; readonly speed: number; readonly timeLine?: TimeLine }
  | { readonly kind: "granted"; readonly ticket: number }
  | { readonly kind: "report"; readonly ask: number }
  | { readonly kind: "stop" };

/** From such a process to the daemon. */
export type FromGroup =
  /** Every second: it lives. */
  | { readonly kind: "beat" }
  | { readonly kind: "say"; readonly site: string; readonly line: string }
  | { readonly kind: "opened"; readonly site: string }
  /** The site's daemon ended with an error; it is started again there after `againMs`. */
  | { readonly kind: "failed"; readonly site: string; readonly text: string; readonly againMs: number }
  | { readonly kind: "ask"; readonly work: HeavyWork; readonly ticket: number }
  | { readonly kind: "release"; readonly ticket: number }
  /** A site begins or ends something during which it alone runs in the process. */
  | { readonly kind: "busy"; readonly site: string; readonly isBusy: boolean }
  | { readonly kind: "ticked"; readonly site: string; readonly latenessS: number }
  | { readonly kind: "decided"; readonly site: string; readonly delayS: number }
  | {
      readonly kind: "report";
      readonly ask: number;
      readonly health: Readonly<Record<string, SiteHealth>>;
      readonly metrics: readonly (readonly object[])[];
    }
  /** The process ends because of an error that nobody caught. */
  | { readonly kind: "fault"; readonly site: string | null; readonly text: string };
