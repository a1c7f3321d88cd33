import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandContext } from "#cli/cliKit";
import { IsothermError } from "#domain/errors";
import { runFolderPrefix } from "#simulators/energyplus/runFolder";

/**
 * A native engine that crashes takes its process with it, and nothing inside can report that. So the command runs itself once more in a child and
 * watches it: the child's output and exit code are the command's own (docs/decisions/0008-energyplus-under-guard.md).
 */
const mark = "ISOTHERM_UNDER_GUARD";
const crashes: ReadonlySet<string> = new Set(["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"]);

/** True in the child; it then ends itself when the watching process is gone. */
export function isGuarded(): boolean {
  if (process.env[mark] !== "1") return false;
  if (process.channel !== undefined) {
    process.once("disconnect", () => process.exit(130));
    process.channel.unref();
  }
  return true;
}

/** Runs this very command line in a child; its exit code, or an `IsothermError` (permanent) where it crashed. */
export async function runGuarded({ signal }: CommandContext, command: readonly string[] = process.argv.slice(1)): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...command], {
    // A session of its own: Ctrl-C reaches the child once, from here.
    detached: process.platform !== "win32",
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, [mark]: "1" },
  });
  const interrupt = (): void => void child.kill("SIGINT");
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    const [code, killedBy] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
    });
    if (killedBy === null) return code ?? 70;
    removeFoldersOf(child.pid!);
    throw new IsothermError(
      "permanent",
      crashes.has(killedBy) ? `EnergyPlus crashed (${killedBy}); the run has failed` : `the run was ended from outside (${killedBy})`,
      {
        todo: crashes.has(killedBy)
          ? "Run the model with EnergyPlus itself to see whether it crashes there too."
          : "On Linux, SIGKILL often means that memory ran out.",
      },
    );
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
}

const removeFoldersOf = (pid: number): void => {
  for (const name of readdirSync(tmpdir()))
    if (name.startsWith(runFolderPrefix(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
};
