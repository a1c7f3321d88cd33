import type { Admission } from "#controllers/admission";
import type { Candidate, CandidatePool, PredictedCandidate } from "#controllers/mppi/pool";
import { BatchBuilder, type Sequence } from "#controllers/mppi/samples";
import type { CostProblem } from "#domain/cost";
import type { ForecastScenarioFigures } from "#domain/plan";

export interface HedgeContext {
  readonly cost: CostProblem;
  readonly admission: Admission;
  /** Given plans: the rule's stands first. */
  readonly given: readonly Sequence[];
  /** Candidates under each scenario's disturbances, the forecast's own (`pool`) left out. */
  readonly scenarios: readonly { readonly weight: number; readonly pool: CandidatePool }[];
  /** Fills the pool of a scenario with good plans for it. */
  readonly searchIn: (pool: CandidatePool) => Promise<void>;
}

export interface Hedge {
  /** The plan whose first step is cheaper in the mean; null: the one that was planned is, or nearly. */
  readonly candidate: PredictedCandidate | null;
  readonly figures: ForecastScenarioFigures;
}

/** First steps that are compared, and ways to go on from each. */
const MOST_FIRST_STEPS = 8;
const MOST_CONTINUATIONS = 24;
/** Of one scenario's search: the best plans there. */
const BEST_OF_SCENARIO = 3;
/** A first step gives way to one that is cheaper by this share in the mean over the scenarios: less is rounding of their few points. */
const LEAST_GAIN = 0.02;

const begunWith = (first: Sequence, then: Sequence, nz: number): Sequence => {
  const heatingSetpointC = then.heatingSetpointC.slice();
  const coolingSetpointC = then.coolingSetpointC.slice();
  heatingSetpointC.set(first.heatingSetpointC.subarray(0, nz));
  coolingSetpointC.set(first.coolingSetpointC.subarray(0, nz));
  return { heatingSetpointC, coolingSetpointC };
};

const beginAlike = (one: Sequence, other: Sequence, nz: number): boolean => {
  for (let z = 0; z < nz; z++)
    if (one.heatingSetpointC[z] !== other.heatingSetpointC[z] || one.coolingSetpointC[z] !== other.coolingSetpointC[z]) return false;
  return true;
};

/** The first `most` whose first steps differ. */
const distinctBeginnings = (sequences: readonly Sequence[], nz: number, most: number): Sequence[] => {
  const found: Sequence[] = [];
  for (const one of sequences) {
    if (found.length === most) break;
    if (!found.some((other) => beginAlike(one, other, nz))) found.push(one);
  }
  return found;
};

/**
 * Chooses the first step again, by what it costs in the mean over the ways in which weather and people may come,
 *   J̄(a) = Σ_s w_s min_c J_s(a, c),
 * instead of by what it costs if the forecast comes true: only the first step is decided now, and every later one knows better (a stochastic program of two
 * stages; Bernardini and Bemporad 2009). A mean over whole sequences would charge for what later decisions put right, and preheats for weather that does not come.
 * Every scenario is searched: what is best if it comes true is a first step worth comparing, and a way to go on where it has come. First steps a: of the plan at hand, the scenarios' best
 * plans and the given ones; continuations c: the same plans. The plan at hand stays unless its first step is dearer by 2 % in the mean; the one that
 * takes its place goes on with what is cheapest if the forecast comes true, and keeps the spread bound.
 */
export const hedged = async (pool: CandidatePool, planned: PredictedCandidate, context: HedgeContext): Promise<Hedge> => {
  const { cost, admission, given, scenarios, searchIn } = context;
  const { horizonSteps, nz } = cost;
  const atHand = pool.sequence(planned);
  const elsewhere: Sequence[][] = [];
  for (const { pool: other } of scenarios) {
    await searchIn(other);
    const best = other
      .working()
      .sort((one, another) => one.total - another.total)
      .slice(0, BEST_OF_SCENARIO)
      .map((candidate) => other.sequence(candidate));
    elsewhere.push(best);
  }
  const winners = elsewhere.flatMap(([first]) => (first === undefined ? [] : [first]));
  const firsts = distinctBeginnings([atHand, ...winners, ...given], nz, MOST_FIRST_STEPS);
  const continuations = [atHand, ...elsewhere.flat(), ...given].slice(0, MOST_CONTINUATIONS);
  const builder = new BatchBuilder(firsts.length * continuations.length, horizonSteps, nz, admission);
  for (const first of firsts) for (const then of continuations) builder.add(begunWith(first, then, nz));
  const batch = builder.batch();
  const nominal = await pool.evaluate(batch);
  const runs: { readonly weight: number; readonly candidates: readonly Candidate[] }[] = [
    { weight: 1 - scenarios.reduce((sum, { weight }) => sum + weight, 0), candidates: nominal },
  ];
  for (const { weight, pool: other } of scenarios) runs.push({ weight, candidates: await other.evaluate(batch) });
  const least = (candidates: readonly Candidate[], a: number): number =>
    candidates
      .slice(a * continuations.length, (a + 1) * continuations.length)
      .filter(({ total }) => Number.isFinite(total))
      .reduce((lowest, { total }) => Math.min(lowest, total), Number.POSITIVE_INFINITY);
  const expected = firsts.map((_, a) => runs.reduce((sum, { weight, candidates }) => sum + weight * least(candidates, a), 0));
  const worst = (a: number): number =>
    runs.reduce((most, { candidates }) => Math.max(most, least(candidates, a)), Number.NEGATIVE_INFINITY);
  const planOf = (a: number): Candidate | null =>
    pool.cheapest(
      nominal.slice(a * continuations.length, (a + 1) * continuations.length).filter((candidate) => pool.isAdmitted(candidate)),
    );
  let best = 0;
  for (let a = 1; a < firsts.length; a++) if (expected[a]! < expected[best]! && planOf(a) !== null) best = a;
  const isBetter = expected[0]! - expected[best]! > LEAST_GAIN * Math.abs(expected[0]!);
  const chosen = isBetter ? best : 0;
  const candidate = isBetter ? await pool.withTrajectory(planOf(best)!) : null;
  if (candidate !== null) pool.add([candidate]);
  return {
    candidate,
    figures: {
      count: runs.length,
      expectedCost: expected[chosen]!,
      worstCost: worst(chosen),
      ...(isBetter ? { insteadOfCost: expected[0]! } : {}),
    },
  };
};
