import { type CostProblem, referencePrice } from "#controllers/mppi/cost";
import { defaultMppiOptions } from "#controllers/mppi/mppiPlanner";
import { streamOf, UniformSource } from "#controllers/mppi/noise";
import { type PlanProblem, planProblem } from "#controllers/mppi/planProblem";
import { type Candidate, CandidatePool } from "#controllers/mppi/pool";
import { planFrame, predictedPlan, unpredictedPlan } from "#controllers/mppi/predictedPlan";
import { BatchBuilder, type Sequence, sequenceOf } from "#controllers/mppi/samples";
import { kwhPerKelvin, terminalValue } from "#controllers/mppi/terminalValue";
import { weightedUpdate } from "#controllers/mppi/update";
import { importanceWeights, temperatureFor } from "#controllers/mppi/weights";
import { initialStateFromHistory, rolloutDisturbances } from "#controllers/rollout/initialState";
import type { BuildingModel } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import type { PreparedRollout } from "#domain/rollout";
import type { ZoneSetpoints } from "#domain/setpoints";

export interface RandomShootingOptions {
  readonly name: string;
  readonly numSamples: number;
  /** γ. */
  readonly discount: number;
  /** reward: CLUE's own, zone by zone (`zoneReward`). cost: what MPPI minimises, all zones together, and its bound on the spread of the whole plan. */
  readonly objective: "reward" | "cost";
  readonly uncertaintyWeight: number;
  /** The published script adds uncertainty to the reward, so that it seeks it; mended: subtracted. */
  readonly uncertainty: "added" | "subtracted";
  /** ε: sequences whose first step is less certain are discarded. null: the model's bound. */
  readonly firstStepBound: number | null;
  /** What is compared with ε and weighed: the published script takes the variance, K²; mended: the standard deviation, K. */
  readonly spread: "variance" | "stdDev";
  /** What an empty zone's setpoints are drawn to. The published script looks at one side only: in winter at cooling, in summer at heating. */
  readonly whenEmpty: "published" | "both-sides";
  /** first: one pair for all zones, chosen for the first one, as published. each: every zone its own. */
  readonly zones: "first" | "each";
  /** best: the sequence of the highest reward (random shooting). weighted: the mean weighted as MPPI does. */
  readonly selection: "best" | "weighted";
  /**
   * What acts where every sequence is discarded. published: (21, 21) °C while occupied, (15, 30) otherwise. published-script: the same as its script has
   * it, the empty pair in the wrong order (heating 30, cooling 15; the limits and the deadband are kept nevertheless). rule: the request's rule.
   */
  readonly fallback: "published" | "published-script" | "rule";
  /** false: where every sequence is discarded, the least uncertain tenth competes and the planner always acts. */
  readonly allowFallback: boolean;
  readonly maxSamplesPerRun: number;
  readonly backendName: string;
  readonly clockMs: () => number;
}

const common = {
  numSamples: 1000,
  discount: 0.99,
  objective: "reward",
  uncertaintyWeight: 0.5,
  selection: "best",
  allowFallback: true,
  maxSamplesPerRun: 1000,
  backendName: "",
  clockMs: () => performance.now(),
} as const;

/** As published (Ding et al. 2024, arXiv 2407.12195, and its script), faults of the reward included. */
export const publishedClue: RandomShootingOptions = {
  ...common,
  name: "clue",
  uncertainty: "added",
  firstStepBound: 0.3,
  spread: "variance",
  whenEmpty: "published",
  zones: "first",
  fallback: "published",
};

/** The same idea with its faults mended: uncertainty costs, the bound is the model's calibrated one, every zone plans for itself, the rule is the fallback. */
export const mendedClue: RandomShootingOptions = {
  ...common,
  name: "clue-mended",
  uncertainty: "subtracted",
  firstStepBound: null,
  spread: "stdDev",
  whenEmpty: "both-sides",
  zones: "each",
  fallback: "rule",
};

/** MPPI without its search: K random sequences, and the one acts that costs least by the same cost and keeps the same bound. */
export const costShooting: RandomShootingOptions = { ...mendedClue, name: "random-shooting", objective: "cost" };

/** Ranges of the actions, °C. */
const HEATING_C = { low: 15, high: 22 };
const COOLING_C = { low: 21, high: 30 };
/** The published script knows two seasons by their comfort bands: 20–23.5 and 23–26 °C. */
const WINTER_LOWER_C = 21.5;

