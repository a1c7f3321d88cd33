import { createSimulatedClock } from "#adapters/clocks/clocks";
import { writeDatasetCsv, writeTraceCsv } from "#adapters/csv/writeCsv";
import { writeJsonLines } from "#adapters/files/textFile";
import type { CommandContext } from "#cli/cliKit";
import { boptestFigures } from "#cli/simulateBoptestKpis";
import { type PlanCalibration, planCalibration } from "#cli/simulateCalibration";
import { historyCommands } from "#cli/simulateHistory";
import { createLearner, type Learner } from "#cli/simulateLearned";
import { createSimulatedMonitor } from "#cli/simulateMonitor";
import { learned, type SimulateOptions, type SimulateWishes, stepS } from "#cli/simulateOptions";
import { createRunTable, createSite, type RunTable, type SimulatedSite } from "#cli/simulatePlant";
import { type ActingRule, actingRuleName, bestRuleFields, ruleHabits, rulePlanner } from "#cli/simulateRules";
import { simulationSite } from "#cli/simulateSite";
import type { Dataset, ForecastProvider } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Decision, Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import { buildingPoint, type Observation } from "#domain/points";
import { createAlarmBoard } from "#loop/alarmBoard";
import { createControlCycle } from "#loop/controlCycle";
import { createForecastErrors, type ForecastErrors } from "#loop/forecastErrors";
import { createHistoryBuffer, type HistoryBuffer } from "#loop/historyBuffer";
import { createPlannerSlot } from "#loop/plannerSlot";
import { createProbeLedger, defaultProbeLimits } from "#loop/probeLedger";
import { createRegretMonitor, type RegretFigures } from "#loop/regretMonitor";
import { createSupervisor } from "#loop/supervisor";
import { quantiles } from "#math/statistics";
import type { BoptestKpis } from "#simulators/boptestKpis";
import { DatasetRecorder } from "#simulators/datasetRecorder";
import { withForecastError } from "#simulators/forecastError";
import { computeKpis, type Kpis } from "#simulators/kpis";
import { withSensorFault } from "#simulators/sensorFaults";
import { checkCovers, loadTariff, type Tariff } from "#simulators/tariffs";
import { civilTime } from "#simulators/weather/localTime";

/** What `simulate --json` prints (docs/cli.md). */
export interface SimulateResult extends Omit<Kpis, "missingZoneSteps"> {
  readonly controller: string;
  readonly plant: string;
  /** Of one control cycle, without learning; 0 where nothing is decided. */
  readonly decisionMs: { readonly p50: number; readonly p95: number; readonly max: number };
  /** Learning before the first decision; 0 for controllers that do not learn. */
  readonly fitMs: number;
  /** Share of scored steps in which a learned controller fell back: to the rule, or (clue) to the method's own pair. */
  readonly fallbackPct: number;
  readonly peakRssMb: number;
  readonly seed: number;
  readonly backend: string | null;
  readonly priorManifest: unknown;
  readonly bestLead?: number;
  readonly bestRamp?: boolean;
  /** `rule-best` where the best is the comfort band all day and night, heating raised by so much. */
  readonly bestConstantRaiseK?: number;
  /** How true the plans' next steps were; absent where nothing was learned. */
  readonly calibration?: PlanCalibration;
  /** What the last two days' decisions cost beside what was promised and what the rule was predicted to; absent where nobody planned on a model. */
  readonly regret?: RegretFigures;
  /** Probes that were carried out, and what they were predicted to cost in all; absent where none was allowed. */
  readonly probes?: { readonly count: number; readonly predictedCost: number };
  /** BOPTEST's key figures by its names; absent where the floor area is unknown. */
  readonly boptest?: BoptestKpis;
  readonly wallMs: number;
}

export interface SimulationOutcome {
  readonly result: SimulateResult;
  /** The scored steps as CSV, in local standard time. */
  readonly writeTrace: (file: string) => Promise<void>;
  /** Every scored step with all its points, in local time, as `evaluate` and `train` read it. */
  readonly writeDataset: (file: string) => Promise<void>;
  /** Every decision as a line of JSON (`Decision`); `.gz`: compressed. */
  readonly writeDecisions: (file: string) => Promise<void>;
  readonly rows: readonly Observation[];
  readonly decisions: readonly Decision[];
}

