import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import type { PointName } from "#domain/points";
import { type GateFinding, shownTime } from "#models/trainingGate/report";

const HOUR_MS = 3_600_000;
const MOST_MISSING_SHARE = 20;

/**
 * The same data in order of time, one row per grid time: identical repeats are merged, cells on which repeats disagree become missing, times that are not
 * there become rows without values. Data that are in order already come back as they are. Refused (exit code 78): an hour that local time has twice,
 * times off the grid, and a grid that would be almost empty.
 */
export const orderRows = (dataset: Dataset): { readonly dataset: Dataset; readonly findings: readonly GateFinding[] } => {
  const { timesMs, stepS } = dataset;
  const stepMs = stepS * 1000;
  let even = timesMs.length === 0 || Number.isFinite(timesMs[0]!);
  for (let i = 1; i < timesMs.length && even; i++) even = timesMs[i]! - timesMs[i - 1]! === stepMs;
  if (even) return { dataset, findings: [] };
  if (!timesMs.every(Number.isFinite))
    throw configurationError("A row has no time.", { todo: "Give every row a time, or leave the row out." });
  refuseRepeatedHour(dataset);
  const order = Array.from(timesMs, (_, row) => row).sort((a, b) => timesMs[a]! - timesMs[b]! || a - b);
  const startMs = timesMs[order[0]!]!;
  const slots = order.map((row) => (timesMs[row]! - startMs) / stepMs);
  const off = slots.findIndex((slot) => !Number.isInteger(slot));
  if (off >= 0)
    throw configurationError(`${shownTime(timesMs[order[off]!]!)} is not on the grid of ${stepS} s that begins at ${shownTime(startMs)}.`, {
      todo: "Resample the data to an even time step.",
    });
  const rows = slots.at(-1)! + 1;
  if (rows > MOST_MISSING_SHARE * timesMs.length + 96)
    throw configurationError(`${timesMs.length} rows are spread over ${rows} steps of ${stepS} s.`, {
      todo: "Split the data where nothing was recorded, or resample them to the step that they have.",
    });
  const columns = new Map<PointName, Float64Array>(
    [...dataset.columns.keys()].map((point) => [point, new Float64Array(rows).fill(Number.NaN)]),
  );
  const filled = new Uint8Array(rows);
  let merged = 0;
  let contradicted = 0;
  order.forEach((row, k) => {
    const slot = slots[k]!;
    let agrees = true;
    for (const [point, values] of dataset.columns) {
      const column = columns.get(point)!;
      const value = values[row]!;
      if (filled[slot] === 0) column[slot] = value;
      else if (!Object.is(column[slot], value)) {
        // Which of two readings is right nobody knows; one that was missing is no contradiction.
        if (Number.isNaN(column[slot]!)) column[slot] = value;
        else if (!Number.isNaN(value)) {
          column[slot] = Number.NaN;
          agrees = false;
        }
      }
    }
    if (filled[slot] === 1) merged++;
    if (!agrees) contradicted++;
    filled[slot] = 1;
  });
  const unordered = timesMs.reduce((count, time, i) => count + Number(i > 0 && time < timesMs[i - 1]!), 0);
  const grid = Float64Array.from({ length: rows }, (_, k) => startMs + k * stepMs);
  const whole = { point: null, fromMs: startMs, toMs: grid[rows - 1]! } as const;
  const findings: GateFinding[] = [];
  if (unordered > 0)
    findings.push({
      ...whole,
      reason: "unordered",
      action: "repaired",
      rows: unordered,
      text: `Rows were not in order of time (${unordered} step(s) back): sorted.`,
    });
  if (merged > 0)
    findings.push({
      ...whole,
      reason: "duplicateTime",
      action: "repaired",
      rows: merged,
      text: `${merged} row(s) repeat a time: merged${contradicted === 0 ? "" : `; in ${contradicted} of them values disagree, those are left out of training`}.`,
    });
  return { dataset: { stepS, timesMs: grid, columns }, findings };
};

/** At the end of daylight saving time local clocks show an hour twice: nobody can tell which of the two rows is which, and every later row would be an hour off. */
const refuseRepeatedHour = ({ timesMs, columns }: Dataset): void => {
  const back: number[] = [];
  for (let i = 1; i < timesMs.length; i++) if (timesMs[i]! < timesMs[i - 1]!) back.push(i);
  if (back.length !== 1) return;
  const at = back[0]!;
  const lostMs = timesMs[at - 1]! - timesMs[at]!;
  if (lostMs > HOUR_MS) return;
  const differs = [...columns.values()].some((values) => {
    for (let i = at; i < timesMs.length && timesMs[i]! <= timesMs[at - 1]!; i++) {
      const twin = timesMs.indexOf(timesMs[i]!);
      if (twin < at && Number.isFinite(values[twin]!) && !Object.is(values[twin], values[i])) return true;
    }
    return false;
  });
  if (!differs) return;
  throw configurationError(
    `The time goes back from ${shownTime(timesMs[at - 1]!)} to ${shownTime(timesMs[at]!)}, with other values: an hour is there twice.`,
    {
      todo: "It looks like the end of daylight saving time: export local standard time, UTC, or times with an offset (…+01:00).",
    },
  );
};
