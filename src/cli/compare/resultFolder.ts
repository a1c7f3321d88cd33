import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { lockFolder } from "#cli/compare/folderLock";
import type { RunFigures, RunTimings } from "#cli/compare/runOutput";
import { writeOutput } from "#cli/outputFile";
import { configurationError, usageError } from "#domain/errors";

const suiteFileSchema = z.object({ format: z.literal(1), name: z.string(), suiteDigest: z.string() });
const runFileSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  traceSha256: z.string(),
  figures: z.custom<RunFigures>((value) => typeof value === "object" && value !== null),
  timings: z.custom<RunTimings>((value) => typeof value === "object" && value !== null),
});

export interface FinishedRun {
  readonly figures: RunFigures;
  readonly timings: RunTimings;
}

/** Where a suite's results lie: suite.json (whose they are), runs/<id>.json and runs/<id>.csv for each finished run, and what is made of them at the end. */
export interface ResultFolder {
  readonly folder: string;
  traceFile(id: string): string;
  /** The run as it was finished before; null where it was not, or where its files are damaged. */
  finished(id: string): Promise<FinishedRun | null>;
  /** Keeps a run whose trace is already written. From here on it is finished. */
  keep(id: string, run: FinishedRun): Promise<void>;
  /** Removes what no run of `ids` left: runs of another suite or program version and half-written files. Returns how many runs that were. */
  removeOthers(ids: ReadonlySet<string>): Promise<number>;
  write(name: string, text: string): Promise<void>;
  release(): void;
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const sha256Of = async (file: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

/**
 * Opens or makes a folder for a suite and locks it. Refused: a folder with other things in it, one that another process writes, and one with another suite's results,
 * unless `replace` is given: then the runs that both suites have are kept.
 */
export async function openResultFolder(
  folder: string,
  suite: { readonly name: string; readonly suiteDigest: string },
  replace: boolean,
): Promise<ResultFolder> {
  const suiteFile = join(folder, "suite.json");
  const there = existsSync(folder) ? (await readdir(folder)).filter((name) => !name.startsWith(".")) : [];
  if (there.length > 0 && !there.includes("suite.json"))
    throw usageError(
      `${folder} holds files that are not a suite's results (${there.slice(0, 3).join(", ")})`,
      "Name an empty or new folder with --out.",
    );
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw configurationError(`this folder cannot be made: ${cause.message}`, {
      place: { file: folder },
      todo: "Name another folder with --out.",
      cause,
    });
  });
  const release = lockFolder(folder);
  try {
    // Looked at once more under the lock: another process may have been the first.
    if (existsSync(suiteFile)) {
      const known = suiteFileSchema.safeParse(parseJson(await readFile(suiteFile, "utf8")));
      if (!(known.success && known.data.suiteDigest === suite.suiteDigest) && !replace)
        throw usageError(
          `${folder} holds the results of another suite${known.success ? ` (${known.data.name}${known.data.name === suite.name ? ", with other runs" : ""})` : ""}`,
          "Name another folder with --out, or give --replace: finished runs that this suite has too are kept, the others are removed.",
        );
    }
    await mkdir(join(folder, "runs"), { recursive: true });
    await writeOutput(suiteFile, `${JSON.stringify({ format: 1, ...suite })}\n`);
  } catch (error) {
    release();
    throw error;
  }
  const runFile = (id: string): string => join(folder, "runs", `${id}.json`);
  const traceFile = (id: string): string => join(folder, "runs", `${id}.csv`);
  return {
    folder,
    traceFile,
    finished: async (id) => {
      try {
        const run = runFileSchema.parse(JSON.parse(await readFile(runFile(id), "utf8")));
        if (run.id !== id || run.traceSha256 !== (await sha256Of(traceFile(id)))) return null;
        return { figures: run.figures, timings: run.timings };
      } catch {
        // Absent or damaged: the run is made again.
        return null;
      }
    },
    keep: async (id, { figures, timings }) => {
      const traceSha256 = await sha256Of(traceFile(id));
      await atomicWrite(runFile(id), `${JSON.stringify({ format: 1, id, traceSha256, figures, timings })}\n`);
    },
    removeOthers: async (ids) => {
      const others = (await readdir(join(folder, "runs"))).filter((name) => !ids.has(name.replace(/\.(json|csv)$/, "")));
      for (const name of others) await rm(join(folder, "runs", name), { force: true });
      return others.filter((name) => name.endsWith(".json") && !name.startsWith(".")).length;
    },
    write: (name, text) => writeOutput(join(folder, name), text),
    release,
  };
}
