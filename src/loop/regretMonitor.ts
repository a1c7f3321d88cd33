import type { Decision, Plan, PredictedPlan } from "#domain/plan";
import { buildingPoint, type PointName, zonePoint } from "#domain/points";

export interface RegretLimits {
  /** Decisions within this time count, ms. */
  readonly windowMs: number;
  /** Decisions below which nothing is said. */
  readonly enough: number;
  /** Planning loses where its realised cost exceeds what the rule was predicted to cost by this share of it … */
  readonly lossShare: number;
  /** … and by so many standard errors. */
  readonly standardErrors: number;
  /** How long the rule acts after that, ms; twice as long each time in a row, up to `longestMs`. */
  readonly restMs: number;
  readonly longestMs: number;
}

export const defaultRegretLimits: RegretLimits = {
  windowMs: 2 * 86_400_000,
  enough: 96,
  lossShare: 0.1,
  standardErrors: 2,
  restMs: 86_400_000,
  longestMs: 8 * 86_400_000,
};

/** Means per decision over its horizon, in the currency of the prices; energy predictions are already multiplied by `energyBias`. */
export interface RegretFigures {
  readonly decisions: number;
  readonly realised: number;
  readonly promised: number;
  readonly rulePredicted: number;
  /** realised − rulePredicted: above 0 the rule is believed to have been cheaper. */
  readonly regret: number;
  readonly standardError: number;
  /** Metered energy over energy predicted one step ahead, for what was really done: a power model that is wrong for everybody alike favours nobody. */
  readonly energyBias: number;
}

export interface RegretMonitor {
  /** A plan that is carried out from now on. */
  decided(decision: Decision): void;
  /** The step that ended at `endMs`: temperatures and HVAC power as measured. */
  ended(endMs: number, values: ReadonlyMap<PointName, number>): void;
  /** Why the rule is to act now (a clause); null: the planner may. */
  resting(nowMs: number): string | null;
  /** null before there are enough decisions whose horizon is over. */
  figures(): RegretFigures | null;
}

interface Open {
  readonly plan: Plan;
  readonly energyPromised: number;
  /** Realised so far. */
  comfort: number;
  energy: number;
  next: number;
}

interface Closed {
  readonly endMs: number;
  readonly comfort: readonly [realised: number, promised: number, rule: number];
  readonly energy: readonly [realised: number, promised: number, rule: number];
}

const KWH_PER_WMS = 1 / 3_600_000_000;

/** Kelvin by which a zone is outside its band. */
const outsideK = (plan: Plan, t: number, zone: string, airC: number): number => {
  const band = plan.comfort[zone];
  if (band?.occupied[t] !== true) return 0;
  return Math.max(0, band.lowerC[t]! - airC, airC - band.upperC[t]!);
};

/**
 * Compares what planning costs with what it promised and with what the rule was predicted to cost instead. For every decision of the planner, once its
 * horizon of T steps is over:
 *   realised = w · h Σ_{t,z occupied} kelvin outside the band + Σ_t price_t P_t h        (measured, whatever was decided meanwhile)
 *   promised, rule = the same two terms as the model predicted them for the chosen plan and for the rule's
 * Replanning can only improve on a plan that is right, so in the mean realised ≤ promised ≤ rule; an optimiser that lives on its model's errors shows as realised
 * above the rule's predicted cost. Predicted energy is multiplied by metered over one-step predicted energy first. Planning loses where
 *   mean(realised − rule) > max(lossShare · mean(rule), standardErrors · s / √(n / T)),
 * overlapping horizons counted as one. Then the rule acts for a day, twice as long the next time in a row, and the count begins anew.
 */
