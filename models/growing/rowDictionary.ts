import type { KernelSpec } from "#domain/kernel";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { uniform } from "#math/random";
import { effectiveDimension, ridgeLeverageScores, weightedRows } from "#models/growing/leverageScores";

export interface RowDictionaryOptions {
  readonly la: LinearAlgebra;
  readonly kernel: KernelSpec;
  readonly d: number;
  /** γ at the start, K²: rows are worth keeping as far as they stand out of this noise. It grows until the budget suffices. */
  readonly regularisation: number;
  /** Rows kept at most. */
  readonly budget: number;
  /** The newest rows, as many as this, stay whatever their score; below the budget. Default 0. */
  readonly newest?: number;
  /** τ: a row's γ_i = γ exp(age / τ), its age in rows offered after it; older rows have to stand out further. Default: no forgetting. */
  readonly forgettingRows?: number;
  /** c in p_i = min(1, c τ_i); at least 1. Default 2. */
  readonly oversampling?: number;
  /** Of the random numbers that decide which rows stay; a row's number depends on the seed and its id alone. */
  readonly seed?: number;
  /** What an earlier dictionary of the same options knew: this one goes on from there. */
  readonly from?: DictionaryState;
}

/** All that a dictionary knows: plain data, to be kept between nights. */
export interface DictionaryState extends DictionaryRows {
  /** How many rows had been offered before each. */
  readonly position: Float64Array;
  readonly offered: number;
  /** γ, K². */
  readonly regularisation: number;
  readonly effectiveDimension: number;
}

/** Rows kept of a stream, in the order of offering. */
export interface DictionaryRows {
  readonly ids: readonly number[];
  /** n×d. */
  readonly x: Float64Array;
  /** Probability with which each row is still there. */
  readonly probability: Float64Array;
  /** Its ridge leverage score, as estimated last. */
  readonly score: Float64Array;
}

/** γ grows in steps of this. */
const GROWTH = 1.3;

/**
 * Keeps at most `budget` of a stream of rows, chosen online by ridge leverage scores in one pass: sequential Nyström after INK-Estimate (Calandriello,
 * Lazaric & Valko 2016) and SQUEAK (2017). Each batch joins with probability 1; the scores of all rows at hand are estimated from those rows alone; row i
 * stays while u_i < p_i = min(p_i, c τ_i(γ)), u_i its own permanent uniform number, which equals SQUEAK's chain of coin tosses p_new / p_old. Where more
 * than the budget would stay, γ grows until it suffices: τ(γ) falls with γ, so probabilities only ever fall, as the estimates need.
 * With probability 1 − δ and c ≥ 8 log(4n/δ)/ε² the kept rows make an ε-accurate dictionary at γ: I − P ≼ γ/(1 − ε) (ΦᵀΦ + γI)⁻¹, P the projection on them: the
 * prior variance that they leave unexplained anywhere is at most 1/(1 − ε) times the variance that all rows leave under noise γ. At smaller c this is a heuristic.
 * A batch costs a few (budget + batch)³ flops, whatever came before. Rows that are not finite throw RangeError.
 */
export class RowDictionary {
  readonly #options: Required<Omit<RowDictionaryOptions, "from">>;
  #rows: DictionaryRows = { ids: [], x: new Float64Array(0), probability: new Float64Array(0), score: new Float64Array(0) };
  /** How many rows had been offered before each. */
  #position = new Float64Array(0);
  #regularisation: number;
  #offered = 0;
  #effectiveDimension = 0;

  constructor(options: RowDictionaryOptions) {
    const { budget, regularisation, newest = 0, forgettingRows = Number.POSITIVE_INFINITY, oversampling = 2 } = options;
    if (!(budget >= 1)) throw new RangeError(`A budget of ${budget} rows keeps nothing.`);
    if (!(regularisation > 0)) throw new RangeError(`A regularisation of ${regularisation} K² is none.`);
    if (!(newest >= 0 && newest < budget)) throw new RangeError(`${newest} newest rows leave no room in a budget of ${budget}.`);
    if (!(oversampling >= 1)) throw new RangeError(`An oversampling of ${oversampling} is below 1.`);
    this.#options = { seed: 1, ...options, newest, forgettingRows, oversampling };
    const { from } = options;
    this.#regularisation = Math.max(regularisation, from?.regularisation ?? 0);
    if (from === undefined) return;
    this.#rows = { ids: [...from.ids], x: from.x.slice(), probability: from.probability.slice(), score: from.score.slice() };
    this.#position = from.position.slice();
    this.#offered = from.offered;
    this.#effectiveDimension = from.effectiveDimension;
  }

