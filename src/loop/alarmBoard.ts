import type { Alarm, AlarmAcknowledgement, AlarmLevel, AlarmStore } from "#domain/store";

export interface AlarmText {
  /** Stable code and scope, e.g. `sensor-stale:space1`. */
  readonly id: string;
  readonly level: AlarmLevel;
  readonly zone?: string;
  readonly text: string;
  /** What a person should do. */
  readonly action: string;
}

/** Alarms that stand now; the store hears of every change, once. */
export interface AlarmBoard {
  /** Raises (true) or clears (false) an alarm; the same state again is not stored again. Never rejects: a store that fails is told to `onError` and tried again at the next call. */
  set(active: boolean, alarm: AlarmText, nowMs: number): Promise<void>;
  active(): readonly Alarm[];
  /** A person saw to it. Resolves with the alarm as stored; null where none of that id stands. Acknowledging again changes nothing. Rejects where it cannot be stored. */
  acknowledge(id: string, acknowledgement: AlarmAcknowledgement): Promise<Alarm | null>;
}

export function createAlarmBoard(options: {
  readonly store: Pick<AlarmStore, "putAlarm">;
  readonly onError: (error: unknown) => void;
  /** Alarms still active from before a restart. */
  readonly initial?: readonly Alarm[];
}): AlarmBoard {
  const standing = new Map((options.initial ?? []).filter((alarm) => alarm.clearedMs === null).map((alarm) => [alarm.id, alarm]));
  const unsaved = new Map<string, Alarm>();
  const save = async (): Promise<void> => {
    for (const [id, alarm] of [...unsaved]) {
      try {
        await options.store.putAlarm(alarm);
        if (unsaved.get(id) === alarm) unsaved.delete(id);
      } catch (error) {
        options.onError(error);
        return;
      }
    }
  };
  return {
    active: () => [...standing.values()],
    set: async (active, { id, level, zone, text, action }, nowMs) => {
      const before = standing.get(id);
      if (active && (before === undefined || before.level !== level)) {
        const alarm: Alarm = { id, level, zone: zone ?? null, text, action, sinceMs: before?.sinceMs ?? nowMs, clearedMs: null };
        standing.set(id, alarm);
        unsaved.set(id, alarm);
      } else if (!active && before !== undefined) {
        standing.delete(id);
        unsaved.set(id, { ...before, clearedMs: nowMs });
      }
      if (unsaved.size > 0) await save();
    },
    acknowledge: async (id, acknowledged) => {
      const before = standing.get(id);
      if (before === undefined || before.acknowledged !== undefined) return before ?? null;
      const alarm: Alarm = { ...before, acknowledged };
      standing.set(id, alarm);
      try {
        await options.store.putAlarm(alarm);
      } catch (error) {
        // Not on record: nobody has seen to it.
        if (standing.get(id) === alarm) standing.set(id, before);
        throw error;
      }
      return alarm;
    },
  };
}
