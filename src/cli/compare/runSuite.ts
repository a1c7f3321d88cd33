import type { PlannedRun } from "#cli/compare/expandSuite";
import type { FinishedRun, ResultFolder } from "#cli/compare/resultFolder";
import { runChild } from "#cli/compare/runChild";
import type { RunOptions } from "#cli/compare/simulateCommand";

export interface SuiteRun {
  readonly id: string;
  readonly options: RunOptions;
  readonly outcome:
    | ({ readonly status: "done" } & FinishedRun)
    | { readonly status: "failed"; readonly reason: string; readonly exitCode: number | null }
    | { readonly status: "skipped"; readonly reason: string };
}

export interface Progress {
  /** A run has come to its end, or was found finished (`again` false). */
  ended(run: SuiteRun, again: boolean): void;
}

/** A service, device or engine is not there: the exit code by which an optional run is skipped. */
const UNAVAILABLE = 69;

/**
 * Makes every run that is not finished yet, `jobs` at a time, each in a process of its own; a run that fails or crashes is an outcome like another.
 * Returns all runs in the suite's order. An abort ends the processes and throws; what was finished stays.
 */
export async function runSuite(
  runs: readonly (PlannedRun & { readonly id: string })[],
  context: {
    readonly folder: ResultFolder;
    readonly program: string;
    readonly energyplus: string | null;
    readonly jobs: number;
    readonly timeLimitMs: number;
    readonly signal: AbortSignal;
    readonly progress: Progress;
  },
): Promise<SuiteRun[]> {
  const { folder, signal, progress } = context;
  const ended: SuiteRun[] = new Array(runs.length);
  const pending: number[] = [];
  const note = (i: number, outcome: SuiteRun["outcome"], again: boolean): void => {
    const { id, options } = runs[i]!;
    ended[i] = { id, options, outcome };
    progress.ended(ended[i], again);
  };
  for (const [i, { id }] of runs.entries()) {
    const finished = await folder.finished(id);
    if (finished === null) pending.push(i);
    else note(i, { status: "done", ...finished }, false);
    signal.throwIfAborted();
  }
  // One worker's fault of ours ends the others' processes too.
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const worker = async (): Promise<void> => {
    for (let i = pending.shift(); i !== undefined; i = pending.shift()) {
      const { id, options, optional } = runs[i]!;
      const outcome = await runChild(options, { ...context, signal: either, traceFile: folder.traceFile(id) });
      if (outcome.status === "done") {
        await folder.keep(id, outcome);
        note(i, outcome, true);
      } else if (optional && outcome.exitCode === UNAVAILABLE) note(i, { status: "skipped", reason: outcome.reason }, true);
      else note(i, outcome, true);
    }
  };
  const workers = Array.from({ length: Math.max(1, Math.min(context.jobs, pending.length)) }, () =>
    worker().catch((error: unknown) => {
      if (!stop.signal.aborted) stop.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  signal.throwIfAborted();
  stop.signal.throwIfAborted();
  return ended;
}
