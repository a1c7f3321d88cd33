import type { HeavyWork, OpenedSite, SiteHost } from "#cli/daemon/run";
import type { FromGroup } from "#cli/sites/protocol";

/** Turns that a process asks the daemon for. */
export interface TurnDesk {
  take(kind: HeavyWork, signal?: AbortSignal): Promise<() => void>;
  granted(ticket: number): void;
}

export const createTurnDesk = (send: (message: FromGroup) => void): TurnDesk => {
  let last = 0;
  const waiting = new Map<number, () => void>();
  return {
    granted: (ticket) => {
      const wake = waiting.get(ticket);
      waiting.delete(ticket);
      // Nobody waits any more: the turn goes back.
      if (wake === undefined) send({ kind: "release", ticket });
      else wake();
    },
    take: (kind, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        last += 1;
        const ticket = last;
        const giveUp = (): void => {
          waiting.delete(ticket);
          send({ kind: "release", ticket });
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", giveUp, { once: true });
        waiting.set(ticket, () => {
          signal?.removeEventListener("abort", giveUp);
          resolve(() => send({ kind: "release", ticket }));
        });
        send({ kind: "ask", work: kind, ticket });
      }),
  };
};

/** One site's host; `isBusy` is told while the site decides, so that a process that hangs says who was at work. */
export const createSiteHost = (
  site: string,
  send: (message: FromGroup) => void,
  desk: TurnDesk,
  onOpened: (site: OpenedSite) => void,
): SiteHost => ({
  turn: async (kind, work, signal) => {
    const release = await desk.take(kind, signal);
    try {
      return await work();
    } finally {
      release();
    }
  },
  tickBegan: (latenessS) => {
    send({ kind: "busy", site, isBusy: true });
    send({ kind: "ticked", site, latenessS });
  },
  tickEnded: (delayS) => {
    send({ kind: "busy", site, isBusy: false });
    send({ kind: "decided", site, delayS });
  },
  opened: (opened) => {
    onOpened(opened);
    send({ kind: "opened", site });
  },
});
