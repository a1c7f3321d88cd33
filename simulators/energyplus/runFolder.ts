import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IsothermError } from "#domain/errors";
import { ownFolder } from "#simulators/energyplus/lastResort";

export interface RunFolder {
  readonly path: string;
  remove(): void;
}

/** Starts the name of every run folder of a process. */
export const runFolderPrefix = (pid: number): string => `isotherm-energyplus-${pid}-`;

/** A private folder for one run: nobody else may read it, and it goes with the process at the latest. */
export function makeRunFolder(): RunFolder {
  const parent = tmpdir();
  try {
    const path = mkdtempSync(join(parent, runFolderPrefix(process.pid)));
    return { path, remove: ownFolder(path) };
  } catch (cause) {
    throw new IsothermError("permanent", `no folder for EnergyPlus can be made in ${parent}: ${(cause as Error).message}`, {
      todo: "Make room there, or name another folder in TMPDIR.",
      cause,
    });
  }
}
