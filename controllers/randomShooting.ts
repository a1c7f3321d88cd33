import { referencePrice } from "#controllers/mppi/cost";
import { defaultMppiOptions } from "#controllers/mppi/mppiPlanner";
import { streamOf, UniformSource } from "#controllers/mppi/noise";
import { type PlanProblem, planProblem, shiftedPrevious } from "#controllers/mppi/planProblem";
import { CandidatePool, type PredictedCandidate } from "#controllers/mppi/pool";
import { planFrame, predictedPlan, unpredictedPlan } from "#controllers/mppi/predictedPlan";
import { BatchBuilder, type Sequence, sequenceOf } from "#controllers/mppi/samples";
import { kwhPerKelvin, terminalValue } from "#controllers/mppi/terminalValue";
import { weightedUpdate } from "#controllers/mppi/update";
import { importanceWeights, temperatureFor } from "#controllers/mppi/weights";
import { initialStateFromHistory, rolloutDisturbances } from "#controllers/rollout/initialState";
import {
  type Actions,
  isWinterBand,
  middleSequence,
  perturbed,
  publishedFallback,
  publishedPair,
  randomSequence,
  SETBACK,
} from "#controllers/shootingActions";
import type { CostProblem } from "#domain/cost";
import type { BuildingModel } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import { zonePoint } from "#domain/points";
import type { PreparedRollout, RolloutInitialState } from "#domain/rollout";
import { normals } from "#math/random";

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
  /** What pairs are drawn; around-plan: the previous plan, moved on by a step, with normal noise of 2 K (MPPI). */
  readonly actions: Actions | "around-plan";
  /** drawn: the pairs as they were planned. table: what the published script's building makes of them (`publishedPair`). */
  readonly carriedOut: "drawn" | "table";
  /** What the published script adds to the method: its first plan starts from 0 °C, and its reward looks at the occupancy of the step before. */
  readonly asScripted: boolean;
  /** best: the sequence of the highest reward (random shooting). weighted: the mean weighted as MPPI does. */
  readonly selection: "best" | "weighted";
  /** What acts where every sequence is discarded. published: `publishedFallback`. rule: the request's rule. */
  readonly fallback: "published" | "rule";
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
  actions: "uniform",
  carriedOut: "drawn",
  asScripted: false,
  uncertaintyWeight: 0.5,
  selection: "best",
  allowFallback: true,
  maxSamplesPerRun: 1000,
  backendName: "",
  clockMs: () => performance.now(),
} as const;

/** As its script has it (repository ryeii/CLUE, agent/CLUE.py), slips included; docs/decisions/0009-clue-reproduction.md lists them. For one zone: see `driveAllFrom`. */
export const publishedClue: RandomShootingOptions = {
  ...common,
  name: "clue",
  uncertainty: "added",
  firstStepBound: 0.3,
  spread: "variance",
  whenEmpty: "published",
  actions: "published",
  carriedOut: "table",
  asScripted: true,
  fallback: "published",
};

/** The same idea with its slips mended: uncertainty costs, the bound is the model's calibrated one, what is planned is carried out, the rule is the fallback. */
export const mendedClue: RandomShootingOptions = {
  ...common,
  name: "clue-mended",
  uncertainty: "subtracted",
  firstStepBound: null,
  spread: "stdDev",
  whenEmpty: "both-sides",
  fallback: "rule",
};

/** MPPI as model-based control with network ensembles has it: perturbations of the last plan, weighted by CLUE's reward without uncertainty; no bound and no fallback. */
export const ensembleMppi: RandomShootingOptions = {
  ...mendedClue,
  name: "ensemble",
  actions: "around-plan",
  selection: "weighted",
  uncertaintyWeight: 0,
  firstStepBound: Number.MAX_VALUE,
};

/** MPPI without its search: K random sequences, and the one acts that costs least by the same cost and keeps the same bound. */
export const costShooting: RandomShootingOptions = { ...mendedClue, name: "random-shooting", objective: "cost" };

