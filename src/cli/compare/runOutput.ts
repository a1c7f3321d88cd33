import { z } from "zod";

/** What `simulate --json` prints, as far as compare needs it; everything else is kept as it is. */
const outputSchema = z.looseObject({
  controller: z.string(),
  plant: z.string(),
  steps: z.number(),
  occupiedSteps: z.number(),
  comfortViolationPct: z.number(),
  comfortViolationPctByZone: z.record(z.string(), z.number()),
  discomfortKh: z.number(),
  hvacElectricityKwh: z.number(),
  fuelKwh: z.number(),
  peakKw: z.number(),
  cost: z.number(),
  emissionsKg: z.number(),
  fallbackPct: z.number(),
  seed: z.number(),
  backend: z.string().nullable(),
  bestLead: z.number().optional(),
  bestRamp: z.boolean().optional(),
  bestConstantRaiseK: z.number().optional(),
});
const timingsSchema = z.looseObject({
  decisionMs: z.object({ p50: z.number(), p95: z.number(), max: z.number() }),
  fitMs: z.number(),
  peakRssMb: z.number(),
  wallMs: z.number(),
});
export type RunFigures = z.output<typeof outputSchema>;
export type RunTimings = z.output<typeof timingsSchema>;

/** Figures that differ from one run to the next on the same machine: whatever is measured in milliseconds or megabytes, and BOPTEST's ratio of computing time. */
const isVolatile = (name: string): boolean => /(Ms|Mb)$/.test(name) || name === "time_rat";
const isGroup = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The named figures, also of groups one level down; a group of which nothing is left is left out. */
function picked(output: Readonly<Record<string, unknown>>, isWanted: (name: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(output).flatMap(([name, value]): [string, unknown][] => {
      if (isVolatile(name) || !isGroup(value)) return isWanted(name) ? [[name, value]] : [];
      const kept = Object.entries(value).filter(([inner]) => isWanted(inner));
      return kept.length > 0 || (Object.keys(value).length === 0 && isWanted(name)) ? [[name, Object.fromEntries(kept)]] : [];
    }),
  );
}

/** An engine's sums may differ in the twelfth digit from one run to the next; nobody reads beyond the ninth. */
const FIGURE_DIGITS = 9;
const rounded = (value: unknown): unknown => {
  if (typeof value === "number") return Number(value.toPrecision(FIGURE_DIGITS));
  if (Array.isArray(value)) return value.map(rounded);
  return isGroup(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, rounded(inner)])) : value;
};

/** Splits a run's output into what a repetition gives again and what it does not; a string says what is wrong with it. */
export function splitOutput(text: string): { readonly figures: RunFigures; readonly timings: RunTimings } | string {
  let output: unknown;
  try {
    output = JSON.parse(text);
  } catch {
    return text.trim() === "" ? "it printed no result" : "what it printed is not one JSON object";
  }
  if (!isGroup(output)) return "what it printed is not one JSON object";
  const figures = outputSchema.safeParse(rounded(picked(output, (name) => !isVolatile(name))));
  const timings = timingsSchema.safeParse(picked(output, isVolatile));
  const wrong = [...(figures.error?.issues ?? []), ...(timings.error?.issues ?? [])];
  if (!figures.success || !timings.success) return `its result lacks ${wrong.map(({ path }) => path.join(".")).join(", ")}`;
  return { figures: figures.data, timings: timings.data };
}
