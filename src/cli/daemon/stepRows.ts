import type { Observation, PointName, TelemetryPoint } from "#domain/points";

/** What acts on a building over a whole step: its mean counts. Temperatures, setpoints and meter readings are what they are at the step's end. */
const isMeanOverStep = (point: PointName): boolean =>
  point.startsWith("site.") || point.endsWith(".occupancyCount") || (point.startsWith("building.") && point.endsWith("W"));

/** One step's values as they come in. */
export class StepRow {
  readonly #sums = new Map<PointName, { sum: number; count: number }>();
  readonly #last = new Map<PointName, TelemetryPoint>();

  add(point: TelemetryPoint): void {
    if (isMeanOverStep(point.point)) {
      const sums = this.#sums.get(point.point) ?? { sum: 0, count: 0 };
      this.#sums.set(point.point, { sum: sums.sum + point.value, count: sums.count + 1 });
      return;
    }
    const before = this.#last.get(point.point);
    if (before === undefined || point.timeMs >= before.timeMs) this.#last.set(point.point, point);
  }

  values(): Map<PointName, number> {
    const values = new Map<PointName, number>();
    for (const [point, { sum, count }] of this.#sums) values.set(point, sum / count);
    for (const [point, { value }] of this.#last) values.set(point, value);
    return values;
  }
}

/** End of the step that holds `timeMs`: steps are open at their begin and closed at their end, which lies `phaseS` after a whole step since 1970. */
export const stepEndOf = (timeMs: number, stepS: number, phaseS = 0): number =>
  (Math.ceil((timeMs / 1000 - phaseS) / stepS) * stepS + phaseS) * 1000;

/** Points in the order of time as rows of the control grid: means for what acts over a step, the last value for everything else. Steps without any point have no row. */
export async function* rowsOnGrid(points: AsyncIterable<TelemetryPoint>, stepS: number, phaseS = 0): AsyncGenerator<Observation> {
  let endMs = Number.NaN;
  let row = new StepRow();
  for await (const point of points) {
    const end = stepEndOf(point.timeMs, stepS, phaseS);
    if (end !== endMs) {
      if (!Number.isNaN(endMs)) yield { timeMs: endMs, values: row.values() };
      endMs = end;
      row = new StepRow();
    }
    row.add(point);
  }
  if (!Number.isNaN(endMs)) yield { timeMs: endMs, values: row.values() };
}

/** The steps that are under way, so that a control tick sees the means over the step that ends with it. */
export interface StepMeans {
  add(points: readonly TelemetryPoint[]): void;
  /** Means over the step that ends at the grid time nearest to `timeMs`; points that had no value in it are absent. */
  at(timeMs: number): ReadonlyMap<PointName, number>;
}

/** Steps kept: the one that ends now, the next, and one for latecomers. */
const STEPS_KEPT = 3;

export const createStepMeans = (stepS: number, phaseS = 0): StepMeans => {
  const rows = new Map<number, StepRow>();
  return {
    add: (points) => {
      for (const point of points) {
        if (!isMeanOverStep(point.point)) continue;
        const endMs = stepEndOf(point.timeMs, stepS, phaseS);
        let row = rows.get(endMs);
        if (row === undefined) {
          row = new StepRow();
          rows.set(endMs, row);
          for (const old of [...rows.keys()].sort((a, b) => a - b).slice(0, -STEPS_KEPT)) rows.delete(old);
        }
        row.add(point);
      }
    },
    at: (timeMs) => rows.get((Math.round((timeMs / 1000 - phaseS) / stepS) * stepS + phaseS) * 1000)?.values() ?? new Map(),
  };
};
