import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import { builtFile } from "#cli/compare/builtProgram";
import { type RunFigures, type RunTimings, splitOutput } from "#cli/compare/runOutput";
import { commandArguments, type RunOptions } from "#cli/compare/simulateCommand";

export type RunOutcome =
  | { readonly status: "done"; readonly figures: RunFigures; readonly timings: RunTimings }
  /** `exitCode` null: ended by a signal or by the time limit. */
  | { readonly status: "failed"; readonly reason: string; readonly exitCode: number | null };

const MAX_STDOUT_BYTES = 64 * 1024 * 1024;
const KEPT_STDERR_CHARACTERS = 64 * 1024;
/** From the request to end until the end is forced: with it compare itself ends within 5 s of Ctrl-C. */
const GRACE_MS = 3000;
const MAX_REASON_CHARACTERS = 1500;

/** The last lines of what a run said, without its progress and stack traces. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^(history: )?day \d+ of \d+|^rule \d+ of \d+|^Interrupted\.$|^\s+at /.test(line));
  return lines.slice(-10).join("\n").slice(-MAX_REASON_CHARACTERS);
}

/**
 * One run in a process of its own: `isotherm simulate … --json --trace`. However that process ends, the answer is an outcome; only an abort of `signal` throws,
 * after the process is gone.
 */
export function runChild(
  options: RunOptions,
  context: {
    readonly program: string;
    readonly traceFile: string;
    readonly energyplus: string | null;
    readonly timeLimitMs: number;
    readonly signal: AbortSignal;
  },
): Promise<RunOutcome> {
  const { program, traceFile, energyplus, timeLimitMs, signal } = context;
  signal.throwIfAborted();
  const guard = pathToFileURL(builtFile("src/cli/compare/orphanGuard.js")).href;
  const args = [
    ...commandArguments(options),
    "--json",
    "--trace",
    traceFile,
    ...(energyplus === null || options.plant !== "energyplus" ? [] : ["--energyplus", energyplus]),
  ];
  return new Promise((resolve, reject) => {
    // In a group of its own: Ctrl-C on a terminal reaches this process alone, which then ends its runs in order.
    const child = spawn(process.execPath, ["--import", guard, program, ...args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: process.platform !== "win32",
    });
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = "";
    let ended: "time" | "output" | null = null;
    let forced: NodeJS.Timeout | undefined;
    const end = (why: typeof ended): void => {
      ended ??= why;
      child.kill("SIGTERM");
      forced ??= setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    };
    const onAbort = (): void => end(null);
    const limit = setTimeout(() => end("time"), timeLimitMs);
    signal.addEventListener("abort", onAbort, { once: true });
    child.stdout!.on("data", (part: Buffer) => {
      stdoutBytes += part.length;
      if (stdoutBytes > MAX_STDOUT_BYTES) end("output");
      else stdout.push(part);
    });
    child.stderr!.on("data", (part: Buffer) => {
      stderr = (stderr + part.toString("utf8")).slice(-KEPT_STDERR_CHARACTERS);
    });
    const settle = (outcome: RunOutcome): void => {
      clearTimeout(limit);
      clearTimeout(forced);
      signal.removeEventListener("abort", onAbort);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(outcome);
    };
    const failed = (reason: string, exitCode: number | null = null): RunOutcome => ({ status: "failed", reason, exitCode });
    child.on("error", (error) => settle(failed(`its process could not be started: ${error.message}`)));
    child.on("close", (code, signalName) => {
      const said = lastWords(stderr);
      const tail = said === "" ? "" : `\n${said}`;
      if (ended === "time") settle(failed(`it took longer than the suite's ${timeLimitMs / 60_000} minutes`));
      else if (ended === "output") settle(failed(`it printed more than ${MAX_STDOUT_BYTES} bytes`));
      else if (code === null) settle(failed(`its process was ended by ${signalName}${tail}`));
      else if (code !== 0) settle(failed(said === "" ? `it ended with exit code ${code} and said nothing` : said, code));
      else {
        const output = splitOutput(Buffer.concat(stdout).toString("utf8"));
        settle(typeof output === "string" ? failed(`${output}${tail}`, 0) : { status: "done", ...output });
      }
    });
  });
}
