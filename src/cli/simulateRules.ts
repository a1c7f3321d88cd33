import type { Planner } from "#domain/planner";
import { planOfSequence } from "#loop/rulePlan";

/** The rule as a controller of its own: carries out the request's first rule plan, and that is no fallback. */
export const rulePlanner = (): Planner => ({
  name: "rule",
  plan: async (request) => {
    const sequence = request.rulePlans[0]!;
    return planOfSequence(request, sequence, { source: "rule", fallback: null, reason: `Follows the ${sequence.name}.` });
  },
  close: async () => undefined,
});
