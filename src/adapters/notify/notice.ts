import type { Alarm, AlarmLevel } from "#domain/store";

/** passed: raised and cleared since the last message. */
export type NoticeChange = "raised" | "worse" | "cleared" | "passed";

export interface NoticeEntry {
  readonly change: NoticeChange;
  readonly alarm: Alarm;
}

/** One message to people: everything that changed since the last one. Its id stays the same however often it is sent. */
export interface Notice {
  readonly id: string;
  readonly siteId: string;
  readonly siteLabel: string;
  /** Site clock. */
  readonly timeMs: number;
  readonly entries: readonly NoticeEntry[];
}

/** What a receiver believes of one alarm. */
export interface ToldAlarm {
  readonly level: AlarmLevel;
  readonly sinceMs: number;
  readonly text: string;
  readonly zone: string | null;
}
export type Told = Readonly<Record<string, ToldAlarm>>;

export const levelRank: Readonly<Record<AlarmLevel, number>> = { info: 0, warning: 1, critical: 2 };

export interface NoticeState {
  readonly told: Told;
  /** Site clock of the newest message: what was cleared since then may be news. */
  readonly untilMs: number;
  /** `<id> <cleared>` of what was told at or after `untilMs`. */
  readonly lately: readonly string[];
}

const clearedKey = ({ id, clearedMs }: Alarm): string => `${id} ${clearedMs}`;

/**
 * What a receiver who was told `state` must hear of the alarms that the store has now (those that stand, and those cleared since), and what it believes then. Alarms below `least`
 * count only where they were told of. An alarm that was raised anew in between counts as raised; one that nobody knows any more as cleared.
 */
export function noticeEntries(
  alarms: readonly Alarm[],
  { told, untilMs, lately }: NoticeState,
  least: AlarmLevel,
  nowMs: number,
): { readonly entries: readonly NoticeEntry[]; readonly after: NoticeState } {
  const entries: NoticeEntry[] = [];
  const after: Record<string, ToldAlarm> = {};
  const found = new Set<string>();
  const tell = (change: NoticeChange, alarm: Alarm): void => void entries.push({ change, alarm });
  for (const alarm of alarms) {
    const { id, level, sinceMs, clearedMs, text, zone } = alarm;
    const before = told[id];
    if (clearedMs !== null) continue;
    found.add(id);
    const counts = levelRank[level] >= levelRank[least];
    if (!counts && before === undefined) continue;
    after[id] = before !== undefined && !counts ? before : { level, sinceMs, text, zone };
    if (!counts) continue;
    if (before === undefined || before.sinceMs !== sinceMs) tell("raised", alarm);
    else if (levelRank[level] > levelRank[before.level]) tell("worse", alarm);
  }
  for (const alarm of alarms) {
    const { id, level, clearedMs } = alarm;
    if (clearedMs === null || found.has(id)) continue;
    found.add(id);
    if (told[id] !== undefined) tell("cleared", alarm);
    else if (levelRank[level] >= levelRank[least] && clearedMs >= untilMs && !lately.includes(clearedKey(alarm))) tell("passed", alarm);
  }
  for (const [id, { level, sinceMs, text, zone }] of Object.entries(told))
    if (!found.has(id)) tell("cleared", { id, level, zone, text, action: "", sinceMs, clearedMs: nowMs });
  const cleared = [
    ...entries
      .map(({ alarm }) => alarm)
      .filter(({ clearedMs }) => clearedMs !== null && clearedMs >= nowMs)
      .map(clearedKey),
  ];
  return { entries, after: { told: after, untilMs: nowMs, lately: untilMs === nowMs ? [...lately, ...cleared] : cleared } };
}

/** Most important first: what got worse or began, by level, then what is over. */
export const inOrder = (entries: readonly NoticeEntry[]): readonly NoticeEntry[] => {
  const rank = ({ change, alarm }: NoticeEntry): number => (change === "raised" || change === "worse" ? 10 : 0) + levelRank[alarm.level];
  return [...entries].sort((a, b) => rank(b) - rank(a) || a.alarm.sinceMs - b.alarm.sinceMs);
};
