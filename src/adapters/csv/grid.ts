import { formatTimeCell } from "#adapters/csv/cells";
import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import type { PointName } from "#domain/points";

/** A dataset and what was repaired or left out on the way, in words. */
export interface CsvDataset extends Dataset {
  readonly warnings: readonly string[];
}

interface Rows {
  readonly file: string;
  readonly timesMs: readonly number[];
  /** Line of each row in the file. */
  readonly lines: readonly number[];
  readonly points: readonly { readonly point: PointName; readonly name: string; readonly values: readonly number[] }[];
  readonly maxGapS: number;
  readonly warnings: readonly string[];
}

/** The most frequent distance between neighbours; of equally frequent ones the smallest. */
function usualStepMs(timesMs: readonly number[]): number {
  const counts = new Map<number, number>();
  for (let i = 1; i < timesMs.length; i++) {
    const step = timesMs[i]! - timesMs[i - 1]!;
    if (step > 0) counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  let best = 0;
  for (const [step, count] of counts) {
    const bestCount = counts.get(best) ?? 0;
    if (count > bestCount || (count === bestCount && step < best)) best = step;
  }
  return best;
}

const span = (ms: number): string =>
  ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;

/** Puts rows on an even grid: refuses what goes back, repeats with other values or lies between grid times; fills gaps; reports every repair. */
export function onEvenGrid({ file, timesMs, lines, points, maxGapS, warnings: before }: Rows): CsvDataset {
  const warnings = [...before];
  const fail = (i: number, message: string, todo: string) => configurationError(message, { place: { file, line: lines[i]! }, todo });
  if (timesMs.length < 2)
    throw configurationError(
      timesMs.length === 0 ? "The file has a header but no rows." : "One row is not enough: its time step is unknown.",
      {
        place: { file, line: lines[0] ?? 1 },
        todo: "Give at least two rows.",
      },
    );
  const stepMs = usualStepMs(timesMs);
  if (stepMs === 0) throw fail(1, "The times do not go forward.", "Rows must be in order of time.");
  if (stepMs % 1000 !== 0)
    throw fail(1, `The time step is ${stepMs} ms; it must be whole seconds.`, "Write times without fractions of seconds.");
  const startMs = timesMs[0]!;
  const isRepeat = (i: number) => points.every(({ values }) => Object.is(values[i], values[i - 1]));
  const slot: number[] = [0];
  const kept: number[] = [0];
  let repeats = 0;
  let filled = 0;
  let gaps = 0;
  let longest = { steps: 0, i: 0 };
  for (let i = 1; i < timesMs.length; i++) {
    const stepFromLast = timesMs[i]! - timesMs[i - 1]!;
    const now = formatTimeCell(timesMs[i]!);
    if (stepFromLast === 0) {
      if (!isRepeat(i)) throw fail(i, `${now} is there twice, with different values.`, "Keep one of the two rows.");
      repeats++;
      continue;
    }
    if (stepFromLast < 0) {
      const autumn = stepFromLast > -7_200_000;
      throw fail(
        i,
        `The time goes back from ${formatTimeCell(timesMs[i - 1]!)} to ${now}.`,
        autumn
          ? "It looks like the end of daylight saving time: export local standard time, UTC, or times with an offset (…+01:00)."
          : "Sort the rows by time.",
      );
    }
    const offsetMs = timesMs[i]! - startMs;
    if (offsetMs % stepMs !== 0)
      throw fail(
        i,
        `${now} is not on the grid of ${span(stepMs)} that begins at ${formatTimeCell(startMs)}.`,
        "Resample the data to an even time step.",
      );
    const steps = stepFromLast / stepMs;
    if (steps > 1) {
      if (stepFromLast > maxGapS * 1000 + stepMs)
        throw fail(
          i,
          `Nothing between ${formatTimeCell(timesMs[i - 1]!)} and ${now}: a gap of ${span(stepFromLast - stepMs)}, longer than ${span(maxGapS * 1000)}.`,
          "Split the file there, or fill the gap.",
        );
      gaps++;
      filled += steps - 1;
      if (steps > longest.steps) longest = { steps, i };
    }
    slot.push(offsetMs / stepMs);
    kept.push(i);
  }
  if (repeats > 0) warnings.push(`${file}: ${repeats} row(s) were there twice, with the same values; one of each is kept.`);
  if (gaps > 0)
    warnings.push(
      `${file}: ${gaps} gap(s) filled with ${filled} missing row(s); the longest ends at line ${lines[longest.i]!} (${formatTimeCell(timesMs[longest.i]!)}).`,
    );
  const rows = slot.at(-1)! + 1;
  const columns = new Map<PointName, Float64Array>();
  for (const { point, values } of points) {
    const column = new Float64Array(rows).fill(Number.NaN);
    for (const [k, i] of kept.entries()) column[slot[k]!] = values[i]!;
    columns.set(point, column);
  }
  return { stepS: stepMs / 1000, timesMs: Float64Array.from({ length: rows }, (_, k) => startMs + k * stepMs), columns, warnings };
}
