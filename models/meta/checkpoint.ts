import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SharedState } from "#models/meta/sharedOptimum";
import type { TaskSummary } from "#models/meta/taskSummary";
import type { TaskSet } from "#models/meta/tasks";

/** How far a meta-training has come. */
export interface Progress {
  readonly shared: SharedState | null;
  /** Passes over all tasks that are done, and the hierarchy's location after them. */
  readonly passes: number;
  readonly centre: Centre | null;
  /** Of the pass that is under way. */
  readonly summaries: readonly TaskSummary[];
}

/** Where tasks look for their own optima. */
export interface Centre {
  readonly theta: readonly number[];
  readonly beta: readonly number[];
}

/** Keeps the progress of one meta-training, so that it goes on where it was ended, to the same result. */
export interface Checkpoint {
  load(digest: string): Progress | null;
  save(digest: string, progress: Progress): void;
  remove(): void;
}

/** A digest of everything that the result depends on: tasks with their rows, names, and options. */
export const digestOf = ({ tasks, names, keys, stepS }: TaskSet, options: unknown): string => {
  const hash = createHash("sha256").update(JSON.stringify({ names, keys, stepS, options }));
  for (const { name, group, ratings, rows } of tasks) {
    hash.update(JSON.stringify({ name, group, ratings }));
    for (const values of [rows.x, rows.y]) hash.update(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex");
};

/** A checkpoint in a file; one of other tasks or options, or one that is cut short, counts as none. */
export const fileCheckpoint = (file: string): Checkpoint => ({
  load: (digest) => {
    if (!existsSync(file)) return null;
    try {
      const { digest: of, ...progress } = JSON.parse(readFileSync(file, "utf8")) as Progress & { readonly digest: string };
      return of === digest ? progress : null;
    } catch {
      // Cut short by a crash of the machine: begun anew.
      return null;
    }
  },
  save: (digest, progress) => {
    mkdirSync(dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
    writeFileSync(temporary, JSON.stringify({ digest, ...progress }));
    renameSync(temporary, file);
  },
  remove: () => rmSync(file, { force: true }),
});
