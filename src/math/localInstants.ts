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

const DAY_MS = 86_400_000;

/**
 * Begin of the billing period that holds `timeMs`: local midnight of the newest day of month `billingDay` (1…28). Where clocks skip that midnight, the first moment after it.
 */
export const billingStartMs = (timeMs: number, billingDay: number, toLocalMs: (timeMs: number) => number): number => {
  const local = new Date(toLocalMs(timeMs));
  const month = local.getUTCDate() >= billingDay ? local.getUTCMonth() : local.getUTCMonth() - 1;
  const midnight = Date.UTC(local.getUTCFullYear(), month, billingDay);
  for (let localMs = midnight; localMs < midnight + DAY_MS; localMs += 900_000) {
    const [instant] = instantsAt(localMs, toLocalMs);
    if (instant !== undefined) return instant;
  }
  return midnight;
};
