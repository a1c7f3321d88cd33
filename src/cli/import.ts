import type { Command } from "commander";
import { duration, isoTime, printJson, printText, runCommand } from "#cli/cliKit";
import { usageError } from "#domain/errors";

interface ImportArguments {
  readonly config?: string;
  readonly influx?: string | true;
  readonly database?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly map?: string;
  readonly from?: number;
  readonly to?: number;
  readonly every?: number;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const registerImport = (program: Command): void => {
  program
    .command("import")
    .description("takes the history of a site's points from InfluxDB 1.x into its store, so that a model can be learned at once")
    .option("--config <FILE>", "site file (YAML)")
    .option("--influx [URL]", "InfluxDB, such as http://127.0.0.1:8086; without URL the site file's own")
    .option("--database <NAME>", "database that holds the history")
    .option("--user <NAME>", "user name at InfluxDB")
    .option("--password-file <FILE>", "file with the password as its only line, readable by its owner only")
    .option("--ca <FILE>", "certificate authorities (PEM) to trust instead of the system's, with https://; without URL the site file's own")
    .option("--map <FILE>", "which measurement and field is which point (YAML); without it what isotherm itself wrote")
    .option("--from <ISO>", "begin, inclusive; all there is when absent", isoTime("--from"))
    .option("--to <ISO>", "end, exclusive; now when absent", isoTime("--to"))
    .option("--every <DURATION>", "means over so long, e.g. 1 min, instead of every value", duration("--every", "s"))
    .option("--again", "from the beginning, instead of where an earlier import of the same came to")
    .option("--dry-run", "read and judge everything, write nothing")
    .option("--json", "one JSON object on standard output")
    .action((options: ImportArguments) =>
      runCommand(async ({ signal, say, progress }) => {
        if (options.influx === undefined) throw usageError("Nothing says where to import from.", "Name it with --influx URL.");
        if (options.config === undefined)
          throw usageError("Nothing says which site to import for.", "Name its site file with --config FILE.");
        const [{ loadSiteConfig }, { importFromInflux }, { describeImport }] = await Promise.all([
          import("#config/loadSiteConfig"),
          import("#cli/import/fromInflux"),
          import("#cli/import/describeImport"),
        ]);
        const config = loadSiteConfig(options.config);
        const result = await importFromInflux({
          config,
          url: options.influx === true ? null : options.influx,
          database: options.database ?? null,
          username: options.user ?? null,
          passwordFile: options.passwordFile ?? null,
          caFile: options.ca ?? null,
          mapFile: options.map ?? null,
          fromMs: options.from ?? 0,
          toMs: options.to ?? Date.now(),
          everyS: options.every ?? null,
          again: options.again === true,
          dryRun: options.dryRun === true,
          signal,
          say,
          progress,
        });
        if (options.json === true) await printJson(result);
        else await printText(describeImport(result, options.dryRun === true));
        return 0;
      }),
    );
};
