import type { SiteForecasts } from "#cli/daemon/forecasts";
import type { Ground } from "#cli/daemon/ground";
import { createHeartbeat, type Heartbeat } from "#cli/daemon/heartbeat";
import type { LearningRounds } from "#cli/daemon/learningRounds";
import { createModelService, type ModelService } from "#cli/daemon/modelService";
import type { Traffic } from "#cli/daemon/traffic";
import type { Presence } from "#config/comfort";
import { createHistoryBuffer, type HistoryBuffer } from "#loop/historyBuffer";
import { createPlannerSlot, type PlannerSlot } from "#loop/plannerSlot";

/** Shares of a control step, in real time, that a decision may take: beyond the first the best plan so far counts, beyond the second the rule. */
const BUDGET_SHARE = 0.35;
const DEADLINE_SHARE = 0.8;

/** What a daemon knows of its building: recent history, models, and who plans with them. */
export interface Knowledge {
  readonly history: HistoryBuffer;
  /** Rows that the history holds. */
  readonly historyRows: number;
  readonly planners: PlannerSlot;
  readonly models: ModelService;
  /** Real time, ms: when a plan is to be ready, and when it is not waited for any more. */
  readonly budgetMs: number;
  readonly deadlineMs: number;
  /** Null until they are there. */
  rounds: LearningRounds | null;
  forecasts: SiteForecasts | null;
  readonly heartbeat: Heartbeat;
  /** What computed the newest plan with rollouts. */
  usedBackend: string | null;
  /** Running mean of the outdoor temperature, °C; NaN until it is known. */
  outdoorMean: (nowMs: number) => number;
  presence: Presence | undefined;
  /** A decision now, or after the one that is under way; nothing before control begins. */
  decideSoon: () => void;
}

export const openKnowledge = (ground: Ground, { alarms, writer, publisher }: Traffic): Knowledge => {
  const { run, shutdown, data, nowMs, stepRealMs, onError } = ground;
  const { config, log } = run;
  const { control, learning, planner } = config;
  const historyRows = Math.ceil(((Math.max(learning.trainingDays, 7) + 1) * 86_400) / control.stepS);
  const history = createHistoryBuffer({ stepS: control.stepS, maxRows: historyRows, phaseS: control.phaseS });
  const planners = createPlannerSlot({ onError });
  shutdown.add("planner", () => planners.close());
  const knowledge: Knowledge = {
    history,
    historyRows,
    planners,
    models: createModelService({
      config,
      store: data.store,
      alarms,
      history,
      nowMs,
      write: (rows) => writer.write(rows),
      onEvent: (event) => publisher.publishEvent(event),
      log,
      onError,
      rounds: () => knowledge.rounds,
    }),
    budgetMs: Math.min(planner.budgetMs, BUDGET_SHARE * stepRealMs),
    deadlineMs: Math.min(planner.deadlineMs, DEADLINE_SHARE * stepRealMs),
    heartbeat: createHeartbeat(stepRealMs),
    rounds: null,
    forecasts: null,
    usedBackend: null,
    outdoorMean: () => Number.NaN,
    presence: undefined,
    decideSoon: () => undefined,
  };
  return knowledge;
};
