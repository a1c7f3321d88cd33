import { readFileSync } from "node:fs";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
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
export const readDemandResponseFile = (file: string, onWarning: (text: string) => void): DemandResponseEvent | null => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  try {
    return eventSchema.nullable().parse(JSON.parse(text));
  } catch {
    onWarning(`${file} is damaged: a demand-response event of before the restart is lost.`);
    return null;
  }
};

/** Keeps the file as the event is, one write after another. Returns the end of it. */
export const keepDemandResponseFile = (
  file: string,
  response: DemandResponse,
  onError: (error: unknown) => void,
): (() => Promise<void>) => {
  let running: Promise<void> = Promise.resolve();
  const stop = response.onChange((event) => {
    running = running.then(() => atomicWrite(file, JSON.stringify(event), { mode: 0o600 })).catch(onError);
  });
  return async () => {
    stop();
    await running;
  };
};
