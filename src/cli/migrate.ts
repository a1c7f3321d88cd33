import type { Command } from "commander";
import { printText, runCommand, wholeNumber } from "#cli/cliKit";

interface MigrateArguments {
  readonly config?: string;
  readonly to?: number;
}

export const registerMigrate = (program: Command): void => {
  program
    .command("migrate")
    .description(
      "brings the store to another schema version, e.g. back for an older isotherm; the daemon must not run, and brings it up by itself",
    )
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--to <VERSION>", "schema version; the newest when absent", wholeNumber("--to", 1))
    .action((options: MigrateArguments) =>
      runCommand(async () => {
        const [
          { loadSiteConfig },
          { demoSiteFile },
          { migrateStore },
          { schemaVersion },
          { unavailableError, usageError },
          { existsSync },
        ] = await Promise.all([
          import("#config/loadSiteConfig"),
          import("#cli/start"),
          import("#adapters/store/duckdbSession"),
          import("#adapters/store/schema"),
          import("#domain/errors"),
          import("node:fs"),
        ]);
        const { directory } = loadSiteConfig(options.config ?? demoSiteFile()).store;
        const to = options.to ?? schemaVersion;
        if (to > schemaVersion) throw usageError(`--to ${to} is not known`, `This isotherm knows schema versions 1 to ${schemaVersion}.`);
        if (!existsSync(`${directory}/isotherm.duckdb`))
          throw unavailableError(`There is no store in ${directory}.`, { todo: "Name its site file with --config." });
        const { from, lost } = await migrateStore(directory, to);
        await printText(`Store      schema ${from} → ${to}${lost.length === 0 ? "" : `; lost: ${lost.join(", ")}`}\n`);
      }),
    );
};