export const createRegretMonitor = (limits: RegretLimits = defaultRegretLimits): RegretMonitor => {
  let open: Open[] = [];
  let closed: Closed[] = [];
  /** One-step energies, predicted and metered, kWh·price apart. */
  let oneStep: { endMs: number; predictedKwh: number; meteredKwh: number }[] = [];
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let restsInARow = 0;
  let why = "";
  let horizonSteps = 1;

  const bias = (): number => {
    const predicted = oneStep.reduce((sum, { predictedKwh }) => sum + predictedKwh, 0);
    const metered = oneStep.reduce((sum, { meteredKwh }) => sum + meteredKwh, 0);
    return predicted > 0 && metered > 0 ? metered / predicted : 1;
  };

  const figures = (): RegretFigures | null => {
    if (closed.length < limits.enough) return null;
    const energyBias = bias();
    const cost = ({ comfort, energy }: Closed, i: 0 | 1 | 2): number => comfort[i] + energy[i] * (i === 0 ? 1 : energyBias);
    const n = closed.length;
    const mean = (i: 0 | 1 | 2): number => closed.reduce((sum, one) => sum + cost(one, i), 0) / n;
    const [realised, promised, rulePredicted] = [mean(0), mean(1), mean(2)];
    const regret = realised - rulePredicted;
    const variance = closed.reduce((sum, one) => sum + (cost(one, 0) - cost(one, 2) - regret) ** 2, 0) / Math.max(1, n - 1);
    const standardError = Math.sqrt(variance / Math.max(1, n / horizonSteps));
    return { decisions: n, realised, promised, rulePredicted, regret, standardError, energyBias };
  };

  const judge = (nowMs: number): void => {
    const found = figures();
    if (found === null) return;
    const { regret, rulePredicted, standardError } = found;
    if (regret <= Math.max(limits.lossShare * Math.abs(rulePredicted), limits.standardErrors * standardError)) return;
    restUntilMs = nowMs + Math.min(limits.longestMs, limits.restMs * 2 ** restsInARow);
    restsInARow++;
    why = `planning has cost ${Math.round((100 * regret) / Math.max(Math.abs(rulePredicted), 1e-9))} % more than the rule was predicted to, over ${found.decisions} decisions`;
    open = [];
    closed = [];
  };

  const money = (plan: PredictedPlan): readonly [comfort: number, energy: number] => [plan.cost.comfort, plan.cost.energy];

  return {
    decided: ({ plan, mode }) => {
      if (plan.source !== "mppi" || plan.rule === null || mode === "shadow" || plan.diagnostics.comfortPerKh === undefined) return;
      horizonSteps = plan.stepEndMs.length;
      open.push({ plan, energyPromised: plan.chosen.powerW[0] ?? 0, comfort: 0, energy: 0, next: 0 });
    },
    ended: (endMs, values) => {
      const powerW = values.get(buildingPoint("hvacPowerW"));
      const kept: Open[] = [];
      for (const one of open) {
        const { plan } = one;
        const stepMs = plan.stepS * 1000;
        const t = plan.stepEndMs.findIndex((ms) => Math.abs(ms - endMs) < stepMs / 2);
        // A step that nobody measured ends the comparison: half a horizon compares with nothing.
        if (t !== one.next || powerW === undefined) {
          if (t >= 0 && t < one.next) kept.push(one);
          continue;
        }
        const hours = plan.stepS / 3_600;
        for (const zone of Object.keys(plan.comfort)) {
          const airC = values.get(zonePoint(zone, "zoneAirTempC"));
          if (airC !== undefined) one.comfort += plan.diagnostics.comfortPerKh! * hours * outsideK(plan, t, zone, airC);
        }
        one.energy += ((plan.weighedPerKwh ?? plan.pricePerKwh)[t]! * powerW * hours) / 1000;
        if (t === 0)
          oneStep.push({ endMs, predictedKwh: one.energyPromised * stepMs * KWH_PER_WMS, meteredKwh: powerW * stepMs * KWH_PER_WMS });
        one.next++;
        if (one.next < plan.stepEndMs.length) kept.push(one);
        else {
          const [comfort, energy] = money(plan.chosen);
          const [ruleComfort, ruleEnergy] = money(plan.rule!);
          closed.push({ endMs, comfort: [one.comfort, comfort, ruleComfort], energy: [one.energy, energy, ruleEnergy] });
        }
      }
      open = kept;
      closed = closed.filter((one) => one.endMs > endMs - limits.windowMs);
      oneStep = oneStep.filter((one) => one.endMs > endMs - limits.windowMs);
      if (endMs >= restUntilMs) judge(endMs);
      // A window without a loss makes the next rest a short one again.
      if (closed.length >= limits.enough && endMs >= restUntilMs + limits.windowMs) restsInARow = 0;
    },
    resting: (nowMs) => (nowMs < restUntilMs ? why : null),
    figures,
  };
};
