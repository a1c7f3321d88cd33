import type { Decision } from "#domain/plan";

export interface ControlRunner {
  /** One decision now; while one is under way, another follows it. Never two at once. */
  run(signal: AbortSignal): Promise<void>;
}

/** Serialises control cycles: the schedule's and those that people's orders ask for. */
export const createControlRunner = (options: {
  readonly cycle: (signal?: AbortSignal) => Promise<Decision | null>;
  readonly onDecision: (decision: Decision) => void;
}): ControlRunner => {
  let running: Promise<void> | null = null;
  let again = false;
  const decide = async (signal: AbortSignal): Promise<void> => {
    do {
      again = false;
      const decision = await options.cycle(signal);
      if (decision !== null) options.onDecision(decision);
    } while (again && !signal.aborted);
  };
  return {
    run: (signal) => {
      if (running !== null) {
        again = true;
        return running;
      }
      running = decide(signal).finally(() => {
        running = null;
      });
      return running;
    },
  };
};