/** Everything one pass over the scored days needs. */
interface Pass {
  readonly options: SimulateOptions;
  readonly run: SimulatedSite;
  readonly table: RunTable;
  readonly tariff: Tariff;
  readonly history: HistoryBuffer;
  readonly context: CommandContext;
  readonly onlooker: Onlooker;
  /** The row at the start of the scored days. */
  readonly start: Observation;
}
interface Scored {
  readonly kpis: Kpis;
  readonly boptest: BoptestKpis | null;
  readonly rows: readonly Observation[];
  readonly decisions: readonly Decision[];
  readonly decisionMs: readonly number[];
  readonly fitMs: number;
  readonly backend: string | null;
  readonly priorManifest: unknown;
  readonly regret: RegretFigures | null;
}

const probesOf = (decisions: readonly Decision[]): NonNullable<SimulateResult["probes"]> => {
  const costs = decisions.flatMap(({ plan }) => (plan.probe === undefined ? [] : [plan.probe.cost]));
  return { count: costs.length, predictedCost: costs.reduce((sum, cost) => sum + cost, 0) };
};

/** Share of the zones in which the rule acted because the planner could not. */
const fallbackShare = ({ fallback, fallbackZones = [], chosen }: Plan): number =>
  fallback !== null ? 1 : fallbackZones.length / Math.max(1, Object.keys(chosen.zones).length);

const stepMs = stepS * 1000;
const rowsPerDay = 86_400_000 / stepMs;
/** Signals are only seen between macrotasks: this often the event loop gets its turn. */
const turnEveryMs = 50;

/** Who looks on while a run goes: at every model that is put to work and every request of the planner. */
export interface Onlooker {
  readonly model?: (model: BuildingModel) => void;
  readonly request?: (request: PlanRequest) => void;
}

/** One closed-loop run: history, then the controller in charge, then the figures. */
export async function runSimulation(wishes: SimulateWishes, context: CommandContext, onlooker: Onlooker = {}): Promise<SimulationOutcome> {
  const beganMs = performance.now();
  // Refused before anything is built; read again below, where the time zone is known.
  loadTariff(wishes.tariff);
  const run = await createSite(wishes, context.say, context.signal);
  const options: SimulateOptions = { ...wishes, horizonSteps: wishes.horizonSteps ?? ruleHabits(run.answersSlowly).horizonSteps };
  try {
    const tariff = loadTariff(options.tariff, run.timeZone);
    checkCovers(tariff, run.startMs, run.endMs);
    const table = await createRunTable(run);
    const history = createHistoryBuffer({ stepS, maxRows: Math.max(options.historyDays, 7) * rowsPerDay + 1 });
    const past = { options, run, table, tariff, history, context, onlooker };
    const pass: Pass = { ...past, start: await runHistory(past) };
    const { scored, best } =
      options.controller === "rule-best" ? await bestRule(pass) : { scored: await score(pass, acting(pass)), best: null };
    await run.afterRun?.();
    const [p50, p95, max] = scored.decisionMs.length === 0 ? [0, 0, 0] : quantiles(scored.decisionMs, [0.5, 0.95, 1]);
    const { missingZoneSteps, ...kpis } = scored.kpis;
    if (missingZoneSteps > 0)
      context.say(`${missingZoneSteps} occupied zone-steps have no temperature and are left out of the comfort figures.`);
    const fallbacks = scored.decisions.reduce((sum, { plan }) => sum + fallbackShare(plan), 0);
    const calibration = learned.has(options.controller) ? planCalibration(scored.decisions, scored.rows) : null;
    const result: SimulateResult = {
      controller: options.controller,
      plant: options.plant,
      ...kpis,
      decisionMs: { p50: p50!, p95: p95!, max: max! },
      fitMs: scored.fitMs,
      fallbackPct: learned.has(options.controller) && kpis.steps > 0 ? (100 * fallbacks) / kpis.steps : 0,
      peakRssMb: process.resourceUsage().maxRSS / 1024,
      seed: options.seed,
      backend: scored.backend,
      priorManifest: scored.priorManifest,
      ...(best === null ? {} : bestRuleFields(best)),
      ...(calibration === null ? {} : { calibration }),
      ...(scored.regret === null ? {} : { regret: scored.regret }),
      ...((options.probing ?? 0) > 0 ? { probes: probesOf(scored.decisions) } : {}),
      ...(scored.boptest === null ? {} : { boptest: scored.boptest }),
      wallMs: performance.now() - beganMs,
    };
    const localRows = scored.rows.map(({ timeMs, values }) => ({ timeMs: timeMs + run.timeZone.timeZoneH * 3_600_000, values }));
    return {
      result,
      rows: scored.rows,
      decisions: scored.decisions,
      writeTrace: (file) => writeTraceCsv(file, run.plant.zones, localRows),
      writeDataset: (file) => {
        const recorder = new DatasetRecorder(stepS);
        for (const row of localRows) recorder.add(row);
        return writeDatasetCsv(file, recorder.dataset());
      },
      writeDecisions: (file) => writeJsonLines(file, scored.decisions),
    };
  } finally {
    await run.plant.close();
  }
}

