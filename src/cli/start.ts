import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { finiteNumber, runCommand } from "#cli/cliKit";

interface StartArguments {
  readonly config?: string;
  readonly speed: number;
}

const DEFAULT_SPEED = 60;
/** An hour of the building a second: beyond it no decision fits into its step. */
const MOST_SPEED = 3_600;

/** The demo site's file: beside the sources, and copied beside the built program. */
export const demoSiteFile = (): string => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, "config", "sites", "demo.yaml");
    if (existsSync(candidate) || folder === dirname(folder)) return candidate;
  }
};

export const registerStart = (program: Command): void => {
  program
    .command("start")
    .description("the daemon: learn, plan, publish, log, serve the dashboard; without --config a demo office with its own broker and store")
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--speed <N>", "an embedded building: simulated seconds per second", finiteNumber("--speed", 0.1, MOST_SPEED), DEFAULT_SPEED)
    .action((options: StartArguments) =>
      runCommand(async ({ signal }) => {
        const [{ loadSiteConfig }, { runDaemon }, { createLogger }, { packageVersion }] = await Promise.all([
          import("#config/loadSiteConfig"),
          import("#cli/daemon/daemon"),
          import("#cli/daemon/logger"),
          import("#cli/packageVersion"),
        ]);
        const config = loadSiteConfig(options.config ?? demoSiteFile());
        const log = await createLogger(config.log.level);
        await runDaemon({
          config,
          speed: options.speed,
          signal,
          log,
          say: (line) => void process.stdout.write(`${line}\n`),
          version: packageVersion,
        });
        // Everything is closed: what a library may still hold open must not keep the process for seconds.
        process.stdout.write("", () => process.exit(0));
        return 0;
      }),
    );
};
