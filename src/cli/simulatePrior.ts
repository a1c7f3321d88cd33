import type { Dataset } from "#domain/dataset";
import { usageError } from "#domain/errors";
import { type ClueVariant, UNTRAINED_CLUE_KERNEL } from "#models/baselines/clueKernel";
import { clueKernelOf, readCluePrior, shippedCluePriorFor, shippedCluePriorsFolder } from "#models/baselines/cluePriors";
import { authorsClueKernelFor, type NamedClueKernel } from "#models/baselines/trainBaseline";
import { type Prior, readPrior } from "#models/prior";
import { type SourceWeather, seenSources, shippedPriorFor } from "#models/shippedPriors";

interface Learned {
  readonly name: string;
  readonly manifest: { readonly sources: readonly SourceWeather[] };
}

/** What other buildings taught, by name: `none`, `shipped` (the most sources that have not seen this city; null where all have), or a file, refused where it has. */
function unseen<P extends Learned>(
  named: string,
  weatherNames: readonly string[],
  dataset: Dataset,
  shipped: () => P | null,
  read: (file: string) => P,
): P | null {
  if (named === "none") return null;
  if (named === "shipped") return shipped();
  const prior = read(named);
  const seen = seenSources(prior.manifest.sources, dataset, weatherNames);
  if (seen.length > 0)
    throw usageError(
      `--prior ${named} was learned from the weather of this run (${seen.join(", ")})`,
      "Use a prior of other places, `shipped`, or `none`.",
    );
  return prior;
}

/**
 * The prior that a run names, for isotherm's own model.
 * @param weatherNames everything the run's weather is known as: id, file name, city.
 */
export const priorForRun = (named: string, weatherNames: readonly string[], dataset: Dataset): Prior | null =>
  unseen(named, weatherNames, dataset, () => shippedPriorFor(dataset, weatherNames)?.prior ?? null, readPrior);

/**
 * The meta-kernel that a run of CLUE starts from: `shipped` stands for the authors' own as published (it has seen the cities that they used, which is the
 * method's advantage there), mended for the most sources that have not seen this city; where nothing has taught it, GPyTorch's untrained one.
 */
export function clueKernelForRun(
  named: string,
  weatherNames: readonly string[],
  dataset: Dataset,
  variant: ClueVariant,
): { readonly start: NamedClueKernel; readonly manifest: unknown } {
  if (named === "shipped" && variant === "published") {
    const start = authorsClueKernelFor(dataset);
    const sources = ["pittsburgh", "new-york", "tucson"].map((weather) => ({
      name: weather,
      building: "five-zone-office-space1-1",
      weather,
    }));
    return { start, manifest: { name: start.prior, made: "2023", command: "repository ryeii/CLUE, results/meta_gp_models", sources } };
  }
  const shipped = () => shippedCluePriorFor(dataset, shippedCluePriorsFolder, weatherNames)?.prior ?? null;
  const prior = unseen(named, weatherNames, dataset, shipped, readCluePrior);
  const start =
    prior === null ? { kernel: UNTRAINED_CLUE_KERNEL, prior: "none" } : { kernel: clueKernelOf(prior, variant), prior: prior.name };
  return { start, manifest: manifestOf(prior) };
}

/** The manifest as it is printed: without the fingerprints of every day. */
export function manifestOf(prior: Learned | null): unknown {
  if (prior === null) return null;
  const { sources, ...rest } = prior.manifest;
  return { name: prior.name, ...rest, sources: sources.map(({ dayFingerprints: _days, ...source }) => source) };
}
