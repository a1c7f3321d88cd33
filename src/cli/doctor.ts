import type { Command } from "commander";
import { printJson, printText, runCommand } from "#cli/cliKit";

interface DoctorArguments {
  readonly config?: string;
  readonly json?: boolean;
}

const marks = { ok: "ok     ", warning: "warning", failed: "FAILED " } as const;

export const registerDoctor = (program: Command): void => {
  program
    .command("doctor")
    .description("checks configuration, store, broker, InfluxDB, computing, EnergyPlus and clock, and says what to do about each failure")
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--json", "one JSON object on standard output")
    .action((options: DoctorArguments) =>
      runCommand(async ({ signal }) => {
        const [{ examine }, { demoSiteFile }] = await Promise.all([import("#cli/daemon/examine"), import("#cli/start")]);
        const { findings, exitCode } = await examine(options.config ?? demoSiteFile(), signal);
        if (options.json === true) await printJson({ ok: exitCode === 0, findings });
        else
          await printText(
            findings
              .map(
                ({ check, state, text, todo }) =>
                  `${marks[state]}  ${check}: ${text}\n${todo === "" ? "" : `         ${todo.replaceAll("\n", "\n         ")}\n`}`,
              )
              .join(""),
          );
        return exitCode;
      }),
    );
};
