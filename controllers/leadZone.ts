import { permanentError } from "#controllers/permanentError";
import type { Plan, PredictedPlan, ZoneTrajectory } from "#domain/plan";
import type { ControlSequence, Planner, PlanRequest } from "#domain/planner";

/** Column z of [t][z] as the only one. */
const columnOf = (values: Float64Array, nz: number, z: number): Float64Array =>
  Float64Array.from({ length: values.length / nz }, (_, t) => values[t * nz + z]!);

const sequenceFor = (sequence: ControlSequence, nz: number, z: number): ControlSequence => ({
  name: sequence.name,
  heatingSetpointC: columnOf(sequence.heatingSetpointC, nz, z),
  coolingSetpointC: columnOf(sequence.coolingSetpointC, nz, z),
});

const forLead = (request: PlanRequest, lead: string): PlanRequest => {
  const nz = request.zones.length;
  const z = request.zones.indexOf(lead);
  if (z < 0)
    throw permanentError(`The request is for the zones ${request.zones.join(", ")}, not ${lead}.`, "Plan for a zone of the building.");
  return {
    ...request,
    zones: [lead],
    rulePlans: request.rulePlans.map((plan) => sequenceFor(plan, nz, z)),
    otherPlans: request.otherPlans.map((plan) => sequenceFor(plan, nz, z)),
  };
};

/** The lead zone's setpoints for every zone; of the others nothing is predicted. */
const forAll = (plan: PredictedPlan, lead: string, zones: readonly string[]): PredictedPlan => {
  const trajectory = plan.zones[lead]!;
  const follow = (zone: string): ZoneTrajectory => (zone === lead ? trajectory : { ...trajectory, meanC: [], stdDevK: [] });
  return { ...plan, zones: Object.fromEntries(zones.map((zone) => [zone, follow(zone)])) };
};

/**
 * A planner for one zone drives them all: it sees the request of zone `lead` alone, and its setpoints become every zone's. So the published learned
 * controllers do it, which plan for one zone of the five-zone office. A plan that falls back on the rule keeps to the lead zone's rule likewise.
 */
export const driveAllFrom = (planner: Planner, lead: string): Planner => ({
  name: planner.name,
  close: () => planner.close(),
  plan: async (request, signal): Promise<Plan> => {
    const plan = await planner.plan(forLead(request, lead), signal);
    const { zones } = request;
    const comfort = Object.fromEntries(
      zones.map((zone) => {
        const { lowerC, upperC, occupied } = request.comfort.get(zone)!;
        const first = <T>(values: Iterable<T>): T[] => [...values].slice(0, request.horizonSteps);
        return [zone, { lowerC: first(lowerC), upperC: first(upperC), occupied: first(occupied).map((value) => value !== 0) }];
      }),
    );
    return {
      ...plan,
      comfort,
      chosen: forAll(plan.chosen, lead, zones),
      rule: plan.rule === null ? null : forAll(plan.rule, lead, zones),
    };
  },
});
