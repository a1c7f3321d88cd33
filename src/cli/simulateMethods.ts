import type { SimulateOptions } from "#cli/simulateOptions";
import type { SimulatedSite } from "#cli/simulatePlant";
import { clueKernelForRun, manifestOf, priorForRun } from "#cli/simulatePrior";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { costShooting, createRandomShootingPlanner, mendedClue, publishedClue } from "#controllers/randomShooting";
import type { Dataset } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Planner } from "#domain/planner";
import type { PreparedRollout } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { clueVariantOf } from "#models/baselines/trainBaseline";
import { trainBaselineBuilding } from "#models/baselines/trainBaselineBuilding";
import type { Prior } from "#models/prior";
import { trainInWorker } from "#models/trainInWorker";

/** How a learned controller learns and plans. */
export interface Method {
  /** Whether it learns anew at night; CLUE learns once, as published. */
  readonly learnsAtNight: boolean;
  train(dataset: Dataset, onProgress: (fraction: number, text: string) => void, signal?: AbortSignal): Promise<BuildingModel>;
  plannerOf(rollout: PreparedRollout, model: BuildingModel, backendName: string): Planner;
  /** Of what it started from; null before the first model and where nothing was given. */
  readonly priorManifest: unknown;
}

type Run = Pick<SimulatedSite, "weatherNames" | "timeZone"> & { readonly plant: { readonly zones: readonly string[] } };

/** Inducing inputs per zone, as in the daemon: a week of quarters of an hour loses little, and a decision takes a fraction of the time. */
const budget = 320;

/** The method of a controller; one that this version does not have is refused by name. */
export function methodOf(options: SimulateOptions, run: Run): Method {
  switch (options.controller) {
    case "mppi":
    case "random-shooting":
      return ownModel(options, run);
    case "clue":
    case "clue-mended":
      return clue(options.controller, options, run);
    default:
      throw unavailableError(`the controller ${options.controller} is not in this version`, {
        todo: "Choose mppi, random-shooting, clue, clue-mended, rule, rule-best or schedule.",
      });
  }
}

const localTimeOf =
  ({ timeZone }: Run) =>
  (timeMs: number): number =>
    timeMs + timeZone.timeZoneH * 3_600_000;

/** isotherm's own model, under MPPI or, to see what the search is worth, under random shooting at the same cost. */
function ownModel(options: SimulateOptions, run: Run): Method {
  let prior: Prior | null = null;
  let priorChosen = false;
  const common = { numSamples: options.samples, maxSamplesPerRun: options.samples, allowFallback: options.allowFallback };
  return {
    learnsAtNight: true,
    get priorManifest() {
      return manifestOf(prior);
    },
    train: (dataset, onProgress, signal) => {
      if (!priorChosen) {
        prior = priorForRun(options.prior, run.weatherNames, dataset);
        priorChosen = true;
      }
      return trainInWorker({
        dataset,
        zones: run.plant.zones,
        prior,
        toLocalMs: localTimeOf(run),
        options: { budget, horizonSteps: options.horizonSteps },
        onProgress,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    plannerOf: (rollout, model, backendName) =>
      options.controller === "mppi"
        ? createMppiPlanner({ rollout, model, options: { ...common, backendName } })
        : createRandomShootingPlanner(rollout, model, { ...costShooting, ...common, backendName }),
  };
}

/**
 * CLUE as published, or mended. Its model is learned once, before the first decision, in this thread: its scripts train on the week and then control,
 * and 200 steps of fine-tuning for five zones every night would only take time.
 */
function clue(name: "clue" | "clue-mended", options: SimulateOptions, run: Run): Method {
  const planning = name === "clue" ? publishedClue : mendedClue;
  let manifest: unknown = null;
  return {
    learnsAtNight: false,
    get priorManifest() {
      return manifest;
    },
    train: async (dataset, onProgress, signal) => {
      const found = clueKernelForRun(options.prior, run.weatherNames, dataset, clueVariantOf(name));
      manifest = found.manifest;
      const la = await createLinearAlgebra(options.backend === "webgpu" ? "auto" : options.backend);
      return trainBaselineBuilding(name, {
        la,
        dataset,
        zones: run.plant.zones,
        toLocalMs: localTimeOf(run),
        metaKernel: found.start,
        horizonSteps: options.horizonSteps,
        onProgress,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    plannerOf: (rollout, model, backendName) =>
      createRandomShootingPlanner(rollout, model, {
        ...planning,
        numSamples: options.samples,
        maxSamplesPerRun: options.samples,
        allowFallback: options.allowFallback,
        backendName,
      }),
  };
}
