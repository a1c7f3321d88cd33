import { type ComfortAround, type RuleStart, ruleSequence } from "#controllers/ruleBased";
import type { ControlSequence, Planner } from "#domain/planner";
import { planOfSequence } from "#loop/rulePlan";

/** The comfort band day and night, its heating side raised by so much: what people end up with where no lead is long enough. */
export interface ConstantBand {
  readonly raiseK: number;
}
/** The rule that acts. */
export type ActingRule = RuleStart | ConstantBand;
const isConstant = (rule: ActingRule): rule is ConstantBand => "raiseK" in rule;

/** Which rules make sense in a building. */
export interface RuleHabits {
  /** Longest lead that a planner is shown, in steps. */
  readonly maxLeadSteps: number;
  /** What `rule-best` tries. */
  readonly tried: readonly ActingRule[];
  /** What a learned controller falls back to. */
  readonly fallback: RuleStart;
  /** Steps that a plan looks ahead, where nobody says: a lead, and the hours that show whether it was long enough. */
  readonly horizonSteps: number;
}

const bothWays = (leadSteps: number): RuleStart[] => [
  { leadSteps, ramp: false },
  // Lead 0 has no ramp.
  ...(leadSteps > 0 ? [{ leadSteps, ramp: true }] : []),
];
const upTo = (last: number, first = 0, by = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / by) + 1 }, (_, i) => first + i * by);

/** The protocol's: leads of up to three hours. */
const quick: RuleHabits = {
  maxLeadSteps: 12,
  tried: upTo(12).flatMap(bothWays),
  fallback: { leadSteps: 4, ramp: true },
  horizonSteps: 20,
};
/** Where the floor is the heater: up to twelve hours, by the hour beyond three; the fallback starts six hours early. */
const slow: RuleHabits = {
  maxLeadSteps: 48,
  tried: [...[...upTo(12), ...upTo(48, 16, 4)].flatMap(bothWays), ...[0, 0.25, 0.5, 0.75, 1].map((raiseK) => ({ raiseK }))],
  fallback: { leadSteps: 24, ramp: false },
  horizonSteps: 96,
};
export const ruleHabits = (answersSlowly: boolean): RuleHabits => (answersSlowly ? slow : quick);

export const actingRuleName = (rule: ActingRule): string =>
  isConstant(rule)
    ? `constant${rule.raiseK > 0 ? `, ${rule.raiseK} K above the band` : ""}`
    : `lead ${rule.leadSteps}${rule.ramp ? " ramp" : ""}`;

/** How `simulate --json` names the best rule. */
export const bestRuleFields = (
  rule: ActingRule,
): { readonly bestLead: number; readonly bestRamp: boolean } | { readonly bestConstantRaiseK: number } =>
  isConstant(rule) ? { bestConstantRaiseK: rule.raiseK } : { bestLead: rule.leadSteps, bestRamp: rule.ramp };

/** The coming setpoints under a rule. */
export function actingSequence(around: ComfortAround, rule: ActingRule): ControlSequence {
  if (!isConstant(rule)) return ruleSequence(around, rule);
  // Everybody is always there: the band from the first step to the last.
  const comfort = [...around.comfort].map(
    ([zone, { lowerC, upperC, occupied }]) =>
      [
        zone,
        {
          lowerC: lowerC.map((lower, row) => Math.min(lower + rule.raiseK, upperC[row]!)),
          upperC,
          occupied: new Uint8Array(occupied.length).fill(1),
        },
      ] as const,
  );
  return { ...ruleSequence({ ...around, comfort: new Map(comfort) }, { leadSteps: 0, ramp: false }), name: `rule ${actingRuleName(rule)}` };
}

/** The rule as a controller of its own: carries out the request's first rule plan, and that is no fallback. */
export const rulePlanner = (): Planner => ({
  name: "rule",
  plan: async (request) => {
    const sequence = request.rulePlans[0]!;
    return planOfSequence(request, sequence, { source: "rule", fallback: null, reason: `Follows the ${sequence.name}.` });
  },
  close: async () => undefined,
});
