import { admit } from "#controllers/admission";
import { referencePrice } from "#controllers/mppi/cost";
import { type Hedge, hedged } from "#controllers/mppi/hedge";
import { type PlanProblem, planProblem, shiftedPrevious } from "#controllers/mppi/planProblem";
import { CandidatePool, type PredictedCandidate, type RolloutInputs } from "#controllers/mppi/pool";
import { postponed } from "#controllers/mppi/postpone";
import { planFrame, predictedPlan, unpredictedPlan } from "#controllers/mppi/predictedPlan";
import { explainProbe, probed } from "#controllers/mppi/probing";
import { explainDoubted, explainHedge, explainLate, explainNotFinite, explainTooUncertain, planReasons } from "#controllers/mppi/reason";
import { BatchBuilder, type Sequence, sameInZone, sequenceOf, widestPair } from "#controllers/mppi/samples";
import { forecastScenarios } from "#controllers/mppi/scenarios";
import { type SearchOptions, type SearchOutcome, search } from "#controllers/mppi/search";
import { kwhPerKelvin, terminalValue } from "#controllers/mppi/terminalValue";
import { type UnsureZone, unsureZones, withRuleIn } from "#controllers/mppi/unsureZones";
import { permanentError } from "#controllers/permanentError";
import { initialStateFromHistory, rolloutDisturbances } from "#controllers/rollout/initialState";
import type { CostProblem, CostWeights } from "#domain/cost";
import type { BuildingModel } from "#domain/model";
import type { Plan, PlanDiagnostics } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import type { PreparedRollout } from "#domain/rollout";

export interface MppiOptions extends SearchOptions {
  /** What is not given follows from the prices (`defaultWeights`). */
  readonly weights: Partial<CostWeights>;
  /** Kelvin outside the band that do not count: thermostats are no better, and a prediction that sits on the band's edge is not half a violation. */
  readonly comfortToleranceK: number;
  /** Setpoints are multiples of it, K; 0: any value. */
  readonly gridK: number;
  /**
   * Whether no step may be heated or cooled further than some plan of the rule would (leads up to three hours, ramped or not). What it takes to keep a
   * zone warm at hours when its data never did is extrapolation, and an optimiser finds where a model errs: without this bound it kept an empty
   * office at 21 °C all night because that looked free.
   */
  readonly withinRules: boolean;
  /**
   * Steps before a zone's first occupied one from which its band already counts. 0: how far what the equipment delivers may be doubted is in the model's spread
   * (`SpreadModel.capacityDoubt`); a margin in time makes quick zones wait for people that slow ones need it for, 2 % of a January week's energy on EnergyPlus.
   */
  readonly readySteps: number;
  /** Starts are put off by a step unless they gain more than this share of the money they move; 0: never (`postponed`). */
  readonly doubtedShare: number;
  /** Whether energy owed at the horizon's end is charged. */
  readonly terminal: boolean;
  /** false: where nothing is sure enough the least uncertain plans are used and the planner always acts. */
  readonly allowFallback: boolean;
  /** Time after which the best plan so far is returned, ms from the call; asked between evaluations. */
  readonly deadlineMs: number;
  /** Most sequences that the backend takes at once. */
  readonly maxSamplesPerRun: number;
  /** What costs are counted in; shown in reasons. */
  readonly currency: string;
  /** Shown in diagnostics. */
  readonly backendName: string;
  /** Monotonic clock for durations, ms. */
  readonly clockMs: () => number;
}

export const defaultMppiOptions: MppiOptions = {
  numSamples: 1000,
  iterations: 8,
  mppiTemperature: null,
  targetEffectiveSamples: 20,
  noiseStdDevK: 0.7,
  covarianceShare: 0.9,
  correlationSteps: 6,
  sharedFraction: 0.5,
  maxShiftSteps: 6,
  weights: {},
  comfortToleranceK: 0.05,
  gridK: 0,
  withinRules: true,
  readySteps: 0,
  doubtedShare: 0.25,
  terminal: true,
  allowFallback: true,
  deadlineMs: Number.POSITIVE_INFINITY,
  maxSamplesPerRun: 1000,
  currency: "EUR",
  backendName: "",
  clockMs: () => performance.now(),
};

/** Says between two evaluations whether to stop: an AbortSignal, or a flag that another thread sets. */
export type StopFlag = Pick<AbortSignal, "aborted">;

export interface MppiPlanner extends Planner {
  plan(request: PlanRequest, signal?: StopFlag): Promise<Plan>;
}

