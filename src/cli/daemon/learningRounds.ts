import type { Logger } from "pino";
import { createLearner, firstDaysOf } from "#cli/daemon/learning";
import type { SiteHost } from "#cli/daemon/run";
import type { StatusBoard } from "#cli/daemon/statusBoard";
import type { Watch } from "#cli/daemon/watch";
import type { SiteConfig } from "#config/siteConfig";
import type { Clock } from "#domain/clock";
import type { Dataset } from "#domain/dataset";
import type { BuildingModel } from "#domain/model";
import type { Decision } from "#domain/plan";
import type { ModelChange, ModelVersionStore } from "#domain/store";
import { daysLearned, isProvisional, usableDays } from "#loop/learnCycle";

/** Times the days of a provisional model that are worth a new one. */
const WORTH_LEARNING_AGAIN = 1.5;

/** How a model came to be the one in use: learned just now, found again at the start, or chosen by a person. */
export type Coming = "learned" | "restored" | "chosen";

export interface LearningRounds {
  /** The model in use; null before the first. */
  readonly model: BuildingModel | null;
  readonly isLearning: boolean;
  /** Puts the model of before the restart to work, where there is one. */
  restore(): Promise<void>;
  /** Puts a version to work that a person chose. */
  use(model: BuildingModel): Promise<void>;
  /** One round; nothing where one is under way already. Rejects only when aborted. */
  learn(): Promise<void>;
  /** A round before the night's: while there is no model, or one of the first days that much more data than it stands on would better. */
  learnEarly(): Promise<void>;
}

export const controllingText = (decision: Decision | null): string =>
  decision === null
    ? "Controlling"
    : decision.plan.source === "mppi"
      ? "The planner controls the building"
      : "The rule controls the building";

/** A line for every zone that has been learned, not for every iteration. */
const progressLines = (say: (line: string) => void): ((fraction: number, text: string) => void) => {
  const said = new Set<string>();
  return (fraction, text) => {
    if (!/learned from|HVAC power/.test(text) || said.has(text)) return;
    said.add(text);
    say(`Learning   ${text} (${Math.round(100 * fraction)} %)`);
  };
};

/** Learning as the daemon's people see it: progress on the board, a line in the terminal, an alarm where there is no model; a new model goes to `install`. */
export const createLearningRounds = (options: {
  readonly config: SiteConfig;
  readonly clock: Clock;
  readonly dataset: () => Dataset;
  readonly versions: Required<ModelVersionStore>;
  readonly board: Pick<StatusBoard, "progress" | "decision">;
  readonly watch: Pick<Watch, "learning">;
  readonly log: Logger;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly install: (model: BuildingModel, coming: Coming) => void;
  readonly record: (change: ModelChange) => Promise<void>;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Where other sites learn too. */
  readonly host?: SiteHost;
  /** After a new model was put to work. */
  readonly onInstalled: () => void;
  readonly onWarning: (text: string) => void;
  readonly onError: (error: unknown) => void;
}): LearningRounds => {
  const { board, watch, log, say } = options;
  let model: BuildingModel | null = null;
  let isLearning = false;
  const install = (next: BuildingModel, coming: Coming): void => {
    options.install(next, coming);
    model = next;
  };
  const zones = options.config.zones.map(({ id }) => id);
  const lines = progressLines(say);
  let learnedOnce = false;
  const learner = createLearner({
    ...options,
    current: () => model,
    install: async (next) => install(next, "learned"),
    onProgress: (fraction, text) => {
      if (model === null) board.progress("learning", `Learning: ${text}. The rule decides meanwhile.`, fraction);
      if (!learnedOnce) lines(fraction, text);
    },
  });
  const learn = async (isEarly: boolean): Promise<void> => {
    if (isLearning) return;
    isLearning = true;
    let installed = false;
    try {
      if (model === null) board.progress("learning", "Learning how the zones warm and cool. The rule decides meanwhile.", 0);
      const outcome = await (options.host === undefined
        ? learner.learn(options.signal)
        : options.host.turn("learn", () => learner.learn(options.signal), options.signal));
      if (outcome.kind === "installed" && !learnedOnce)
        say(
          `Learned    ${outcome.text} ${isProvisional(outcome.model, options.config.learning.minDays) ? "It stands on what other buildings taught and the first hours: it plans in shadow mode until it has proved itself." : "The planner decides from now on."}`,
        );
      else log.info({ outcome: outcome.kind }, outcome.text);
      installed = outcome.kind === "installed";
      learnedOnce ||= installed;
      watch.learning(
        model === null ? `No model yet (${outcome.text}): the rule decides.` : outcome.kind === "failed" ? outcome.text : null,
      );
      if (outcome.kind === "waiting" && model === null && !isEarly) say(`Learning   ${outcome.text}: the rule decides until then.`);
    } finally {
      isLearning = false;
    }
    board.progress("controlling", controllingText(board.decision), null);
    if (installed) options.onInstalled();
  };
  return {
    get model() {
      return model;
    },
    get isLearning() {
      return isLearning;
    },
    restore: () =>
      options.inTurn(async () => {
        // A version that a person has chosen already stays.
        const saved = model === null ? await learner.saved() : null;
        if (saved === null) return;
        install(saved, "restored");
        learnedOnce = true;
        say(`Learned    Model ${saved.version} from before the restart is in use.`);
      }),
    use: async (next) => {
      install(next, "chosen");
      learnedOnce = true;
      watch.learning(null);
      options.onInstalled();
    },
    learn: () => learn(false),
    learnEarly: async () => {
      if (isLearning || (model !== null && !isProvisional(model, options.config.learning.minDays))) return;
      const there = usableDays(options.dataset(), zones);
      const wanted =
        model === null
          ? firstDaysOf(options.config)
          : Math.min(options.config.learning.minDays, WORTH_LEARNING_AGAIN * (daysLearned(model) ?? 0));
      if (there >= wanted) await learn(true);
    },
  };
};
