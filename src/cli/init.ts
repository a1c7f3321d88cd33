import type { Command } from "commander";
import { duration, finiteNumber, printJson, runCommand } from "#cli/cliKit";
import { usageError } from "#domain/errors";

interface InitArguments {
  readonly broker?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly filter: string;
  readonly listen: number;
  readonly out: string;
  readonly id: string;
  readonly label?: string;
  readonly timeZone?: string;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const LISTEN_S = 60;

export const registerInit = (program: Command): void => {
  program
    .command("init")
    .description("listens to a broker, proposes zones and points, and writes a site file that starts in shadow mode")
    .requiredOption("--broker <URL>", "the broker, mqtt:// or mqtts://")
    .option("--user <NAME>", "user name at the broker")
    .option("--password-file <FILE>", "file with the password as its only line, readable by its owner only")
    .option("--ca <FILE>", "certificate authorities (PEM) to trust instead of the system's, with mqtts://")
    .option("--cert <FILE>", "client certificate (PEM)")
    .option("--key <FILE>", "key of the client certificate, readable by its owner only")
    .option("--server-name <NAME>", "name in the broker's certificate, where it differs from the address")
    .option("--filter <FILTER>", "topics to listen to", "#")
    .option("--listen <DURATION>", "how long; battery sensors speak every few minutes or hours", duration("--listen", "s"), LISTEN_S)
    .option("--out <FILE>", "site file to write", "site.yaml")
    .option("--id <ID>", "id of the site", "site")
    .option("--label <TEXT>", "name of the site for people")
    .option("--time-zone <NAME>", "time zone of the site, an IANA name; this machine's when absent")
    .option("--latitude <DEGREES>", "degrees north", finiteNumber("--latitude", -90, 90))
    .option("--longitude <DEGREES>", "degrees east", finiteNumber("--longitude", -180, 180))
    .option("--yes", "ask nothing: take everything as it is proposed")
    .option("--force", "overwrite the site file")
    .option("--json", "one JSON object on standard output")
    .action((options: InitArguments) =>
      runCommand(async ({ signal, say, progress }) => {
        if (options.yes !== true && process.stdin.isTTY !== true)
          throw usageError("There is no terminal to ask on.", "Add --yes to take everything as it is proposed.");
        const [{ runWizard }, { brokerOf }, { openPrompt }] = await Promise.all([
          import("#cli/init/wizard"),
          import("#cli/init/brokerOptions"),
          import("#cli/init/prompt"),
        ]);
        const { bus, settings } = brokerOf(options);
        const prompt = options.yes === true ? null : openPrompt(signal);
        try {
          const { latitude, longitude } = options;
          const result = await runWizard({
            bus,
            filter: options.filter,
            listenMs: options.listen * 1000,
            out: options.out,
            force: options.force === true,
            settings: {
              id: options.id,
              label: options.label ?? options.id,
              timeZone: options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
              place: latitude === undefined || longitude === undefined ? null : { latitudeDeg: latitude, longitudeDeg: longitude },
              broker: settings,
            },
            ask: prompt === null ? null : prompt.ask,
            signal,
            say,
            progress,
          });
          if (options.json === true) await printJson(result);
          say(`${result.file} has ${result.zones.length} zones and ${result.points.length} points, in shadow mode. Look through it, then:`);
          say(`  npx isotherm doctor --config ${result.file}\n  npx isotherm start --config ${result.file}`);
          return 0;
        } finally {
          prompt?.close();
        }
      }),
    );
};
