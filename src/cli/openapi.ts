import type { Command } from "commander";
import { printText, runCommand } from "#cli/cliKit";

export const registerOpenapi = (program: Command): void => {
  program
    .command("openapi")
    .description("prints the OpenAPI document of the dashboard's HTTP interface, with everything that a daemon offers")
    .action(() =>
      runCommand(async () => {
        const { describeInterface } = await import("#cli/describeInterface");
        await printText(`${JSON.stringify(await describeInterface(), null, 2)}\n`);
        return 0;
      }),
    );
};
