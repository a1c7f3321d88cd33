import { IsothermError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import type { RolloutProblem, RolloutRequest } from "#domain/rollout";
import { slowMeanKey } from "#domain/rollout";
import { type EffortNeed, effortNeeds } from "#math/effort";
import { disturbancesOf, effortsOf, factorsOf, plainTerm, slowMeanRate, slowMeansOf, stateLagSteps } from "#math/features";

/** A slow mean that some zone's features need, with the zone whose temperature it follows. */
export interface SlowMeanNeed {
  readonly key: string;
  readonly zone: number;
  readonly timeConstantS: number;
  /** 1 − exp(−stepS/τ). */
  readonly rate: number;
}

/** What a rollout of a model has to be given. */
export interface RolloutRequirements {
  /** Temperatures a zone, newest included. */
  readonly temperatures: number;
  readonly slowMeans: readonly SlowMeanNeed[];
  /** Thermostats whose calls some zone's features, or the power model, name. */
  readonly efforts: readonly EffortNeed[];
  /** Points whose coming values (and, for those in `laggedDisturbances`, newest value) the features or the power model name. */
  readonly disturbances: readonly PointName[];
  readonly laggedDisturbances: readonly PointName[];
  /** Index of a zone by the point of its temperature. */
  readonly zoneOfPoint: ReadonlyMap<PointName, number>;
}

export const OUTDOOR: PointName = sitePoint("outdoorAirTempC");

const broken = (message: string): IsothermError => new IsothermError("permanent", message, { todo: "Fit the model again." });

/** What the model's features need; a model that names a zone it does not have, or looks further back than a rollout can, is refused. */
export const rolloutRequirements = (model: BuildingModel): RolloutRequirements => {
  const zoneOfPoint = new Map(model.zones.map(({ zone }, z) => [zonePoint(zone, "zoneAirTempC"), z] as const));
  const zoneNames = new Set(model.zones.map(({ zone }) => zone));
  const laggedDisturbances = new Set<PointName>();
  const slowMeans = new Map<string, SlowMeanNeed>();
  const zoneAt = (point: PointName, owner: string): number => {
    const z = zoneOfPoint.get(point);
    if (z === undefined) throw broken(`The model of zone ${owner} uses the state ${point}, which is no zone's temperature in this model.`);
    return z;
  };
  for (const { zone: owner, posterior, call } of model.zones) {
    if (call !== undefined && !zoneNames.has(call.zone))
      throw broken(`The model of zone ${owner} uses the calls of ${call.zone}, which is no zone of this model.`);
    for (const { term } of posterior.features) {
      for (const plain of factorsOf(plainTerm(term))) {
        switch (plain.kind) {
          case "state":
          case "difference":
            zoneAt(plain.point, owner);
            break;
          case "neighbour":
            zoneAt(plain.point, owner);
            zoneAt(plain.of, owner);
            break;
          case "offset":
            zoneAt(plain.of, owner);
            break;
          case "setpoint":
          case "demand":
          case "effort":
            if (!zoneNames.has(plain.zone))
              throw broken(`The model of zone ${owner} uses setpoints of ${plain.zone}, which is no zone of this model.`);
            break;
          case "disturbance":
            if (plain.lagSteps === 1) laggedDisturbances.add(plain.point);
            break;
          default:
        }
        if ((plain.kind === "disturbance" || plain.kind === "setpoint") && plain.lagSteps !== 0 && plain.lagSteps !== 1)
          throw broken(`The model of zone ${owner} uses a ${plain.kind} ${plain.lagSteps} steps back; a rollout knows 0 and 1.`);
      }
    }
    for (const { point, timeConstantS } of slowMeansOf(posterior.features)) {
      const key = slowMeanKey(point, timeConstantS);
      slowMeans.set(key, { key, zone: zoneAt(point, owner), timeConstantS, rate: slowMeanRate(model.stepS, timeConstantS) });
    }
  }
  for (const zone of model.power?.zones ?? []) {
    if (!zoneNames.has(zone)) throw broken(`The power model uses zone ${zone}, which is no zone of this model.`);
  }
  const disturbances = new Set(model.zones.flatMap(({ posterior }) => disturbancesOf(posterior.features)));
  if (model.power !== null) disturbances.add(OUTDOOR);
  return {
    temperatures: 1 + Math.max(0, ...model.zones.map(({ posterior }) => stateLagSteps(posterior.features))),
    slowMeans: [...slowMeans.values()],
    efforts: effortNeeds(
      model.zones.flatMap(({ posterior, call }) => [...effortsOf(posterior.features), ...(call === undefined ? [] : [call])]),
      model.stepS,
    ),
    disturbances: [...disturbances],
    laggedDisturbances: [...laggedDisturbances],
    zoneOfPoint,
  };
};

/** Refuses a request whose arrays do not fit the problem, naming the first that does not. */
export const checkRequest = (
  { model, maxSamples, horizonSteps }: RolloutProblem,
  needs: RolloutRequirements,
  request: RolloutRequest,
): void => {
  const { count, horizonSteps: T, initial, disturbances } = request;
  const nz = model.zones.length;
  const refuse = (message: string): never => {
    throw new IsothermError("permanent", `A rollout was asked for that does not fit its model: ${message}.`);
  };
  const atLeast = (what: string, have: number | undefined, need: number): void => {
    if (have === undefined || have < need) refuse(`${what} has ${have ?? "no"} values, not ${need}`);
  };
  if (!Number.isInteger(count) || count < 1 || count > maxSamples) refuse(`${count} sequences; it was prepared for 1 to ${maxSamples}`);
  if (!Number.isInteger(T) || T < 1 || T > horizonSteps) refuse(`${T} steps; it was prepared for 1 to ${horizonSteps}`);
  atLeast("heatingSetpointC", request.heatingSetpointC.length, count * T * nz);
  atLeast("coolingSetpointC", request.coolingSetpointC.length, count * T * nz);
  atLeast("localMs", request.localMs.length, T);
  atLeast("initial.heatingSetpointC", initial.heatingSetpointC.length, nz);
  atLeast("initial.coolingSetpointC", initial.coolingSetpointC.length, nz);
  atLeast("initial.temperaturesC", initial.temperaturesC.length, nz);
  model.zones.forEach(({ zone }, z) => {
    atLeast(`initial.temperaturesC of zone ${zone}`, initial.temperaturesC[z]?.length, needs.temperatures);
  });
  for (const { key } of needs.slowMeans) if (!initial.slowMeans.has(key)) refuse(`the slow mean ${key} is missing`);
  for (const { key, means } of needs.efforts)
    for (const name of [key, ...means.map((mean) => mean.key)])
      if (initial.efforts?.has(name) !== true) refuse(`the effort ${name} is missing`);
  for (const point of needs.disturbances) atLeast(`the disturbance ${point}`, disturbances.get(point)?.length, T);
  for (const point of needs.laggedDisturbances) if (!initial.disturbances.has(point)) refuse(`the newest value of ${point} is missing`);
};
