/** What `bench dashboard` measured that has a limit. */
export interface DashboardFigures {
  /** Median time to the first view on a processor slowed twice, ms; null: there was no browser. */
  readonly firstViewMs: number | null;
  /** From an event's own time to its arrival, 95th percentile over all viewers, s. */
  readonly delayP95S: number;
  /** Control ticks, and those begun more than a second late, with viewers and without. */
  readonly ticks: number;
  readonly lateTicks: number;
  readonly lateTicksWithout: number;
  /** Slope of the daemon's resident memory with viewers, MB a minute. */
  readonly memoryMbPerMinute: number;
}

export const FIRST_VIEW_LIMIT_MS = 1_500;
export const DELAY_LIMIT_S = 1;
/** A garbage collector moves a third of a gigabyte by some megabytes within minutes; a leak of every event would be more. */
export const MEMORY_LIMIT_MB_PER_MINUTE = 2;

/** Each limit that is missed, in words; none: all are kept. NaN keeps no limit. */
export const missedDashboardLimits = (figures: DashboardFigures): readonly string[] => {
  const { firstViewMs, delayP95S, ticks, lateTicks, lateTicksWithout, memoryMbPerMinute } = figures;
  return [
    ...(firstViewMs === null || firstViewMs <= FIRST_VIEW_LIMIT_MS
      ? []
      : [`First view after ${firstViewMs.toFixed(0)} ms, at most ${FIRST_VIEW_LIMIT_MS} ms wanted.`]),
    ...(delayP95S <= DELAY_LIMIT_S
      ? []
      : [`Events ${delayP95S.toFixed(2)} s late at the 95th percentile, at most ${DELAY_LIMIT_S} s wanted.`]),
    ...(ticks > 0 ? [] : ["No control tick was seen: measure for longer."]),
    ...(lateTicks <= lateTicksWithout ? [] : [`${lateTicks} control ticks over a second late with viewers, ${lateTicksWithout} without.`]),
    ...(memoryMbPerMinute <= MEMORY_LIMIT_MB_PER_MINUTE
      ? []
      : [`Memory grows by ${memoryMbPerMinute.toFixed(1)} MB a minute, at most ${MEMORY_LIMIT_MB_PER_MINUTE} MB wanted.`]),
  ];
};
