import type { ForecastScenarioFigures, PredictedPlan, ZoneComfort } from "#domain/plan";
import { normalCdf } from "#math/statistics";

/** What a sentence about a plan is made from. */
export interface ReasonInput {
  readonly zones: readonly string[];
  readonly stepS: number;
  readonly comfort: Readonly<Record<string, ZoneComfort>>;
  readonly chosen: PredictedPlan;
  /** The rule that would act. */
  readonly rule: PredictedPlan;
  readonly ruleName: string;
  /** Zone temperatures now, in the order of the zones. */
  readonly nowC: readonly number[];
  /** What costs are counted in, e.g. EUR. */
  readonly currency: string;
  /** What a kelvin-hour outside the band was weighed with. */
  readonly comfortPerKh: number;
}

/** A setpoint this far beyond the temperature makes the equipment work. */
const DEMAND_K = 0.2;
/** Comfort counts as kept within this margin of the band. */
export const MARGIN_K = 0.1;
/** Differences that a person would not feel or count. */
const FELT_K = 0.1;
const SMALLEST_AMOUNT = 0.005;
const SMALLEST_DISCOMFORT_KH = 0.05;

type Mode = "heating" | "cooling";

/** First step in which a zone's equipment is asked to work before (or when) occupancy begins. */
interface Start {
  /** Step; null: not before occupancy and not when it begins. */
  readonly step: number | null;
  readonly mode: Mode;
}

const firstOccupied = ({ occupied }: ZoneComfort): number => occupied.indexOf(true);

const startOf = (plan: PredictedPlan, zone: string, nowC: number, occupiedStep: number): Start => {
  const { heatingSetpointC, coolingSetpointC, meanC } = plan.zones[zone]!;
  for (let t = 0; t <= occupiedStep; t++) {
    const before = t === 0 ? nowC : meanC[t - 1]!;
    if (heatingSetpointC[t]! > before + DEMAND_K) return { step: t, mode: "heating" };
    if (coolingSetpointC[t]! < before - DEMAND_K) return { step: t, mode: "cooling" };
  }
  return { step: null, mode: "heating" };
};

const minutes = (steps: number, stepS: number): string => `${Math.round((steps * stepS) / 60)} min`;
const others = (count: number): string => (count === 0 ? "" : ` (and ${count} more ${count === 1 ? "zone" : "zones"})`);

/** How the start of the zone whose start differs most from the rule's differs; null where all start alike. */
const startClause = (input: ReasonInput): string | null => {
  const { stepS } = input;
  const differing = input.zones.flatMap((zone, z) => {
    const occupiedStep = firstOccupied(input.comfort[zone]!);
    if (occupiedStep < 1) return [];
    const chosen = startOf(input.chosen, zone, input.nowC[z]!, occupiedStep);
    const rule = startOf(input.rule, zone, input.nowC[z]!, occupiedStep);
    const later = (chosen.step ?? occupiedStep + 1) - (rule.step ?? occupiedStep + 1);
    return later === 0 ? [] : [{ zone, occupiedStep, chosen, rule, later }];
  });
  if (differing.length === 0) return null;
  const most = differing.reduce((a, b) => (Math.abs(b.later) > Math.abs(a.later) ? b : a));
  const { zone, occupiedStep, chosen, rule, later } = most;
  const rest = others(differing.length - 1);
  if (chosen.step === null)
    return `Does not start ${rule.mode} ${zone}${rest} for occupancy, where the rule would ${minutes(occupiedStep - rule.step!, stepS)} before`;
  const lead = occupiedStep - chosen.step;
  const when = lead === 0 ? "when occupancy begins" : `${minutes(lead, stepS)} before occupancy`;
  const verb = `Starts ${chosen.mode} ${zone}${rest} ${when}`;
  if (rule.step === null) return `${verb}, where the rule would not start at all`;
  return `${verb}, ${minutes(Math.abs(later), stepS)} ${later > 0 ? "later" : "earlier"} than the rule would`;
};

