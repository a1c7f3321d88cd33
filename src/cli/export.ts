import { open, rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import { isoTime, printText, runCommand } from "#cli/cliKit";
import { usageError } from "#domain/errors";
import type { PointName } from "#domain/points";

interface ExportArguments {
  readonly config?: string;
  readonly points?: string;
  readonly from?: number;
  readonly to?: number;
  readonly out?: string;
}

const DAY_MS = 86_400_000;

/** Everything is written beside the target and renamed at the end: a broken-off export leaves the old file. */
const fileSink = async (file: string): Promise<{ write(text: string): Promise<void>; end(whole: boolean): Promise<void> }> => {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, "w");
  return {
    write: async (text) => void (await handle.writeFile(text)),
    end: async (whole) => {
      if (whole) await handle.sync();
      await handle.close();
      if (whole) await rename(temporary, file);
      else await rm(temporary, { force: true });
    },
  };
};

export const registerExport = (program: Command): void => {
  program
    .command("export")
    .description("measured points as CSV, from the running daemon or from its store; the last day of everything unless told otherwise")
    .option("--config <FILE>", "site file (YAML); the demo site when absent")
    .option("--points <NAMES>", "points, comma-separated, e.g. space1.zoneAirTempC,site.outdoorAirTempC")
    .option("--from <ISO>", "begin, inclusive", isoTime("--from"))
    .option("--to <ISO>", "end, exclusive", isoTime("--to"))
    .option("--out <FILE>", "write there instead of to standard output")
    .action((options: ExportArguments) =>
      runCommand(async ({ signal, say }) => {
        const { openSiteReader } = await import("#cli/runningSite");
        const { mappingsOf } = await import("#cli/daemon/pointMappings");
        const reader = await openSiteReader(options.config, signal);
        try {
          const { config } = reader;
          const known = [...mappingsOf(config).map(({ point }) => point), ...config.derived.map(({ point }) => point)];
          const wanted = options.points
            ?.split(",")
            .map((name) => name.trim())
            .filter((name) => name !== "");
          const unknown = wanted?.filter((name) => !known.includes(name as PointName)) ?? [];
          if (unknown.length > 0) throw usageError(`The site has no point ${unknown.join(", ")}.`, `It has ${known.join(", ")}.`);
          const points = (wanted ?? known) as readonly PointName[];
          const newestMs = await reader.newestMs(points);
          const toMs = options.to ?? (newestMs ?? 0) + 1;
          const fromMs = options.from ?? toMs - DAY_MS;
          if (!(fromMs < toMs)) throw usageError("The end of the export is not after its begin.", "Choose --from before --to.");
          if (options.out === undefined) await reader.export(points, fromMs, toMs, printText);
          else {
            const sink = await fileSink(options.out);
            let whole = false;
            try {
              const rows = await reader.export(points, fromMs, toMs, sink.write);
              whole = true;
              say(`${rows} rows of ${points.length} points written to ${options.out}.`);
            } finally {
              await sink.end(whole);
            }
          }
        } finally {
          await reader.close();
        }
      }),
    );
};
