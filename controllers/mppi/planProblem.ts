import type { Admission } from "#controllers/admission";
import { defaultWeights } from "#controllers/mppi/cost";
import type { Sequence } from "#controllers/mppi/samples";
import { runsBefore } from "#controllers/mppi/shortRuns";
import { permanentError } from "#controllers/permanentError";
import type { CostProblem, CostWeights } from "#domain/cost";
import type { ControlSequence, PlanRequest } from "#domain/planner";
import type { ComfortSchedule, SetpointLimits } from "#domain/setpoints";

export interface ProblemOptions {
  readonly weights: Partial<CostWeights>;
  readonly toleranceK: number;
  readonly gridK: number;
  /** Whether every step lies between what some plans of the rule would do there. */
  readonly withinRules: boolean;
  /** Steps before a zone's first occupied one from which its band already counts. */
  readonly readySteps: number;
}

export interface PlanProblem {
  readonly cost: CostProblem;
  readonly admission: Admission;
  /** In the order of the zones; possibly longer than the horizon. */
  readonly comfort: readonly ComfortSchedule[];
}

const wrong = (message: string): Error => permanentError(message, "A request is made for the model's zones and covers the whole horizon.");

const wrongLimit = (limits: SetpointLimits): string | null => {
  for (const [name, value] of Object.entries(limits)) if (Number.isNaN(value)) return name;
  return null;
};

/** Refuses a request that does not fit together, naming what does not. */
const check = (request: PlanRequest, modelZones: readonly string[]): void => {
  const { zones, horizonSteps, rulePlans, otherPlans } = request;
  if (zones.length === 0 || zones.join("\n") !== modelZones.join("\n"))
    throw wrong(`The request is for the zones ${zones.join(", ")} and the model for ${modelZones.join(", ")}.`);
  if (!Number.isInteger(horizonSteps) || horizonSteps < 1) throw wrong(`A horizon has 1 step or more, not ${horizonSteps}.`);
  if (rulePlans.length === 0) throw wrong("The request holds no plan of the rule, which has to act where the planner may not.");
  for (const { name, heatingSetpointC, coolingSetpointC } of [...rulePlans, ...otherPlans])
    if (heatingSetpointC.length !== horizonSteps * zones.length || coolingSetpointC.length !== horizonSteps * zones.length)
      throw wrong(`The plan "${name}" does not hold ${horizonSteps} steps of ${zones.length} zones.`);
  if (request.pricePerKwh.length < horizonSteps) throw wrong(`Prices cover ${request.pricePerKwh.length} of ${horizonSteps} steps.`);
  if (request.localMs.length < horizonSteps) throw wrong(`Local times cover ${request.localMs.length} of ${horizonSteps} steps.`);
  const limit = wrongLimit(request.limits);
  if (limit !== null) throw wrong(`The setpoint limit ${limit} is not a number.`);
  for (const zone of zones) {
    const comfort = request.comfort.get(zone);
    if (comfort === undefined || Math.min(comfort.occupied.length, comfort.lowerC.length, comfort.upperC.length) < horizonSteps)
      throw wrong(`Comfort of zone ${zone} does not cover ${horizonSteps} steps.`);
  }
};

/** What is asked, as arrays [t][z]. Throws `IsothermError` on a request that does not fit together. */
export const planProblem = (request: PlanRequest, modelZones: readonly string[], options: ProblemOptions): PlanProblem => {
  check(request, modelZones);
  const { zones, horizonSteps } = request;
  const nz = zones.length;
  const comfort = zones.map((zone) => request.comfort.get(zone)!);
  const lowerC = new Float64Array(horizonSteps * nz);
  const upperC = new Float64Array(horizonSteps * nz);
  const occupied = new Uint8Array(horizonSteps * nz);
  comfort.forEach((schedule, z) => {
    for (let t = 0; t < horizonSteps; t++) {
      lowerC[t * nz + z] = schedule.lowerC[t]!;
      upperC[t * nz + z] = schedule.upperC[t]!;
      occupied[t * nz + z] = schedule.occupied[t] === 0 ? 0 : 1;
    }
  });
  makeReady(comfort, horizonSteps, options.readySteps, { lowerC, upperC, occupied });
  const pricePerKwh = request.pricePerKwh.slice(0, horizonSteps);
  const demandCharge = request.demandCharge ?? null;
  const inForceHeatingC = Float64Array.from(zones, (zone) => request.inForce.get(zone)?.heatingSetpointC ?? Number.NaN);
  const inForceCoolingC = Float64Array.from(zones, (zone) => request.inForce.get(zone)?.coolingSetpointC ?? Number.NaN);
  return {
    cost: {
      horizonSteps,
      nz,
      stepS: request.stepS,
      lowerC,
      upperC,
      occupied,
      pricePerKwh,
      demandCharge,
      inForceHeatingC,
      inForceCoolingC,
      weights: { ...defaultWeights(pricePerKwh, demandCharge?.pricePerKw ?? 0), ...options.weights },
      toleranceK: options.toleranceK,
      terminal: null,
      ...(request.equipment === undefined
        ? {}
        : { equipment: { ...request.equipment, before: runsBefore(request.history, zones, request.inForce) } }),
    },
    admission: {
      limits: request.limits,
      inForceHeatingC,
      inForceCoolingC,
      gridK: options.gridK,
      ...(options.withinRules ? envelopeOf(request.rulePlans) : {}),
    },
    comfort,
  };
};

