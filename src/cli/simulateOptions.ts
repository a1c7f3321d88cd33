import { usageError } from "#domain/errors";
import type { BackendName } from "#domain/rollout";

export const plantNames = ["rc", "replay", "energyplus", "boptest", "slow-house"] as const;
export type PlantName = (typeof plantNames)[number];
export const controllerNames = ["schedule", "rule", "rule-best", "mppi", "random-shooting", "clue", "clue-mended", "ensemble"] as const;
export type ControllerName = (typeof controllerNames)[number];
export const historyNames = ["schedule", "explore", "none"] as const;
export type HistoryName = (typeof historyNames)[number];
export const objectiveNames = ["energy", "bill", "carbon"] as const;
export type Objective = (typeof objectiveNames)[number];
export const forecastErrorNames = ["none", "low", "medium", "high"] as const;
export const backendNames = ["auto", "reference", "wasm", "blas", "webgpu"] as const satisfies readonly (BackendName | "auto")[];
export const faultNames = ["none", "swapped-sensors", "stuck-sensor"] as const;
export const relearnNames = ["nightly", "never"] as const;

export const stepS = 900;

/** One closed-loop run, checked. */
export interface SimulateOptions {
  readonly plant: PlantName;
  readonly building: string;
  readonly weather: string;
  /** CSV to replay; null for other plants. */
  readonly data: string | null;
  /** EnergyPlus folder; null or absent: the usual places. */
  readonly energyplus?: string | null;
  /** How long EnergyPlus may show no sign of life; null or absent: its default. */
  readonly patienceS?: number | null;
  /** MM-DD of the first scored day. */
  readonly start: string;
  readonly year: number;
  readonly days: number;
  readonly controller: ControllerName;
  readonly leadSteps: number;
  readonly ramp: boolean;
  readonly allowFallback: boolean;
  readonly history: HistoryName;
  readonly historyDays: number;
  /** null: the season's own. */
  readonly comfort: { readonly lowerC: number; readonly upperC: number } | null;
  readonly tariff: string;
  readonly objective: Objective;
  readonly forecastError: (typeof forecastErrorNames)[number];
  readonly backend: BackendName | "auto";
  readonly samples: number;
  readonly horizonSteps: number;
  /** `shipped`, `none` or a file. */
  readonly prior: string;
  readonly relearn: (typeof relearnNames)[number];
  /** A model file that is in charge instead of one learned before the first decision; null or absent: it learns. */
  readonly model?: string | null;
  /** What is wrong with the sensors in the scored days; absent: nothing. */
  readonly fault?: (typeof faultNames)[number];
  /** Share of a day's energy cost that may go into probes; absent or 0: none. */
  readonly probing?: number;
  readonly seed: number;
}

/** A run as it is asked for: what it leaves open (null) follows from the plant. */
export type SimulateWishes = Omit<SimulateOptions, "horizonSteps"> & {
  /** null: as far as the building's answers reach (`ruleHabits`). */
  readonly horizonSteps: number | null;
};

export const learned: ReadonlySet<ControllerName> = new Set(["mppi", "random-shooting", "clue", "clue-mended", "ensemble"]);

/** Combinations that make no sense, one message each. */
export function checkCombination(options: SimulateWishes, given: (option: string) => boolean): void {
  const { controller } = options;
  if ((options.model ?? null) !== null && controller !== "mppi" && controller !== "random-shooting")
    throw usageError(
      `--model belongs to --controller mppi or random-shooting, not ${controller}`,
      "Leave --model out, or choose another controller.",
    );
  if ((given("lead") || given("ramp")) && controller !== "rule")
    throw usageError(
      `--lead and --ramp belong to --controller rule, not ${controller}`,
      controller === "rule-best" ? "rule-best tries every lead and ramp by itself." : "Leave them out, or choose --controller rule.",
    );
  if (options.ramp && options.leadSteps === 0) throw usageError("--ramp needs --lead of at least 1", "A ramp over no steps is no ramp.");
  if (!options.allowFallback && !learned.has(controller))
    throw usageError(`--no-fallback means nothing for --controller ${controller}`, "It belongs to learned controllers such as mppi.");
  if (options.plant === "slow-house" && given("building") && options.building !== "slow-house")
    throw usageError(
      `--plant slow-house is a building of its own, not ${options.building}`,
      "Leave --building out, or choose --plant rc for other embedded buildings.",
    );
  if (given("energyplus") && options.plant !== "energyplus")
    throw usageError(`--energyplus belongs to --plant energyplus, not ${options.plant}`, "Leave it out, or choose --plant energyplus.");
  if (options.plant === "replay" && options.data === null)
    throw usageError("--plant replay needs --data FILE.csv", "Name the logged data to play back.");
  if (options.plant !== "replay" && options.data !== null)
    throw usageError(`--data belongs to --plant replay, not ${options.plant}`, "Leave it out, or choose --plant replay.");
}
