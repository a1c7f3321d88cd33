import { readFile } from "node:fs/promises";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { configurationError } from "#domain/errors";
import type { AdjustmentStore } from "#domain/savings";

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const fileSchema = z.strictObject({
  schema: z.literal(1),
  adjustments: z.array(
    z.strictObject({
      id: z.string().min(1),
      first: day,
      last: day,
      kwhPerDay: z.number(),
      reason: z.string(),
      by: z.string(),
      timeMs: z.number(),
      withdrawn: z.strictObject({ by: z.string(), timeMs: z.number() }).nullable(),
    }),
  ),
});

/** Adjustments of the savings baseline in one JSON file. A damaged file is refused (configuration): without it savings would quietly be others. */
export const openAdjustmentsFile = (file: string): AdjustmentStore => ({
  load: async () => {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    try {
      return fileSchema.parse(JSON.parse(text)).adjustments;
    } catch (cause) {
      throw configurationError(`${file}, which holds the adjustments of the savings baseline, is damaged.`, {
        todo: "Restore it from a backup, or move it away to begin without adjustments.",
        place: { file },
        cause,
      });
    }
  },
  save: (adjustments) => atomicWrite(file, `${JSON.stringify({ schema: 1, adjustments })}\n`, { mode: 0o600 }),
});
