import type { Admission } from "#controllers/admission";
import type { Candidate, CandidatePool, PredictedCandidate } from "#controllers/mppi/pool";
import { BatchBuilder, type Sequence, widestPair } from "#controllers/mppi/samples";
import type { CostProblem } from "#domain/cost";

export interface PostponeContext {
  readonly cost: CostProblem;
  readonly admission: Admission;
  /** Given plans: the widest pair among them is what waiting means where the admission knows none. */
  readonly given: readonly Sequence[];
  /**
   * The share of what a difference between two plans moves that may as well be the model's error: a start is put off unless it gains more than this share
   * of the money it moves. About the hourly CV(RMSE) of the power model (0.2–0.3).
   */
  readonly doubtedShare: number;
  /** Temperatures now, per zone, °C. */
  readonly nowC: readonly number[];
  /** Zones whose heat takes hours to arrive: what is put off there cannot be made up for, and every step would put it off again. */
  readonly slow: readonly boolean[];
}

/** Money that one plan spends at other times than another, and comfort it trades: Σ_t price_t |ΔP_t| h + |ΔC|. */
const movedMoney = ({ stepS, pricePerKwh, horizonSteps }: CostProblem, one: PredictedCandidate, other: PredictedCandidate): number => {
  let moved = 0;
  for (let t = 0; t < horizonSteps; t++) {
    const difference = one.result.powerW[one.k * horizonSteps + t]! - other.result.powerW[other.k * horizonSteps + t]!;
    moved += Math.abs(pricePerKwh[t]! * difference);
  }
  return (moved * stepS) / 3_600_000 + Math.abs(one.terms.comfort - other.terms.comfort);
};

/** `sequence` with the first step of some zones replaced by the pair that waits. */
const waiting = (sequence: Sequence, wide: Sequence, zones: readonly number[]): Sequence => {
  const heatingSetpointC = sequence.heatingSetpointC.slice();
  const coolingSetpointC = sequence.coolingSetpointC.slice();
  for (const z of zones) {
    heatingSetpointC[z] = wide.heatingSetpointC[z]!;
    coolingSetpointC[z] = wide.coolingSetpointC[z]!;
  }
  return { heatingSetpointC, coolingSetpointC };
};

/** Zones, other than slow ones, that nobody uses in the coming step and whose equipment the sequence would start in it. */
const startingZones = (
  { nz, occupied }: CostProblem,
  sequence: Sequence,
  wide: Sequence,
  nowC: readonly number[],
  slow: readonly boolean[],
): number[] =>
  Array.from({ length: nz }, (_, z) => z).filter((z) => {
    if (occupied[z] === 1 || slow[z] === true) return false;
    const heats = sequence.heatingSetpointC[z]! > Math.max(wide.heatingSetpointC[z]!, nowC[z]!);
    const cools = sequence.coolingSetpointC[z]! < Math.min(wide.coolingSetpointC[z]!, nowC[z]!);
    return heats || cools;
  });

/**
 * The same plan with starts put off by a step where that costs next to nothing. A decision comes again in a step, with a newer measurement: what is
 * started now can as well be started then, unless waiting costs more than the model's own error on what it moves:
 *   J(wait) − J(best) > doubtedShare · (Σ_t price_t |P_wait,t − P_best,t| h + |C_wait − C_best|)
 * Without this, plans that are all but alike take turns: a zone is heated for one step hours ahead and left to cool again. Zone by zone, then all of them
 * together; never dearer than the cheapest given plan that is admitted. Null: nothing is put off.
 */
export const postponed = async (
  pool: CandidatePool,
  best: PredictedCandidate,
  { cost, admission, given, doubtedShare, nowC, slow }: PostponeContext,
): Promise<PredictedCandidate | null> => {
  const { horizonSteps, nz } = cost;
  const wide = admission.widest ?? widestPair(given, nz);
  const sequence = pool.sequence(best);
  const zones = startingZones(cost, sequence, wide, nowC, slow);
  if (zones.length === 0 || doubtedShare <= 0) return null;
  const ceiling = cheapestGiven(pool, given.length);
  const mayTake = (one: PredictedCandidate): boolean =>
    pool.isAdmitted(one) === pool.isAdmitted(best) &&
    one.total <= ceiling &&
    one.total - best.total <= doubtedShare * movedMoney(cost, one, best);
  const predict = (choices: readonly (readonly number[])[]): Promise<PredictedCandidate[]> => {
    const builder = new BatchBuilder(choices.length, horizonSteps, nz, admission);
    for (const choice of choices) builder.add(waiting(sequence, wide, choice));
    return pool.predict(builder.batch());
  };
  const alone = await predict(zones.map((z) => [z]));
  const harmless = zones.filter((_, i) => mayTake(alone[i]!));
  if (harmless.length === 0) return null;
  const [together] = harmless.length > 1 ? await predict([harmless]) : [alone[zones.indexOf(harmless[0]!)]!];
  const taken = mayTake(together!) ? together! : alone[zones.indexOf(harmless[0]!)]!;
  pool.add([taken]);
  return taken;
};

/** The least cost of the given plans that may be carried out; they stand first in the pool. */
const cheapestGiven = (pool: CandidatePool, count: number): number =>
  pool.candidates
    .slice(0, count)
    .filter((candidate: Candidate) => pool.isAdmitted(candidate))
    .reduce((least, { total }) => Math.min(least, total), Number.POSITIVE_INFINITY);
