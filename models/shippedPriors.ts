import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Dataset } from "#domain/dataset";
import { sitePoint } from "#domain/points";
import { type Prior, readPrior } from "#models/prior";

/** Folder of the priors that come with the package. */
export const shippedPriorsFolder = join(dirname(fileURLToPath(import.meta.url)), "priors");

const DAY_MS = 86_400_000;

/**
 * One short fingerprint per whole day of the outdoor temperature (0.01 K), so that a source is recognised in any cut of its data, whatever the file's
 * name. Days with missing values and days without any change are left out.
 */
export const dayFingerprints = (dataset: Dataset): readonly string[] => {
  const values = dataset.columns.get(sitePoint("outdoorAirTempC"));
  if (values === undefined) return [];
  const days = new Map<number, number[]>();
  dataset.timesMs.forEach((timeMs, i) => {
    const day = Math.floor(timeMs / DAY_MS);
    const list = days.get(day);
    if (list === undefined) days.set(day, [values[i]!]);
    else list.push(values[i]!);
  });
  const rowsPerDay = DAY_MS / (dataset.stepS * 1000);
  const out: string[] = [];
  for (const list of days.values()) {
    if (list.length !== rowsPerDay || !list.every(Number.isFinite) || list.every((value) => value === list[0])) continue;
    out.push(
      createHash("sha256")
        .update(list.map((value) => value.toFixed(2)).join(";"))
        .digest("hex")
        .slice(0, 8),
    );
  }
  return out;
};

/** Names of the prior's sources whose weather occurs in the data: with any of them the prior may not judge these data. */
export const sharedSources = (prior: Prior, dataset: Dataset): readonly string[] => {
  const days = new Set(dayFingerprints(dataset));
  return prior.manifest.sources.filter(({ dayFingerprints: known }) => known.some((day) => days.has(day))).map(({ name }) => name);
};

/** The shipped prior with the most sources, none of which is in these data; null when every one has seen them. */
export const shippedPriorFor = (dataset: Dataset): { readonly prior: Prior; readonly file: string } | null => {
  const candidates = readdirSync(shippedPriorsFolder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => ({ file: join(shippedPriorsFolder, name), prior: readPrior(join(shippedPriorsFolder, name)) }))
    .filter(({ prior }) => prior.stepS === dataset.stepS && sharedSources(prior, dataset).length === 0)
    .sort((a, b) => b.prior.manifest.sources.length - a.prior.manifest.sources.length);
  return candidates[0] ?? null;
};
