import type { Command } from "commander";
import { wholeNumber } from "#cli/cliKit";
import { days, daysFrom, parseDay, readData, zonesOf } from "#cli/dataOptions";
import { runForFigures } from "#cli/figures";
import { writeOutput } from "#cli/outputFile";
import { packageVersion } from "#cli/packageVersion";
import { usageError } from "#domain/errors";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import { metaTrain, type SourceSegment } from "#models/metaTrain";
import type { Prior, PriorSource } from "#models/prior";
import { dayFingerprints } from "#models/shippedPriors";

interface MetaTrainArguments {
  readonly source: readonly string[];
  readonly from: string;
  readonly days: number;
  readonly name: string;
  readonly building: string;
  readonly out: string;
  readonly rounds: number;
  readonly json?: boolean;
}

const SEGMENTS = "1991-01-01,1991-02-01,1991-04-01,1991-07-01,1991-08-01,1991-10-01";

export const registerMetaTrain = (program: Command): void => {
  program
    .command("meta-train")
    .description("learn a kernel prior from many buildings")
    .requiredOption("--source <name=file...>", "source data: a name (city or building) and its CSV, repeatable")
    .option("--from <dates>", "first days of the segments, comma-separated", SEGMENTS)
    .option("--days <n>", "days per segment", days("--days"), 7)
    .option("--building <id>", "building that the sources share, for the manifest", "unknown")
    .option("--rounds <n>", "rounds of likelihood and least squares", wholeNumber("--rounds", 1, 20), 3)
    .requiredOption("--name <id>", "name of the prior")
    .requiredOption("--out <file>", "where to write it")
    .option("--json", "print the figures as JSON")
    .action((options: MetaTrainArguments) =>
      runForFigures(options, async ({ say, progress, signal }) => {
        const la = await createLinearAlgebra("auto");
        const sources: PriorSource[] = [];
        const segments: SourceSegment[] = [];
        const starts = options.from.split(",");
        for (const text of options.source) {
          const at = text.indexOf("=");
          if (at <= 0) throw usageError(`--source ${text} has no name.`, "Write it as pittsburgh=data/pittsburgh.csv.gz.");
          const name = text.slice(0, at);
          const file = text.slice(at + 1);
          const dataset = await readData(file, say);
          let rows = 0;
          for (const start of starts) {
            const { first, end } = daysFrom(dataset, parseDay(start, "--from"), options.days, file, "source");
            rows += end - first;
            const data = new DatasetRows(sliceDataset(dataset, first, end));
            const zones = zonesOf(dataset);
            for (const zone of zones) {
              segments.push({ name: `${name} ${start} ${zone}`, data, zone, neighbours: zones.filter((other) => other !== zone) });
            }
          }
          sources.push({
            name,
            building: options.building,
            weather: name,
            segments: starts,
            rows,
            dayFingerprints: [...dayFingerprints(dataset)],
          });
        }
        say(`${segments.length} segments of ${sources.length} sources, linear algebra: ${la.name}`);
        const learned = await metaTrain(la, segments, { rounds: options.rounds, onProgress: progress, signal });
        const { logMarginalLikelihoodPerRow, rows, ...numbers } = learned;
        const prior: Prior = {
          schema: "isotherm-prior-1",
          name: options.name,
          model: "thermostat",
          stepS: segments[0]!.data.dataset.stepS,
          ...numbers,
          manifest: {
            made: new Date().toISOString().slice(0, 10),
            version: packageVersion,
            command: `isotherm meta-train --name ${options.name} --building ${options.building} --from ${options.from} --days ${options.days} --rounds ${options.rounds} ${sources.map(({ name }) => `--source ${name}=${name}.csv`).join(" ")}`,
            seed: 0,
            sources,
            logMarginalLikelihoodPerRow,
          },
        };
        await writeOutput(options.out, `${JSON.stringify(prior, null, 1)}\n`);
        say(`Wrote ${options.out}.`);
        return {
          name: options.name,
          file: options.out,
          sources: sources.map(({ name }) => name),
          segments: segments.length,
          rows,
          logMarginalLikelihoodPerRow,
        };
      }),
    );
};