/** What is asked, and which steps count as occupied to the reward, [t][z]: as a rule those of the problem itself. */
export interface RewardProblem extends Pick<PlanProblem, "cost"> {
  readonly rewardedOccupied: Uint8Array;
}

/**
 * Reward of zone z along a sequence: R = Σ_t γᵗ (r_t ± w u_t), u the spread of step t;
 * occupied: r = −(lower − T)₊ − (T − upper)₊; empty: r = −|T_coo − 30| in winter, −|T_hea − 15| in summer (published), or their sum (both sides).
 */
export const zoneReward = (
  { result, batch, k }: Pick<PredictedCandidate, "result" | "batch" | "k">,
  problem: RewardProblem,
  z: number,
  options: Pick<RandomShootingOptions, "discount" | "uncertaintyWeight" | "uncertainty" | "spread" | "whenEmpty">,
): number => {
  const { horizonSteps, nz, lowerC, upperC } = problem.cost;
  const occupied = problem.rewardedOccupied;
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
  const heating = -Math.abs(heatingC - SETBACK.heatingSetpointC);
  const cooling = -Math.abs(coolingC - SETBACK.coolingSetpointC);
  if (kind === "both-sides") return heating + cooling;
  return isWinterBand(lowerC) ? cooling : heating;
};

const spreadOf = (stdDevK: number, kind: RandomShootingOptions["spread"]): number => (kind === "variance" ? stdDevK ** 2 : stdDevK);

/** The planner's fallback over the whole horizon. */
const fallbackSequence = (request: PlanRequest, { cost }: PlanProblem, kind: RandomShootingOptions["fallback"]): Sequence => {
  if (kind === "rule") return request.rulePlans[0]!;
  const pairs = Array.from(cost.occupied, (isOccupied, i) => publishedFallback(isOccupied === 1, isWinterBand(cost.lowerC[i]!)));
  return {
    heatingSetpointC: Float64Array.from(pairs, (pair) => pair.heatingSetpointC),
    coolingSetpointC: Float64Array.from(pairs, (pair) => pair.coolingSetpointC),
  };
};

/** What is carried out of a planned sequence. */
const carriedOut = (sequence: Sequence, { lowerC }: CostProblem, kind: RandomShootingOptions["carriedOut"]): Sequence => {
  if (kind === "drawn") return sequence;
  const pairs = Array.from(lowerC, (lower, i) =>
    publishedPair(
      { heatingSetpointC: sequence.heatingSetpointC[i]!, coolingSetpointC: sequence.coolingSetpointC[i]! },
      isWinterBand(lower),
    ),
  );
  return {
    heatingSetpointC: Float64Array.from(pairs, (pair) => pair.heatingSetpointC),
    coolingSetpointC: Float64Array.from(pairs, (pair) => pair.coolingSetpointC),
  };
};

/** Occupancy that the reward counts: as scripted that of the step before, so that the newest row's decides in the first. */
const rewardedOccupied = ({ cost }: PlanProblem, request: PlanRequest, asScripted: boolean): Uint8Array => {
  if (!asScripted) return cost.occupied;
  const late = new Uint8Array(cost.occupied.length);
  late.set(cost.occupied.subarray(0, late.length - cost.nz), cost.nz);
  const { columns, rows } = request.history;
  request.zones.forEach((zone, z) => {
    const count = columns.get(zonePoint(zone, "occupancyCount"))?.[rows - 1];
    late[z] = count === undefined || Number.isNaN(count) ? cost.occupied[z]! : Number(count > 0);
  });
  return late;
};

/** The script's first observation is the number 0. */
const fromZero = (initial: RolloutInitialState): RolloutInitialState => ({
  ...initial,
  temperaturesC: initial.temperaturesC.map((values) => new Float64Array(values.length)),
});

