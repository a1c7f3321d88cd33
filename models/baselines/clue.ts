import type { ZoneModel } from "#domain/model";
import { minimiseByAdam } from "#math/adam";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import {
  type ClueKernel,
  type ClueVariant,
  clueFeatures,
  clueKernelSpec,
  clueRows,
  kernelOfRaw,
  rawObjective,
  rawOfKernel,
} from "#models/baselines/clueKernel";
import { checkEnoughRows } from "#models/baselines/rows";
import { budgetedPosterior, exactPosterior } from "#models/posterior";

/** Adam steps of fine-tuning on the building's own data (CLUE repository, agent/CLUE.py, `range(200)`). */
export const FINE_TUNING_STEPS = 200;
/** Their step size: as published that of the controller (agent/CLUE.py, `lr=0.01`), mended that of the accuracy experiments (agent/translator.py, `lr=1e-3`). */
export const FINE_TUNING_RATE: Readonly<Record<ClueVariant, number>> = { published: 0.01, mended: 1e-3 };
/** Largest latent variance (K²) of the first step that the published controller accepts (agent/CLUE.py, `eps = .3`; it compares variances). */
export const PUBLISHED_VARIANCE_BOUND_K2 = 0.3;

/**
 * Basis inputs at most. With the authors' kernel a week has 385 (January) to about 450 (July) directions above rounding: with as many the posterior is
 * the exact one to 0.001 K, on another week's weather and any setpoints, at half of the cost; with 336 July is off by 0.2 K.
 */
export const CLUE_BASIS_INPUTS = 448;

export interface ClueOptions {
  /** Steps of fine-tuning; default 200. */
  readonly maxIterations?: number;
  readonly onProgress?: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

/** The kernel after fine-tuning on these rows: Adam on −log p(y)/n over GPyTorch's parameters, a fixed number of steps. */
export const fineTuneClue = async (
  la: LinearAlgebra,
  data: DatasetRows,
  zone: string,
  variant: ClueVariant,
  start: ClueKernel,
  options: ClueOptions = {},
): Promise<ClueKernel> => {
  const rows = clueRows(data, zone, variant);
  checkEnoughRows("CLUE", zone, rows.n);
  const iterations = options.maxIterations ?? FINE_TUNING_STEPS;
  const raw = await minimiseByAdam(rawObjective(la, rows), rawOfKernel(start), {
    learningRate: FINE_TUNING_RATE[variant],
    iterations,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onIteration: (iteration, value) =>
      options.onProgress?.(
        iteration / iterations,
        `${zone}: step ${iteration} of ${iterations}, −log likelihood ${value.toFixed(3)} per row`,
      ),
  });
  return kernelOfRaw(raw);
};

/**
 * The dynamics model of CLUE (Ding, An, Rathee, Du, arXiv 2407.12195): T' ~ GP(0, scale · RBF) on raw inputs, one lengthscale, exact posterior.
 * published, as its scripts have it: setpoints and weather of the row before (one step late), and as uncertainty the variance of the latent function
 * alone (GPyTorch's `model(x)` in evaluation mode, without the likelihood), of each step by itself.
 * mended: (1) the setpoints, weather and occupancy in force during the step; (2) a meta-kernel run to convergence (see `clueMetaKernel`); (3) the noise
 * counted in the spread, so that it speaks of measured temperatures; (4) of the two fine-tuning rates in the scripts the smaller, since the larger one
 * talks the noise away on a single week. Zero mean, raw inputs, the single lengthscale, the 200 steps and spreads that are not carried from step to step
 * are the method's own and stay.
 */
export const clueZoneModel = (la: LinearAlgebra, data: DatasetRows, zone: string, variant: ClueVariant, kernel: ClueKernel): ZoneModel => {
  const { x, n, d, y } = clueRows(data, zone, variant);
  checkEnoughRows("CLUE", zone, n);
  const problem = {
    la,
    features: clueFeatures(data, zone, variant),
    kernel: clueKernelSpec(kernel, d),
    meanCoefficients: new Float64Array(d),
    x,
    n,
    d,
    residuals: y,
    noiseVariance: kernel.noiseVariance,
    onWarning: () => undefined,
  };
  const posterior = n > CLUE_BASIS_INPUTS ? budgetedPosterior(problem, CLUE_BASIS_INPUTS) : exactPosterior(problem);
  return {
    zone,
    transition: "absolute",
    posterior,
    noiseVarianceK2: variant === "published" ? 0 : kernel.noiseVariance,
    heldOffsetK: 0,
    heldStdDevK: 0,
    stateGain: 0,
    spreadScale: 1,
  };
};

/**
 * The same posterior fed as the published planner feeds it: agent/CLUE.py puts the candidate action of the coming step where the data have the action of
 * the step before. Predictions of logged data must not use it, closed loops with the published method must. (The script also writes the pair as
 * (cooling, heating) where the data have (heating, cooling); docs/decisions/0009-clue-reproduction.md says why that is not kept.)
 */
export const asPublishedPlannerFeedsIt = (model: ZoneModel): ZoneModel => ({
  ...model,
  posterior: {
    ...model.posterior,
    features: model.posterior.features.map(({ term, scale }) => ({
      term: term.kind === "setpoint" ? { ...term, lagSteps: 0 } : term,
      scale,
    })),
  },
});
