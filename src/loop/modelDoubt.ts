import type { JudgedStep } from "#loop/coverageWindow";

/** A zone is doubted where the root mean square of its newest standardised errors exceeds `begin`, until it is below `end`. */
export interface DoubtWindow {
  readonly steps: number;
  readonly begin: number;
  readonly end: number;
}

export interface DoubtLimits {
  /** A short one notices a sensor that was swapped within hours, a long one a model that is wrong at some hours of the day only. */
  readonly windows: readonly DoubtWindow[];
  /** Steps below which nothing is said. */
  readonly enoughSteps: number;
  /** An error counts as so many standard deviations at most: one open window is not a model gone wrong. */
  readonly cap: number;
  /** Standard deviations below this count as this much, K: an error that nobody feels is no reason. */
  readonly leastStdDevK: number;
}

export const defaultDoubtLimits: DoubtLimits = {
  windows: [
    { steps: 16, begin: 2.5, end: 1.8 },
    { steps: 96, begin: 1.8, end: 1.5 },
  ],
  enoughSteps: 12,
  cap: 4,
  leastStdDevK: 0.1,
};

/** How far a model is from what it claims in one zone. */
export interface ZoneDoubt {
  readonly zone: string;
  /** Of the window that doubts it. */
  readonly rmsZ: number;
  readonly steps: number;
}

/** Which zones' predictions cannot be believed now. */
export interface ModelDoubt {
  /** Steps of one zone in the order of time. */
  add(steps: readonly JudgedStep[]): void;
  /** What was said of the model before is about another one. */
  clear(): void;
  /** Zones in doubt, in the order in which they were first judged. */
  zones(): readonly ZoneDoubt[];
}

/**
 * Doubts a zone where its newest one-step errors are far larger than the model says:
 *   rms z = √(mean over the newest N steps of min(|T − T̄| / max(σ, σ_least), cap)²)
 * 1 where the spread is true. All steps count, those that a thermostat held too: a model of another building, a sensor that measures another zone or
 * equipment that stopped show there first. Steps that taught the model count as well: a model that errs on those is not of this building.
 */
export const createModelDoubt = (limits: DoubtLimits = defaultDoubtLimits): ModelDoubt => {
  const { windows, enoughSteps, cap, leastStdDevK } = limits;
  const longest = Math.max(...windows.map(({ steps }) => steps));
  const squares = new Map<string, number[]>();
  /** Of each zone, by window: whether it doubts the zone. */
  const standing = new Map<string, boolean[]>();
  const newest = (zone: string, steps: number): readonly number[] => squares.get(zone)!.slice(-steps);
  const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value, 0) / values.length);
  const judge = (zone: string): void => {
    const flags = standing.get(zone)!;
    windows.forEach(({ steps, begin, end }, w) => {
      const value = rms(newest(zone, steps));
      flags[w] = flags[w] ? value >= end : value > begin;
    });
  };
  return {
    add: (steps) => {
      for (const { zone, measuredC, meanC, stdDevK } of steps) {
        const errorK = Math.abs(measuredC - meanC);
        if (!Number.isFinite(errorK) || !(stdDevK >= 0)) continue;
        if (!squares.has(zone)) {
          squares.set(zone, []);
          standing.set(
            zone,
            windows.map(() => false),
          );
        }
        const kept = squares.get(zone)!;
        kept.push(Math.min(errorK / Math.max(stdDevK, leastStdDevK), cap) ** 2);
        if (kept.length > longest) kept.shift();
        if (kept.length >= enoughSteps) judge(zone);
      }
    },
    clear: () => {
      squares.clear();
      standing.clear();
    },
    zones: () =>
      [...standing].flatMap(([zone, flags]) => {
        const w = flags.indexOf(true);
        if (w < 0) return [];
        const values = newest(zone, windows[w]!.steps);
        return [{ zone, rmsZ: rms(values), steps: values.length }];
      }),
  };
};
