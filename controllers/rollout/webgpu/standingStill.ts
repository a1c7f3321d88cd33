import type { RolloutRequirements } from "#controllers/rollout/requirements";
import type { EffortTerm } from "#domain/features";
import type { BuildingModel } from "#domain/model";
import { type PointName, zonePoint } from "#domain/points";
import { type RolloutRequest, slowMeanKey } from "#domain/rollout";
import { callOf, effortKey, integralKey } from "#math/effort";
import type { FeatureSource } from "#math/features";

/**
 * The path that all samples of a request are described relative to: weather and time as they come, every zone's temperature, setpoints and thermostats' states as they are now.
 * Being the same for all samples it is evaluated once, in float64; the GPU computes only what a sample's own temperatures change.
 */
export class StandingStill implements FeatureSource {
  readonly count = 1;
  t = 0;
  readonly #request: RolloutRequest;
  readonly #needs: RolloutRequirements;
  readonly #zones: readonly string[];
  readonly #slowMeans: Map<string, number>;

  constructor(model: BuildingModel, needs: RolloutRequirements, request: RolloutRequest) {
    this.#request = request;
    this.#needs = needs;
    this.#zones = model.zones.map(({ zone }) => zone);
    this.#slowMeans = new Map(needs.slowMeans.map(({ key }) => [key, request.initial.slowMeans.get(key)!]));
  }

  temperatureC(z: number): number {
    return this.#request.initial.temperaturesC[z]!.at(-1)!;
  }

  state(point: PointName, lagSteps: number): number {
    const z = this.#needs.zoneOfPoint.get(point)!;
    return this.#request.initial.temperaturesC[z]!.at(-1 - Math.max(0, lagSteps - this.t))!;
  }

  slowMean(point: PointName, timeConstantS: number): number {
    return this.#slowMeans.get(slowMeanKey(point, timeConstantS))!;
  }

  effort(term: EffortTerm): number {
    const efforts = this.#request.initial.efforts!;
    if (term.timeConstantS !== null) return efforts.get(effortKey(term, term.timeConstantS))!;
    const errorK = this.setpoint(term.zone, "heating") + term.offsetK - this.state(zonePoint(term.zone, "zoneAirTempC"), 0);
    return callOf(term, efforts.get(integralKey(term))!, errorK);
  }

  disturbance(point: PointName, lagSteps: number): number {
    const { disturbances, initial } = this.#request;
    return this.t < lagSteps ? initial.disturbances.get(point)! : disturbances.get(point)![this.t - lagSteps]!;
  }

  setpoint(zone: string, side: "heating" | "cooling"): number {
    const { initial } = this.#request;
    return (side === "heating" ? initial.heatingSetpointC : initial.coolingSetpointC)[this.#zones.indexOf(zone)]!;
  }

  localMs(): number {
    return this.#request.localMs[this.t]!;
  }

  advance(): void {
    for (const { key, zone, rate } of this.#needs.slowMeans) {
      const mean = this.#slowMeans.get(key)!;
      this.#slowMeans.set(key, mean + rate * (this.temperatureC(zone) - mean));
    }
    this.t++;
  }
}
