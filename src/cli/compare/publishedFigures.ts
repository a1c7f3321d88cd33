import { readFileSync } from "node:fs";
import { z } from "zod";
import type { RunOptions } from "#cli/compare/simulateCommand";

const rowSchema = z.object({
  controller: z.string(),
  comfortViolationPct: z.number(),
  hvacElectricityKwh: z.number(),
  /** Not published for every controller. */
  peakKw: z.number().optional(),
  cost: z.number().optional(),
});
const fileSchema = z.object({
  source: z.string(),
  engine: z.string(),
  building: z.string(),
  days: z.number(),
  tariff: z.string(),
  cases: z.array(z.object({ weather: z.string(), start: z.string(), rows: z.array(rowSchema) })),
});

export type PublishedRow = z.output<typeof rowSchema>;
export interface PublishedFigures {
  readonly source: string;
  readonly engine: string;
  /** Whether the case ran on the same engine; otherwise the published figures only give an idea. */
  readonly sameEngine: boolean;
  /** Whether bills were computed by the same tariff. */
  readonly sameTariff: boolean;
  readonly rows: readonly PublishedRow[];
}

let cached: z.output<typeof fileSchema> | null = null;
const published = (): z.output<typeof fileSchema> => {
  cached ??= fileSchema.parse(JSON.parse(readFileSync(new URL("publishedFigures.json", import.meta.url), "utf8")));
  return cached;
};

/** Measured figures of other controllers for the same building, weather and days; null where there are none. */
export function publishedFor(options: RunOptions): PublishedFigures | null {
  const { source, engine, building, days, tariff, cases } = published();
  if (options.building !== building || options.days !== days || options.year !== 1991) return null;
  if (options.comfort !== undefined || options.forecastError !== "none") return null;
  const rows = cases.find(({ weather, start }) => weather === options.weather && start === options.start)?.rows;
  return rows === undefined
    ? null
    : { source, engine, sameEngine: options.plant === "energyplus", sameTariff: options.tariff === tariff, rows };
}
