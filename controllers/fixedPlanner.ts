import { admit } from "#controllers/admission";
import { planFrame, unpredictedPlan } from "#controllers/mppi/predictedPlan";
import { permanentError } from "#controllers/permanentError";
import type { Plan } from "#domain/plan";
import type { ControlSequence, Planner, PlanRequest } from "#domain/planner";
import type { ControlSource } from "#domain/setpoints";

/** A plan of a given sequence that no model predicted, made admissible; for controllers without a model and for every fallback before one is there. */
export const fixedPlan = (
  request: PlanRequest,
  sequence: ControlSequence,
  source: ControlSource,
  reason: string,
  fallback: Plan["fallback"] = null,
): Plan => {
  const { zones, horizonSteps, inForce, limits } = request;
  const heatingSetpointC = sequence.heatingSetpointC.slice();
  const coolingSetpointC = sequence.coolingSetpointC.slice();
  admit(heatingSetpointC, coolingSetpointC, 0, horizonSteps, zones.length, {
    limits,
    inForceHeatingC: Float64Array.from(zones, (zone) => inForce.get(zone)?.heatingSetpointC ?? Number.NaN),
    inForceCoolingC: Float64Array.from(zones, (zone) => inForce.get(zone)?.coolingSetpointC ?? Number.NaN),
    gridK: 0,
  });
  return {
    ...planFrame(request),
    source,
    chosen: unpredictedPlan(zones, { heatingSetpointC, coolingSetpointC }),
    rule: null,
    reason,
    fallback,
    diagnostics: {
      numSamples: 0,
      horizonSteps,
      samplesDiscarded: 0,
      samplesNotFinite: 0,
      effectiveSampleSize: 0,
      mppiTemperature: 0,
      spreadBoundK: 0,
      solveMs: 0,
      backend: "none",
      seed: request.seed,
    },
  };
};

/** Carries out the request's first rule plan, always. A request without one rejects with `IsothermError`. */
export const createRulePlanner = (): Planner => ({
  name: "rule",
  plan: async (request) => {
    const [rule] = request.rulePlans;
    if (rule === undefined) throw permanentError("The request holds no plan of the rule.", "Give the rule's plans.");
    return fixedPlan(request, rule, "rule", `Follows the ${rule.name}.`);
  },
  close: async () => undefined,
});

/** Carries out the building's own schedule: the plan named `schedule` among the request's others. A request without one rejects with `IsothermError`. */
export const createSchedulePlanner = (): Planner => ({
  name: "schedule",
  plan: async (request) => {
    const schedule = request.otherPlans.find(({ name }) => name === "schedule");
    if (schedule === undefined)
      throw permanentError("The request does not hold the building's schedule.", "Give it as the plan named schedule.");
    return fixedPlan(request, schedule, "schedule", "Follows the building's own schedule.");
  },
  close: async () => undefined,
});
