import type { Control } from "#cli/daemon/control";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import { createLearningRounds, type LearningRounds } from "#cli/daemon/learningRounds";
import { createSitePlanner } from "#cli/daemon/plannerFactory";
import { slowZonesAdvice } from "#cli/daemon/slowZones";
import type { StatusBoard } from "#cli/daemon/statusBoard";
import type { Traffic } from "#cli/daemon/traffic";

/** What decisions were made from is large, and asked for within days. */
const REQUESTS_KEPT_DAYS = 14;
const DAY_MS = 86_400_000;

export interface SiteLearning {
  readonly rounds: LearningRounds;
  /** What is done once a night: what is too old is forgotten, then the day is learned from. */
  atNight(): Promise<void>;
}

/** Learning rounds whose models go to the planner; the model of before a restart is in use when this resolves. */
export const openLearning = async (
  ground: Ground,
  { watch, influx }: Traffic,
  knowledge: Knowledge,
  board: StatusBoard,
  { decideSoon, journal }: Control,
): Promise<SiteLearning> => {
  const { run, clock, nowMs, onWarning, onError } = ground;
  const { config } = run;
  const { store } = ground.data;
  const { history, planners, models, budgetMs } = knowledge;
  const rounds = createLearningRounds({
    config,
    clock,
    dataset: () => history.dataset((history.newestMs ?? nowMs()) - config.learning.trainingDays * DAY_MS),
    versions: store,
    board,
    watch,
    log: run.log,
    say: run.say,
    signal: ground.ending.signal,
    install: (next, coming) => {
      planners.swap({ planner: createSitePlanner(config, next, budgetMs, run.host), modelVersion: next.version });
      models.inUse(next, coming);
      const advice = slowZonesAdvice(config, next);
      if (advice !== null) onWarning(advice);
    },
    record: models.record,
    inTurn: models.keeper.inTurn,
    onInstalled: decideSoon,
    ...(run.host === undefined ? {} : { host: run.host }),
    onWarning,
    onError,
  });
  // Nothing goes that InfluxDB has not confirmed.
  const tidyUp = async (atMs: number, throughSeq: number | undefined): Promise<void> => {
    const { rawS, retentionS } = config.store;
    const rawBeforeMs = atMs - Math.min(rawS, retentionS) * 1_000;
    await store.forgetBefore(atMs - retentionS * 1_000, throughSeq, rawBeforeMs);
    await store.downsampleBefore(rawBeforeMs, throughSeq);
  };
  knowledge.rounds = rounds;
  await rounds.restore();
  return {
    rounds,
    atNight: async () => {
      await journal.forgetBefore(nowMs() - REQUESTS_KEPT_DAYS * DAY_MS).catch(onError);
      await tidyUp(nowMs(), influx.deliveredSeq()).catch(onError);
      await rounds.learn();
    },
  };
};
