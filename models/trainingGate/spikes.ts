import { quantile } from "#math/statistics";
import type { Span } from "#models/trainingGate/report";

/** A spike lasts this many rows at most … */
const LONGEST_ROWS = 3;
/** … or this many where it stands still meanwhile, as a sensor without contact does. What lasts longer is for `stuckSpans`. */
const LONGEST_STANDING_ROWS = 16;

const ROUNDS = 4;

/**
 * Jumps away and back again within three rows (sixteen on one value), out of proportion to how the column moves otherwise: with a = |jump out| and
 * b = |jump back| in opposite directions, min(a, b) beyond max(`leastK`, four times what 95 % of steps keep below), and the value afterwards nearer to
 * the one before than half of that. Spikes found do not count among those steps, so the search is repeated without them, four times at most.
 */
export const spikes = (values: Float64Array, leastK: number): readonly Span[] => {
  const left = values.slice();
  const found: Span[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const more = spikesBeyond(left, thresholdOf(left, leastK));
    if (more.length === 0) break;
    found.push(...more);
    for (const { from, to } of more) left.fill(Number.NaN, from, to);
  }
  return found.sort((a, b) => a.from - b.from);
};

const thresholdOf = (values: Float64Array, leastK: number): number => {
  const steps: number[] = [];
  for (let i = 1; i < values.length; i++) {
    const step = Math.abs(values[i]! - values[i - 1]!);
    if (Number.isFinite(step)) steps.push(step);
  }
  return steps.length < 8 ? Number.POSITIVE_INFINITY : Math.max(leastK, 4 * quantile(steps, 0.95));
};

const spikesBeyond = (values: Float64Array, threshold: number): readonly Span[] => {
  const found: Span[] = [];
  for (let i = 1; i + 1 < values.length; i++) {
    const before = values[i - 1]!;
    const out = values[i]! - before;
    if (!(Math.abs(out) > threshold)) continue;
    for (let end = i + 1; end <= i + LONGEST_STANDING_ROWS && end < values.length; end++) {
      if (end > i + LONGEST_ROWS && values[end - 1] !== values[i]) break;
      const back = values[end]! - values[end - 1]!;
      const size = Math.min(Math.abs(out), Math.abs(back));
      if (Math.sign(back) === -Math.sign(out) && size > threshold && Math.abs(values[end]! - before) < 0.5 * size) {
        found.push({ from: i, to: end });
        i = end;
        break;
      }
    }
  }
  return found;
};