/** The rule that acts: the controller itself, or what a learned one falls back to. */
const acting = ({ options: { controller, leadSteps, ramp }, run }: Pass): ActingRule =>
  controller === "rule" ? { leadSteps, ramp } : ruleHabits(run.answersSlowly).fallback;

/** Lets signals and timers through now and then; throws where the run was interrupted. */
function breather(signal: AbortSignal): () => Promise<void> {
  let lastMs = performance.now();
  return async () => {
    if (performance.now() - lastMs > turnEveryMs) {
      await new Promise((resolve) => setImmediate(resolve));
      lastMs = performance.now();
    }
    signal.throwIfAborted();
  };
}

/** Answers with the last row, which ends where the scored days begin. */
async function runHistory({ options, run, history, context }: Omit<Pass, "start">): Promise<Observation> {
  const { plant } = run;
  const breathe = breather(context.signal);
  let row = await plant.initialize(run.beginMs, 0);
  const commandAt = historyCommands(options, plant.zones);
  const steps = Math.round((run.startMs - run.beginMs) / stepMs);
  for (let step = 0; step < steps; step++) {
    const command = commandAt(step, row.timeMs, stepMs);
    if (command !== null) await plant.actuate(command);
    row = await plant.advance(stepS);
    history.add(row);
    if ((step + 1) % rowsPerDay === 0) context.progress(`history: day ${(step + 1) / rowsPerDay} of ${options.historyDays}`);
    await breathe();
  }
  await plant.relinquish();
  // Without a history the planner still starts from the state at the start.
  if (steps === 0) history.add(row);
  return row;
}

/** What a daemon would have learned of its forecasts during the days before. */
async function errorsOver(before: Dataset, forecasts: ForecastProvider): Promise<ForecastErrors> {
  const errors = createForecastErrors();
  for (const [i, timeMs] of before.timesMs.entries()) {
    errors.measured(timeMs, new Map([...before.columns].map(([point, values]) => [point, values[i]!])));
    errors.issued(await forecasts.forecast(timeMs, stepS, rowsPerDay), timeMs);
  }
  return errors;
}

