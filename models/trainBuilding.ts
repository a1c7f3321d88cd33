import type { Dataset } from "#domain/dataset";
import { configurationError, IsothermError } from "#domain/errors";
import type { BuildingModel, ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { DatasetRows, type ToLocalMs } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean } from "#math/statistics";
import { type SpreadError, spreadBound } from "#models/calibration";
import { sliceDataset } from "#models/datasetSlice";
import { openLoop } from "#models/evaluation/openLoop";
import { growZone } from "#models/growing/growZone";
import { fitPowerModel } from "#models/powerModel";
import type { Prior } from "#models/prior";
import { createStepPredictor } from "#models/stepPredictor";
import { AS_IT_IS } from "#models/thermostat/candidates";
import { fitZone, type ZoneFit } from "#models/thermostat/fitZone";
import { trainingRows } from "#models/thermostat/trainingRows";

export interface TrainOptions {
  /** Inducing inputs per zone at most; null: exact. */
  readonly budget: number | null;
  /**
   * `recent` (default): every row that is given. `budgeted`: the last seven days give hyperparameters, power and the spread bound, and all the days given stand behind
   * them at a fixed budget of rows (`growZone`), once there are more than 21 of them.
   */
  readonly rows?: "recent" | "budgeted";
  /** Error (K) that a plan's uncertainty may stand for; see `spreadBound`. */
  readonly errorLevelK?: number;
  readonly horizonSteps?: number;
  /** The model in use: judged on the same held-out days as the new one's, where they come after what it has learned from. */
  readonly incumbent?: BuildingModel;
}

