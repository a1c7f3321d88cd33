import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { BuildingModel, ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { DatasetRows, type ToLocalMs } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { asPublishedPlannerFeedsIt, PUBLISHED_VARIANCE_BOUND_K2 } from "#models/baselines/clue";
import type { BaselineSource } from "#models/baselines/clueMetaKernel";
import { type BaselineName, clueStart, clueVariantOf, type NamedClueKernel, trainBaselineZone } from "#models/baselines/trainBaseline";
import { type SpreadError, spreadBound } from "#models/calibration";
import { sliceDataset } from "#models/datasetSlice";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor } from "#models/stepPredictor";
import { checkTrainingData } from "#models/trainBuilding";

export interface BaselineBuildingRequest {
  readonly la: LinearAlgebra;
  readonly dataset: Dataset;
  readonly zones: readonly string[];
  readonly toLocalMs: ToLocalMs;
  /** See `BaselineRequest`. */
  readonly sources?: readonly BaselineSource[];
  readonly metaKernel?: NamedClueKernel;
  readonly maxIterations?: number;
  /** Error (K) that a plan's uncertainty may stand for; see `spreadBound`. Default 1. */
  readonly errorLevelK?: number;
  readonly horizonSteps?: number;
  readonly onProgress: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

const START_EVERY = 4;

/** Largest spread and largest error of trajectories over the last two sevenths, by a model of the first five with the same hyperparameters. */
const heldOutTrajectories = async (
  la: LinearAlgebra,
  data: DatasetRows,
  toLocalMs: ToLocalMs,
  zone: string,
  refit: (data: DatasetRows) => Promise<ZoneModel>,
  horizon: number,
): Promise<SpreadError[]> => {
  const split = Math.floor((data.length * 5) / 7);
  const starts: number[] = [];
  for (let row = split; row + horizon < data.length; row += START_EVERY) starts.push(row);
  if (starts.length === 0) return [];
  let early: ZoneModel;
  try {
    early = await refit(new DatasetRows(sliceDataset(data.dataset, 0, split), toLocalMs));
  } catch (error) {
    // Too little data to hold any out: the bound then stands on the error level alone.
    if (error instanceof IsothermError) return [];
    throw error;
  }
  const { meanC, stdDevK } = openLoop(createStepPredictor(la, early), early, data, starts, horizon, true);
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  return starts.flatMap((row, k): SpreadError[] => {
    let errorK = 0;
    let spreadK = 0;
    for (let step = 0; step < horizon; step++) {
      errorK = Math.max(errorK, Math.abs(meanC[step]![k]! - temperature[row + step + 1]!));
      spreadK = Math.max(spreadK, stdDevK[step]![k]!);
    }
    return Number.isFinite(errorK) && Number.isFinite(spreadK) ? [{ spreadK, errorK }] : [];
  });
};

/**
 * A baseline for every zone of a building, for closed loops: each zone has a model of its own, there is no power model (controllers bring their own
 * objective). `clue` takes candidate actions as its published planner does (`asPublishedPlannerFeedsIt`) and keeps the published bound, √0.3 K;
 * the others get a bound calibrated on trajectories left out, as the building's own model does.
 */
export const trainBaselineBuilding = async (name: BaselineName, request: BaselineBuildingRequest): Promise<BuildingModel> => {
  const { la, dataset, zones, toLocalMs, onProgress, signal, horizonSteps = 20 } = request;
  checkTrainingData(dataset, zones);
  const started = performance.now();
  const data = new DatasetRows(dataset, toLocalMs);
  const common = {
    la,
    data,
    ...(request.sources === undefined ? {} : { sources: request.sources }),
    ...(request.metaKernel === undefined ? {} : { metaKernel: request.metaKernel }),
    ...(request.maxIterations === undefined ? {} : { maxIterations: request.maxIterations }),
    ...(signal === undefined ? {} : { signal }),
  };
  const isClue = name === "clue" || name === "clue-mended";
  const learnsKernel = isClue && request.metaKernel === undefined && (request.sources?.length ?? 0) > 0;
  const zonesFrom = learnsKernel ? 0.4 : 0;
  const start = isClue
    ? await clueStart(clueVariantOf(name), { ...common, onProgress: (fraction, text) => onProgress(fraction * zonesFrom, text) })
    : undefined;
  const models: ZoneModel[] = [];
  const heldOut: SpreadError[] = [];
  let prior = "none";
  for (const [i, zone] of zones.entries()) {
    const report = (fraction: number, text: string): void =>
      onProgress(zonesFrom + ((1 - zonesFrom) * (i + 0.9 * Math.min(1, fraction))) / zones.length, text);
    const training = await trainBaselineZone(name, { ...common, zone, onProgress: report }, start);
    signal?.throwIfAborted();
    prior = training.prior;
    models.push(name === "clue" ? asPublishedPlannerFeedsIt(training.model) : training.model);
    if (name !== "clue") heldOut.push(...(await heldOutTrajectories(la, data, toLocalMs, zone, training.refit, horizonSteps)));
    onProgress(zonesFrom + ((1 - zonesFrom) * (i + 1)) / zones.length, `${zone}: learned`);
  }
  const { timesMs } = dataset;
  const trainedToMs = timesMs[timesMs.length - 1]!;
  return {
    version: `${name}-${new Date(trainedToMs).toISOString().slice(0, 16)}Z`,
    kind: name,
    stepS: dataset.stepS,
    zones: models,
    power: null,
    spreadBoundK: name === "clue" ? Math.sqrt(PUBLISHED_VARIANCE_BOUND_K2) : spreadBound(heldOut, request.errorLevelK ?? 1),
    trainedFromMs: timesMs[0]!,
    trainedToMs,
    trainRows: zones.length * (timesMs.length - 1),
    prior,
    summary: { fitMs: performance.now() - started, linearAlgebra: la.name, heldOutTrajectories: heldOut.length },
  };
};
