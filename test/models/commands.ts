import { Command } from "commander";
import { vi } from "vitest";
import { reportError } from "#cli/cliKit";
import { registerEvaluate } from "#cli/evaluate";
import { registerMetaTrain } from "#cli/metaTrain";
import { registerTrain } from "#cli/train";

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `isotherm …` in this process, as src/main.ts does, and catches what it prints. */
export const isotherm = async (...words: readonly string[]): Promise<CommandOutcome> => {
  const program = new Command("isotherm").exitOverride().configureOutput({ writeErr: (text) => process.stderr.write(text) });
  for (const register of [registerEvaluate, registerMetaTrain, registerTrain]) register(program);
  const caught = { stdout: "", stderr: "" };
  const catching = (name: "stdout" | "stderr") =>
    vi.spyOn(process[name], "write").mockImplementation(((text: string, done?: (error?: Error | null) => void) => {
      caught[name] += text;
      done?.(null);
      return true;
    }) as typeof process.stdout.write);
  const spies = [catching("stdout"), catching("stderr")];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    process.exitCode = reportError(error);
  }
  const code = Number(process.exitCode);
  process.exitCode = before;
  for (const spy of spies) spy.mockRestore();
  return { code, ...caught };
};