export interface TrainRequest {
  readonly dataset: Dataset;
  readonly zones: readonly string[];
  readonly prior: Prior | null;
  readonly toLocalMs: ToLocalMs;
  readonly la: LinearAlgebra;
  readonly options: TrainOptions;
  readonly onProgress: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

/** How to listen to a prior is a choice between four fits. For so long it stands: the nights between cost less, and the model does not change its ways from one to the next. */
const PRIOR_USE_DAYS = 7;

/** How the model in use listens to the same prior, where that was chosen within the last week. */
const standingPriorUse = ({ dataset, prior, options }: Pick<TrainRequest, "dataset" | "prior" | "options">): BuildingModel["priorUse"] => {
  const { incumbent } = options;
  const nowMs = dataset.timesMs[dataset.timesMs.length - 1]!;
  const use = incumbent?.priorUse;
  if (use === undefined || prior === null || incumbent?.prior !== prior.name) return undefined;
  return nowMs - use.chosenMs < PRIOR_USE_DAYS * DAY_S * 1000 ? use : undefined;
};

/** What a plan may be off by at its worst moment, K, in one trajectory of ten, unless the site says otherwise. */
export const DEFAULT_ERROR_LEVEL_K = 1.5;

const DAY_S = 86_400;
const PRESENT_DAYS = 7;
/** Fewer days have nothing to tell that the last seven do not. */
const GROWS_BEYOND_DAYS = 21;

/** The rows that are learned from as they are, and all of them where the older ones stand behind. */
const presentAndHistory = (dataset: Dataset, { rows }: TrainOptions): { readonly present: Dataset; readonly history: Dataset | null } => {
  const { length } = dataset.timesMs;
  const perDay = DAY_S / dataset.stepS;
  if (rows !== "budgeted" || length <= GROWS_BEYOND_DAYS * perDay) return { present: dataset, history: null };
  return { present: sliceDataset(dataset, length - PRESENT_DAYS * perDay, length), history: dataset };
};

/** Held-out trajectories start this often. */
const START_EVERY = 4;

/** Fewer held-out trajectories than this say nothing of who is better. */
const FEWEST_SHARED = 8;

/** Errors after the horizon on days that the model in use has not seen, its own and those of a new one that has not seen them either, K RMS. */
export interface SharedDays {
  readonly freshK: number;
  readonly incumbentK: number;
}

const rms = (errors: readonly number[]): number => Math.sqrt(mean(errors.map((error) => error * error)));

/** Open-loop trajectories from `starts`: spread as a planner judges it with the largest error, and the error at the horizon; ones with a gap are left out. */
const heldOutErrors = (
  la: LinearAlgebra,
  model: ZoneModel,
  data: DatasetRows,
  starts: readonly number[],
  horizon: number,
): { readonly pairs: readonly SpreadError[]; readonly lastK: readonly number[] } => {
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  const occupancy = data.dataset.columns.get(zonePoint(model.zone, "occupancyCount"));
  const { meanC, stdDevK } = openLoop(createStepPredictor(la, model), model, data, starts, horizon, true);
  const pairs: SpreadError[] = [];
  const lastK: number[] = [];
  starts.forEach((row, k) => {
    let errorK = 0;
    // The spread of a plan as the planner judges it, the mean over its occupied steps, and the error of the same steps; of all when none is occupied.
    let counted = 0;
    let spreadK = 0;
    const people = Array.from({ length: horizon }, (_, step) => Number(occupancy?.[row + step + 1] ?? 0) > 0);
    const anybody = people.includes(true);
    for (let step = 0; step < horizon; step++) {
      if (anybody && !people[step]) continue;
      errorK = Math.max(errorK, Math.abs(meanC[step]![k]! - temperature[row + step + 1]!));
      counted++;
      spreadK += (stdDevK[step]![k]! - spreadK) / counted;
    }
    if (!Number.isFinite(errorK) || !Number.isFinite(spreadK)) return;
    pairs.push({ spreadK, errorK });
    lastK.push(meanC[horizon - 1]![k]! - temperature[row + horizon]!);
  });
  return { pairs, lastK };
};

/** One zone: its model from all the data, and how sure and how wrong a model of the first five sevenths was on the rest. */
export const trainZone = async (
  request: Omit<TrainRequest, "zones"> & { readonly zone: string; readonly neighbours: readonly string[] },
): Promise<{
  readonly model: ZoneModel;
  readonly trainRows: number;
  readonly leaveDayOutRmseK: number;
  readonly heldOut: readonly SpreadError[];
  readonly heldOutRmseK: number | null;
  readonly shared: SharedDays | null;
  /** How the prior was listened to: see `chosenFit`. */
  readonly chosen: string;
  /** Repairs that the linear algebra needed, each once. */
  readonly warnings: readonly string[];
}> => {
  const { zone, neighbours, prior, toLocalMs, la, options, onProgress, signal } = request;
  const { present: dataset, history } = presentAndHistory(request.dataset, options);
  const data = new DatasetRows(dataset, toLocalMs);
  const warnings = new Set<string>();
  const standing = standingPriorUse(request)?.byZone[zone];
  const fit = await fitZone(la, data, zone, neighbours, prior, {
    budget: options.budget,
    ...(signal === undefined ? {} : { signal }),
    ...(standing === undefined ? {} : { only: standing }),
    onWarning: (text) => warnings.add(`${zone}: ${text}`),
    onIteration: (iteration) => onProgress(Math.min(0.7, iteration / 40), `${zone}: iteration ${iteration}`),
  });
  const horizon = options.horizonSteps ?? 20;
  const split = Math.floor((data.length * 5) / 7);
  const heldOut: SpreadError[] = [];
  let heldOutRmseK: number | null = null;
  let shared: SharedDays | null = null;
  if (data.length - split > horizon + START_EVERY) {
    onProgress(0.75, `${zone}: checking on days left out`);
    try {
      // The early model only shows how spread and error go together; one that stands for the new model gets the same effort.
      const until = async (end: number, standsIn: boolean): Promise<ZoneModel> => {
        const part = new DatasetRows(sliceDataset(dataset, 0, end), toLocalMs);
        const { model } = await fitZone(la, part, zone, neighbours, prior, {
          ...(signal === undefined ? {} : { signal }),
          budget: standsIn ? options.budget : 160,
          // The same kind: fewer days tell kinds apart less well.
          emitter: fit.model.call ?? null,
          ...(standsIn ? { only: fit.chosen } : prior === null ? {} : { maxIterations: 0 }),
        });
        return model;
      };
      const early = await until(split, false);
      const starts: number[] = [];
      for (let row = split; row + horizon < data.length; row += START_EVERY) starts.push(row);
      const held = heldOutErrors(la, early, data, starts, horizon);
      heldOut.push(...held.pairs);
      if (held.lastK.length > 0) heldOutRmseK = rms(held.lastK);
      const known = options.incumbent?.zones.find((one) => one.zone === zone);
      const seen = dataset.timesMs.findIndex((timeMs) => timeMs >= (options.incumbent?.trainedToMs ?? Number.POSITIVE_INFINITY));
      const unseen = starts.filter((row) => seen >= 0 && row >= seen);
      if (known !== undefined && unseen.length >= FEWEST_SHARED) {
        // Both know what there was until then.
        const rival = await until(Math.max(split, seen + 1), true);
        const [fresh, before] = [rival, known].map((model) => heldOutErrors(la, model, data, unseen, horizon).lastK);
        if (fresh!.length >= FEWEST_SHARED && before!.length >= FEWEST_SHARED) shared = { freshK: rms(fresh!), incumbentK: rms(before!) };
      }
    } catch (error) {
      // Too little data to hold any out: the bound then stands on the error level alone.
      if (!(error instanceof IsothermError)) throw error;
    }
  }
  const { model, trainRows } = history === null ? fit : grown(request, fit, data, history, warnings);
  onProgress(1, `${zone}: learned from ${trainRows} rows`);
  const { leaveDayOutRmseK } = fit;
  return { model, trainRows, leaveDayOutRmseK, heldOut, heldOutRmseK, shared, chosen: fit.chosen, warnings: [...warnings] };
};

/** The week's model with the days before it behind it. */
const grown = (
  { zone, neighbours, prior, toLocalMs, la, options, onProgress }: Parameters<typeof trainZone>[0],
  fit: ZoneFit,
  data: DatasetRows,
  history: Dataset,
  warnings: Set<string>,
): Pick<ZoneFit, "model" | "trainRows"> => {
  onProgress(0.9, `${zone}: choosing among older rows`);
  const { structure, toleranceK } = trainingRows(data, zone, neighbours, undefined, fit.model.call ?? null);
  const { model, selected } = growZone(la, { ...fit, structure, toleranceK }, new DatasetRows(history, toLocalMs), neighbours, prior, {
    posteriorBudget: options.budget,
    onWarning: (text) => warnings.add(`${zone}: ${text}`),
  });
  return { model, trainRows: selected.rows.n };
};

export type ZoneTraining = Awaited<ReturnType<typeof trainZone>>;

export interface PowerTraining {
  readonly fit: Awaited<ReturnType<typeof fitPowerModel>>;
  /** The linear algebra that did the work. */
  readonly linearAlgebra: LinearAlgebra["name"];
}

/** HVAC power by what the zones' models say was delivered; no fit where the data hold too little of it. */
export const trainPower = async (
  request: Pick<TrainRequest, "dataset" | "toLocalMs" | "la" | "options" | "signal"> & { readonly models: readonly ZoneModel[] },
): Promise<PowerTraining> => {
  const { toLocalMs, la, models, signal } = request;
  const { present: dataset } = presentAndHistory(request.dataset, request.options);
  const fit = await fitPowerModel(la, new DatasetRows(dataset, toLocalMs), models, signal === undefined ? {} : { signal });
  return { fit, linearAlgebra: la.name };
};

/** Puts trained zones and power together. */
export const assembleBuilding = (
  request: Pick<TrainRequest, "dataset" | "prior" | "options">,
  trained: readonly ZoneTraining[],
  { fit: power, linearAlgebra }: PowerTraining,
  fitMs: number,
): BuildingModel => {
  const { dataset, prior, options } = request;
  const models = trained.map(({ model }) => model);
  const heldOut = trained.flatMap((one) => one.heldOut);
  const figures = trained.map(({ heldOutRmseK }) => heldOutRmseK).filter((value) => value !== null);
  const shared = trained.map((one) => one.shared).filter((one) => one !== null);
  const warnings = trained.flatMap((one) => one.warnings);
  const foreign = trained.flatMap(({ model, chosen }) => (prior === null || chosen === AS_IT_IS ? [] : [`${model.zone} (${chosen})`]));
  const { timesMs } = dataset;
  const trainedToMs = timesMs[timesMs.length - 1]!;
  return {
    version: `thermostat-${new Date(trainedToMs).toISOString().slice(0, 16)}Z`,
    kind: "thermostat",
    stepS: dataset.stepS,
    zones: models,
    power: power?.model ?? null,
    spreadBoundK: spreadBound(heldOut, options.errorLevelK ?? DEFAULT_ERROR_LEVEL_K),
    trainedFromMs: timesMs[0]!,
    trainedToMs,
    trainRows: trained.reduce((sum, one) => sum + one.trainRows, 0),
    prior: prior?.name ?? "none",
    ...priorUse(request, trained),
    summary: {
      leaveDayOutRmseK: mean(trained.map((one) => one.leaveDayOutRmseK)),
      ...(figures.length === 0 ? {} : { heldOutRmse20K: mean(figures) }),
      ...(shared.length < trained.length || options.incumbent === undefined
        ? {}
        : {
            incumbent: options.incumbent.version,
            sharedRmse20K: mean(shared.map(({ freshK }) => freshK)),
            incumbentRmse20K: mean(shared.map(({ incumbentK }) => incumbentK)),
          }),
      // Where the prior had to give way, and what was taken of it.
      ...(foreign.length === 0 ? {} : { foreignPrior: foreign.join(", ") }),
      ...(power === null ? {} : { powerNoiseW: power.rmseW }),
      fitMs,
      linearAlgebra,
      budget: options.budget ?? "exact",
      ...(warnings.length === 0 ? {} : { warnings: warnings.join(" ") }),
    },
  };
};

const priorUse = (
  request: Pick<TrainRequest, "dataset" | "prior" | "options">,
  trained: readonly ZoneTraining[],
): Pick<BuildingModel, "priorUse"> => {
  const { prior, dataset } = request;
  const standing = standingPriorUse(request);
  // What less than a week chose is chosen again the next night.
  if (prior === null || dataset.timesMs.length < PRESENT_DAYS * (DAY_S / dataset.stepS)) return {};
  const chosenMs = standing?.chosenMs ?? dataset.timesMs[dataset.timesMs.length - 1]!;
  return { priorUse: { chosenMs, byZone: Object.fromEntries(trained.map(({ model, chosen }) => [model.zone, chosen])) } };
};

/** Refuses data that no model can be learned from, before any work is done. */
export const checkTrainingData = (dataset: Dataset, zones: readonly string[]): void => {
  if (zones.length === 0) throw configurationError("There is no zone to learn.", { todo: "Name at least one zone." });
  if (dataset.timesMs.length < 2) {
    throw configurationError(`The data hold ${dataset.timesMs.length} rows; a step needs two.`, {
      todo: "Give more data, 7 days are wanted.",
    });
  }
};

/**
 * Learns a whole building from its data: every zone's thermostat-aware GP, HVAC power, and the spread beyond which plans are not trusted.
 * Zones one after the other in this thread; `trainInWorker` spreads them over threads.
 */
export const trainBuilding = async (request: TrainRequest): Promise<BuildingModel> => {
  const { dataset, zones, onProgress } = request;
  checkTrainingData(dataset, zones);
  const started = performance.now();
  const trained: ZoneTraining[] = [];
  for (const [i, zone] of zones.entries()) {
    trained.push(
      await trainZone({
        ...request,
        zone,
        neighbours: zones.filter((other) => other !== zone),
        onProgress: (fraction, text) => onProgress((0.9 * (i + fraction)) / zones.length, text),
      }),
    );
  }
  onProgress(0.9, "learning HVAC power");
  const power = await trainPower({ ...request, models: trained.map(({ model }) => model) });
  return assembleBuilding(request, trained, power, performance.now() - started);
};
