import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "#domain/dataset";
import { usageError } from "#domain/errors";
import { type Prior, readPrior } from "#models/prior";
import { sharedSources, shippedPriorsFolder } from "#models/shippedPriors";

/** `USA_NY_New.York-J.F.Kennedy…` and `New York` alike become `…-new-york-…`, so that a city is found as whole words. */
const slug = (text: string): string => `-${text.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-`;

/**
 * Sources of a prior that a run in this weather would judge itself by: those of the same city by name, and those whose outdoor temperatures occur in the data.
 * Names come first because the same city's file, cut or shifted otherwise, or other days of it, have other temperatures.
 * @param weatherNames everything the run's weather is known as: id, file name, city.
 */
export function seenSources(prior: Prior, weatherNames: readonly string[], dataset: Dataset): readonly string[] {
  const names = weatherNames.map(slug);
  const byName = prior.manifest.sources.filter(({ weather }) => names.some((name) => name.includes(slug(weather)))).map(({ name }) => name);
  return [...new Set([...byName, ...sharedSources(prior, dataset)])];
}

/** The prior that a run names: `none`, `shipped` (the one with the most sources that has not seen this city; null where all have), or a file, refused where it has. */
export function priorForRun(named: string, weatherNames: readonly string[], dataset: Dataset): Prior | null {
  if (named === "none") return null;
  if (named === "shipped") {
    const usable = readdirSync(shippedPriorsFolder)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name) => readPrior(join(shippedPriorsFolder, name)))
      .filter((prior) => prior.stepS === dataset.stepS && seenSources(prior, weatherNames, dataset).length === 0);
    return usable.reduce<Prior | null>(
      (best, prior) => (best === null || prior.manifest.sources.length > best.manifest.sources.length ? prior : best),
      null,
    );
  }
  const prior = readPrior(named);
  const seen = seenSources(prior, weatherNames, dataset);
  if (seen.length > 0)
    throw usageError(
      `--prior ${named} was learned from the weather of this run (${seen.join(", ")})`,
      "Use a prior of other places, `shipped`, or `none`.",
    );
  return prior;
}

/** The manifest as it is printed: without the fingerprints of every day. */
export function manifestOf(prior: Prior | null): unknown {
  if (prior === null) return null;
  const { sources, ...rest } = prior.manifest;
  return { name: prior.name, ...rest, sources: sources.map(({ dayFingerprints: _days, ...source }) => source) };
}
