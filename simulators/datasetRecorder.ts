import type { Dataset } from "#domain/dataset";
import type { Observation, PointName } from "#domain/points";

/** Collects the rows of a run into a `Dataset`; a point that is absent from a row is NaN there. */
export class DatasetRecorder {
  readonly #stepS: number;
  readonly #rows: Observation[] = [];

  constructor(stepS: number) {
    this.#stepS = stepS;
  }

  add(row: Observation): void {
    this.#rows.push(row);
  }

  get length(): number {
    return this.#rows.length;
  }

  /** Rows `from` (inclusive) … `to` (exclusive). */
  dataset(from = 0, to = this.#rows.length): Dataset {
    const rows = this.#rows.slice(from, to);
    const points = new Set<PointName>();
    for (const row of rows) for (const point of row.values.keys()) points.add(point);
    const columns = new Map<PointName, Float64Array>();
    for (const point of points)
      columns.set(
        point,
        Float64Array.from(rows, (row) => row.values.get(point) ?? Number.NaN),
      );
    return { stepS: this.#stepS, timesMs: Float64Array.from(rows, (row) => row.timeMs), columns };
  }
}