/** The scored days under one controller; `rule` acts or is fallen back to. */
async function score(pass: Pass, rule: ActingRule, quiet = false): Promise<Scored> {
  const { options, run, table, tariff, context, onlooker } = pass;
  const { plant, timeZone } = run;
  const isLearned = learned.has(options.controller);
  let peakW = 0;
  const { site, comfortAt } = simulationSite(options, run, table, tariff, rule, () => peakW, isLearned);
  const clock = createSimulatedClock(run.startMs);
  const planners = createPlannerSlot({ onError: (error) => context.say(`closing a planner: ${String(error)}`) });
  const failures = new Set<string>();
  const onError = (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error);
    if (failures.has(text) || failures.size > 20) return;
    failures.add(text);
    context.say(`warning: ${text}`);
  };
  // Every pass starts from the same history; rule-best makes several.
  const history = createHistoryBuffer({ stepS, maxRows: Math.max(options.historyDays, 7) * rowsPerDay + 1 });
  const before = pass.history.dataset();
  before.timesMs.forEach((timeMs, i) => {
    history.add({ timeMs, values: new Map([...before.columns].map(([point, values]) => [point, values[i]!])) });
  });
  const decisions: Decision[] = [];
  const supervisor = createSupervisor({
    zones: plant.zones,
    outlet: { send: (command) => plant.actuate(command) },
    epoch: 1,
    commandValidityS: 3 * stepS,
    initial: { mode: options.controller === "schedule" ? "off" : "auto" },
  });
  const alarms = createAlarmBoard({ store: { putAlarm: async () => undefined }, onError });
  const watch = await createSimulatedMonitor({ options, run, history, alarms, onError });
  const regret = createRegretMonitor();
  let atFirst: Observation | null = null;
  // The planner's alone: comfort, rules and figures go on reading the truth.
  const forecasts = withForecastError(table, options.forecastError, options.seed);
  const forecastErrors = await errorsOver(before, forecasts);
  const cycle = createControlCycle({
    site,
    clock,
    plant: {
      observe: async (signal) => {
        const seen = await plant.observe(signal);
        atFirst ??= seen;
        return withSensorFault(options.fault ?? "none", plant.zones, seen, atFirst);
      },
    },
    ...(watch === null ? {} : { monitor: watch.monitor, regret }),
    ...((options.probing ?? 0) > 0 ? { probes: createProbeLedger({ ...defaultProbeLimits, share: options.probing! }) } : {}),
    forecasts,
    forecastErrors: forecastErrors.all,
    ...(onlooker.request === undefined ? {} : { keepRequest: (_: string, request: PlanRequest) => onlooker.request!(request) }),
    planners,
    supervisor,
    history,
    decisions: { appendDecision: async (decision) => void decisions.push(decision) },
    alarms,
    onError,
  });
  let learner: Learner | null = null;
  const onInstalled = (model: BuildingModel): void => {
    watch?.use(model);
    onlooker.model?.(model);
  };
  const recorder = new DatasetRecorder(stepS);
  const rows: Observation[] = [];
  const decisionMs: number[] = [];
  const breathe = breather(context.signal);
  try {
    if (isLearned) learner = await createLearner({ options, run, history, planners, clock, context, onInstalled });
    else if (options.controller !== "schedule") planners.swap({ planner: rulePlanner(), modelVersion: null });
    await learner?.learn("before the first decision");
    const fitMs = learner?.fitMs ?? 0;
    const steps = Math.round((run.endMs - run.startMs) / stepMs);
    for (let step = 0; step < steps; step++) {
      if (learner !== null && step > 0 && isRelearnTime(options, civilTime(timeZone, clock.nowMs()).minuteOfDay))
        await learner.learnAtNight();
      const beganMs = performance.now();
      const decision = await cycle(context.signal);
      if (decision !== null) decisionMs.push(performance.now() - beganMs);
      const row = await plant.advance(stepS);
      clock.advanceTo(row.timeMs);
      peakW = Math.max(peakW, row.values.get(buildingPoint("hvacPowerW")) ?? 0);
      recorder.add(row);
      rows.push(row);
      forecastErrors.measured(row.timeMs, row.values);
      forecastErrors.issued(await forecasts.forecast(row.timeMs, stepS, rowsPerDay), row.timeMs);
      if (!quiet && (step + 1) % rowsPerDay === 0)
        dayDone(context, rows.slice(-rowsPerDay), (step + 1) / rowsPerDay, options.days, decisions, steps);
      await breathe();
    }
    const scoredRows = recorder.dataset();
    const kpis = computeKpis(scoredRows, { zones: plant.zones, comfort: comfortAt, tariff, timeZone });
    return {
      kpis,
      boptest: boptestFigures(scoredRows, run, tariff, comfortAt, decisionMs, pass.start),
      rows,
      decisions,
      decisionMs,
      fitMs: fitMs || (learner?.fitMs ?? 0),
      backend: learner?.backend ?? null,
      priorManifest: learner?.priorManifest ?? null,
      regret: watch === null ? null : regret.figures(),
    };
  } finally {
    await planners.close();
    await learner?.close();
  }
}

