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
}

export interface Hedge {
  /** The plan that is cheaper in the mean; null: the one that was planned is, or nearly. */
  readonly candidate: PredictedCandidate | null;
  readonly figures: ForecastScenarioFigures;
}

/** Plans of the search that are compared, besides the given ones. */
const MOST_CHEAPEST = 16;
/** Bands narrowed (widened) by so much, K, and starts so many steps earlier: what a careful (careless) person would do. */
const MARGINS_K = [-0.25, 0.25, 0.5, 1];
const EARLIER_STEPS = [1, 2, 4];
/** A plan gives way to one that is cheaper by this share in the mean over the scenarios: less is rounding of their few points. */
const LEAST_GAIN = 0.02;

const narrowed = ({ heatingSetpointC, coolingSetpointC }: Sequence, byK: number): Sequence => ({
  heatingSetpointC: heatingSetpointC.map((value) => value + byK),
  coolingSetpointC: coolingSetpointC.map((value) => value - byK),
});

const earlier = ({ heatingSetpointC, coolingSetpointC }: Sequence, steps: number, nz: number): Sequence => {
  const move = (values: Float64Array): Float64Array =>
    values.map((_, i) => values[Math.min(i + steps * nz, values.length - nz + (i % nz))]!);
  return { heatingSetpointC: move(heatingSetpointC), coolingSetpointC: move(coolingSetpointC) };
};

/**
 * Chooses again among good plans by what they cost in the mean over the ways in which weather and people may come,
 *   J̄ = Σ_s w_s J_s,
 * instead of by what they cost if the forecast comes true. Compared are the plan at hand, the given plans, the cheapest ones found, and the plan at hand with
 * margins in temperature and time; those that keep the spread bound may be chosen, so that J̄ is never above a given plan's that keeps it. The plan at hand stays
 * unless it is dearer by 2 % in the mean. Everything is open loop: the next decision knows more, so that J̄ overstates what errors cost, of all plans alike.
 */
export const hedged = async (pool: CandidatePool, planned: PredictedCandidate, context: HedgeContext): Promise<Hedge> => {
  const { cost, admission, given, scenarios } = context;
  const { horizonSteps, nz } = cost;
  const sequence = pool.sequence(planned);
  const cheapest = pool
    .working()
    .sort((one, other) => one.total - other.total)
    .slice(0, MOST_CHEAPEST);
  const sequences = [
    sequence,
    ...given,
    ...cheapest.map((candidate) => pool.sequence(candidate)),
    ...MARGINS_K.map((byK) => narrowed(sequence, byK)),
    ...EARLIER_STEPS.map((steps) => earlier(sequence, steps, nz)),
  ];
  const builder = new BatchBuilder(sequences.length, horizonSteps, nz, admission, new Set());
  for (const one of sequences) builder.add(one);
  const batch = builder.batch();
  const nominal = await pool.evaluate(batch);
  const runs: { readonly weight: number; readonly candidates: readonly Candidate[] }[] = [
    { weight: 1 - scenarios.reduce((sum, { weight }) => sum + weight, 0), candidates: nominal },
  ];
  for (const { weight, pool: other } of scenarios) runs.push({ weight, candidates: await other.evaluate(batch) });
  const expected = nominal.map((_, k) => runs.reduce((sum, { weight, candidates }) => sum + weight * candidates[k]!.total, 0));
  const worst = (k: number): number =>
    runs.reduce((most, { candidates }) => Math.max(most, candidates[k]!.total), Number.NEGATIVE_INFINITY);
  let best = 0;
  nominal.forEach((candidate, k) => {
    if (pool.isAdmitted(candidate) && expected[k]! < expected[best]!) best = k;
  });
  const isBetter = expected[0]! - expected[best]! > LEAST_GAIN * Math.abs(expected[0]!);
  const chosen = isBetter ? best : 0;
  const candidate = isBetter ? await pool.withTrajectory(nominal[best]!) : null;
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
