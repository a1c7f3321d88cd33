import { readFileSync } from "node:fs";
import type { CommandContext } from "#cli/cliKit";
import { methodOf } from "#cli/simulateMethods";
import type { SimulateOptions } from "#cli/simulateOptions";
import type { SimulatedSite } from "#cli/simulatePlant";
import { createRolloutBackend, planningPrecision } from "#controllers/rollout/createBackend";
import type { Clock } from "#domain/clock";
import { usageError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { learnCycle } from "#loop/learnCycle";
import type { PlannerSlot } from "#loop/plannerSlot";
import { heldOutBeside, heldOutError } from "#models/heldOut";
import { modelFromJson, modelToJson } from "#models/modelJson";

/** Learns from the run's own history and keeps a planner on the newest model. */
export interface Learner {
  /** Learns from the newest rows and swaps the planner; too little data leaves things as they are. */
  learn(why: string): Promise<void>;
  /** `learn` at night, for methods that learn anew, or have not learned yet. */
  learnAtNight(): Promise<void>;
  /** Of the first model; 0 before it. */
  readonly fitMs: number;
  readonly backend: string;
  readonly priorManifest: unknown;
  close(): Promise<void>;
}

interface LearnerParts {
  readonly options: SimulateOptions;
  readonly run: SimulatedSite;
  readonly history: HistoryBuffer;
  readonly planners: PlannerSlot;
  readonly clock: Clock;
  readonly context: CommandContext;
  /** Told of every model that is put to work. */
  readonly onInstalled?: (model: BuildingModel) => void;
}

/** Days of data below which the rule decides. */
const minDays = 3;
const dayMs = 86_400_000;

/** A model file for these zones; one that cannot be read or is of others is refused by name. */
function givenModel(file: string, zones: readonly string[]): BuildingModel {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw usageError(
      `--model ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      "Give a file that isotherm train wrote.",
    );
  }
  const model = modelFromJson(text);
  const names = model.zones.map(({ zone }) => zone);
  if (names.join("\n") !== zones.join("\n"))
    throw usageError(
      `--model ${file} is of the zones ${names.join(", ")}, the building has ${zones.join(", ")}`,
      "Give a model of a building with the same zones.",
    );
  return model;
}

/** The learner of a controller; one that this version does not have is refused by name. */
export async function createLearner({ options, run, history, planners, clock, context, onInstalled }: LearnerParts): Promise<Learner> {
  const method = methodOf(options, run);
  const backend = await createRolloutBackend(options.backend, { precision: planningPrecision });
  let fitMs = 0;
  let model: BuildingModel | null = null;

  const install = async (next: BuildingModel): Promise<void> => {
    const rollout = await backend.prepare({ model: next, maxSamples: options.samples, horizonSteps: options.horizonSteps });
    model = next;
    planners.swap({ planner: method.plannerOf(rollout, next, backend.name), modelVersion: next.version });
    onInstalled?.(next);
  };
  const given = options.model ?? null;
  if (given !== null) await install(givenModel(given, run.plant.zones));

  const learn = async (why: string): Promise<void> => {
    const beganMs = performance.now();
    const outcome = await learnCycle(
      {
        clock,
        zones: run.plant.zones,
        minDays,
        dataset: () => history.dataset(clock.nowMs() - Math.max(options.historyDays, 7) * dayMs),
        train: (dataset, signal) =>
          method.train(
            dataset,
            (fraction, text) => context.progress(`learning (${why}): ${Math.round(fraction * 100)} %, ${text}`),
            signal,
            model,
          ),
        heldOut: heldOutError,
        beside: heldOutBeside,
        current: () => model,
        install,
        encode: modelToJson,
        // A simulated run keeps no versions.
        versions: { saveModelVersion: async () => undefined },
        onError: (error) => {
          if (error instanceof Error && process.env.ISOTHERM_DEBUG) context.say(error.stack ?? error.message);
        },
      },
      context.signal,
    );
    const tookMs = performance.now() - beganMs;
    if (fitMs === 0 && outcome.kind === "installed") fitMs = tookMs;
    context.say(`learning (${why}): ${outcome.text} ${(tookMs / 1000).toFixed(1)} s`);
    if (outcome.kind === "failed") throw outcome.error;
    if (model === null && !options.allowFallback)
      throw usageError(
        "--no-fallback needs a model before the first decision",
        "Give a history: --history schedule or explore, at least 3 days.",
      );
  };

  return {
    get fitMs() {
      return fitMs;
    },
    backend: backend.name,
    get priorManifest() {
      return method.priorManifest;
    },
    learn: async (why) => {
      if (model === null) await learn(why);
    },
    learnAtNight: async () => {
      if (method.learnsAtNight || model === null) await learn("nightly");
    },
    close: async () => {
      backend.close?.();
    },
  };
}
