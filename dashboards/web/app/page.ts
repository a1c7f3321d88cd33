import type { SiteInfo, StatusView } from "#dashboards/server/wire";
import type { Formats } from "#dashboards/web/app/format";
import type { Session } from "#dashboards/web/app/session";

export interface PageContext {
  readonly site: SiteInfo;
  readonly formats: Formats;
  readonly session: Session;
  readonly status: () => StatusView | null;
}

/** One page: made once per visit, then refreshed in place so that focus, scroll position and open tables stay. */
export interface Page {
  readonly title: string;
  readonly element: HTMLElement;
  refresh(signal: AbortSignal): Promise<void>;
  onStatus?(status: StatusView): void;
  destroy(): void;
}
