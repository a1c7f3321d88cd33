import { z } from "zod";
import { createJsonStateWriter, readJsonState } from "#adapters/files/jsonState";
import type { DemandResponse, DemandResponseEvent } from "#loop/demandResponse";

const eventSchema = z.object({
  id: z.string(),
  fromMs: z.number(),
  untilMs: z.number(),
  limitKw: z.number().nullable(),
  pricePerKwh: z.number().nullable(),
  by: z.string(),
  reason: z.string(),
});

/** The event of before a restart; null where there was none. */
export const readDemandResponseFile = (file: string, onWarning: (text: string) => void): DemandResponseEvent | null =>
  readJsonState(file, eventSchema.nullable(), null, () =>
    onWarning(`${file} is damaged: a demand-response event of before the restart is lost.`),
  );

/** Keeps the file as the event is. Returns the end of it, after the last write. */
export const keepDemandResponseFile = (
  file: string,
  response: DemandResponse,
  onError: (error: unknown) => void,
): (() => Promise<void>) => {
  const writer = createJsonStateWriter(file, onError);
  const stop = response.onChange((event) => writer.write(event));
  return async () => {
    stop();
    await writer.settled();
  };
};