/** Pairs uniform over the ranges, redrawn to a cooling setpoint not below heating by moving cooling up; one pair for all zones, or one per zone. */
const randomSequence = (random: UniformSource, horizonSteps: number, nz: number, sharePair: boolean): Sequence => {
  const heatingSetpointC = new Float64Array(horizonSteps * nz);
  const coolingSetpointC = new Float64Array(horizonSteps * nz);
  for (let i = 0; i < heatingSetpointC.length; i++) {
    if (sharePair && i % nz > 0) {
      heatingSetpointC[i] = heatingSetpointC[i - 1]!;
      coolingSetpointC[i] = coolingSetpointC[i - 1]!;
      continue;
    }
    heatingSetpointC[i] = HEATING_C.low + (HEATING_C.high - HEATING_C.low) * random.next();
    const cooling = COOLING_C.low + (COOLING_C.high - COOLING_C.low) * random.next();
    coolingSetpointC[i] = Math.max(heatingSetpointC[i]!, cooling);
  }
  return { heatingSetpointC, coolingSetpointC };
};

/**
 * Reward of zone z along a sequence: R = Σ_t γᵗ (r_t ± w u_t), u the spread of step t;
 * occupied: r = −(lower − T)₊ − (T − upper)₊; empty: r = −|T_coo − 30| in winter, −|T_hea − 15| in summer (published), or their sum (both sides).
 */
export const zoneReward = (
  { result, batch, k }: Pick<Candidate, "result" | "batch" | "k">,
  problem: PlanProblem,
  z: number,
  options: Pick<RandomShootingOptions, "discount" | "uncertaintyWeight" | "uncertainty" | "spread" | "whenEmpty">,
): number => {
  const { horizonSteps, nz, lowerC, upperC, occupied } = problem.cost;
  const sign = options.uncertainty === "added" ? 1 : -1;
  let reward = 0;
  for (let t = 0; t < horizonSteps; t++) {
    const here = t * nz + z;
    const i = k * horizonSteps * nz + here;
    const step =
      occupied[here] === 1
        ? -Math.max(0, lowerC[here]! - result.meanC[i]!) - Math.max(0, result.meanC[i]! - upperC[here]!)
        : emptyReward(batch.heatingSetpointC[i]!, batch.coolingSetpointC[i]!, lowerC[here]!, options.whenEmpty);
    reward += options.discount ** t * (step + sign * options.uncertaintyWeight * spreadOf(result.stdDevK[i]!, options.spread));
  }
  return reward;
};

const emptyReward = (heatingC: number, coolingC: number, lowerC: number, kind: RandomShootingOptions["whenEmpty"]): number => {
  const heating = -Math.abs(heatingC - HEATING_C.low);
  const cooling = -Math.abs(coolingC - COOLING_C.high);
  if (kind === "both-sides") return heating + cooling;
  return lowerC < WINTER_LOWER_C ? cooling : heating;
};

const spreadOf = (stdDevK: number, kind: RandomShootingOptions["spread"]): number => (kind === "variance" ? stdDevK ** 2 : stdDevK);

/** The planner's fallback over the whole horizon. */
const fallbackSequence = (request: PlanRequest, problem: PlanProblem, kind: RandomShootingOptions["fallback"]): Sequence => {
  if (kind === "rule") return request.rulePlans[0]!;
  const { occupied } = problem.cost;
  const empty: ZoneSetpoints =
    kind === "published" ? { heatingSetpointC: 15, coolingSetpointC: 30 } : { heatingSetpointC: 30, coolingSetpointC: 15 };
  return {
    heatingSetpointC: Float64Array.from(occupied, (isOccupied) => (isOccupied === 1 ? 21 : empty.heatingSetpointC)),
    coolingSetpointC: Float64Array.from(occupied, (isOccupied) => (isOccupied === 1 ? 21 : empty.coolingSetpointC)),
  };
};

/** Share of the sequences that count as least uncertain where none is certain enough and the planner acts nevertheless. */
const LEAST_UNCERTAIN = 0.1;

/** The samples that may act in zone z: certain enough, or the least uncertain ones where none is and there is no fallback. */
const certain = (
  samples: readonly Candidate[],
  { horizonSteps, nz }: CostProblem,
  z: number,
  bound: number,
  { objective, spread, allowFallback }: RandomShootingOptions,
): readonly Candidate[] => {
  const uncertainty = ({ result, k, spreadK }: Candidate): number =>
    objective === "cost" ? spreadK : spreadOf(result.stdDevK[k * horizonSteps * nz + z]!, spread);
  const sure = samples.filter((candidate) => uncertainty(candidate) <= bound);
  if (sure.length > 0 || allowFallback) return sure;
  const finite = samples.filter(({ total }) => Number.isFinite(total));
  return finite.sort((a, b) => uncertainty(a) - uncertainty(b)).slice(0, Math.ceil(LEAST_UNCERTAIN * finite.length));
};

