import type { RolloutRequirements, SlowMeanNeed } from "#controllers/rollout/requirements";
import type { EffortTerm } from "#domain/features";
import type { PointName } from "#domain/points";
import type { RolloutProblem, RolloutRequest } from "#domain/rollout";
import { slowMeanKey } from "#domain/rollout";
import { EffortColumns } from "#math/effort";
import type { FeatureSource, SampleColumn } from "#math/features";

/** What the samples `first` to `first + count − 1` know at one step, as columns over the samples. */
export class BlockState implements FeatureSource {
  count = 0;
  t = 0;
  /** Per zone: newest first. */
  readonly #temperatures: Float64Array[][];
  readonly #slowMeans: ReadonlyMap<string, Float64Array>;
  /** Setpoints of the step (0) and the one before (1), per zone. */
  readonly #heating: readonly Float64Array[][];
  readonly #cooling: readonly Float64Array[][];
  readonly #efforts: EffortColumns;
  readonly #needs: RolloutRequirements;
  readonly #zones: readonly string[];
  #request: RolloutRequest | null = null;
  #first = 0;

  constructor({ model }: RolloutProblem, needs: RolloutRequirements, maxBatch: number) {
    const column = (): Float64Array => new Float64Array(maxBatch);
    const perZone = <V>(make: () => V): V[] => model.zones.map(make);
    this.#needs = needs;
    this.#zones = model.zones.map(({ zone }) => zone);
    this.#temperatures = perZone(() => Array.from({ length: needs.temperatures }, column));
    this.#slowMeans = new Map(needs.slowMeans.map(({ key }) => [key, column()]));
    this.#efforts = new EffortColumns(needs.efforts, model.stepS, maxBatch);
    this.#heating = perZone(() => [column(), column()]);
    this.#cooling = perZone(() => [column(), column()]);
  }

  start(request: RolloutRequest, first: number, count: number): void {
    const { initial } = request;
    this.#request = request;
    this.#first = first;
    this.count = count;
    this.t = 0;
    this.#zones.forEach((_, z) => {
      this.#temperatures[z]!.forEach((column, lag) => {
        column.fill(initial.temperaturesC[z]!.at(-1 - lag)!);
      });
      this.#heating[z]![0]!.fill(initial.heatingSetpointC[z]!);
      this.#cooling[z]![0]!.fill(initial.coolingSetpointC[z]!);
    });
    for (const [key, column] of this.#slowMeans) column.fill(initial.slowMeans.get(key)!);
    this.#efforts.start((key) => initial.efforts!.get(key)!);
    this.#takeSetpoints();
    this.#call();
  }

  #call(): void {
    this.#efforts.begin(this.count, this.#zoneTemperatureC, this.#zoneSetpointC);
  }

  readonly #zoneTemperatureC = (zone: string): Float64Array => this.temperatureC(this.#zones.indexOf(zone));
  readonly #zoneSetpointC = (zone: string): Float64Array => this.heatingSetpointC(this.#zones.indexOf(zone));

  /** What was in force becomes the step before; the sequences' entry t is in force. */
  #takeSetpoints(): void {
    const { horizonSteps, heatingSetpointC, coolingSetpointC } = this.#request!;
    const nz = this.#zones.length;
    for (const [columns, sequence] of [
      [this.#heating, heatingSetpointC],
      [this.#cooling, coolingSetpointC],
    ] as const) {
      for (let z = 0; z < nz; z++) {
        columns[z]!.reverse();
        const now = columns[z]![0]!;
        for (let k = 0; k < this.count; k++) now[k] = sequence[((this.#first + k) * horizonSteps + this.t) * nz + z]!;
      }
    }
  }

  #zoneOf(point: PointName): number {
    return this.#needs.zoneOfPoint.get(point)!;
  }

  temperatureC(z: number): Float64Array {
    return this.#temperatures[z]![0]!;
  }

  heatingSetpointC(z: number): Float64Array {
    return this.#heating[z]![0]!;
  }

  coolingSetpointC(z: number): Float64Array {
    return this.#cooling[z]![0]!;
  }

  state(point: PointName, lagSteps: number): SampleColumn {
    return this.#temperatures[this.#zoneOf(point)]![lagSteps]!;
  }

  slowMean(point: PointName, timeConstantS: number): SampleColumn {
    return this.#slowMeans.get(slowMeanKey(point, timeConstantS))!;
  }

  effort(term: EffortTerm): Float64Array {
    return this.#efforts.value(term);
  }

  disturbance(point: PointName, lagSteps: number): SampleColumn {
    const { disturbances, initial } = this.#request!;
    return this.t < lagSteps ? initial.disturbances.get(point)! : disturbances.get(point)![this.t - lagSteps]!;
  }

  setpoint(zone: string, side: "heating" | "cooling", lagSteps: number): SampleColumn {
    return (side === "heating" ? this.#heating : this.#cooling)[this.#zones.indexOf(zone)]![lagSteps]!;
  }

  localMs(): SampleColumn {
    return this.#request!.localMs[this.t]!;
  }

  /** The temperatures reached become the newest ones and the next step begins, where there is one. */
  advance(reachedC: readonly Float64Array[]): void {
    this.#efforts.end(this.count, this.#zoneTemperatureC, this.#zoneSetpointC);
    for (const need of this.#needs.slowMeans) this.#advanceSlowMean(need, reachedC[need.zone]!);
    reachedC.forEach((column, z) => {
      const lags = this.#temperatures[z]!;
      lags.unshift(lags.pop()!);
      lags[0]!.set(column.subarray(0, this.count));
    });
    this.t++;
    if (this.t < this.#request!.horizonSteps) {
      this.#takeSetpoints();
      this.#call();
    }
  }

  #advanceSlowMean({ key, rate }: SlowMeanNeed, reachedC: Float64Array): void {
    const mean = this.#slowMeans.get(key)!;
    for (let k = 0; k < this.count; k++) mean[k]! += rate * (reachedC[k]! - mean[k]!);
  }
}