/** Largest mean temperature difference to the rule over a zone's occupied (or empty) steps; null where none is felt. */
const temperatureClause = (input: ReasonInput): string | null => {
  let most = { zone: "", differenceK: 0, occupied: true };
  for (const zone of input.zones)
    for (const occupied of [true, false]) {
      const steps = input.comfort[zone]!.occupied.flatMap((value, t) => (value === occupied ? [t] : []));
      if (steps.length === 0) continue;
      const difference = (t: number): number => input.chosen.zones[zone]!.meanC[t]! - input.rule.zones[zone]!.meanC[t]!;
      const differenceK = steps.reduce((sum, t) => sum + difference(t), 0) / steps.length;
      if (Math.abs(differenceK) > Math.abs(most.differenceK)) most = { zone, differenceK, occupied };
    }
  if (Math.abs(most.differenceK) < FELT_K) return null;
  const how = `${Math.abs(most.differenceK).toFixed(1)} K ${most.differenceK > 0 ? "warmer" : "cooler"}`;
  return `Keeps ${most.zone} ${how} than the rule would while it is ${most.occupied ? "occupied" : "empty"}`;
};

const money = (plan: PredictedPlan): number => plan.cost.energy + (plan.cost.demand ?? 0) + (plan.cost.terminal ?? 0);

const costClause = ({ chosen, rule, currency, comfortPerKh }: ReasonInput): string => {
  const saving = money(rule) - money(chosen);
  const sparedKh = comfortPerKh > 0 ? (rule.cost.comfort - chosen.cost.comfort) / comfortPerKh : 0;
  const spares = sparedKh < SMALLEST_DISCOMFORT_KH ? "" : `spares ${sparedKh.toFixed(2)} Kh outside the band `;
  if (Math.abs(saving) < SMALLEST_AMOUNT) return `${spares}at the same cost`;
  if (saving > 0) return `${spares}${spares === "" ? "" : "and "}saves ${saving.toFixed(2)} ${currency}`;
  return `${spares}${spares === "" ? "costs" : "for"} ${(-saving).toFixed(2)} ${currency} more`;
};

export interface ComfortOutlook {
  readonly occupied: boolean;
  /** Share of occupied zone-steps that are expected to lie within the margin of the band. */
  readonly expectedShare: number;
  /** Of the least sure of them. */
  readonly confidence: number;
  readonly worst: { readonly zone: string; readonly outsideK: number };
}

/** How surely and by how much the chosen plan keeps the band. */
export const comfortOutlook = (input: Pick<ReasonInput, "zones" | "comfort" | "chosen">): ComfortOutlook => {
  let confidence = 1;
  let [sum, count] = [0, 0];
  let worst = { zone: "", outsideK: Number.NEGATIVE_INFINITY };
  for (const zone of input.zones) {
    const band = input.comfort[zone]!;
    const { meanC, stdDevK } = input.chosen.zones[zone]!;
    band.occupied.forEach((counts, t) => {
      if (!counts) return;
      const below = band.lowerC[t]! - meanC[t]!;
      const above = meanC[t]! - band.upperC[t]!;
      const kept = Math.max(0, 1 - upperTail(below - MARGIN_K, stdDevK[t]!) - upperTail(above - MARGIN_K, stdDevK[t]!));
      confidence = Math.min(confidence, kept);
      sum += kept;
      count++;
      const outsideK = Math.max(below, above);
      if (outsideK > worst.outsideK) worst = { zone, outsideK };
    });
  }
  return { occupied: count > 0, expectedShare: count > 0 ? sum / count : 1, confidence, worst };
};

/** P(X > 0) for X ~ N(d, σ²). */
const upperTail = (distanceK: number, stdDevK: number): number => (stdDevK > 0 ? normalCdf(distanceK / stdDevK) : distanceK > 0 ? 1 : 0);

const comfortClause = (input: ReasonInput): string => {
  const { occupied, expectedShare, worst } = comfortOutlook(input);
  if (!occupied) return "nobody is there in the hours planned";
  if (worst.outsideK > MARGIN_K) {
    const band = input.comfort[worst.zone]!;
    const trajectory = input.chosen.zones[worst.zone]!;
    const isBelow = band.occupied.some((counts, t) => counts && band.lowerC[t]! - trajectory.meanC[t]! === worst.outsideK);
    return `${worst.zone} is expected up to ${worst.outsideK.toFixed(1)} K ${isBelow ? "below" : "above"} its band`;
  }
  return `comfort is expected within ${MARGIN_K} K of the band for ${Math.floor(expectedShare * 100)} % of the time that people are there`;
};

const sameSetpoints = (input: ReasonInput): boolean =>
  input.zones.every((zone) => {
    const [a, b] = [input.chosen.zones[zone]!, input.rule.zones[zone]!];
    return a.heatingSetpointC.every((value, t) => value === b.heatingSetpointC[t] && a.coolingSetpointC[t] === b.coolingSetpointC[t]);
  });

/**
 * One sentence that says what the chosen plan does otherwise than the rule, what that saves, and how sure comfort is: the difference first that a
 * person would notice first (when a zone starts, else how warm it is kept).
 */
