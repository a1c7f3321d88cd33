import { readFile } from "node:fs/promises";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";

/** What a feed keeps across restarts: its rows, and what makes it polite. Times are the wall clock's. */
const memorySchema = z.object({
  /** Of the address and of how answers are read: another one makes the rest worthless. */
  fingerprint: z.string(),
  rows: z.array(z.tuple([z.number(), z.number()])),
  readMs: z.number().nullable(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  /** UTC day of `requests`. */
  day: z.string(),
  requests: z.number(),
  failures: z.number(),
  notBeforeMs: z.number(),
});
export type FeedMemory = z.output<typeof memorySchema>;

export const emptyMemory = (fingerprint: string): FeedMemory => ({
  fingerprint,
  rows: [],
  readMs: null,
  etag: null,
  lastModified: null,
  day: "",
  requests: 0,
  failures: 0,
  notBeforeMs: 0,
});

/** The memory in `file`; an empty one where there is none, it is damaged, or it belongs to another feed. */
export const loadMemory = async (file: string, fingerprint: string): Promise<FeedMemory> => {
  try {
    const memory = memorySchema.parse(JSON.parse(await readFile(file, "utf8")));
    return memory.fingerprint === fingerprint ? memory : emptyMemory(fingerprint);
  } catch {
    return emptyMemory(fingerprint);
  }
};

export const saveMemory = (file: string, memory: FeedMemory): Promise<void> => atomicWrite(file, JSON.stringify(memory), { mode: 0o600 });
