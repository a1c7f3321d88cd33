import { usageError } from "#domain/errors";
import type { ZoneModel } from "#domain/model";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { fitArx } from "#models/baselines/arx";
import { clueZoneModel, fineTuneClue } from "#models/baselines/clue";
import { type ClueKernel, type ClueVariant, kernelOfRaw, UNTRAINED_CLUE_KERNEL } from "#models/baselines/clueKernel";
import { type BaselineSource, clueMetaKernel } from "#models/baselines/clueMetaKernel";
import { clueKernelOf, shippedCluePriorFor } from "#models/baselines/cluePriors";
import { fitPersistence } from "#models/baselines/persistence";
import type { DatasetRows } from "#models/datasetRows";

export const baselineNames = ["clue", "clue-mended", "arx", "persistence"] as const;
export type BaselineName = (typeof baselineNames)[number];

export interface BaselineRequest {
  readonly la: LinearAlgebra;
  /** Training rows. */
  readonly data: DatasetRows;
  readonly zone: string;
  /** CLUE's source buildings; none: the shipped meta-kernel that has not seen these data. The other baselines learn from the data alone. */
  readonly sources?: readonly BaselineSource[];
  /** CLUE starts from this kernel instead, e.g. `AUTHORS_CLUE_KERNEL`. */
  readonly metaKernel?: NamedClueKernel;
  /** Fine-tuning steps (CLUE) or iterations of the fit at most (arx). */
  readonly maxIterations?: number;
  readonly onProgress?: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

/** A meta-kernel and where it comes from, for people. */
export interface NamedClueKernel {
  readonly kernel: ClueKernel;
  readonly prior: string;
}

/**
 * The kernel in the authors' own result files (CLUE repository, results/meta_gp_models/gp_model_pittsburgh_winter.pth, GPyTorch's parameters). An output
 * scale of 35 takes about 35,000 steps of 0.001, a thousand a segment where the script's default is one: a far better start than that.
 * It has seen Pittsburgh, New York and Tucson.
 */
export const AUTHORS_CLUE_KERNEL: NamedClueKernel = {
  kernel: kernelOfRaw([35.03, 32.91, -3.71]),
  prior: "the authors' gp_model_pittsburgh_winter",
};

export const clueVariantOf = (name: "clue" | "clue-mended"): ClueVariant => (name === "clue" ? "published" : "mended");

/** The meta-kernel that the request names; else from its sources; without any the shipped one that has not seen the data; without that GPyTorch's untrained one. */
export const clueStart = async (variant: ClueVariant, request: Omit<BaselineRequest, "zone">): Promise<NamedClueKernel> => {
  const { la, data, sources = [], metaKernel, onProgress, signal } = request;
  if (metaKernel !== undefined) return metaKernel;
  if (sources.length > 0) {
    const options = { ...(onProgress === undefined ? {} : { onProgress }), ...(signal === undefined ? {} : { signal }) };
    return { kernel: await clueMetaKernel(la, sources, variant, options), prior: sources.map(({ name }) => name).join(", ") };
  }
  const shipped = shippedCluePriorFor(data.dataset);
  if (shipped === null) return { kernel: UNTRAINED_CLUE_KERNEL, prior: "none" };
  return { kernel: clueKernelOf(shipped.prior, variant), prior: shipped.prior.name };
};

/** What a baseline learned, and how to learn again from fewer rows with the same hyperparameters. */
export interface BaselineTraining {
  readonly model: ZoneModel;
  readonly prior: string;
  readonly refit: (data: DatasetRows) => Promise<ZoneModel>;
}

/** One zone's baseline with its origin; `start` is CLUE's meta-kernel where the caller has it already. */
export const trainBaselineZone = async (
  name: BaselineName,
  request: BaselineRequest,
  start?: NamedClueKernel,
): Promise<BaselineTraining> => {
  const { la, data, zone, maxIterations, onProgress, signal } = request;
  signal?.throwIfAborted();
  const options = {
    ...(maxIterations === undefined ? {} : { maxIterations }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  };
  switch (name) {
    case "clue":
    case "clue-mended": {
      const variant = clueVariantOf(name);
      const { kernel: meta, prior } = start ?? (await clueStart(variant, request));
      const kernel = await fineTuneClue(la, data, zone, variant, meta, options);
      const conditionedOn = (rows: DatasetRows): ZoneModel => clueZoneModel(la, rows, zone, variant, kernel);
      return { model: conditionedOn(data), prior, refit: async (rows) => conditionedOn(rows) };
    }
    case "arx": {
      const { model, hyperparameters } = await fitArx(la, data, zone, options);
      return { model, prior: "none", refit: async (rows) => (await fitArx(la, rows, zone, { hyperparameters })).model };
    }
    case "persistence":
      return { model: fitPersistence(data, zone), prior: "none", refit: async (rows) => fitPersistence(rows, zone) };
    default:
      throw usageError(`There is no baseline ${String(name satisfies never)}.`, `Choose one of ${baselineNames.join(", ")}.`);
  }
};

/**
 * Learns one of the yardsticks for one zone: `clue` (the published method), `clue-mended` (see `clueZoneModel`), `arx` (ridge autoregression) or
 * `persistence`. The model predicts, evaluates and rolls out like any other; too few usable steps throw an IsothermError.
 */
export const trainBaseline = async (name: BaselineName, request: BaselineRequest): Promise<ZoneModel> =>
  (await trainBaselineZone(name, request)).model;
