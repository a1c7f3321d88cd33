import type { Admission } from "#controllers/admission";
import type { CandidatePool, PredictedCandidate } from "#controllers/mppi/pool";
import { BatchBuilder, type Sequence } from "#controllers/mppi/samples";
import type { CostProblem } from "#domain/cost";
import type { Probe } from "#domain/plan";
import type { ProbeAllowance } from "#domain/planner";

/** How far a setpoint is moved, K. */
const STEP_K = 1;
/** What stays free towards the other end of the band, K. */
const MARGIN_K = 0.5;
/** A thermostat counts as holding a zone that is this near to its setpoint, K. */
const HELD_K = 0.3;
/** Steps for which people must be there, and over which the zone then floats. */
const WATCHED_STEPS = 5;
/** A standard deviation below it leaves nothing to learn, K. */
const LEAST_STD_DEV_K = 0.1;
/** Comfort that a probe may cost, kelvin-hours: rounding. */
const SMALLEST_DISCOMFORT_KH = 1e-3;

export interface ProbeContext {
  readonly cost: CostProblem;
  readonly admission: Admission;
  readonly zones: readonly string[];
  readonly nowC: readonly number[];
  readonly allowance: ProbeAllowance;
  readonly leftToRule: readonly number[];
}

interface Trial {
  readonly z: number;
  readonly mode: Probe["mode"];
  readonly setpointC: number;
  readonly plannedC: number;
}

/** Zones whose setpoint can be moved inwards: people are there for the next steps, and a thermostat holds them now and in the plan's first step. */
const trialsOf = ({ cost, zones, nowC, allowance, leftToRule }: ProbeContext, plan: Sequence): Trial[] => {
  const { nz, occupied, lowerC, upperC, horizonSteps } = cost;
  if (horizonSteps < WATCHED_STEPS) return [];
  return zones.flatMap((zone, z): Trial[] => {
    if (allowance.excludedZones.includes(zone) || leftToRule.includes(z)) return [];
    for (let t = 0; t < WATCHED_STEPS; t++) if (occupied[t * nz + z] !== 1) return [];
    const now = nowC[z]!;
    const [heating, cooling] = [plan.heatingSetpointC[z]!, plan.coolingSetpointC[z]!];
    const warmer = Math.min(now + STEP_K, upperC[z]! - MARGIN_K);
    const cooler = Math.max(now - STEP_K, lowerC[z]! + MARGIN_K);
    if (Math.abs(now - heating) <= HELD_K && warmer >= heating + MARGIN_K)
      return [{ z, mode: "heating", setpointC: warmer, plannedC: heating }];
    if (Math.abs(now - cooling) <= HELD_K && cooler <= cooling - MARGIN_K)
      return [{ z, mode: "cooling", setpointC: cooler, plannedC: cooling }];
    return [];
  });
};

/** The admission with room for the trials' first steps, which may lie inside what the rules would do. */
const withRoom = (admission: Admission, nz: number, trials: readonly Trial[]): Admission => {
  const { tightest } = admission;
  if (tightest === undefined) return admission;
  const heatingSetpointC = tightest.heatingSetpointC.slice();
  const coolingSetpointC = tightest.coolingSetpointC.slice();
  for (const { z } of trials) {
    if (z >= nz) continue;
    heatingSetpointC[z] = Number.POSITIVE_INFINITY;
    coolingSetpointC[z] = Number.NEGATIVE_INFINITY;
  }
  return { ...admission, tightest: { heatingSetpointC, coolingSetpointC } };
};

/** Mean standard deviation of zone z from the second to the last watched step, K: the first one is on the setpoint that is tried. */
const floatingStdDevK = ({ horizonSteps, nz }: CostProblem, { result, k }: PredictedCandidate, z: number): number => {
  let sum = 0;
  for (let t = 1; t < WATCHED_STEPS; t++) sum += result.stdDevK[(k * horizonSteps + t) * nz + z]!;
  return sum / (WATCHED_STEPS - 1);
};

/**
 * The same plan with one zone's setpoint moved by up to a kelvin into its comfort band for the first step, where a thermostat holds the zone and hides how it would
 * float: what full equipment adds shows in this step, the free float in the next ones. Of the zones in which the model is unsure of that (mean σ of the
 * floating steps ≥ 0.1 K and larger than without) and whose cost ΔJ lies within the allowance, without discomfort or a discarded spread, the one with the largest
 * gain of σ for its cost. Null: nothing is worth trying.
 */
export const probed = async (
  pool: Pick<CandidatePool, "sequence" | "predict" | "isAdmitted">,
  best: PredictedCandidate,
  context: ProbeContext,
): Promise<{ readonly candidate: PredictedCandidate; readonly probe: Probe } | null> => {
  const { cost, admission, zones, allowance } = context;
  const { horizonSteps, nz } = cost;
  const plan = pool.sequence(best);
  const trials = allowance.budget > 0 ? trialsOf(context, plan) : [];
  if (trials.length === 0) return null;
  const builder = new BatchBuilder(trials.length, horizonSteps, nz, withRoom(admission, nz, trials));
  for (const { z, mode, setpointC } of trials) {
    const heatingSetpointC = plan.heatingSetpointC.slice();
    const coolingSetpointC = plan.coolingSetpointC.slice();
    (mode === "heating" ? heatingSetpointC : coolingSetpointC)[z] = setpointC;
    builder.add({ heatingSetpointC, coolingSetpointC });
  }
  const found = await pool.predict(builder.batch());
  const mayDiscomfort = SMALLEST_DISCOMFORT_KH * cost.weights.comfortPerKh;
  let chosen: { readonly candidate: PredictedCandidate; readonly probe: Probe; readonly worth: number } | null = null;
  for (const [i, candidate] of found.entries()) {
    const { z, mode, plannedC } = trials[i]!;
    const extra = Math.max(0, candidate.total - best.total);
    const stdDevK = floatingStdDevK(cost, candidate, z);
    const gainK = stdDevK - floatingStdDevK(cost, best, z);
    const isHarmless = pool.isAdmitted(candidate) && candidate.terms.comfort <= best.terms.comfort + mayDiscomfort;
    if (!isHarmless || !(extra <= allowance.budget) || stdDevK < LEAST_STD_DEV_K || gainK <= 0) continue;
    // What was admitted is what is carried out: slew, grid and deadband may have changed it.
    const { heatingSetpointC, coolingSetpointC } = pool.sequence(candidate);
    const setpointC = (mode === "heating" ? heatingSetpointC : coolingSetpointC)[z]!;
    if (Math.abs(setpointC - plannedC) < MARGIN_K) continue;
    const worth = gainK / Math.max(extra, 0.01 * allowance.budget);
    if (chosen !== null && worth <= chosen.worth) continue;
    chosen = { candidate, probe: { zone: zones[z]!, mode, setpointC, plannedC, cost: extra, stdDevK }, worth };
  }
  return chosen;
};

/** A sentence about a probe. */
export const explainProbe = ({ zone, mode, setpointC, plannedC, cost, stdDevK }: Probe, currency: string): string => {
  const does = mode === "heating" ? "Warms" : "Cools";
  const by = Math.abs(setpointC - plannedC).toFixed(1);
  return ` ${does} ${zone} by ${by} K for one step to see how it drifts back, of which the model is unsure by ${stdDevK.toFixed(2)} K: costs ${cost.toFixed(4)} ${currency}.`;
};
