import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { fromTaggedJson, toTaggedJson } from "#adapters/files/taggedJson";
import { IsothermError } from "#domain/errors";
import type { PlanRequest } from "#domain/planner";

/** What decisions were made from, so that they can be made again: one compressed file per decision, in a folder per UTC day. */
export interface RequestJournal {
  /** Rejects where the disk does not take it. */
  keep(decisionId: string, request: PlanRequest): Promise<void>;
  /** null: none was kept, or it was forgotten. A damaged file rejects with its name. */
  read(decisionId: string, timeMs: number): Promise<PlanRequest | null>;
  /** Forgets whole days before `beforeMs`. */
  forgetBefore(beforeMs: number): Promise<void>;
}

const zip = promisify(gzip);
const unzip = promisify(gunzip);
const DAY_MS = 86_400_000;
const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
const schema = "isotherm-plan-request-1";
const isDecisionId = /^\d+-\d+$/;
const isDay = /^\d{4}-\d{2}-\d{2}$/;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

export const createRequestJournal = (directory: string): RequestJournal => ({
  keep: async (decisionId, request) => {
    const folder = join(directory, dayOf(request.nowMs));
    await mkdir(folder, { recursive: true });
    await atomicWrite(join(folder, `${decisionId}.json.gz`), await zip(toTaggedJson({ schema, request })));
  },
  read: async (decisionId, timeMs) => {
    // The id becomes a file name.
    if (!isDecisionId.test(decisionId)) return null;
    // A decision may fall on the next day by the clock while its step began on the day before.
    for (const day of [dayOf(timeMs), dayOf(timeMs - DAY_MS), dayOf(timeMs + DAY_MS)]) {
      const file = join(directory, day, `${decisionId}.json.gz`);
      let bytes: Buffer;
      try {
        bytes = await readFile(file);
      } catch (error) {
        if (isMissing(error)) continue;
        throw error;
      }
      try {
        const content = fromTaggedJson((await unzip(bytes)).toString("utf8")) as { schema?: unknown; request?: PlanRequest };
        if (content.schema !== schema || content.request === undefined) throw new Error(`it is no ${schema}`);
        return content.request;
      } catch (cause) {
        throw new IsothermError("permanent", "What this decision was made from cannot be read.", {
          todo: "The file is damaged or of another version; the decision itself is in the store (isotherm plan).",
          place: { file },
          cause,
        });
      }
    }
    return null;
  },
  forgetBefore: async (beforeMs) => {
    const days = await readdir(directory).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const day of days)
      if (isDay.test(day) && Date.parse(day) + DAY_MS <= beforeMs) await rm(join(directory, day), { recursive: true, force: true });
  },
});