export interface MppiPlannerArguments {
  /** The model on a backend; closed with the planner. */
  readonly rollout: PreparedRollout;
  readonly model: BuildingModel;
  readonly options?: Partial<MppiOptions>;
}

/** Each iteration draws from streams of its own. */
const MAX_ITERATIONS = 10;

const checkOptions = (options: MppiOptions): void => {
  const wrong = (what: string): never => {
    throw permanentError(`The planner was given ${what}.`, "Correct the planner's options.");
  };
  const { iterations, numSamples, maxSamplesPerRun, mppiTemperature } = options;
  if (!Number.isInteger(iterations) || iterations < 1 || iterations > MAX_ITERATIONS)
    wrong(`${iterations} iterations, not 1…${MAX_ITERATIONS}`);
  if (!Number.isInteger(numSamples) || numSamples < 1) wrong(`${numSamples} samples, not 1 or more`);
  if (!Number.isInteger(maxSamplesPerRun) || maxSamplesPerRun < 1) wrong(`${maxSamplesPerRun} samples per run, not 1 or more`);
  if (mppiTemperature !== null && !(mppiTemperature > 0)) wrong(`the MPPI temperature ${mppiTemperature}, not above 0`);
};

/** Given plans, each once: the rule that acts stands first. */
interface GivenPlans {
  readonly sequences: readonly Sequence[];
  readonly ruleName: string;
}

const givenPlans = (request: PlanRequest, { admission, cost }: PlanProblem): GivenPlans => {
  const { horizonSteps, nz } = cost;
  const previous = shiftedPrevious(request);
  const sequences: Sequence[] = [];
  for (const { heatingSetpointC, coolingSetpointC } of [
    ...request.rulePlans,
    ...request.otherPlans,
    ...(previous === null ? [] : [previous]),
  ]) {
    const one = { heatingSetpointC: heatingSetpointC.slice(), coolingSetpointC: coolingSetpointC.slice() };
    admit(one.heatingSetpointC, one.coolingSetpointC, 0, horizonSteps, nz, admission);
    if (!sequences.some((other) => sameInZone(one, other, -1, nz))) sequences.push(one);
  }
  return { sequences, ruleName: request.rulePlans[0]!.name };
};

/** Costs with what is owed at the end, from what the model says of the given plans. */
const withTerminal = (problem: PlanProblem, given: readonly PredictedCandidate[], options: MppiOptions): CostProblem => {
  const { cost, comfort } = problem;
  const { horizonSteps, nz, stepS } = cost;
  // All given plans were rolled in one or more runs; the first run holds the rule and, at any sensible size, all of them.
  const [rule] = given;
  if (!options.terminal || rule === undefined) return cost;
  const { result, batch } = rule;
  const size = horizonSteps * nz;
  const ruleEndC = result.meanC.slice(size - nz, size);
  const pricePerK = referencePrice(cost.pricePerKwh) * kwhPerKelvin(result, batch.count, horizonSteps, nz, stepS);
  return { ...cost, terminal: terminalValue(comfort, horizonSteps, ruleEndC, sequenceOf(batch, 0, size), pricePerK) };
};

/**
 * Uncertainty-aware MPPI over heating and cooling setpoints of all zones.
 *
 * Evaluates the given plans (rules, schedule, the previous plan), then `numSamples` sequences in all around the best and the weighted mean, and
 * carries out the cheapest one that keeps the model's spread bound: so the plan is never predicted to cost more than a given plan that keeps it.
 * Where it is known how far forecasts like the request's have been off, the plan is chosen by its mean cost over scenarios of their errors (`hedged`).
 * Sequences whose spread (`sampleSpreadK`) exceeds `model.spreadBoundK` are discarded, those with values that are not finite dropped and counted.
 * Nothing left: the request's first rule plan with `fallback` "too-uncertain" or "not-finite". Same request and options, same plan (but for durations).
 * An aborted signal or the deadline ends the search between two evaluations with the best plan so far; before the first one, the rule ("late").
 * A request that does not fit the model, stale data (retryable, names the point) and a backend that fails reject with the error.
 * (Williams et al. 2017; discarding uncertain sequences: Ding et al. 2024, arXiv 2407.12195.)
 */
export const createMppiPlanner = ({ rollout, model, options: given = {} }: MppiPlannerArguments): MppiPlanner => {
  const options: MppiOptions = { ...defaultMppiOptions, ...given };
  checkOptions(options);
  const modelZones = model.zones.map(({ zone }) => zone);
  return {
    name: "mppi",
    plan: (request, signal) => decide(request, rollout, model, modelZones, options, signal),
    close: async () => rollout.close(),
  };
};