/** Lets the band of a zone's first occupied step count `readySteps` earlier, in place; people known to come just after the horizon count as well. */
const makeReady = (
  comfort: readonly ComfortSchedule[],
  horizonSteps: number,
  readySteps: number,
  band: { readonly lowerC: Float64Array; readonly upperC: Float64Array; readonly occupied: Uint8Array },
): void => {
  const nz = comfort.length;
  comfort.forEach((schedule, z) => {
    for (let t = 0; t < horizonSteps; t++) {
      if (schedule.occupied[t] !== 0) continue;
      for (let next = t + 1; next <= t + readySteps && next < schedule.occupied.length; next++) {
        if (schedule.occupied[next] === 0) continue;
        band.occupied[t * nz + z] = 1;
        band.lowerC[t * nz + z] = schedule.lowerC[next]!;
        band.upperC[t * nz + z] = schedule.upperC[next]!;
        break;
      }
    }
  });
};

/** At every step and zone how far these plans heat and cool at most (tightest) and at least (widest). */
const envelopeOf = (plans: readonly ControlSequence[]): Required<Pick<Admission, "tightest" | "widest">> => {
  const most = (of: (plan: ControlSequence) => Float64Array, choose: (...values: number[]) => number): Float64Array =>
    of(plans[0]!).map((_, i) => choose(...plans.map((plan) => of(plan)[i]!)));
  const heating = (plan: ControlSequence): Float64Array => plan.heatingSetpointC;
  const cooling = (plan: ControlSequence): Float64Array => plan.coolingSetpointC;
  return {
    tightest: { heatingSetpointC: most(heating, Math.max), coolingSetpointC: most(cooling, Math.min) },
    widest: { heatingSetpointC: most(heating, Math.min), coolingSetpointC: most(cooling, Math.max) },
  };
};

/**
 * The previous plan's remaining steps as a sequence that begins now, matched by time; steps that it does not cover (at its end, or between after a
 * pause) are the rule's. null where nothing of it is left or its zones are others.
 */
export const shiftedPrevious = (request: PlanRequest): Sequence | null => {
  const { previousPlan, zones, horizonSteps, nowMs, stepS } = request;
  if (previousPlan === null) return null;
  const nz = zones.length;
  const stepMs = stepS * 1000;
  const heatingSetpointC = request.rulePlans[0]!.heatingSetpointC.slice();
  const coolingSetpointC = request.rulePlans[0]!.coolingSetpointC.slice();
  let used = 0;
  for (let t = 0; t < horizonSteps; t++) {
    const endMs = nowMs + (t + 1) * stepMs;
    const from = previousPlan.stepEndMs.findIndex((ms) => Math.abs(ms - endMs) < stepMs / 2);
    if (from < 0) continue;
    for (let z = 0; z < nz; z++) {
      const trajectory = previousPlan.chosen.zones[zones[z]!];
      const heating = trajectory?.heatingSetpointC[from];
      const cooling = trajectory?.coolingSetpointC[from];
      if (heating === undefined || cooling === undefined) return null;
      heatingSetpointC[t * nz + z] = heating;
      coolingSetpointC[t * nz + z] = cooling;
    }
    used++;
  }
  return used > 0 ? { heatingSetpointC, coolingSetpointC } : null;
};