export const explainPlan = (input: ReasonInput): string => {
  const comfort = comfortClause(input);
  if (sameSetpoints(input)) return `Does what the rule would (${input.ruleName}), nothing cheaper was found: ${comfort}.`;
  const difference = startClause(input) ?? temperatureClause(input) ?? "Differs from the rule by less than anybody would feel";
  return `${difference}: ${costClause(input)}, ${comfort}.`;
};

/** The same of one zone, without costs, which are the building's. */
export const explainZone = (building: ReasonInput, zone: string): string => {
  const z = building.zones.indexOf(zone);
  const input = { ...building, zones: [zone], nowC: [building.nowC[z]!] };
  const difference = startClause(input) ?? temperatureClause(input);
  return `${difference ?? `Does what the rule would (${input.ruleName})`}: ${comfortClause(input)}.`;
};

export const explainTooUncertain = (evaluated: number, surestK: number, boundK: number, ruleName: string): string =>
  `The rule acts (${ruleName}): the model is not sure enough of any of ${evaluated} plans, the surest spreads by ${surestK.toFixed(2)} K and ${boundK.toFixed(2)} K are allowed.`;

/** A second sentence about zones that are left to the rule; empty where none is. */
export const explainUnsure = (zones: readonly { readonly zone: string; readonly surestK: number }[], boundK: number): string => {
  const [first] = zones;
  if (first === undefined) return "";
  const rest = others(zones.length - 1);
  return ` In ${first.zone}${rest} the rule acts: no plan is sure enough there, the surest spreads by ${first.surestK.toFixed(2)} K and ${boundK.toFixed(2)} K are allowed.`;
};

/** A sentence about zones in which the model is doubted; empty where none is. With the rule's name: it acts in all of them. */
export const explainDoubted = (zones: readonly string[], why: ReadonlyMap<string, string> | undefined, ruleName?: string): string => {
  const [first] = zones;
  if (first === undefined) return "";
  const clause = why?.get(first) ?? "the model is doubted";
  if (ruleName !== undefined) return `The rule acts (${ruleName}): in ${first}${others(zones.length - 1)} ${clause}.`;
  return ` In ${first}${others(zones.length - 1)} the rule acts: ${clause}.`;
};

/** A sentence about a plan that was chosen for what forecasts usually err by; empty where it was not. */
export const explainHedge = ({ count, expectedCost, insteadOfCost }: ForecastScenarioFigures, currency: string): string =>
  insteadOfCost === undefined
    ? ""
    : ` Over ${count} ways in which weather and people may come, as far as forecasts of them have been off, it costs ${(insteadOfCost - expectedCost).toFixed(2)} ${currency} less in the mean than what is cheapest if the forecast comes true.`;

export const explainNotFinite = (evaluated: number, ruleName: string): string =>
  `The rule acts (${ruleName}): the model could not predict any of ${evaluated} plans.`;

export const explainLate = (ruleName: string): string => `The rule acts (${ruleName}): planning was stopped before any plan was evaluated.`;

/** Zones that are left to the rule, and why. */
export interface LeftToRule {
  readonly unsure: readonly { readonly zone: string; readonly surestK: number }[];
  readonly boundK: number;
  readonly doubted: readonly string[];
  readonly why: ReadonlyMap<string, string> | undefined;
}

/** Why the plan is what it is, for the building and for each zone; `zoneReasons` null where the rule could not be predicted, so that nothing can be said of single zones. */
export const planReasons = (
  input: Omit<ReasonInput, "rule"> & { readonly rule: PredictedPlan | null },
  { unsure, boundK, doubted, why }: LeftToRule,
): { readonly reason: string; readonly zoneReasons: Record<string, string> | null } => {
  const left = `${explainUnsure(unsure, boundK)}${explainDoubted(doubted, why)}`;
  const { rule } = input;
  if (rule === null)
    return { reason: `Acts on the model's plan; what the rule would do could not be predicted.${left}`, zoneReasons: null };
  const beside: ReasonInput = { ...input, rule };
  const ofZone = (zone: string): string => {
    const own = unsure.filter((one) => one.zone === zone);
    if (own.length > 0) return explainUnsure(own, boundK).trim();
    return doubted.includes(zone) ? explainDoubted([zone], why).trim() : explainZone(beside, zone);
  };
  return { reason: `${explainPlan(beside)}${left}`, zoneReasons: Object.fromEntries(input.zones.map((zone) => [zone, ofZone(zone)])) };
};