/** K sequences as the method draws them; perturbations are of the previous plan where there is one. */
const drawSamples = (builder: BatchBuilder, request: PlanRequest, { actions }: RandomShootingOptions): void => {
  const { horizonSteps, nz } = builder;
  const stream = streamOf(request.tick, 0);
  if (actions !== "around-plan") {
    const random = new UniformSource(request.seed, stream);
    while (builder.room > 0) builder.add(randomSequence(random, horizonSteps, nz, actions));
    return;
  }
  const nominal = shiftedPrevious(request) ?? middleSequence(horizonSteps, nz);
  const noise = new Float64Array(2 * builder.room * horizonSteps * nz);
  normals(request.seed, stream, noise);
  let next = 0;
  while (builder.room > 0) builder.add(perturbed(nominal, () => noise[next++]!));
};

/** Share of the sequences that count as least uncertain where none is certain enough and the planner acts nevertheless. */
const LEAST_UNCERTAIN = 0.1;

/** The samples that may act in zone z: certain enough, or the least uncertain ones where none is and there is no fallback. */
const certain = (
  samples: readonly PredictedCandidate[],
  { horizonSteps, nz }: CostProblem,
  z: number,
  bound: number,
  { objective, spread, allowFallback }: RandomShootingOptions,
): readonly PredictedCandidate[] => {
  const uncertainty = ({ result, k, spreadK }: PredictedCandidate): number =>
    objective === "cost" ? spreadK : spreadOf(result.stdDevK[k * horizonSteps * nz + z]!, spread);
  const sure = samples.filter((candidate) => uncertainty(candidate) <= bound);
  if (sure.length > 0 || allowFallback) return sure;
  const finite = samples.filter(({ total }) => Number.isFinite(total));
  return finite.sort((a, b) => uncertainty(a) - uncertainty(b)).slice(0, Math.ceil(LEAST_UNCERTAIN * finite.length));
};

/** What acts in zone z, from the samples that are certain enough; null where none is. */
const choose = (
  pool: CandidatePool,
  samples: readonly PredictedCandidate[],
  problem: RewardProblem,
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
  const initial = initialStateFromHistory(model, request.history);
  const inputs = {
    initial: options.asScripted && request.previousPlan === null ? fromZero(initial) : initial,
    disturbances: rolloutDisturbances(model, request, horizonSteps),
    localMs: request.localMs.slice(0, horizonSteps),
  };
  const bound = options.firstStepBound ?? spreadOf(model.spreadBoundK, options.spread);
  const poolWith = (cost: CostProblem): CandidatePool =>
    new CandidatePool(rollout, cost, inputs, options.maxSamplesPerRun, model.spreadBoundK);
  const pool = poolWith(isCost ? await withTerminal(problem, request, poolWith(problem.cost)) : problem.cost);
  const builder = new BatchBuilder(options.numSamples, horizonSteps, nz, problem.admission);
  drawSamples(builder, request, options);
  const samples = await pool.predict(builder.batch());
  const notFinite = samples.filter(({ total }) => !Number.isFinite(total)).length;

  const fallback = fallbackSequence(request, problem, options.fallback);
  const rewarded: RewardProblem = { cost: problem.cost, rewardedOccupied: rewardedOccupied(problem, request, options.asScripted) };
  const perZone = Array.from({ length: isCost ? 1 : nz }, (_, z) => choose(pool, samples, rewarded, z, bound, options));
  const acting = Array.from({ length: nz }, (_, z) => perZone[isCost ? 0 : z] ?? null).map(
    (one) => one && { ...one, sequence: carriedOut(one.sequence, problem.cost, options.carriedOut) },
  );
  const fallen = request.zones.filter((_, z) => acting[z] === null);
  const combined = (side: keyof Sequence): Float64Array => fallback[side].map((value, i) => acting[i % nz]?.sequence[side][i] ?? value);

  const final = new BatchBuilder(2, horizonSteps, nz, problem.admission);
  final.add({ heatingSetpointC: combined("heatingSetpointC"), coolingSetpointC: combined("coolingSetpointC") });
  final.add(request.rulePlans[0]!);
  const [chosen, rule] = await pool.predict(final.batch());
  const describe = (candidate: PredictedCandidate) =>
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
  const [rule] = await pool.predict(builder.batch());
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
