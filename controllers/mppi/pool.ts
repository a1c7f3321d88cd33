import { type CostProblem, evaluateCosts, type SetpointBatch } from "#controllers/mppi/cost";
import { type Sequence, sequenceOf } from "#controllers/mppi/samples";
import type { CostTerms } from "#domain/plan";
import type { PreparedRollout, RolloutRequest, RolloutResult } from "#domain/rollout";

/** What every rollout of one decision has in common. */
export type RolloutInputs = Pick<RolloutRequest, "initial" | "disturbances" | "localMs">;

/** One evaluated sequence. */
export interface Candidate {
  readonly batch: SetpointBatch;
  readonly result: RolloutResult;
  readonly k: number;
  readonly terms: CostTerms;
  /** NaN where the prediction is not finite. */
  readonly total: number;
  readonly spreadK: number;
}

/** Share of the finite candidates that count as least uncertain where nothing keeps the bound and the planner acts nevertheless. */
const LEAST_UNCERTAIN = 0.1;

/** Everything evaluated in one decision, in the order of evaluation. */
export class CandidatePool {
  readonly candidates: Candidate[] = [];
  readonly #cost: CostProblem;
  readonly #inputs: RolloutInputs;
  readonly #rollout: PreparedRollout;
  readonly #maxSamplesPerRun: number;
  readonly #spreadBoundK: number;

  constructor(rollout: PreparedRollout, cost: CostProblem, inputs: RolloutInputs, maxSamplesPerRun: number, spreadBoundK: number) {
    this.#rollout = rollout;
    this.#cost = cost;
    this.#inputs = inputs;
    this.#maxSamplesPerRun = maxSamplesPerRun;
    this.#spreadBoundK = spreadBoundK;
  }

  /** Rolls the batch through the model; returns its candidates. Not yet in the pool: `add` them. */
  async evaluate(batch: SetpointBatch): Promise<Candidate[]> {
    const cost = this.#cost;
    const size = cost.horizonSteps * cost.nz;
    const found: Candidate[] = [];
    for (let from = 0; from < batch.count; from += this.#maxSamplesPerRun) {
      const to = Math.min(batch.count, from + this.#maxSamplesPerRun);
      const part: SetpointBatch = {
        count: to - from,
        heatingSetpointC: batch.heatingSetpointC.slice(from * size, to * size),
        coolingSetpointC: batch.coolingSetpointC.slice(from * size, to * size),
      };
      const result = await this.#rollout.run({ ...part, horizonSteps: cost.horizonSteps, ...this.#inputs });
      found.push(...this.#judge(part, result));
    }
    return found;
  }
  /** The same sequences with this pool's costs; nothing is predicted anew. */
  charge(candidates: readonly Candidate[]): Candidate[] {
    const runs = new Map(candidates.map(({ batch, result }) => [batch, result]));
    return [...runs].flatMap(([batch, result]) => this.#judge(batch, result));
  }
  #judge(batch: SetpointBatch, result: RolloutResult): Candidate[] {
    const { terms, totals, spreadsK } = evaluateCosts(this.#cost, batch, result);
    return terms.map((one, k) => ({ batch, result, k, terms: one, total: totals[k]!, spreadK: spreadsK[k]! }));
  }
  add(candidates: readonly Candidate[]): void {
    this.candidates.push(...candidates);
  }
  finite(): Candidate[] {
    return this.candidates.filter(({ total }) => Number.isFinite(total));
  }
  /** Whether a sequence may be carried out: predicted, and surely enough. */
  isAdmitted({ total, spreadK }: Candidate): boolean {
    return Number.isFinite(total) && spreadK <= this.#spreadBoundK;
  }
  /** Those the search goes on from: the admitted ones, or the least uncertain tenth where none is. */
  working(): Candidate[] {
    const finite = this.finite();
    const admitted = finite.filter((candidate) => this.isAdmitted(candidate));
    if (admitted.length > 0 || finite.length === 0) return admitted;
    return [...finite].sort((a, b) => a.spreadK - b.spreadK).slice(0, Math.ceil(finite.length * LEAST_UNCERTAIN));
  }
  sequence({ batch, k }: Candidate): Sequence {
    return sequenceOf(batch, k, this.#cost.horizonSteps * this.#cost.nz);
  }
}

/** Relative difference of costs that is rounding, not gain. */
const SAME_COST = 1e-9;

/** The cheapest; the earlier one where two cost the same, so that a given plan stands before its copies. */
export const cheapest = (candidates: readonly Candidate[]): Candidate | null => {
  let best: Candidate | null = null;
  for (const candidate of candidates)
    if (best === null || candidate.total < best.total - SAME_COST * Math.abs(best.total)) best = candidate;
  return best;
};
