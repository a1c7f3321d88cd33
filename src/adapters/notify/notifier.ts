import { randomUUID } from "node:crypto";
import { type Delivery, DeliveryFailure } from "#adapters/notify/delivery";
import { levelRank, type NoticeEntry, noticeEntries } from "#adapters/notify/notice";
import { loadWay, saveWay, type WayMemory } from "#adapters/notify/noticeFile";
import type { Alarm, AlarmLevel, AlarmStore } from "#domain/store";

export interface NotifierOptions {
  readonly delivery: Delivery;
  /** Least level that is told. */
  readonly level: AlarmLevel;
  readonly site: { readonly id: string; readonly label: string };
  readonly store: Pick<AlarmStore, "alarms">;
  /** Site clock. */
  readonly nowMs: () => number;
  readonly file: string;
  /** How long changes wait for others; something critical does not wait. */
  readonly groupMs: number;
  /** Messages an hour; twice as many where something critical begins. */
  readonly mostPerHour: number;
  /** What is wrong with the way, in words; null: all is well. Called at every change and every further failure. */
  readonly onTrouble: (trouble: string | null) => void;
  readonly onError: (error: unknown) => void;
  readonly wallMs?: () => number;
  /** Uniform on [0, 1). */
  readonly random?: () => number;
  readonly firstRetryMs?: number;
}

export interface Notifier {
  /** An alarm changed: a message goes out soon. */
  changed(alarm: Alarm): void;
  /** Ends; what was not delivered is told after the next start. */
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = HOUR_MS;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const isUrgent = ({ change, alarm }: NoticeEntry): boolean => (change === "raised" || change === "worse") && alarm.level === "critical";

/**
 * Tells one receiver of alarms, at least once and in order: what it was told is on disk, and a message is the difference to what the store has, written down before it is sent. So
 * neither a crash nor an outage of days loses a change, and an outage ends with one message of what is true by then. Failures are tried again after 30 s, 1, 2, 4 … 60 min (a little
 * more, by chance), or as long as the receiver asked.
 */
export const createNotifier = async (options: NotifierOptions): Promise<Notifier> => {
  const { delivery, level, site, store, nowMs, file, groupMs, mostPerHour } = options;
  const wallMs = options.wallMs ?? Date.now;
  const random = options.random ?? Math.random;
  const ending = new AbortController();
  const own = `notify-${delivery.name}`;
  let memory: WayMemory = await loadWay(file, nowMs());
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let running: Promise<void> = Promise.resolve();
  /** Undefined until it is known: a trouble of before a restart may still stand. */
  let told: string | null | undefined;

  const keep = async (change: Partial<WayMemory>): Promise<void> => {
    memory = { ...memory, ...change };
    await saveWay(file, memory);
  };
  const trouble = (text: string | null): void => {
    if (text === null && told === null) return;
    told = text;
    options.onTrouble(text);
  };

  /** Milliseconds until the next message may go; 0: now. */
  const quotaMs = (urgent: boolean): number => {
    const most = urgent ? 2 * mostPerHour : mostPerHour;
    const recent = memory.sentMs.filter((sentMs) => sentMs > wallMs() - HOUR_MS && sentMs <= wallMs());
    return recent.length < most ? 0 : Math.max(1, recent[recent.length - most]! + HOUR_MS - wallMs());
  };

  const compose = async (): Promise<number | null> => {
    const atMs = nowMs();
    const alarms = (await store.alarms(memory.state.untilMs)).filter(({ id }) => id !== own);
    const { entries, after } = noticeEntries(alarms, memory.state, level, atMs);
    if (entries.length === 0) return null;
    const waitMs = quotaMs(entries.some(isUrgent));
    if (waitMs > 0) return waitMs;
    await keep({ pending: { notice: { id: randomUUID(), siteId: site.id, siteLabel: site.label, timeMs: atMs, entries }, after } });
    return 0;
  };

  const look = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      if (memory.pending === null) {
        const waitMs = await compose();
        if (waitMs === null) return;
        if (waitMs > 0) {
          wake(waitMs);
          return;
        }
      }
      const { pending, failures } = memory;
      if (pending === null) return;
      const ahead = memory.notBeforeMs - wallMs();
      // A clock that was set back must not silence it for as long.
      if (ahead > 0 && ahead <= 25 * HOUR_MS) {
        wake(ahead);
        return;
      }
      try {
        await delivery.deliver(pending.notice, ending.signal);
      } catch (error) {
        if (ending.signal.aborted) return;
        if (!(error instanceof DeliveryFailure)) options.onError(error);
        const backoffMs = Math.min(LONGEST_RETRY_MS, (options.firstRetryMs ?? FIRST_RETRY_MS) * 2 ** Math.min(failures, 10));
        const waitMs = Math.max(backoffMs * (1 + 0.2 * random()), error instanceof DeliveryFailure ? error.waitMs : 0);
        trouble(error instanceof DeliveryFailure ? error.message : "see the log");
        await keep({ failures: failures + 1, notBeforeMs: wallMs() + waitMs });
        wake(waitMs);
        return;
      }
      const sentMs = [...memory.sentMs.filter((before) => before > wallMs() - HOUR_MS), wallMs()];
      await keep({ state: pending.after, pending: null, failures: 0, notBeforeMs: 0, sentMs });
      trouble(null);
    }
  };

  const run = (): void => {
    dueMs = Number.POSITIVE_INFINITY;
    running = running.then(look).catch((error: unknown) => {
      // The store or the disk: the same again in a while.
      options.onError(error);
      wake(FIRST_RETRY_MS);
    });
  };
  /** Runs in so many milliseconds, unless it would sooner. */
  function wake(inMs: number): void {
    if (ending.signal.aborted) return;
    const atMs = performance.now() + inMs;
    if (atMs >= dueMs) return;
    dueMs = atMs;
    clearTimeout(timer);
    timer = setTimeout(run, Math.min(inMs, LONGEST_TIMER_MS));
  }

  if (memory.failures === 0) trouble(null);
  // What changed while nobody was there to tell it.
  wake(0);
  return {
    changed: (alarm) => {
      if (alarm.id === own) return;
      wake(alarm.clearedMs === null && levelRank[alarm.level] === levelRank.critical ? 0 : groupMs);
    },
    close: async () => {
      ending.abort();
      clearTimeout(timer);
      await running;
    },
  };
};
