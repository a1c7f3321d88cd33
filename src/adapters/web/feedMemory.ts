import { readFile } from "node:fs/promises";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";

/** What a feed keeps across restarts: its rows, and what makes it polite. Times are the wall clock's. */
export interface FeedMemory<Row> {
  /** Of the address and of how answers are read: another one makes the rest worthless. */
  readonly fingerprint: string;
  readonly rows: readonly Row[];
  readonly readMs: number | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** UTC day of `requests`. */
  readonly day: string;
  readonly requests: number;
  readonly failures: number;
  readonly notBeforeMs: number;
}

const memorySchema = <Row>(row: z.ZodType<Row>) =>
  z.object({
    fingerprint: z.string(),
    rows: z.array(row),
    readMs: z.number().nullable(),
    etag: z.string().nullable(),
    lastModified: z.string().nullable(),
    day: z.string(),
    requests: z.number(),
    failures: z.number(),
    notBeforeMs: z.number(),
  });

const emptyMemory = <Row>(fingerprint: string): FeedMemory<Row> => ({
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
export const loadMemory = async <Row>(file: string, fingerprint: string, row: z.ZodType<Row>): Promise<FeedMemory<Row>> => {
  try {
    const memory = memorySchema(row).parse(JSON.parse(await readFile(file, "utf8")));
    return memory.fingerprint === fingerprint ? memory : emptyMemory(fingerprint);
  } catch {
    return emptyMemory(fingerprint);
  }
};

export const saveMemory = (file: string, memory: FeedMemory<unknown>): Promise<void> =>
  atomicWrite(file, JSON.stringify(memory), { mode: 0o600 });
