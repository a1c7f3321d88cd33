import type { Admission } from "#controllers/admission";
import type { Candidate, CandidatePool } from "#controllers/mppi/pool";
import {
  addCrossovers,
  addPerturbations,
  BatchBuilder,
  type PairRange,
  type PerturbationOptions,
  pairRange,
  type Sequence,
  sameInZone,
  withZone,
} from "#controllers/mppi/samples";
import { weightedUpdate } from "#controllers/mppi/update";
import { importanceWeights, temperatureFor } from "#controllers/mppi/weights";
import type { CostProblem } from "#domain/cost";

export interface SearchOptions extends PerturbationOptions {
  /** K: sequences evaluated in one decision, given plans included. */
  readonly numSamples: number;
  readonly iterations: number;
  /** λ; null: chosen for `targetEffectiveSamples`. */
  readonly mppiTemperature: number | null;
  readonly targetEffectiveSamples: number;
  /** Share η of the samples' own weighted variance in that of the next iteration's smooth perturbations, 0…1; 0: it stays `noiseStdDevK`². */
  readonly covarianceShare: number;
}

export interface SearchContext {
  readonly cost: CostProblem;
  readonly admission: Admission;
  readonly options: SearchOptions;
  readonly seed: number;
  readonly tick: number;
  /** Asked between evaluations. */
  readonly mayGoOn: () => boolean;
}

export interface SearchOutcome {
  /** To be taken where it costs no more than any other: it differs least from the rule. */
  readonly preferred: Candidate | null;
  readonly effectiveSampleSize: number;
  readonly mppiTemperature: number;
}

/** Share of an iteration that tries other zones' starts one zone at a time, and that mixes good sequences zone by zone. */
const SWAP_SHARE = 0.4;
const CROSSOVER_SHARE = 0.15;
const ELITES = 12;

const distinct = (sequences: readonly Sequence[]): Sequence[] => {
  const out: Sequence[] = [];
  for (const one of sequences) if (!out.some((other) => sameInZone(one, other, -1, 1))) out.push(one);
  return out;
};

/** A candidate that differs from the base in one zone. */
interface Swap {
  readonly zone: number;
  readonly donor: Sequence;
  readonly index: number;
}

/** Adds the base with zone z from donor j, donors in order, zones within; swaps that change nothing or repeat another are left out. */
const addSwaps = (builder: BatchBuilder, base: Sequence, donors: readonly Sequence[], most: number): Swap[] => {
  const { nz } = builder;
  const swaps: Swap[] = [];
  const tried: Sequence[][] = Array.from({ length: nz }, () => [base]);
  for (const donor of donors)
    for (let zone = 0; zone < nz; zone++) {
      if (swaps.length >= most || builder.room === 0) return swaps;
      if (tried[zone]!.some((other) => sameInZone(donor, other, zone, nz))) continue;
      tried[zone]!.push(donor);
      const index = builder.add(withZone(base, donor, zone, nz));
      if (index >= 0) swaps.push({ zone, donor, index });
    }
  return swaps;
};

/**
 * The base with every zone's best swap at once, and with only the 1, 2, … most gainful ones. Costs are a sum over zones and the building's power nearly
 * one, so the combination is close to the best one; a demand charge makes it less so, hence the smaller steps too.
 */
const mixtures = (
  base: Candidate,
  baseSequence: Sequence,
  swaps: readonly Swap[],
  results: readonly Candidate[],
  nz: number,
): Sequence[] => {
  const best = new Map<number, { gain: number; donor: Sequence }>();
  for (const { zone, donor, index } of swaps) {
    const gain = base.total - results[index]!.total;
    if (gain > 0 && gain > (best.get(zone)?.gain ?? 0)) best.set(zone, { gain, donor });
  }
  const ordered = [...best].sort(([, a], [, b]) => b.gain - a.gain);
  const out: Sequence[] = [];
  let mixed = baseSequence;
  for (const [zone, { donor }] of ordered) {
    mixed = withZone(mixed, donor, zone, nz);
    out.push(mixed);
  }
  return out.reverse();
};

/** Bounds of the adapted standard deviation, as shares of the first one: neither a search that stands still nor one that leaves the good plans. */
const LEAST_SPREAD = 0.2;
const MOST_SPREAD = 2;

