import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { StateHistory } from "#domain/model";
import type { Observation, PointName } from "#domain/points";

interface Row {
  readonly timeMs: number;
  readonly values: ReadonlyMap<PointName, number>;
}

/** The newest rows on the control grid: what the planner starts from and what is learned from. */
export interface HistoryBuffer {
  readonly stepS: number;
  /** Steps end so long after whole steps since 1970, s. */
  readonly phaseS: number;
  readonly rows: number;
  /** End of the newest row; null before the first. */
  readonly newestMs: number | null;
  /** The end of the step that `timeMs` belongs to: the nearest point of the grid. */
  gridMs(timeMs: number): number;
  /**
   * Folds an observation into the row at the nearest grid time: steps without one become rows without values, the same row again is replaced value by
   * value. False, and nothing changed, for an observation older than the newest row. Non-finite values are left out.
   */
  add(observation: Observation): boolean;
  /** The newest finite value of a point at or before the newest row, and its age in steps; null where there is none. */
  last(point: PointName): { readonly value: number; readonly ageSteps: number } | null;
  /** The newest `rows` rows (all of them by default); a column per point that has any value in them, NaN where one is missing. */
  stateHistory(rows?: number): StateHistory;
  /** Rows that end after `fromMs`. */
  dataset(fromMs?: number): Dataset;
}

/** @param maxRows older rows are forgotten; at least 1. `phaseS`: 0 unless set. */
export function createHistoryBuffer(options: {
  readonly stepS: number;
  readonly maxRows: number;
  readonly phaseS?: number;
}): HistoryBuffer {
  const { stepS, maxRows, phaseS = 0 } = options;
  const stepMs = stepS * 1000;
  const phaseMs = phaseS * 1000;
  if (!(stepS > 0) || !Number.isFinite(stepS) || !(Number.isInteger(maxRows) && maxRows >= 1))
    throw new IsothermError("permanent", `a history of ${maxRows} rows with steps of ${stepS} s cannot be kept`);
  let rows: Row[] = [];

  const gridMs = (timeMs: number): number => Math.round((timeMs - phaseMs) / stepMs) * stepMs + phaseMs;
  const columnsOf = (part: readonly Row[]): Map<PointName, Float64Array> => {
    const columns = new Map<PointName, Float64Array>();
    part.forEach(({ values }, i) => {
      for (const [point, value] of values) {
        let column = columns.get(point);
        if (column === undefined) {
          column = new Float64Array(part.length).fill(Number.NaN);
          columns.set(point, column);
        }
        column[i] = value;
      }
    });
    return columns;
  };

  return {
    stepS,
    phaseS,
    get rows() {
      return rows.length;
    },
    get newestMs() {
      return rows.at(-1)?.timeMs ?? null;
    },
    gridMs,
    add: ({ timeMs, values }) => {
      if (!Number.isFinite(timeMs)) return false;
      const endMs = gridMs(timeMs);
      const finite = new Map([...values].filter(([, value]) => Number.isFinite(value)));
      const newest = rows.at(-1);
      if (newest !== undefined && endMs < newest.timeMs) return false;
      if (newest !== undefined && endMs === newest.timeMs) {
        rows[rows.length - 1] = { timeMs: endMs, values: new Map([...newest.values, ...finite]) };
        return true;
      }
      // A gap longer than the whole buffer (a clock set forward, weeks switched off) leaves nothing worth keeping.
      const missing = newest === undefined ? 0 : (endMs - newest.timeMs) / stepMs - 1;
      if (missing >= maxRows) rows = [];
      else for (let k = missing; k > 0; k--) rows.push({ timeMs: endMs - k * stepMs, values: new Map() });
      rows.push({ timeMs: endMs, values: finite });
      if (rows.length > maxRows) rows = rows.slice(rows.length - maxRows);
      return true;
    },
    last: (point) => {
      for (let i = rows.length - 1; i >= 0; i--) {
        const value = rows[i]!.values.get(point);
        if (value !== undefined) return { value, ageSteps: rows.length - 1 - i };
      }
      return null;
    },
    stateHistory: (count = rows.length) => {
      const part = rows.slice(Math.max(0, rows.length - count));
      return { stepS, nowMs: part.at(-1)?.timeMs ?? Number.NaN, columns: columnsOf(part), rows: part.length };
    },
    dataset: (fromMs = Number.NEGATIVE_INFINITY) => {
      const part = rows.filter((row) => row.timeMs > fromMs);
      return { stepS, timesMs: Float64Array.from(part, (row) => row.timeMs), columns: columnsOf(part) };
    },
  };
}
