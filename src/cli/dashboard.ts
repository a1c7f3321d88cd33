import type { Command } from "commander";
import { printText, runCommand, wholeNumber } from "#cli/cliKit";
import { usageError } from "#domain/errors";

interface DashboardArguments {
  readonly influx?: string | true;
  readonly config?: string;
  readonly database?: string;
  readonly building?: string;
  readonly timeZone?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly port?: number;
}

export const registerDashboard = (program: Command): void => {
  program
    .command("dashboard")
    .description("the dashboard alone, read-only, from what a daemon has written to InfluxDB; for this machine's own browsers")
    .option("--influx [URL]", "InfluxDB, such as http://127.0.0.1:8086; without URL the site file's own")
    .option("--config <FILE>", "site file (YAML): names, time zone, currency and step of the site")
    .option("--database <NAME>", "database that the daemon writes to (default: isotherm)")
    .option("--building <ID>", "which building, where no site file says so")
    .option("--time-zone <NAME>", "IANA time zone, where no site file says so (default: this machine's)")
    .option("--user <NAME>", "user name at InfluxDB")
    .option("--password-file <FILE>", "file with the password as its only line, readable by its owner only")
    .option("--ca <FILE>", "certificate authorities (PEM) to trust instead of the system's, with https://")
    .option("--port <N>", "port; 0 takes any free one (default: 8081)", wholeNumber("--port", 0, 65_535))
    .action((options: DashboardArguments) =>
      runCommand(async ({ signal }) => {
        if (options.influx === undefined)
          throw usageError(
            "Nothing says where to read from.",
            "Name an InfluxDB with --influx URL; a running daemon serves its dashboard itself, at the address it says at its start.",
          );
        if (options.config === undefined && options.building === undefined)
          throw usageError("Nothing says which building to show.", "Name its site file with --config FILE, or its id with --building ID.");
        const { serveInfluxDashboard } = await import("#cli/influxDashboard");
        const dashboard = await serveInfluxDashboard({
          url: options.influx === true ? null : options.influx,
          configFile: options.config ?? null,
          database: options.database ?? null,
          building: options.building ?? null,
          timeZone: options.timeZone ?? null,
          username: options.user ?? null,
          passwordFile: options.passwordFile ?? null,
          caFile: options.ca ?? null,
          port: options.port ?? 8081,
        });
        await printText(`Dashboard  ${dashboard.url}\n`);
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener("abort", () => resolve(), { once: true });
        });
        await dashboard.close();
        return 0;
      }),
    );
};