/**
 * Standard deviation of the next smooth perturbations, [t][z]: large where good sequences differ, small where they agree,
 *   σ²_{t,z} = (1 − η) σ₀² + η Σ_k ω_k ½ ((h_{k,t,z} − h̄_{t,z})² + (c_{k,t,z} − c̄_{t,z})²),   kept within 0.2…2 σ₀.
 * The diagonal of a covariance adaptation: correlation over time and zones stays that of the noise, which says how a building answers.
 */
const adaptedStdDevs = (
  pool: CandidatePool,
  working: readonly Candidate[],
  weights: Float64Array,
  mean: Sequence,
  { covarianceShare, noiseStdDevK }: SearchOptions,
): Float64Array => {
  const variance = new Float64Array(mean.heatingSetpointC.length);
  if (covarianceShare === 0) return variance.fill(noiseStdDevK);
  working.forEach((candidate, k) => {
    if (weights[k] === 0) return;
    const { heatingSetpointC, coolingSetpointC } = pool.sequence(candidate);
    for (let i = 0; i < variance.length; i++)
      variance[i]! +=
        (weights[k]! / 2) *
        ((heatingSetpointC[i]! - mean.heatingSetpointC[i]!) ** 2 + (coolingSetpointC[i]! - mean.coolingSetpointC[i]!) ** 2);
  });
  return variance.map((value) => {
    const adapted = Math.sqrt((1 - covarianceShare) * noiseStdDevK ** 2 + covarianceShare * value);
    return Math.min(MOST_SPREAD * noiseStdDevK, Math.max(LEAST_SPREAD * noiseStdDevK, adapted));
  });
};

/** Σ_k ω_k V_k over everything evaluated so far. */
const weightedMean = (
  pool: CandidatePool,
  context: SearchContext,
): { mean: Sequence; stdDevsK: Float64Array; outcome: SearchOutcome } | null => {
  const working = pool.working();
  if (working.length === 0) return null;
  const { options, cost } = context;
  const costs = Float64Array.from(working, ({ total }) => total);
  const mppiTemperature = options.mppiTemperature ?? temperatureFor(costs, Math.min(options.targetEffectiveSamples, working.length / 2));
  const { weights, effectiveSampleSize } = importanceWeights(costs, mppiTemperature);
  const size = cost.horizonSteps * cost.nz;
  let heatingSetpointC: Float64Array = new Float64Array(size);
  let coolingSetpointC: Float64Array = new Float64Array(size);
  working.forEach((candidate, i) => {
    const one = pool.sequence(candidate);
    heatingSetpointC = weightedUpdate(heatingSetpointC, one.heatingSetpointC, weights.subarray(i, i + 1));
    coolingSetpointC = weightedUpdate(coolingSetpointC, one.coolingSetpointC, weights.subarray(i, i + 1));
  });
  const mean = { heatingSetpointC, coolingSetpointC };
  return {
    mean,
    stdDevsK: adaptedStdDevs(pool, working, weights, mean, options),
    outcome: { preferred: null, effectiveSampleSize, mppiTemperature },
  };
};

const bestSequences = (pool: CandidatePool, count: number): Sequence[] =>
  distinct(
    [...pool.working()]
      .sort((a, b) => a.total - b.total)
      .slice(0, 2 * count)
      .map((candidate) => pool.sequence(candidate)),
  ).slice(0, count);

/** How many sequences `polish` evaluates at most. */
const polishCount = (nz: number): number => 3 * nz + 2;

/** The same pair of each zone at every step, [t][z]. */
const everyStep = (pair: Sequence, horizonSteps: number): Sequence => {
  const repeat = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: horizonSteps * values.length }, (_, i) => values[i % values.length]!);
  return { heatingSetpointC: repeat(pair.heatingSetpointC), coolingSetpointC: repeat(pair.coolingSetpointC) };
};

/**
 * Improves on the given plans, which are in the pool already. Every iteration tries the given plans (later also the best so far) zone by zone in
 * place of the best sequence's, mixes what gained, crosses good sequences and perturbs the best one and the weighted mean. Last comes the polish.
 */
