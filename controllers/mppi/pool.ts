import { evaluateCosts, type SetpointBatch } from "#controllers/mppi/cost";
import { type Sequence, sequenceOf } from "#controllers/mppi/samples";
import type { CostProblem, SampleCosts } from "#domain/cost";
import type { CostTerms } from "#domain/plan";
import type { PreparedRollout, RolloutRequest, RolloutResult } from "#domain/rollout";

/** What every rollout of one decision has in common. */
export type RolloutInputs = Pick<RolloutRequest, "initial" | "disturbances" | "localMs">;

/** One evaluated sequence. */
export interface Candidate {
  readonly batch: SetpointBatch;
  /** null: its costs came without its trajectory. */
  readonly result: RolloutResult | null;
  readonly k: number;
  readonly terms: CostTerms;
  /** NaN where the prediction is not finite. */
  readonly total: number;
  readonly spreadK: number;
}

export interface PredictedCandidate extends Candidate {
  readonly result: RolloutResult;
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

  /** Costs of the batch, without trajectories where the rollout can give them so; returns its candidates. Not yet in the pool: `add` them. */
  async evaluate(batch: SetpointBatch): Promise<Candidate[]> {
    return this.#rollout.costs === undefined ? this.predict(batch) : this.#chargeParts(batch);
  }
  /** Rolls the batch through the model and keeps its trajectories. Not yet in the pool either. */
  async predict(batch: SetpointBatch): Promise<PredictedCandidate[]> {
    const found: PredictedCandidate[] = [];
    for (const part of this.#parts(batch)) {
      const result = await this.#rollout.run(this.#request(part));
      found.push(...this.#judge(part, evaluateCosts(this.#cost, part, result), result));
    }
    return found;
  }
  /** The same sequences with this pool's costs. */
  async charge(candidates: readonly PredictedCandidate[]): Promise<PredictedCandidate[]> {
    const runs = new Map(candidates.map(({ batch, result }) => [batch, result]));
    const found: PredictedCandidate[] = [];
    // Where costs come from a device, all of them do: two that are the same must compare as the same.
    for (const [batch, result] of runs)
      found.push(...this.#judge(batch, (await this.#costs(batch)) ?? evaluateCosts(this.#cost, batch, result), result));
    return found;
  }
  /** With its trajectory, which is computed where it is missing. */
  async withTrajectory(candidate: Candidate): Promise<PredictedCandidate> {
    if (candidate.result !== null) return { ...candidate, result: candidate.result };
    const { heatingSetpointC, coolingSetpointC } = this.sequence(candidate);
    const batch = { count: 1, heatingSetpointC: heatingSetpointC.slice(), coolingSetpointC: coolingSetpointC.slice() };
    return { ...candidate, batch, k: 0, result: await this.#rollout.run(this.#request(batch)) };
  }
  #request(batch: SetpointBatch): RolloutRequest {
    return { ...batch, horizonSteps: this.#cost.horizonSteps, ...this.#inputs };
  }
  /** The batch in parts that the backend takes at once. */
  *#parts(batch: SetpointBatch): Generator<SetpointBatch> {
    const size = this.#cost.horizonSteps * this.#cost.nz;
    for (let from = 0; from < batch.count; from += this.#maxSamplesPerRun) {
      const to = Math.min(batch.count, from + this.#maxSamplesPerRun);
      yield {
        count: to - from,
        heatingSetpointC: batch.heatingSetpointC.slice(from * size, to * size),
        coolingSetpointC: batch.coolingSetpointC.slice(from * size, to * size),
      };
    }
  }
  async #chargeParts(batch: SetpointBatch): Promise<Candidate[]> {
    const found: Candidate[] = [];
    for (const part of this.#parts(batch)) {
      const costs = await this.#costs(part);
      if (costs !== null) found.push(...this.#judge(part, costs, null));
    }
    return found;
  }
  async #costs(batch: SetpointBatch): Promise<SampleCosts | null> {
    return (await this.#rollout.costs?.(this.#request(batch), this.#cost)) ?? null;
  }
  #judge<R extends RolloutResult | null>(batch: SetpointBatch, { terms, totals, spreadsK }: SampleCosts, result: R) {
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
  /** The cheapest; the earlier one where two cost the same, so that a given plan stands before its copies. */
  cheapest(candidates: readonly Candidate[]): Candidate | null {
    let best: Candidate | null = null;
    for (const candidate of candidates) if (best === null || candidate.total < best.total - this.#roundingOf(best)) best = candidate;
    return best;
  }
  /** Whether one costs no more than another, but for rounding. */
  isNoDearer(one: Candidate, other: Candidate): boolean {
    return this.#rollout.costs === undefined ? one.total <= other.total : one.total <= other.total + this.#roundingOf(other);
  }
  #roundingOf({ total }: Candidate): number {
    return (this.#rollout.costs === undefined ? SAME_COST : SAME_DEVICE_COST) * Math.abs(total);
  }
}

/** Relative difference of costs that is rounding, not gain: in float64, and where a device computes them in float32. */
const SAME_COST = 1e-9;
const SAME_DEVICE_COST = 1e-6;
