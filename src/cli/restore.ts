import type { Command } from "commander";
import { printText, runCommand } from "#cli/cliKit";

interface RestoreArguments {
  readonly config?: string;
  readonly replace?: boolean;
}

export const registerRestore = (program: Command): void => {
  program
    .command("restore")
    .description("puts a backup back where the site file says that its data lies; the daemon must not run")
    .argument("<BACKUP>", "folder that isotherm backup wrote")
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--replace", "where there is data already: put it aside, into a folder beside the restored files")
    .action((backup: string, options: RestoreArguments) =>
      runCommand(async () => {
        const [{ loadSiteConfig }, { demoSiteFile }, { restoreBackup }] = await Promise.all([
          import("#config/loadSiteConfig"),
          import("#cli/start"),
          import("#cli/restoreBackup"),
        ]);
        const config = loadSiteConfig(options.config ?? demoSiteFile());
        const { manifest, aside } = await restoreBackup({
          backup,
          site: config.site.id,
          directory: config.store.directory,
          replace: options.replace === true,
        });
        await printText(
          `Restored   ${manifest.site} as of ${manifest.createdAt} (isotherm ${manifest.isotherm}) into ${config.store.directory}\n`,
        );
        if (aside !== null) await printText(`Put aside  what was there before: ${aside}\n`);
      }),
    );
};
