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

/** Figures that differ from one run to the next on the same machine: whatever is measured in milliseconds or megabytes. */
const isVolatile = (name: string): boolean => /(Ms|Mb)$/.test(name);

/** Splits a run's output into what a repetition gives again and what it does not; a string says what is wrong with it. */
export function splitOutput(text: string): { readonly figures: RunFigures; readonly timings: RunTimings } | string {
  let output: unknown;
  try {
    output = JSON.parse(text);
  } catch {
    return text.trim() === "" ? "it printed no result" : "what it printed is not one JSON object";
  }
  if (typeof output !== "object" || output === null) return "what it printed is not one JSON object";
  const entries = Object.entries(output);
  const figures = outputSchema.safeParse(Object.fromEntries(entries.filter(([name]) => !isVolatile(name))));
  const timings = timingsSchema.safeParse(Object.fromEntries(entries.filter(([name]) => isVolatile(name))));
  const wrong = [...(figures.error?.issues ?? []), ...(timings.error?.issues ?? [])];
  if (!figures.success || !timings.success) return `its result lacks ${wrong.map(({ path }) => path.join(".")).join(", ")}`;
  return { figures: figures.data, timings: timings.data };
}
