import { dirname, resolve } from "node:path";
import { z } from "zod";
import { configurationError } from "#domain/errors";
import { cleanRates, type RateSeries, rateSeries } from "#math/rateSeries";
import { carbonNames, priceNames, readRates } from "#math/rateText";
import { rateUnit } from "#math/rateUnit";
import type { StandardTimeZone } from "#simulators/weather/localTime";
import { readTextFile } from "#simulators/yamlFile";

export type RateKind = "price" | "intensity";

/** A CSV or JSON file of values by the hour, or finer, as a tariff file names it. */
export const rateFileSchema = z.strictObject({
  file: z.string().min(1),
  /** About what a value is: what is far from it is not believed, and it fills gaps that no earlier day fills. */
  otherwise: z.number().finite(),
  rows: z.string().min(1).optional(),
  time: z.string().min(1).optional(),
  value: z.string().min(1).optional(),
  unit: z.string().min(1).optional(),
  scale: z.number().finite().default(1),
  add: z.number().finite().default(0),
});
export type RateFile = z.output<typeof rateFileSchema>;

const todo =
  "Name a CSV with a header or JSON, with a column for the time and one for the value, whose title may end with its unit: price [EUR/MWh].";

/** The values of a file, relative to the tariff's; times without an offset are local standard time. Refused (configuration) where it cannot be read or its unit is another. */
export function readRateFile(given: RateFile, tariffFile: string, kind: RateKind, { timeZoneH }: StandardTimeZone): RateSeries {
  const file = resolve(dirname(tariffFile), given.file);
  const refuse = (problem: string) => configurationError(`${file} cannot be used: ${problem}`, { place: { file }, todo });
  const unit = given.unit === undefined ? null : rateUnit(given.unit, kind);
  if (given.unit !== undefined && unit === null)
    throw refuse(`"${given.unit}" is no unit of ${kind === "price" ? "prices" : "intensities"}`);
  const read = readRates(readTextFile(file, kind === "price" ? "price" : "carbon intensity", todo), {
    rows: given.rows ?? null,
    time: given.time ?? null,
    value: given.value ?? null,
    valueNames: kind === "price" ? priceNames : carbonNames,
    factor: unit?.factor ?? null,
    scale: given.scale,
    add: given.add,
    unitFactor: (text) => rateUnit(text, kind)?.factor ?? null,
    toLocalMs: (timeMs) => timeMs + timeZoneH * 3_600_000,
  });
  if (!read.ok) throw refuse(read.problem);
  const clean = cleanRates(read.rows, { usual: Math.abs(given.otherwise), mayBeNegative: kind === "price" });
  if (!clean.ok) throw refuse(clean.problem);
  return rateSeries(clean.rows);
}

/** Whether the series knows anything of [fromMs, toMs). */
export const knowsAnything = ({ startMs, endMs }: RateSeries, fromMs: number, toMs: number): boolean =>
  startMs.some((start, i) => start < toMs && endMs[i]! > fromMs);