/** What acts in zone z, from the samples that are certain enough; null where none is. */
const choose = (
  pool: CandidatePool,
  samples: readonly Candidate[],
  problem: PlanProblem,
  z: number,
  bound: number,
  options: RandomShootingOptions,
): { readonly sequence: Sequence; readonly discarded: number } | null => {
  const { horizonSteps, nz } = problem.cost;
  const sure = certain(samples, problem.cost, z, bound, options);
  const rated = sure
    .map((candidate) => ({
      candidate,
      reward: options.objective === "cost" ? -candidate.total : zoneReward(candidate, problem, z, options),
    }))
    .filter(({ reward }) => Number.isFinite(reward));
  if (rated.length === 0) return null;
  const discarded = samples.length - sure.length;
  if (options.selection === "best") {
    const best = rated.reduce((a, b) => (b.reward > a.reward ? b : a));
    return { sequence: pool.sequence(best.candidate), discarded };
  }
  const costs = Float64Array.from(rated, ({ reward }) => -reward);
  const { weights } = importanceWeights(costs, temperatureFor(costs, Math.min(EFFECTIVE_SAMPLES, costs.length / 2)));
  let heatingSetpointC: Float64Array = new Float64Array(horizonSteps * nz);
  let coolingSetpointC: Float64Array = new Float64Array(horizonSteps * nz);
  rated.forEach(({ candidate }, i) => {
    const one = pool.sequence(candidate);
    heatingSetpointC = weightedUpdate(heatingSetpointC, one.heatingSetpointC, weights.subarray(i, i + 1));
    coolingSetpointC = weightedUpdate(coolingSetpointC, one.coolingSetpointC, weights.subarray(i, i + 1));
  });
  return { sequence: { heatingSetpointC, coolingSetpointC }, discarded };
};

const EFFECTIVE_SAMPLES = 20;

/**
 * CLUE's planner: K random setpoint sequences, those uncertain in their first step discarded, the best discounted reward acts; nothing left, the
 * fallback acts. `publishedClue` reproduces it with its faults, `mendedClue` without. The plan that comes out keeps limits, slew and deadband, which the
 * published one did not know. `costShooting` takes MPPI's cost instead of the reward. Same request, same plan. Errors as those of the MPPI planner; a sequence that is not finite is dropped.
 */
export const createRandomShootingPlanner = (
  rollout: PreparedRollout,
  model: BuildingModel,
  given: Partial<RandomShootingOptions> = {},
): Planner => {
  const options: RandomShootingOptions = { ...publishedClue, ...given };
  const modelZones = model.zones.map(({ zone }) => zone);
  return {
    name: options.name,
    close: async () => rollout.close(),
    plan: async (request) => shoot(request, rollout, model, modelZones, options),
  };
};

