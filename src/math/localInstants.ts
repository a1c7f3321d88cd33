/** Longer than any clock change and any time zone's distance from another. */
const AROUND_MS = 26 * 3_600_000;

/**
 * The instants (Unix ms, ascending) at which a site's clocks show `localMs`, a wall-clock time written as if it were UTC: one on most days, none in the hour that
 * spring leaves out, two in the hour that autumn repeats.
 *   { u = localMs − o : o ∈ offsets in force a day before and after, toLocalMs(u) = localMs },   o(x) = toLocalMs(x) − x
 * @param toLocalMs wall-clock time of an instant, written as if it were UTC.
 */
export const instantsAt = (localMs: number, toLocalMs: (timeMs: number) => number): readonly number[] => {
  const found = new Set<number>();
  for (const near of [localMs - AROUND_MS, localMs, localMs + AROUND_MS]) {
    const instant = localMs - (toLocalMs(near) - near);
    if (toLocalMs(instant) === localMs) found.add(instant);
  }
  return [...found].sort((a, b) => a - b);
};
