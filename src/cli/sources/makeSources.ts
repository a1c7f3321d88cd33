import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtFile } from "#cli/compare/builtProgram";
import { finishedSource } from "#cli/sources/sourceFacts";
import { runName, type SourceRun } from "#cli/sources/sourcePlan";
import { runFolderPrefix } from "#simulators/energyplus/runFolder";

export type SourceOutcome =
  | { readonly run: SourceRun; readonly status: "kept" }
  | { readonly run: SourceRun; readonly status: "made"; readonly seconds: number }
  | { readonly run: SourceRun; readonly status: "failed"; readonly reason: string; readonly seconds: number };

export interface MakeSourcesOptions {
  readonly folder: string;
  /** As `--energyplus` names it; null: as found. */
  readonly engineFolder: string | null;
  readonly engineVersion: string;
  readonly threads: number;
  /** One run may take this long, ms. */
  readonly timeLimitMs: number;
  readonly signal: AbortSignal;
  readonly onEnded: (outcome: SourceOutcome, done: number, all: number) => void;
}

const graceMs = 3000;
const keptCharacters = 2000;

/**
 * Makes every run that is not there yet, `threads` at a time, each in a process of its own. A run that fails or crashes is an outcome with its reason. An abort ends the processes
 * and throws; what was finished stays, and the same call goes on from there.
 */
export async function makeSources(runs: readonly SourceRun[], options: MakeSourcesOptions): Promise<SourceOutcome[]> {
  const { folder, engineVersion, signal, onEnded } = options;
  const outcomes = new Map<SourceRun, SourceOutcome>();
  const note = (outcome: SourceOutcome): void => {
    outcomes.set(outcome.run, outcome);
    onEnded(outcome, outcomes.size, runs.length);
  };
  const pending: SourceRun[] = [];
  for (const run of runs) {
    signal.throwIfAborted();
    if (finishedSource(folder, run, engineVersion) === null) pending.push(run);
    else note({ run, status: "kept" });
  }
  const worker = async (): Promise<void> => {
    for (let run = pending.shift(); run !== undefined; run = pending.shift()) {
      signal.throwIfAborted();
      note(await inChild(run, options));
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(options.threads, pending.length) }, worker));
  signal.throwIfAborted();
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return runs.map((run) => outcomes.get(run)!);
}

function inChild(run: SourceRun, { folder, engineFolder, timeLimitMs, signal }: MakeSourcesOptions): Promise<SourceOutcome> {
  const began = performance.now();
  const guard = pathToFileURL(builtFile("src/cli/compare/orphanGuard.js")).href;
  const args = ["--import", guard, builtFile("src/cli/sources/sourceChild.js"), folder, JSON.stringify(run), engineFolder ?? ""];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "ipc"], detached: process.platform !== "win32" });
    let said = "";
    let isLate = false;
    let forced: NodeJS.Timeout | undefined;
    const end = (): void => {
      child.kill("SIGTERM");
      forced ??= setTimeout(() => child.kill("SIGKILL"), graceMs);
    };
    const limit = setTimeout(() => {
      isLate = true;
      end();
    }, timeLimitMs);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    child.stderr!.on("data", (part: Buffer) => {
      said = (said + part.toString("utf8")).slice(-keptCharacters);
    });
    const settle = (failure: string | null): void => {
      clearTimeout(limit);
      clearTimeout(forced);
      signal.removeEventListener("abort", end);
      // A crash leaves its run folder behind.
      if (failure !== null && child.pid !== undefined) removeRunFolders(child.pid);
      const seconds = (performance.now() - began) / 1000;
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(failure === null ? { run, status: "made", seconds } : { run, status: "failed", reason: failure, seconds });
    };
    child.on("error", (error) => settle(`its process could not be started: ${error.message}`));
    child.on("close", (code, signalName) => {
      if (isLate) settle(`it took longer than ${timeLimitMs / 60_000} min`);
      else if (code === 0) settle(finishedInside(folder, run) ? null : "it ended without its files");
      else if (code === null) settle(`EnergyPlus crashed (${signalName})${said === "" ? "" : `: ${said.trim()}`}`);
      else settle(said.trim() === "" ? `it ended with exit code ${code} and said nothing` : said.trim());
    });
  });
}

const finishedInside = (folder: string, run: SourceRun): boolean => {
  const names = readdirSync(join(folder, run.building));
  const stem = runName(run).slice(run.building.length + 1);
  return names.includes(`${stem}.csv.gz`) && names.includes(`${stem}.json`);
};

const removeRunFolders = (pid: number): void => {
  for (const name of readdirSync(tmpdir()))
    if (name.startsWith(runFolderPrefix(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
};
