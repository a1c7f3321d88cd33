import { readFile } from "node:fs/promises";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import type { Notice, NoticeState } from "#adapters/notify/notice";

/** What one way of telling people keeps across restarts; times of delivery are the wall clock's. */
export interface WayMemory {
  readonly state: NoticeState;
  /** Composed, not confirmed yet: sent again as it is until it is; `after`: what the receiver believes then. */
  readonly pending: { readonly notice: Notice; readonly after: NoticeState } | null;
  /** Deliveries of the last hour. */
  readonly sentMs: readonly number[];
  readonly failures: number;
  readonly notBeforeMs: number;
}

const level = z.enum(["info", "warning", "critical"]);
const alarm = z.object({
  id: z.string(),
  level,
  zone: z.string().nullable(),
  text: z.string(),
  action: z.string(),
  sinceMs: z.number(),
  clearedMs: z.number().nullable(),
});
const state = z.object({
  told: z.record(z.string(), z.object({ level, sinceMs: z.number(), text: z.string(), zone: z.string().nullable() })),
  untilMs: z.number(),
  lately: z.array(z.string()),
});
const memorySchema = z.object({
  state,
  pending: z
    .object({
      notice: z.object({
        id: z.string(),
        siteId: z.string(),
        siteLabel: z.string(),
        timeMs: z.number(),
        entries: z.array(z.object({ change: z.enum(["raised", "worse", "cleared", "passed"]), alarm })),
      }),
      after: state,
    })
    .nullable(),
  sentMs: z.array(z.number()),
  failures: z.number(),
  notBeforeMs: z.number(),
});

/** The memory in `file`; where there is none or it is damaged, one that was told nothing: everything that stands is told again. */
export const loadWay = async (file: string, nowMs: number): Promise<WayMemory> => {
  try {
    return memorySchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return { state: { told: {}, untilMs: nowMs, lately: [] }, pending: null, sentMs: [], failures: 0, notBeforeMs: 0 };
  }
};

export const saveWay = (file: string, memory: WayMemory): Promise<void> => atomicWrite(file, JSON.stringify(memory), { mode: 0o600 });
