import type { PredictedCandidate } from "#controllers/mppi/pool";
import { type Sequence, sequenceOf } from "#controllers/mppi/samples";
import type { CostTerms, PredictedPlan, ZoneComfort, ZoneTrajectory } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";

const NO_COST: CostTerms = { comfort: 0, energy: 0, uncertainty: 0, movement: 0, total: 0 };

/** Column z of rows [t][z]. */
const column = (values: Float64Array, nz: number, z: number): number[] =>
  Array.from({ length: values.length / nz }, (_, t) => values[t * nz + z]!);

/** A sequence and what the model expects of it, as plain JSON. */
export const predictedPlan = (zones: readonly string[], candidate: PredictedCandidate, horizonSteps: number): PredictedPlan => {
  const nz = zones.length;
  const size = horizonSteps * nz;
  const { batch, result, k } = candidate;
  const { heatingSetpointC, coolingSetpointC } = sequenceOf(batch, k, size);
  const trajectories: Record<string, ZoneTrajectory> = {};
  zones.forEach((zone, z) => {
    trajectories[zone] = {
      heatingSetpointC: column(heatingSetpointC, nz, z),
      coolingSetpointC: column(coolingSetpointC, nz, z),
      meanC: column(result.meanC.subarray(k * size, (k + 1) * size), nz, z),
      stdDevK: column(result.stdDevK.subarray(k * size, (k + 1) * size), nz, z),
    };
  });
  return { zones: trajectories, powerW: [...result.powerW.subarray(k * horizonSteps, (k + 1) * horizonSteps)], cost: candidate.terms };
};

/** A sequence that nobody can predict: no temperatures, no power, no costs. */
export const unpredictedPlan = (zones: readonly string[], { heatingSetpointC, coolingSetpointC }: Sequence): PredictedPlan => {
  const nz = zones.length;
  const trajectories: Record<string, ZoneTrajectory> = {};
  zones.forEach((zone, z) => {
    trajectories[zone] = {
      heatingSetpointC: column(heatingSetpointC, nz, z),
      coolingSetpointC: column(coolingSetpointC, nz, z),
      meanC: [],
      stdDevK: [],
    };
  });
  return { zones: trajectories, powerW: [], cost: NO_COST };
};

/** The parts of a plan that only repeat the request. */
export const planFrame = (request: PlanRequest) => {
  const { horizonSteps, nowMs, stepS } = request;
  const comfort: Record<string, ZoneComfort> = {};
  for (const zone of request.zones) {
    const schedule = request.comfort.get(zone);
    comfort[zone] = {
      lowerC: [...(schedule?.lowerC ?? [])].slice(0, horizonSteps),
      upperC: [...(schedule?.upperC ?? [])].slice(0, horizonSteps),
      occupied: Array.from(schedule?.occupied ?? [])
        .slice(0, horizonSteps)
        .map((value) => value !== 0),
    };
  }
  const sun = request.forecast.columns.get("site.globalHorizontalIrradianceWm2");
  return {
    schema: "1.0" as const,
    issuedAtMs: nowMs,
    stepS,
    stepEndMs: Array.from({ length: horizonSteps }, (_, t) => nowMs + (t + 1) * stepS * 1000),
    comfort,
    outdoorAirTempC: [...(request.forecast.columns.get("site.outdoorAirTempC") ?? [])].slice(0, horizonSteps),
    ...(sun === undefined ? {} : { globalHorizontalIrradianceWm2: [...sun].slice(0, horizonSteps) }),
    pricePerKwh: [...request.pricePerKwh].slice(0, horizonSteps),
  };
};
