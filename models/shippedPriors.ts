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

/** The part of a source that says which weather it is. */
export interface SourceWeather {
  readonly name: string;
  /** City or file, as people name it. */
  readonly weather: string;
  /** Id of the building, where it has one. */
  readonly building?: string;
  /** See `dayFingerprints`. */
  readonly dayFingerprints: readonly string[];
}

/**
 * To 0.01 K. Interpolated weather is full of ties (−4.275), which rounding errors of 1e-15 would break either way: those go first, so that a value read
 * from a file and the same one computed anew agree.
 */
const rounded = (valueC: number): string => Number(valueC.toFixed(6)).toFixed(2);

/** One fingerprint for every 24 hours of rows that `isStart` admits, in order; windows with missing values and windows without any change have none. */
const fingerprints = (dataset: Dataset, isStart: (timeMs: number) => boolean): readonly string[] => {
  const values = dataset.columns.get(sitePoint("outdoorAirTempC"));
  const rowsPerDay = DAY_MS / (dataset.stepS * 1000);
  if (values === undefined || !Number.isInteger(rowsPerDay)) return [];
  const { timesMs } = dataset;
  const texts = Array.from(values, (value) => (Number.isFinite(value) ? rounded(value) : ""));
  const out: string[] = [];
  let lastMissing = -1;
  let lastChange = 0;
  for (let end = 0; end < texts.length; end++) {
    if (texts[end] === "") lastMissing = end;
    if (end > 0 && texts[end] !== texts[end - 1]) lastChange = end;
    const start = end - rowsPerDay + 1;
    if (start < 0 || lastMissing >= start || lastChange <= start || !isStart(timesMs[start]!)) continue;
    if (timesMs[end]! - timesMs[start]! !== DAY_MS - dataset.stepS * 1000) continue;
    out.push(
      createHash("sha256")
        .update(texts.slice(start, end + 1).join(";"))
        .digest("hex")
        .slice(0, 8),
    );
  }
  return out;
};

/**
 * One short fingerprint per whole day (as the times are stamped) of the outdoor temperature (0.01 K), so that a source is recognised in any cut of its
 * data, whatever the file's name. Days with missing values and days without any change are left out.
 */
export const dayFingerprints = (dataset: Dataset): readonly string[] => fingerprints(dataset, (timeMs) => timeMs % DAY_MS === 0);

const windows = new WeakMap<Dataset, ReadonlySet<string>>();

/**
 * The fingerprints of every 24 hours of the data, whatever row they begin at: a source's day is among them in whichever time zone, and at whichever end
 * of their step, either side stamps its rows. (Two unrelated weeks agree by chance in 1 of 10,000 cases, a year with a source in 1 of 300: then a
 * prior is refused that could have been used.)
 */
const windowFingerprints = (dataset: Dataset): ReadonlySet<string> => {
  const found = windows.get(dataset) ?? new Set(fingerprints(dataset, () => true));
  windows.set(dataset, found);
  return found;
};

/** `USA_NY_New.York-J.F.Kennedy…` and `New York` alike become `…-new-york-…`, so that a city is found as whole words. */
const slug = (text: string): string => `-${text.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-`;

/**
 * Names of the sources that may not judge these data: those whose outdoor temperatures occur in them for a day, in any time zone, and those of the same
 * city by name, because the same city's file, cut or interpolated otherwise, or other days of it, have other temperatures; and those of the very
 * building, in whatever climate, where its id is among the names.
 * @param weatherNames everything that the data are known as: id or file name and city of the weather, id of the building, name of the data file; none: the temperatures alone tell.
 */
export const seenSources = (
  sources: readonly SourceWeather[],
  dataset: Dataset,
  weatherNames: readonly string[] = [],
): readonly string[] => {
  const names = weatherNames.map(slug);
  const known = windowFingerprints(dataset);
  return sources
    .filter(
      ({ weather, building = "", dayFingerprints: days }) =>
        names.some((name) => name.includes(slug(weather)) || (building !== "" && name.includes(slug(building)))) ||
        days.some((day) => known.has(day)),
    )
    .map(({ name }) => name);
};

/** Names of the prior's sources whose weather occurs in the data: with any of them the prior may not judge these data. */
export const sharedSources = (prior: Prior, dataset: Dataset, weatherNames: readonly string[] = []): readonly string[] =>
  seenSources(prior.manifest.sources, dataset, weatherNames);

interface ShippedPrior {
  readonly prior: Prior;
  readonly file: string;
}

const shipped = (): readonly ShippedPrior[] =>
  readdirSync(shippedPriorsFolder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => ({ file: join(shippedPriorsFolder, name), prior: readPrior(join(shippedPriorsFolder, name)) }));

const buildingsOf = ({ prior }: ShippedPrior): number => new Set(prior.manifest.sources.map(({ building }) => building)).size;

/**
 * The shipped priors that have not seen these data, one of each kind (of one building; of many): the one with the most sources. See `seenSources` for the
 * names. Which of them fits the building is for `likeliestPrior` to say.
 */
export const shippedPriorsFor = (dataset: Dataset, weatherNames: readonly string[] = []): readonly ShippedPrior[] => {
  const unseen = shipped().filter(({ prior }) => prior.stepS === dataset.stepS && sharedSources(prior, dataset, weatherNames).length === 0);
  const most = (some: readonly ShippedPrior[]): readonly ShippedPrior[] =>
    [...some].sort((a, b) => b.prior.manifest.sources.length - a.prior.manifest.sources.length).slice(0, 1);
  return [...most(unseen.filter((one) => buildingsOf(one) === 1)), ...most(unseen.filter((one) => buildingsOf(one) > 1))];
};

/** The first of `shippedPriorsFor`: a prior of one building while one has not seen the data, else that of many; null when every one has seen them. */
export const shippedPriorFor = (dataset: Dataset, weatherNames: readonly string[] = []): ShippedPrior | null =>
  shippedPriorsFor(dataset, weatherNames)[0] ?? null;
