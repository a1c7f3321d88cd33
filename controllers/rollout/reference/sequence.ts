import type { EffortTerm } from "#domain/features";
import { type PointName, zonePoint } from "#domain/points";
import { type RolloutRequest, slowMeanKey } from "#domain/rollout";
import { callOf, type EffortLaw, type EffortNeed, effortKey, integralKey, nextIntegral } from "#math/effort";
import { type FeatureSource, slowMeanRate } from "#math/features";

/** What one control sequence knows at one step: temperatures so far, slow means, setpoints, weather. */
export class SequenceState implements FeatureSource {
  readonly count = 1;
  readonly #request: RolloutRequest;
  readonly #zones: readonly string[];
  readonly #stepS: number;
  readonly #k: number;
  /** Per zone, newest last. */
  readonly #temperatures: number[][];
  readonly #slowMeans: Map<string, number>;
  readonly #efforts: Map<string, number>;
  #t = 0;

  constructor(request: RolloutRequest, zones: readonly string[], stepS: number, k: number) {
    this.#request = request;
    this.#zones = zones;
    this.#stepS = stepS;
    this.#k = k;
    this.#temperatures = zones.map((_, z) => [...request.initial.temperaturesC[z]!]);
    this.#slowMeans = new Map(request.initial.slowMeans);
    this.#efforts = new Map(request.initial.efforts);
  }

  #zoneOf(point: PointName): number {
    return this.#zones.findIndex((zone) => zonePoint(zone, "zoneAirTempC") === point);
  }

  state(point: PointName, lagSteps: number): number {
    return this.#temperatures[this.#zoneOf(point)]!.at(-1 - lagSteps)!;
  }

  slowMean(point: PointName, timeConstantS: number): number {
    return this.#slowMeans.get(slowMeanKey(point, timeConstantS))!;
  }

  /** T_hea + offset − T, K. */
  #errorK({ zone, offsetK }: EffortLaw): number {
    return this.setpoint(zone, "heating", 0) + offsetK - this.state(zonePoint(zone, "zoneAirTempC"), 0);
  }

  effort(term: EffortTerm): number {
    return term.timeConstantS === null
      ? callOf(term, this.#efforts.get(integralKey(term))!, this.#errorK(term))
      : this.#efforts.get(effortKey(term, term.timeConstantS))!;
  }

  disturbance(point: PointName, lagSteps: number): number {
    const { disturbances, initial } = this.#request;
    const t = this.#t - lagSteps;
    return t < 0 ? initial.disturbances.get(point)! : disturbances.get(point)![t]!;
  }

  setpoint(zone: string, side: "heating" | "cooling", lagSteps: number): number {
    const { initial, horizonSteps } = this.#request;
    const name = side === "heating" ? "heatingSetpointC" : "coolingSetpointC";
    const z = this.#zones.indexOf(zone);
    const t = this.#t - lagSteps;
    return t < 0 ? initial[name][z]! : this.#request[name][(this.#k * horizonSteps + t) * this.#zones.length + z]!;
  }

  localMs(): number {
    return this.#request.localMs[this.#t]!;
  }

  /** Takes the temperatures reached at the step's end: thermostats have called, lags shift, M ← M + (1 − exp(−stepS/τ)) (T' − M). */
  advance(
    reachedC: readonly number[],
    slowMeans: readonly { readonly point: PointName; readonly timeConstantS: number }[],
    efforts: readonly EffortNeed[],
  ): void {
    for (const { key, law, means } of efforts) {
      const integral = this.#efforts.get(key)!;
      const call = callOf(law, integral, this.#errorK(law));
      this.#efforts.set(key, nextIntegral(law, integral, this.#errorK(law), this.#stepS));
      for (const mean of means) {
        const before = this.#efforts.get(mean.key)!;
        this.#efforts.set(mean.key, before + mean.rate * (call - before));
      }
    }
    for (const { point, timeConstantS } of slowMeans) {
      const key = slowMeanKey(point, timeConstantS);
      const before = this.#slowMeans.get(key)!;
      this.#slowMeans.set(key, before + slowMeanRate(this.#stepS, timeConstantS) * (reachedC[this.#zoneOf(point)]! - before));
    }
    this.#temperatures.forEach((past, z) => {
      past.push(reachedC[z]!);
    });
    this.#t++;
  }
}
