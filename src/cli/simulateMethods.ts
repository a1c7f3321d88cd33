import { learned, type SimulateOptions } from "#cli/simulateOptions";
import type { SimulatedSite } from "#cli/simulatePlant";
import { clueKernelForRun, manifestOf, priorForRun } from "#cli/simulatePrior";
import { driveAllFrom } from "#controllers/leadZone";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import { costShooting, createRandomShootingPlanner, ensembleMppi, mendedClue, publishedClue } from "#controllers/randomShooting";
import type { Dataset } from "#domain/dataset";
import { usageError } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Planner } from "#domain/planner";
import type { PreparedRollout } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { createEnsembleRollout } from "#models/baselines/ensemble/ensemblePredictor";
import { trainEnsembleBuilding } from "#models/baselines/ensemble/trainEnsemble";
import { clueVariantOf } from "#models/baselines/trainBaseline";
import { trainBaselineBuilding } from "#models/baselines/trainBaselineBuilding";
import type { Prior } from "#models/prior";
import { trainInWorker } from "#models/trainInWorker";

/** How a learned controller learns and plans. */
export interface Method {
  /** Whether it learns anew at night; CLUE and the ensemble learn once, as published. */
  readonly learnsAtNight: boolean;
  train(
    dataset: Dataset,
    onProgress: (fraction: number, text: string) => void,
    signal?: AbortSignal,
    incumbent?: BuildingModel | null,
  ): Promise<BuildingModel>;
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
    case "ensemble":
      return ensemble(options, run);
    default:
      throw usageError(`${options.controller} does not learn`, `Choose one of ${[...learned].join(", ")}.`);
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
    train: (dataset, onProgress, signal, incumbent = null) => {
      if (!priorChosen) {
        prior = priorForRun(options.prior, run.weatherNames, dataset);
        priorChosen = true;
      }
      return trainInWorker({
        dataset,
        zones: run.plant.zones,
        prior,
        toLocalMs: localTimeOf(run),
        options: { budget, horizonSteps: options.horizonSteps, ...(incumbent === null ? {} : { incumbent }) },
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

/** The zone that the published controllers plan for, SPACE1-1 of the office: the first. */
const leadZoneOf = ({ plant }: Run): string => plant.zones[0]!;

/**
 * CLUE as published, or mended: planned for one zone, whose setpoints drive them all. Its model is learned once, before the first decision, in this
 * thread: its scripts train on the week and then control.
 */
function clue(name: "clue" | "clue-mended", options: SimulateOptions, run: Run): Method {
  const planning = name === "clue" ? publishedClue : mendedClue;
  const lead = leadZoneOf(run);
  let manifest: unknown = null;
  return {
    learnsAtNight: false,
    get priorManifest() {
      return manifest;
    },
    train: async (dataset, onProgress, signal) => {
      const found = clueKernelForRun(options.prior, run.weatherNames, dataset, clueVariantOf(name));
      manifest = found.manifest;
      return trainBaselineBuilding(name, {
        la: await linearAlgebraOf(options),
        dataset,
        zones: [lead],
        toLocalMs: localTimeOf(run),
        metaKernel: found.start,
        horizonSteps: options.horizonSteps,
        onProgress,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    plannerOf: (rollout, model, backendName) => {
      const { samples: numSamples, allowFallback } = options;
      const given = { ...planning, numSamples, maxSamplesPerRun: numSamples, allowFallback, backendName };
      return driveAllFrom(createRandomShootingPlanner(rollout, model, given), lead);
    },
  };
}

const linearAlgebraOf = ({ backend }: SimulateOptions): Promise<LinearAlgebra> =>
  createLinearAlgebra(backend === "webgpu" ? "auto" : backend);

/**
 * Five small networks and MPPI, planned for one zone whose setpoints drive them all, as the yardsticks have it. Networks are no Gaussian process: the
 * ensemble brings its own rollout, and the backend holds only its frame. The method knows no bound on its uncertainty, so it never falls back.
 */
function ensemble(options: SimulateOptions, run: Run): Method {
  const lead = leadZoneOf(run);
  // By version: a model is data and may be copied on its way, say with the days it stands on.
  const rollouts = new Map<string, PreparedRollout>();
  return {
    learnsAtNight: false,
    priorManifest: null,
    train: async (dataset, onProgress, signal) => {
      const la = await linearAlgebraOf(options);
      const given = { seed: options.seed, onProgress, ...(signal === undefined ? {} : { signal }) };
      const { model, ensembles } = await trainEnsembleBuilding(la, dataset, [lead], localTimeOf(run), given);
      rollouts.set(model.version, createEnsembleRollout(la, ensembles));
      return model;
    },
    plannerOf: (frame, model, backendName) => {
      frame.close();
      const { samples: numSamples, allowFallback } = options;
      const given = { ...ensembleMppi, numSamples, maxSamplesPerRun: numSamples, allowFallback, backendName };
      return driveAllFrom(createRandomShootingPlanner(rollouts.get(model.version)!, model, given), lead);
    },
  };
}