export const search = async (pool: CandidatePool, given: readonly Sequence[], context: SearchContext): Promise<SearchOutcome> => {
  const { cost, options, seed, tick } = context;
  const { horizonSteps, nz } = cost;
  const range = pairRange(given, nz, context.admission);
  const admission: Admission = { ...context.admission, widest: context.admission.widest ?? everyStep(range.wide, horizonSteps) };
  const iterations = Math.max(1, options.iterations);
  let left = Math.max(0, options.numSamples - pool.candidates.length - polishCount(nz));
  let mixed: Sequence[] = [];
  const known = new Set<number>();
  for (let iteration = 0; iteration < iterations && left > 0; iteration++) {
    const base = pool.cheapest(pool.working());
    if (base === null || !context.mayGoOn()) break;
    const baseSequence = pool.sequence(base);
    const count = Math.ceil(left / (iterations - iteration));
    left -= count;
    const builder = new BatchBuilder(count, horizonSteps, nz, admission, known);
    for (const sequence of mixed) builder.add(sequence);
    const elites = bestSequences(pool, ELITES);
    const donors = distinct([...elites, ...given]);
    const swaps = nz > 1 ? addSwaps(builder, baseSequence, donors, Math.floor(count * SWAP_SHARE)) : [];
    addCrossovers(builder, elites, Math.min(builder.room, Math.floor(count * CROSSOVER_SHARE)), seed, tick, 3 * iteration);
    const average = weightedMean(pool, context);
    // The given plans alone say nothing of how good ones differ.
    const stdDevsK =
      average === null || iteration === 0 ? new Float64Array(horizonSteps * nz).fill(options.noiseStdDevK) : average.stdDevsK;
    perturbBoth(builder, baseSequence, average?.mean ?? baseSequence, donors, range, stdDevsK, context, iteration);
    const results = await pool.evaluate(builder.batch());
    pool.add(results);
    mixed = mixtures(base, baseSequence, swaps, results, nz);
  }
  return polish(pool, given[0]!, mixed, context);
};

const perturbBoth = (
  builder: BatchBuilder,
  best: Sequence,
  mean: Sequence,
  others: readonly Sequence[],
  range: PairRange,
  stdDevsK: Float64Array,
  { options, seed, tick }: SearchContext,
  iteration: number,
): void => {
  const half = Math.floor(builder.room / 2);
  addPerturbations(builder, best, others, builder.room - half, range, options, stdDevsK, seed, tick, 3 * iteration + 1);
  addPerturbations(builder, mean, others, half, range, options, stdDevsK, seed, tick, 3 * iteration + 2);
};

/**
 * Evaluates the weighted mean (an average of good sequences need not be good), the last mixtures, and the best sequence with each zone's heating or
 * cooling put back to the rule's; then all of those put back at once that made nothing worse. What differs from the rule for no gain goes, and the
 * plan can be explained.
 */
const polish = async (pool: CandidatePool, rule: Sequence, mixed: readonly Sequence[], context: SearchContext): Promise<SearchOutcome> => {
  const { cost, admission } = context;
  const { horizonSteps, nz } = cost;
  const average = weightedMean(pool, context);
  if (average === null) return { preferred: null, effectiveSampleSize: 0, mppiTemperature: context.options.mppiTemperature ?? 0 };
  if (!context.mayGoOn()) return average.outcome;
  const first = new BatchBuilder(1 + mixed.length, horizonSteps, nz, admission);
  first.add(average.mean);
  for (const sequence of mixed) first.add(sequence);
  pool.add(await pool.evaluate(first.batch()));
  const best = pool.cheapest(pool.working());
  if (best === null || !context.mayGoOn()) return average.outcome;

  const bestSequence = pool.sequence(best);
  const parts = Array.from({ length: nz }, (_, zone) => (["heating", "cooling"] as const).map((side) => ({ zone, side }))).flat();
  const second = new BatchBuilder(parts.length, horizonSteps, nz, admission);
  for (const { zone, side } of parts) second.add(withZone(bestSequence, rule, zone, nz, side));
  const put = await pool.evaluate(second.batch());
  pool.add(put);
  const harmless = parts.filter((_, i) => pool.isAdmitted(put[i]!) === pool.isAdmitted(best) && pool.isNoDearer(put[i]!, best));
  if (harmless.length < 2 || !context.mayGoOn()) return average.outcome;
  const third = new BatchBuilder(1, horizonSteps, nz, admission);
  third.add(harmless.reduce((sequence, { zone, side }) => withZone(sequence, rule, zone, nz, side), bestSequence));
  const together = await pool.evaluate(third.batch());
  pool.add(together);
  return { ...average.outcome, preferred: together[0]! };
};
