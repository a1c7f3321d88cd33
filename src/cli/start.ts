import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { finiteNumber, runCommand, wholeNumber } from "#cli/cliKit";
import type { TimeLine } from "#cli/daemon/run";
import { usageError } from "#domain/errors";

interface StartArguments {
  readonly config: readonly string[];
  readonly sites?: string;
  readonly processes?: number;
  readonly statusPort: number;
  readonly speed: number;
  readonly timeLine?: TimeLine;
}

const DEFAULT_SPEED = 60;
/** An hour of the building a second: beyond it no decision fits into its step. */
const MOST_SPEED = 3_600;
const DEFAULT_STATUS_PORT = 8079;
/** Many stores are closed one beside the other. */
const SITES_LAST_RESORT_MS = 12_000;

/** The demo site's file: beside the sources, and copied beside the built program. */
export const demoSiteFile = (): string => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, "config", "sites", "demo.yaml");
    if (existsSync(candidate) || folder === dirname(folder)) return candidate;
  }
};

/** `2026-03-20T00:00:00Z,1774000000000,600`: start, the wall clock's milliseconds at it, speed. */
const timeLineOf = (text: string): TimeLine => {
  const [start = "", anchor = "", speed = ""] = text.split(",");
  const line = { startMs: Date.parse(start), anchorMs: Number(anchor), speed: Number(speed) };
  if (!Number.isFinite(line.startMs) || !Number.isFinite(line.anchorMs) || !(line.speed > 0 && line.speed <= MOST_SPEED))
    throw usageError(`--time-line ${text} is not START,ANCHOR,SPEED`);
  return line;
};

const startOne = (file: string, options: StartArguments): Promise<void> =>
  runCommand(async ({ signal }) => {
    const { boundHeaps } = await import("#cli/daemon/freedMemory");
    await boundHeaps();
    const [{ loadSiteConfig }, { runDaemon }, { createLogger }, { packageVersion }] = await Promise.all([
      import("#config/loadSiteConfig"),
      import("#cli/daemon/daemon"),
      import("#cli/daemon/logger"),
      import("#cli/packageVersion"),
    ]);
    const config = loadSiteConfig(file);
    const log = await createLogger(config.log.level);
    await runDaemon({
      config,
      speed: options.speed,
      signal,
      log,
      say: (line) => void process.stdout.write(`${line}\n`),
      version: packageVersion,
      ...(options.timeLine === undefined ? {} : { timeLine: options.timeLine }),
    });
    // Everything is closed: what a library may still hold open must not keep the process for seconds.
    process.stdout.write("", () => process.exit(0));
    return 0;
  });

const startMany = (options: StartArguments): Promise<void> =>
  runCommand(async ({ signal }) => {
    const [{ filesIn }, { runSites }] = await Promise.all([import("#cli/sites/siteFiles"), import("#cli/sites/runSites")]);
    await runSites({
      files: [...options.config, ...(options.sites === undefined ? [] : filesIn(options.sites))],
      ...(options.processes === undefined ? {} : { processes: options.processes }),
      statusPort: options.statusPort,
      speed: options.speed,
      ...(options.timeLine === undefined ? {} : { timeLine: options.timeLine }),
      signal,
      say: (line) => void process.stdout.write(`${line}\n`),
    });
    process.stdout.write("", () => process.exit(0));
    return 0;
  }, SITES_LAST_RESORT_MS);

export const registerStart = (program: Command): void => {
  program
    .command("start")
    .description("the daemon: learn, plan, publish, log, serve the dashboard; without --config a demo office with its own broker and store")
    .option(
      "--config <FILE>",
      "site file (YAML), the demo site when absent; more than once: that many buildings in one daemon",
      (file: string, before: readonly string[]) => [...before, file],
      [] as readonly string[],
    )
    .option("--sites <FOLDER>", "one daemon for every .yaml file in a folder")
    .option("--processes <N>", "many buildings: processes that they share (default: 4)", wholeNumber("--processes", 1, 200))
    .option(
      "--status-port <PORT>",
      "many buildings: port of /healthz and /metrics on this machine",
      wholeNumber("--status-port", 0, 65_535),
      DEFAULT_STATUS_PORT,
    )
    .option("--speed <N>", "an embedded building: simulated seconds per second", finiteNumber("--speed", 0.1, MOST_SPEED), DEFAULT_SPEED)
    // For rehearsals with a simulated building on a real broker: every process that is given the same has the same time.
    .addOption(new Option("--time-line <START,ANCHOR,SPEED>").argParser(timeLineOf).hideHelp())
    .action((options: StartArguments) =>
      options.sites === undefined && options.config.length < 2
        ? startOne(options.config[0] ?? demoSiteFile(), options)
        : startMany(options),
    );
};
