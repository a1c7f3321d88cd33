import { quantile } from "#math/statistics";
import { type Span, spansWhere } from "#models/trainingGate/report";

export interface StuckInput {
  readonly values: Float64Array;
  /** Rows at which standing still is no wonder: a thermostat holds the zone on its setpoint. */
  readonly mayStand: (row: number) => boolean;
  /** Whether anything that moves the value moved over these rows. */
  readonly somethingMoved: (span: Span) => boolean;
  /** Rows of standing still below which nothing is suspected. */
  readonly leastRows: number;
}

/**
 * Spans in which a value is exactly the same for longer than its own habit: beyond max(`leastRows`, six times the run length that 90 % of its runs keep
 * below). A sensor that reports in half kelvins stands still for hours, and its habit says so; runs that may stand do not count for either.
 */
export const stuckSpans = ({ values, mayStand, somethingMoved, leastRows }: StuckInput): readonly Span[] => {
  const runs: Span[] = [];
  let from = 0;
  for (let i = 1; i <= values.length; i++) {
    if (i < values.length && values[i] === values[from]) continue;
    if (Number.isFinite(values[from]!)) runs.push({ from, to: i });
    from = i;
  }
  const unexplained = (run: Span): number => {
    let count = 0;
    for (let row = run.from; row < run.to; row++) if (!mayStand(row)) count++;
    return count;
  };
  const free = runs.map(unexplained);
  const habits = free.filter((count) => count > 0);
  // A few runs are no habit: then the column hardly ever moved, and the limit alone decides.
  const threshold = habits.length < 8 ? leastRows : Math.max(leastRows, 6 * quantile(habits, 0.9));
  return runs.filter((run, k) => free[k]! >= threshold && somethingMoved(run)).map((run) => trimmed(run, mayStand));
};

/** Without the rows at either end that may stand: those are as good as any others. */
const trimmed = ({ from, to }: Span, mayStand: (row: number) => boolean): Span => {
  let [first, end] = [from, to];
  while (mayStand(first)) first++;
  while (mayStand(end - 1)) end--;
  return { from: first, to: end };
};

/** Largest minus smallest finite value over a span; 0 where there are none. */
export const movement = (values: Float64Array | undefined, { from, to }: Span): number => {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = from; row < to; row++) {
    const value = values?.[row] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high > low ? high - low : 0;
};

/** Spans without any value, of at least `leastRows`. */
export const missingSpans = (values: Float64Array, leastRows: number): readonly Span[] =>
  spansWhere(values.length, (row) => !Number.isFinite(values[row]!)).filter(({ from, to }) => to - from >= leastRows);