const shoot = async (
  request: PlanRequest,
  rollout: PreparedRollout,
  model: BuildingModel,
  modelZones: readonly string[],
  options: RandomShootingOptions,
): Promise<Plan> => {
  const beganMs = options.clockMs();
  const isCost = options.objective === "cost";
  const toleranceK = isCost ? defaultMppiOptions.comfortToleranceK : 0;
  const problem = planProblem(request, modelZones, {
    weights: {},
    toleranceK,
    gridK: 0,
    withinRules: isCost && defaultMppiOptions.withinRules,
    readySteps: isCost ? defaultMppiOptions.readySteps : 0,
  });
  const { horizonSteps, nz } = problem.cost;
  const inputs = {
    initial: initialStateFromHistory(model, request.history),
    disturbances: rolloutDisturbances(model, request.forecast, horizonSteps),
    localMs: request.localMs.slice(0, horizonSteps),
  };
  const bound = options.firstStepBound ?? spreadOf(model.spreadBoundK, options.spread);
  const poolWith = (cost: CostProblem): CandidatePool =>
    new CandidatePool(rollout, cost, inputs, options.maxSamplesPerRun, model.spreadBoundK);
  const pool = poolWith(isCost ? await withTerminal(problem, request, poolWith(problem.cost)) : problem.cost);
  const sharePair = options.zones === "first";
  const isJoint = sharePair || isCost;
  const random = new UniformSource(request.seed, streamOf(request.tick, 0));
  const builder = new BatchBuilder(options.numSamples, horizonSteps, nz, problem.admission);
  while (builder.room > 0) builder.add(randomSequence(random, horizonSteps, nz, sharePair));
  const samples = await pool.evaluate(builder.batch());
  const notFinite = samples.filter(({ total }) => !Number.isFinite(total)).length;

  const fallback = fallbackSequence(request, problem, options.fallback);
  const perZone = Array.from({ length: isJoint ? 1 : nz }, (_, z) => choose(pool, samples, problem, z, bound, options));
  const acting = Array.from({ length: nz }, (_, z) => perZone[isJoint ? 0 : z] ?? null);
  const fallen = request.zones.filter((_, z) => acting[z] === null);
  const combined = (side: keyof Sequence): Float64Array => fallback[side].map((value, i) => acting[i % nz]?.sequence[side][i] ?? value);

  const final = new BatchBuilder(2, horizonSteps, nz, problem.admission);
  final.add({ heatingSetpointC: combined("heatingSetpointC"), coolingSetpointC: combined("coolingSetpointC") });
  final.add(request.rulePlans[0]!);
  const [chosen, rule] = await pool.evaluate(final.batch());
  const describe = (candidate: Candidate) =>
    Number.isFinite(candidate.total)
      ? predictedPlan(request.zones, candidate, horizonSteps)
      : unpredictedPlan(request.zones, pool.sequence(candidate));
  const actsByFallback = fallen.length === nz;
  const isRule = actsByFallback && options.fallback === "rule";
  return {
    ...planFrame(request),
    source: actsByFallback ? "rule" : "mppi",
    chosen: describe(isRule ? rule! : chosen!),
    rule: Number.isFinite(rule!.total) ? describe(rule!) : null,
    reason: reasonOf(options, samples.length, fallen, nz, bound),
    fallback: !actsByFallback ? null : notFinite === samples.length ? "not-finite" : "too-uncertain",
    diagnostics: {
      numSamples: samples.length,
      horizonSteps,
      samplesDiscarded: Math.max(...acting.map((one) => one?.discarded ?? samples.length - notFinite)),
      samplesNotFinite: notFinite,
      effectiveSampleSize: options.selection === "best" ? 1 : EFFECTIVE_SAMPLES,
      mppiTemperature: 0,
      spreadBoundK: options.spread === "variance" ? Math.sqrt(bound) : bound,
      solveMs: options.clockMs() - beganMs,
      backend: options.backendName,
      seed: request.seed,
    },
  };
};

/** The costs with what is owed at the horizon's end, reckoned as MPPI does: against where the rule would end. */
const withTerminal = async ({ cost, comfort, admission }: PlanProblem, request: PlanRequest, pool: CandidatePool): Promise<CostProblem> => {
  const { horizonSteps, nz, stepS } = cost;
  const size = horizonSteps * nz;
  const builder = new BatchBuilder(request.rulePlans.length, horizonSteps, nz, admission);
  for (const plan of request.rulePlans) builder.add(plan);
  const [rule] = await pool.evaluate(builder.batch());
  const { result, batch } = rule!;
  const pricePerK = referencePrice(cost.pricePerKwh) * kwhPerKelvin(result, batch.count, horizonSteps, nz, stepS);
  return {
    ...cost,
    terminal: terminalValue(comfort, horizonSteps, result.meanC.slice(size - nz, size), sequenceOf(batch, 0, size), pricePerK),
  };
};

const reasonOf = (
  { fallback, spread, selection, objective }: RandomShootingOptions,
  count: number,
  fallen: readonly string[],
  nz: number,
  bound: number,
): string => {
  const what = fallback === "rule" ? "the rule" : "the method's fallback (21 °C while occupied)";
  const limit = `${bound.toFixed(2)} ${spread === "variance" ? "K²" : "K"}`;
  const where = objective === "cost" ? "" : " in their first step";
  if (fallen.length === nz) return `All of ${count} random sequences exceed the bound of ${limit}${where}: ${what} acts.`;
  const rest = fallen.length === 0 ? "" : `; in ${fallen.join(", ")} none keeps the bound of ${limit} and ${what} acts`;
  const by = objective === "cost" ? "predicted cost" : "discounted reward";
  return `${selection === "best" ? "The best" : "The weighted mean"} of ${count} random sequences by ${by} acts${rest}.`;
};
