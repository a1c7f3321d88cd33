import type { Planner } from "#domain/planner";

export interface PlannerInUse {
  readonly planner: Planner;
  /** Version of its model; null for a planner without one. */
  readonly modelVersion: string | null;
}

/** Where learning hands a new planner to the control loop: swapped as a whole, never in the middle of a decision. */
export interface PlannerSlot {
  readonly current: PlannerInUse | null;
  /** From the next decision on. The one before is closed when the decision that uses it has ended. */
  swap(next: PlannerInUse | null): void;
  /** Runs a decision with the planner of this moment. */
  use<T>(decide: (inUse: PlannerInUse | null) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createPlannerSlot(options: { readonly onError: (error: unknown) => void; readonly initial?: PlannerInUse }): PlannerSlot {
  let current: PlannerInUse | null = options.initial ?? null;
  const users = new Map<PlannerInUse, number>();
  const closeIfIdle = async (one: PlannerInUse): Promise<void> => {
    if (one === current || (users.get(one) ?? 0) > 0) return;
    users.delete(one);
    try {
      await one.planner.close();
    } catch (error) {
      options.onError(error);
    }
  };
  return {
    get current() {
      return current;
    },
    swap: (next) => {
      const before = current;
      current = next;
      if (before !== null && before !== next) void closeIfIdle(before);
    },
    use: async (decide) => {
      const inUse = current;
      if (inUse !== null) users.set(inUse, (users.get(inUse) ?? 0) + 1);
      try {
        return await decide(inUse);
      } finally {
        if (inUse !== null) {
          users.set(inUse, users.get(inUse)! - 1);
          if (inUse !== current) void closeIfIdle(inUse);
        }
      }
    },
    close: async () => {
      const last = current;
      current = null;
      if (last !== null) await closeIfIdle(last);
    },
  };
}