const NO_SEARCH: SearchOutcome = { preferred: null, effectiveSampleSize: 0, mppiTemperature: 0 };

/** Who computed, for the plan's record. */
const computedBy = (rollout: PreparedRollout, backendName: string): Pick<PlanDiagnostics, "backend" | "adapter" | "backendTrouble"> => {
  const by = rollout.computedBy?.();
  if (by === undefined) return { backend: backendName };
  return {
    backend: by.backend,
    ...(by.adapter === null ? {} : { adapter: by.adapter }),
    ...(by.trouble === null ? {} : { backendTrouble: by.trouble }),
  };
};

const decide = async (
  request: PlanRequest,
  rollout: PreparedRollout,
  model: BuildingModel,
  modelZones: readonly string[],
  options: MppiOptions,
  signal: StopFlag | undefined,
): Promise<Plan> => {
  const beganMs = options.clockMs();
  let problem = planProblem(request, modelZones, {
    weights: options.weights,
    toleranceK: options.comfortToleranceK,
    gridK: options.gridK,
    withinRules: options.withinRules,
    readySteps: options.readySteps,
  });
  const mayGoOn = (): boolean => signal?.aborted !== true && options.clockMs() - beganMs < options.deadlineMs;
  const plans = givenPlans(request, problem);
  const inputs: RolloutInputs = {
    initial: initialStateFromHistory(model, request.history),
    disturbances: rolloutDisturbances(model, request, request.horizonSteps),
    localMs: request.localMs.slice(0, request.horizonSteps),
  };
  const { horizonSteps, nz } = problem.cost;

  const poolOf = (costs: CostProblem, along: RolloutInputs = inputs): CandidatePool =>
    new CandidatePool(rollout, costs, along, options.maxSamplesPerRun, model.spreadBoundK);
  const predictGiven = async ({ admission }: PlanProblem): Promise<PredictedCandidate[]> => {
    const builder = new BatchBuilder(plans.sequences.length, horizonSteps, nz, admission);
    for (const sequence of plans.sequences) builder.add(sequence);
    return pool.predict(builder.batch());
  };
  /** null: nothing is known of the forecasts' errors. */
  const hedgedPlan = async (atHand: PredictedCandidate): Promise<Hedge | null> => {
    const [, ...others] = forecastScenarios(request.forecast, request.nowMs, request.forecastErrors ?? []);
    if (others.length === 0) return null;
    const scenarios = others.map(({ weight, forecast }) => {
      const disturbances = rolloutDisturbances(model, { ...request, forecast }, horizonSteps, inputs.disturbances);
      return { weight, pool: poolOf(cost, { ...inputs, disturbances }) };
    });
    const { admission } = problem;
    const searchIn = async (other: CandidatePool): Promise<void> => {
      const builder = new BatchBuilder(plans.sequences.length + 1, horizonSteps, nz, admission);
      for (const sequence of [...plans.sequences, pool.sequence(atHand)]) builder.add(sequence);
      other.add(await other.evaluate(builder.batch()));
      const numSamples = Math.ceil(options.numSamples / others.length);
      await search(other, plans.sequences, {
        cost,
        admission,
        options: { ...options, numSamples },
        seed: request.seed,
        tick: request.tick,
        mayGoOn,
      });
    };
    return hedged(pool, atHand, { cost, admission, given: plans.sequences, scenarios, searchIn });
  };
  const started = mayGoOn();
  let cost = problem.cost;
  let pool = poolOf(cost);
  let outcome = NO_SEARCH;
  let predicted: readonly PredictedCandidate[] = [];
  let unsure: readonly UnsureZone[] = [];
  const doubted = options.allowFallback ? request.zones.flatMap((zone, z) => (request.leftToRule?.has(zone) === true ? [z] : [])) : [];
  const isAllDoubted = doubted.length === nz;
  let leftToRule: readonly number[] = [];
  if (started) {
    let first = await predictGiven(problem);
    unsure = options.allowFallback ? unsureZones(cost, first, model.spreadBoundK).filter(({ z }) => !doubted.includes(z)) : [];
    leftToRule = [...doubted, ...unsure.map(({ z }) => z)].sort((a, b) => a - b);
    if (leftToRule.length === nz) leftToRule = [];
    if (leftToRule.length > 0) {
      problem = withRuleIn(problem, new Set(leftToRule), plans.sequences[0]!, widestPair(plans.sequences, nz));
      pool = poolOf(problem.cost);
      first = await predictGiven(problem);
    }
    cost = withTerminal(problem, first, options);
    pool = poolOf(cost);
    predicted = await pool.charge(first);
    pool.add(predicted);
    const context = { cost, admission: problem.admission, options, seed: request.seed, tick: request.tick, mayGoOn };
    if (!isAllDoubted) outcome = await search(pool, plans.sequences, context);
  }

  const working = pool.working();
  const acts = (!isAllDoubted && working.some((candidate) => pool.isAdmitted(candidate))) || (!options.allowFallback && working.length > 0);
  const rule = predicted[0];
  const ruleIsPredicted = rule !== undefined && Number.isFinite(rule.total);
  const rulePlan = ruleIsPredicted ? predictedPlan(request.zones, rule, horizonSteps) : null;
  const preferred = working.filter((candidate) => candidate === outcome.preferred);
  const nowC = inputs.initial.temperaturesC.map((values) => values[values.length - 1]!);
  const cheapest = acts ? await pool.withTrajectory(pool.cheapest([...preferred, ...working])!) : null;
  const { admission } = problem;
  const { doubtedShare } = options;
  const slow = model.zones.map(({ call }) => call !== undefined);
  const later =
    cheapest !== null && mayGoOn()
      ? await postponed(pool, cheapest, { cost, admission, given: plans.sequences, doubtedShare, nowC, slow })
      : null;
  const atHand = later ?? cheapest;
  const hedge = atHand !== null && mayGoOn() ? await hedgedPlan(atHand) : null;
  const planned = hedge?.candidate ?? atHand;
  const allowance = request.probing;
  const trial =
    planned !== null && allowance !== undefined && mayGoOn()
      ? await probed(pool, planned, { cost, admission, zones: request.zones, nowC, allowance, leftToRule })
      : null;
  const best = trial?.candidate ?? planned;
  const finite = pool.finite();
  const diagnostics: PlanDiagnostics = {
    numSamples: pool.candidates.length,
    horizonSteps,
    samplesDiscarded: finite.filter((candidate) => !pool.isAdmitted(candidate)).length,
    samplesNotFinite: pool.candidates.length - finite.length,
    effectiveSampleSize: outcome.effectiveSampleSize,
    mppiTemperature: outcome.mppiTemperature,
    spreadBoundK: model.spreadBoundK,
    comfortPerKh: cost.weights.comfortPerKh,
    solveMs: options.clockMs() - beganMs,
    ...computedBy(rollout, options.backendName),
    seed: request.seed,
  };
  const frame = planFrame(request);
  if (best !== null) {
    const chosen = predictedPlan(request.zones, best, horizonSteps);
    const { zones } = request;
    const { reason, zoneReasons } = planReasons(
      {
        ...frame,
        zones,
        chosen,
        rule: rulePlan,
        ruleName: plans.ruleName,
        nowC,
        currency: options.currency,
        comfortPerKh: cost.weights.comfortPerKh,
      },
      {
        unsure: unsure.map(({ z, surestK }) => ({ zone: zones[z]!, surestK })),
        boundK: model.spreadBoundK,
        doubted: doubted.map((z) => zones[z]!),
        why: request.leftToRule,
      },
    );
    return {
      ...frame,
      source: "mppi",
      chosen,
      rule: rulePlan,
      reason: `${reason}${hedge === null ? "" : explainHedge(hedge.figures, options.currency)}${trial === null ? "" : explainProbe(trial.probe, options.currency)}`,
      ...(zoneReasons === null ? {} : { zoneReasons }),
      fallback: null,
      ...(trial === null ? {} : { probe: trial.probe }),
      ...(hedge === null ? {} : { forecastScenarios: hedge.figures }),
      ...(leftToRule.length === 0 ? {} : { fallbackZones: leftToRule.map((z) => zones[z]!) }),
      diagnostics,
    };
  }
  const surestK = finite.reduce((least, { spreadK }) => Math.min(least, spreadK), Number.POSITIVE_INFINITY);
  const evaluated = pool.candidates.length;
  const [fallback, reason] = !started
    ? (["late", explainLate(plans.ruleName)] as const)
    : isAllDoubted
      ? (["model-doubted", explainDoubted(request.zones, request.leftToRule, plans.ruleName)] as const)
      : finite.length > 0
        ? (["too-uncertain", explainTooUncertain(evaluated, surestK, model.spreadBoundK, plans.ruleName)] as const)
        : (["not-finite", explainNotFinite(evaluated, plans.ruleName)] as const);
  const chosen = rulePlan ?? unpredictedPlan(request.zones, plans.sequences[0]!);
  return { ...frame, source: "rule", chosen, rule: rulePlan, reason, fallback, diagnostics };
};
