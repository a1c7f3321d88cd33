import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { isDriftPoint, meanOf, runningMean } from "#math/derivedPoints";
import { type EffortHistory, type EffortLaw, effortHistory, effortNeeds, integralKey } from "#math/effort";
import type { FeatureSource } from "#math/features";

/** Turns a data set's times (ms, UTC) into local wall-clock time written as if it were UTC. */
export type ToLocalMs = (timeMs: number) => number;

/** Rows of a data set as samples: sample k is the step from row rows[k] to row rows[k] + 1. */
export class DatasetRows {
  readonly #slowMeans = new Map<string, Float64Array>();
  readonly #efforts = new Map<string, EffortHistory>();
  readonly #local: Float64Array;
  constructor(
    readonly dataset: Dataset,
    toLocalMs: ToLocalMs = (timeMs) => timeMs,
  ) {
    this.#local = dataset.timesMs.map(toLocalMs);
  }

  get length(): number {
    return this.dataset.timesMs.length;
  }

  /**
   * Column of a point; a point that the data lack is NaN everywhere, a running mean (`meanPoint`) comes from the point it is of, and
   * a drift that nobody estimated is 0.
   */
  column(point: PointName): Float64Array {
    const mean = meanOf(point);
    if (mean !== null) return this.slowMean(mean.point, mean.timeConstantS);
    return this.dataset.columns.get(point) ?? new Float64Array(this.length).fill(isDriftPoint(point) ? 0 : Number.NaN);
  }

  /** M_i for every row; starts at the first temperature, holds over missing rows. */
  slowMean(point: PointName, timeConstantS: number): Float64Array {
    const key = `${point}@${timeConstantS}`;
    let values = this.#slowMeans.get(key);
    if (values === undefined) {
      values = runningMean(this.column(point), this.dataset.stepS, timeConstantS);
      this.#slowMeans.set(key, values);
    }
    return values;
  }

  /** A zone's thermostat over all rows, with the running mean of this time constant (null: none is needed). */
  effort(law: EffortLaw, timeConstantS: number | null): EffortHistory {
    const key = `${integralKey(law)}@${timeConstantS}`;
    let history = this.#efforts.get(key);
    if (history === undefined) {
      const [need] = effortNeeds([{ kind: "effort", ...law, timeConstantS }], this.dataset.stepS);
      const temperatureC = this.column(`${law.zone}.zoneAirTempC`);
      history = effortHistory(need!, temperatureC, this.column(`${law.zone}.heatingSetpointC`), this.dataset.stepS);
      this.#efforts.set(key, history);
    }
    return history;
  }

  localMs(row: number): number {
    return this.#local[row]!;
  }

  /** Samples for the steps that begin at `rows`. A row before the first is NaN. */
  source(rows: ArrayLike<number>): FeatureSource {
    const pick = (values: Float64Array, shift: number): Float64Array =>
      Float64Array.from(rows, (row) => {
        const at = row + shift;
        return at >= 0 && at < values.length ? values[at]! : Number.NaN;
      });
    return {
      count: rows.length,
      state: (point, lagSteps) => pick(this.column(point), -lagSteps),
      slowMean: (point, timeConstantS) => pick(this.slowMean(point, timeConstantS), 0),
      effort: (term) => {
        const { calls, means } = this.effort(term, term.timeConstantS);
        return pick(term.timeConstantS === null ? calls : means.get(term.timeConstantS)!, 0);
      },
      disturbance: (point, lagSteps) => pick(this.column(point), 1 - lagSteps),
      setpoint: (zone, side, lagSteps) => pick(this.column(`${zone}.${side}SetpointC`), 1 - lagSteps),
      localMs: () => pick(this.#local, 1),
    };
  }
}