const isRelearnTime = (options: SimulateOptions, minuteOfDay: number): boolean => options.relearn === "nightly" && minuteOfDay === 3 * 60;

/** One line per simulated day. */
function dayDone(
  context: CommandContext,
  rows: readonly Observation[],
  day: number,
  days: number,
  decisions: readonly Decision[],
  _steps: number,
): void {
  const kwh = rows.reduce((sum, { values }) => sum + ((values.get(buildingPoint("hvacPowerW")) ?? 0) * stepS) / 3_600_000, 0);
  const peakKw = rows.reduce((max, { values }) => Math.max(max, (values.get(buildingPoint("hvacPowerW")) ?? 0) / 1000), 0);
  const fallbacks = Math.round(decisions.slice(-rowsPerDay).reduce((sum, { plan }) => sum + fallbackShare(plan), 0));
  context.say(
    `day ${day} of ${days}: ${kwh.toFixed(1)} kWh, peak ${peakKw.toFixed(1)} kW${fallbacks === 0 ? "" : `, fell back in ${fallbacks} steps`}`,
  );
}

/** Figure of merit that a rule is chosen by. */
const objectiveOf = ({ objective }: SimulateOptions, { hvacElectricityKwh, fuelKwh, cost, emissionsKg }: Kpis): number =>
  objective === "energy" ? hvacElectricityKwh + fuelKwh : objective === "bill" ? cost : emissionsKg;

/** Comfort that counts as kept, when rules are compared in hindsight. */
const acceptedViolationPct = 0.5;

/** Every rule that makes sense in this building over the same days: the cheapest that keeps comfort, or the one that breaks it least. */
async function bestRule(pass: Pass): Promise<{ readonly scored: Scored; readonly best: ActingRule }> {
  const { options, run, context } = pass;
  if (run.remember === null)
    throw unavailableError(`rule-best cannot be found on --plant ${options.plant}: it cannot live the same days twice`, {
      todo: "Choose --controller rule, or --plant rc or energyplus.",
    });
  const goBack = run.remember();
  const decisionMs: number[] = [];
  let chosen: { readonly scored: Scored; readonly best: ActingRule } | null = null;
  const { tried } = ruleHabits(run.answersSlowly);
  for (const [i, rule] of tried.entries()) {
    await goBack();
    const scored = await score({ ...pass, options: { ...options, controller: "rule" } }, rule, true);
    decisionMs.push(...scored.decisionMs);
    const { comfortViolationPct } = scored.kpis;
    const line = `rule ${i + 1} of ${tried.length}: ${actingRuleName(rule)}: ${comfortViolationPct.toFixed(2)} %, ${scored.kpis.hvacElectricityKwh.toFixed(1)} kWh, peak ${scored.kpis.peakKw.toFixed(1)} kW, cost ${scored.kpis.cost.toFixed(2)}`;
    context.say(line);
    if (chosen === null || isBetter(options, scored.kpis, chosen.scored.kpis)) chosen = { scored, best: rule };
  }
  return { scored: { ...chosen!.scored, decisionMs }, best: chosen!.best };
}

function isBetter(options: SimulateOptions, one: Kpis, other: Kpis): boolean {
  const keeps = ({ comfortViolationPct }: Kpis): boolean => comfortViolationPct <= acceptedViolationPct;
  if (keeps(one) !== keeps(other)) return keeps(one);
  return keeps(one) ? objectiveOf(options, one) < objectiveOf(options, other) : one.comfortViolationPct < other.comfortViolationPct;
}