  get rows(): DictionaryRows {
    return this.#rows;
  }

  get state(): DictionaryState {
    const { ids, x, probability, score } = this.#rows;
    return {
      ids: [...ids],
      x: x.slice(),
      probability: probability.slice(),
      score: score.slice(),
      position: this.#position.slice(),
      offered: this.#offered,
      regularisation: this.#regularisation,
      effectiveDimension: this.#effectiveDimension,
    };
  }

  /** Rows seen so far. */
  get offered(): number {
    return this.#offered;
  }

  /** γ now, K². */
  get regularisation(): number {
    return this.#regularisation;
  }

  /** Estimate of Σ τ_i(γ) over everything offered: Σ τ_i / p_i over the rows at hand (Horvitz & Thompson 1952). */
  get effectiveDimension(): number {
    return this.#effectiveDimension;
  }

  /** Offers rows, oldest first. @param ids whole numbers, each once. @param x count×d. */
  offer(ids: readonly number[], x: Float64Array): void {
    const { la, kernel, d, budget, newest, forgettingRows, oversampling, seed } = this.#options;
    if (x.length !== ids.length * d) throw new RangeError(`${x.length} inputs for ${ids.length} rows of ${d}.`);
    if (!x.every(Number.isFinite)) throw new RangeError("The offered rows hold values that are not finite.");
    const before = this.#rows;
    const n = before.ids.length + ids.length;
    const union = {
      ids: [...before.ids, ...ids],
      x: joined(before.x, x),
      probability: joined(before.probability, new Float64Array(ids.length).fill(1)),
    };
    const position = joined(
      this.#position,
      Float64Array.from(ids, (_, i) => this.#offered + i),
    );
    this.#offered += ids.length;
    const inflation = position.map((at) => Math.exp((this.#offered - 1 - at) / forgettingRows));
    const weighted = weightedRows(la, kernel, union.x, n, d, union.probability);
    for (;;) {
      const score = ridgeLeverageScores(
        la,
        weighted,
        inflation.map((factor) => factor * this.#regularisation),
      );
      this.#effectiveDimension = effectiveDimension(score.map((value, i) => value / union.probability[i]!));
      const probability = score.map((value, i) => (i >= n - newest ? 1 : Math.min(union.probability[i]!, oversampling * value)));
      const stay = union.ids.flatMap((id, i) => (i >= n - newest || uniform(seed, 0, id) < probability[i]! ? [i] : []));
      if (stay.length <= budget) {
        this.#rows = picked({ ...union, probability, score }, stay, d);
        this.#position = Float64Array.from(stay, (i) => position[i]!);
        return;
      }
      this.#regularisation *= GROWTH;
    }
  }

  /** Gives rows up, e.g. those that a sliding window leaves behind; ids that are not there are ignored. */
  forget(ids: ReadonlySet<number>): void {
    const stay = this.#rows.ids.flatMap((id, i) => (ids.has(id) ? [] : [i]));
    this.#rows = picked(this.#rows, stay, this.#options.d);
    this.#position = Float64Array.from(stay, (i) => this.#position[i]!);
  }
}

const joined = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
};

const picked = (rows: DictionaryRows, stay: readonly number[], d: number): DictionaryRows => {
  const x = new Float64Array(stay.length * d);
  stay.forEach((i, at) => {
    x.set(rows.x.subarray(i * d, (i + 1) * d), at * d);
  });
  return {
    ids: stay.map((i) => rows.ids[i]!),
    x,
    probability: Float64Array.from(stay, (i) => rows.probability[i]!),
    score: Float64Array.from(stay, (i) => rows.score[i]!),
  };
};
