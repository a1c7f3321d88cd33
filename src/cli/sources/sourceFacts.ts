import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { dataFileOf, factsFileOf, type SourceRun } from "#cli/sources/sourcePlan";
import { configurationError } from "#domain/errors";

/** NaN has no JSON: what the engine does not tell is null. */
const number = z.number().nullable();

const factsSchema = z.strictObject({
  format: z.literal(1),
  run: z.strictObject({
    building: z.string(),
    weather: z.string(),
    start: z.string(),
    year: z.number(),
    days: z.number(),
    seed: z.number(),
    zones: z.number(),
  }),
  /** City of the weather file. */
  weatherName: z.string(),
  engine: z.string(),
  version: z.string(),
  /** Of the CSV as it lies there. */
  sha256: z.string(),
  rows: z.number(),
  thermostatZones: z.number(),
  /** The zones that were kept. */
  zones: z.array(
    z.strictObject({
      id: z.string(),
      floorAreaM2: number,
      volumeM3: number,
      multiplier: number,
      designHeatingW: number,
      designCoolingW: number,
    }),
  ),
});

/** What a source run was: written after its CSV, so that it vouches for a whole file. */
export type SourceFacts = z.infer<typeof factsSchema>;

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The facts of a run that is there, whole and made with the same arguments and engine; null where it has to be made. */
export function finishedSource(folder: string, run: SourceRun, engine: string): SourceFacts | null {
  const file = factsFileOf(folder, run);
  if (!existsSync(file)) return null;
  const facts = parseFacts(readFileSync(file, "utf8"));
  if (facts === null || facts.engine !== engine || JSON.stringify(facts.run) !== JSON.stringify(ordered(run))) return null;
  const data = dataFileOf(folder, run);
  return existsSync(data) && sha256Of(readFileSync(data)) === facts.sha256 ? facts : null;
}

/** The run's fields in the order in which the schema writes them. */
export const ordered = ({ building, weather, start, year, days, seed, zones }: SourceRun): SourceRun => ({
  building,
  weather,
  start,
  year,
  days,
  seed,
  zones,
});

const parseFacts = (text: string): SourceFacts | null => {
  try {
    return factsSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

/** Every whole source in a folder, in the order of names; a CSV without its facts, or one that has changed since, is refused. */
export async function sourcesIn(folder: string): Promise<readonly { readonly file: string; readonly facts: SourceFacts }[]> {
  const out: { file: string; facts: SourceFacts }[] = [];
  const buildings = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw configurationError(`This folder of sources cannot be read: ${cause.message}.`, {
      place: { file: folder },
      todo: "Make it with `isotherm sources --out DIR`.",
      cause,
    });
  });
  for (const building of buildings
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()) {
    for (const name of (await readdir(join(folder, building))).filter((one) => one.endsWith(".csv.gz") && !one.startsWith(".")).sort()) {
      const file = join(folder, building, name);
      const factsFile = file.replace(/\.csv\.gz$/, ".json");
      const facts = existsSync(factsFile) ? parseFacts(readFileSync(factsFile, "utf8")) : null;
      if (facts === null || sha256Of(readFileSync(file)) !== facts.sha256)
        throw configurationError("This source is not whole: its facts (.json) are missing, or the data have changed since.", {
          place: { file },
          todo: "Make it again with `isotherm sources`.",
        });
      out.push({ file, facts });
    }
  }
  if (out.length === 0)
    throw configurationError("There are no sources in this folder.", {
      place: { file: folder },
      todo: "Make them with `isotherm sources --out DIR`.",
    });
  return out;
}
