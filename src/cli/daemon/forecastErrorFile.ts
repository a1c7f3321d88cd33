import { readFileSync } from "node:fs";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import type { PointName } from "#domain/points";
import { createForecastErrors, type ForecastErrorMemory, type ForecastErrors } from "#loop/forecastErrors";

const point = z
  .string()
  .regex(/^[^.]+\.[^.]+$/)
  .transform((name): PointName => name as PointName);
const lead = { provider: z.string(), point, leadS: z.number() };
const memorySchema = z.object({
  pending: z.array(z.object({ ...lead, targetMs: z.number(), value: z.number() })),
  tallies: z.array(
    z.object({ ...lead, weight: z.number(), mean: z.number(), squares: z.number(), count: z.number(), newestMs: z.number() }),
  ),
});

const SAVE_EVERY_MS = 30 * 60_000;

/** Errors of forecasts that outlive restarts: read from `file` where it is whole, written now and then and at the end. */
export const keepForecastErrors = (
  file: string,
  onError: (error: unknown) => void,
): { readonly errors: ForecastErrors; save(now?: boolean): Promise<void> } => {
  let memory: ForecastErrorMemory | undefined;
  try {
    memory = memorySchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    // None yet, or damaged: errors are learned anew.
  }
  const errors = createForecastErrors(memory);
  let savedMs = performance.now();
  return {
    errors,
    save: async (now = false) => {
      if (!now && performance.now() - savedMs < SAVE_EVERY_MS) return;
      savedMs = performance.now();
      await atomicWrite(file, JSON.stringify(errors.memory()), { mode: 0o600 }).catch(onError);
    },
  };
};
