import { basename } from "node:path";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import type { Dataset } from "#domain/dataset";
import { configurationError, IsothermError, usageError } from "#domain/errors";
import type { LinearAlgebraPreference } from "#math/createLinearAlgebra";
import { rowAt } from "#models/datasetSlice";
import { type Prior, readPrior } from "#models/prior";
import { sharedSources, shippedPriorFor } from "#models/shippedPriors";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import type { GatedDataset } from "#models/trainingGate/report";
import { fahrenheitToC } from "#models/trainingGate/units";

const DAY_MS = 86_400_000;

/** Zones of a data set: everything that has a temperature. */
export const zonesOf = (dataset: Dataset): readonly string[] =>
  [...dataset.columns.keys()].filter((point) => point.endsWith(".zoneAirTempC")).map((point) => point.slice(0, point.lastIndexOf(".")));

/** In what the temperatures of a file are. */
export const temperatureUnits = ["degC", "degF"] as const;
export type TemperatureUnit = (typeof temperatureUnits)[number];

const inCelsius = (dataset: Dataset): Dataset => ({
  ...dataset,
  columns: new Map([...dataset.columns].map(([point, values]) => [point, point.endsWith("C") ? values.map(fahrenheitToC) : values])),
});

/** Reads a CSV and says its warnings; no zone in it is refused. With `degF` every temperature of the file is converted. */
export const readData = async (file: string, say: (text: string) => void, units: TemperatureUnit = "degC"): Promise<Dataset> => {
  const read = await readDatasetCsv(file);
  for (const warning of read.warnings) say(warning);
  const dataset = units === "degF" ? inCelsius(read) : read;
  if (zonesOf(dataset).length === 0) {
    throw configurationError("There is no zone temperature in this file.", {
      place: { file, line: 1 },
      todo: "Add a column zoneAirTempC, or <zone>.zoneAirTempC for several zones.",
    });
  }
  return dataset;
};

/** Lines that the gate says at most; the rest are counted. */
const MOST_LINES = 20;

/**
 * What the training gate lets through, with a line for everything that it found. Data that it refuses are refused here with their file (exit code 78);
 * `toLocalMs` as in `GateOptions`.
 */
export const gateData = (
  dataset: Dataset,
  zones: readonly string[],
  say: (text: string) => void,
  file?: string,
  toLocalMs?: (timeMs: number) => number,
): GatedDataset => {
  try {
    const gated = gateTrainingData(dataset, zones, toLocalMs === undefined ? {} : { toLocalMs });
    const { findings, rowsGated, rowsOut } = gated.report;
    for (const { text } of findings.slice(0, MOST_LINES)) say(`Training data: ${text}`);
    if (findings.length > MOST_LINES) say(`Training data: and ${findings.length - MOST_LINES} more of this kind.`);
    if (rowsGated > 0) say(`Training data: ${rowsGated} of ${rowsOut} rows have values that are left out.`);
    return gated;
  } catch (error) {
    if (!(error instanceof IsothermError) || file === undefined || error.place.file !== undefined) throw error;
    const { kind, message, todo, exitCode } = error;
    throw new IsothermError(kind, message, { todo, exitCode, place: { file }, cause: error });
  }
};

/** `1991-01-01` or `1991-01-01T06:00`, in the data's own time. */
export const parseDay = (text: string, option: string): number => {
  const match = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/.test(text);
  const timeMs = match ? Date.parse(text.length === 10 ? `${text}T00:00:00Z` : `${text}Z`) : Number.NaN;
  if (!Number.isFinite(timeMs)) throw usageError(`${option} ${text} is not a date.`, "Write it as 1991-01-31 or 1991-01-31T06:00.");
  return timeMs;
};

/** Days as a number above 0, parts of days too. */
export const days =
  (option: string): ((text: string) => number) =>
  (text) => {
    const count = text.trim() === "" ? Number.NaN : Number(text);
    if (!(count > 0 && count <= 3660)) throw usageError(`${option} ${text} is not a number of days.`, "Write a number above 0, such as 7.");
    return count;
  };

export const linearAlgebras: readonly LinearAlgebraPreference[] = ["auto", "reference", "wasm", "blas"];

/** Rows of `days` days from `fromMs`; a range the data do not cover is refused with what they cover. */
export const daysFrom = (
  dataset: Dataset,
  fromMs: number,
  days: number,
  file: string,
  what: string,
): { readonly first: number; readonly end: number } => {
  const first = rowAt(dataset, fromMs);
  const wanted = Math.round((days * DAY_MS) / (dataset.stepS * 1000));
  const rows = dataset.timesMs.length;
  // Rows are named by their step's end: a day's first may be the one a step after midnight.
  const starts = first < rows && dataset.timesMs[first]! <= fromMs + dataset.stepS * 1000;
  if (!starts || first + wanted > rows) {
    const iso = (row: number): string => new Date(dataset.timesMs[row]!).toISOString().slice(0, 16);
    throw configurationError(
      `The ${what} days (${new Date(fromMs).toISOString().slice(0, 16)}, ${days} days) are not all in the data, which run from ${iso(0)} to ${iso(rows - 1)}.`,
      { place: { file }, todo: "Choose other days, or fewer of them." },
    );
  }
  return { first, end: first + wanted };
};

/**
 * The prior asked for: `none`, a file, or (nothing given) the shipped one that has not seen these data. A prior that has seen them is refused:
 * its figures would flatter. Seen: the same outdoor temperatures, or a data file named after the city.
 */
export const choosePrior = (
  wanted: string | undefined,
  dataset: Dataset,
  dataFile: string,
): { readonly prior: Prior | null; readonly name: string } => {
  const weatherNames = [basename(dataFile)];
  if (wanted === "none") return { prior: null, name: "none" };
  if (wanted === undefined) {
    const shipped = shippedPriorFor(dataset, weatherNames);
    return shipped === null ? { prior: null, name: "none" } : { prior: shipped.prior, name: shipped.prior.name };
  }
  const prior = readPrior(wanted);
  if (prior.stepS !== dataset.stepS) {
    throw configurationError(`This prior was learned at steps of ${prior.stepS} s, the data have steps of ${dataset.stepS} s.`, {
      place: { file: wanted },
      todo: "Choose a prior of the same step, or `none`.",
    });
  }
  const shared = sharedSources(prior, dataset, weatherNames);
  if (shared.length > 0) {
    throw configurationError(`This prior was learned from the very data it would be judged on (${shared.join(", ")}).`, {
      place: { file: wanted },
      todo: "Choose a prior without that city, leave out --prior, or give `none`.",
    });
  }
  return { prior, name: prior.name };
};
