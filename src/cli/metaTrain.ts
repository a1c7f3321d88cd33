import type { Command } from "commander";
import { wholeNumber } from "#cli/cliKit";
import { days } from "#cli/dataOptions";
import { runForFigures } from "#cli/figures";
import { fromFiles, fromFolder, type Sources } from "#cli/meta/sourceSegments";
import { writeOutput } from "#cli/outputFile";
import { packageVersion } from "#cli/packageVersion";
import { usageError } from "#domain/errors";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { fileCheckpoint } from "#models/meta/checkpoint";
import { metaTrain } from "#models/metaTrain";
import type { Prior } from "#models/prior";

interface MetaTrainArguments {
  readonly source?: readonly string[];
  readonly sources?: string;
  readonly from: string;
  readonly days: number;
  readonly name: string;
  readonly building: string;
  readonly out: string;
  readonly rounds?: number;
  readonly zonesPerRun: number;
  readonly rows?: number;
  readonly seed: number;
  readonly json?: boolean;
}

const SEGMENTS = "1991-01-01,1991-02-01,1991-04-01,1991-07-01,1991-08-01,1991-10-01";

/** A few weeks of one building: everything in every round, until the optimum is reached. */
const fewWeeks = { rounds: 6, iterationsPerRound: 40, tasksPerRound: null, maxRows: null, isLenient: false, passes: 1 } as const;
/** Hundreds of zone-runs, some rows of each: every round sees some of them, the hierarchy all (models/priors/README.md has what else was tried). */
const manyBuildings = { rounds: 6, iterationsPerRound: 8, tasksPerRound: 56, maxRows: 250, isLenient: true, passes: 1 } as const;

export const registerMetaTrain = (program: Command): void => {
  program
    .command("meta-train")
    .description("learn a kernel prior from many buildings; started again it goes on where it stopped")
    .option("--source <name=file...>", "source data: a name (city or building) and its CSV, repeatable")
    .option("--sources <DIR>", "a folder that `isotherm sources` made, in place of --source")
    .option("--from <dates>", "--source: first days of the segments, comma-separated", SEGMENTS)
    .option("--days <n>", "--source: days per segment", days("--days"), 7)
    .option("--building <id>", "--source: building that the sources share, for the manifest", "unknown")
    .option("--rounds <n>", "rounds of likelihood and least squares at most (default 6)", wholeNumber("--rounds", 1, 20))
    .option("--zones-per-run <n>", "--sources: zones of a run that are learned from", wholeNumber("--zones-per-run", 1, 100), 2)
    .option("--rows <n>", "rows of a segment at most (default all; with --sources 250)", wholeNumber("--rows", 48, 100_000))
    .option("--seed <n>", "which segments a round sees", wholeNumber("--seed", 0, 2 ** 31), 0)
    .requiredOption("--name <id>", "name of the prior")
    .requiredOption("--out <file>", "where to write it")
    .option("--json", "print the figures as JSON")
    .action((options: MetaTrainArguments) =>
      runForFigures(options, async ({ say, progress, signal }) => {
        if ((options.source === undefined) === (options.sources === undefined))
          throw usageError("meta-train needs --source or --sources, one of them.", "Give --source name=file.csv …, or --sources DIR.");
        const la = await createLinearAlgebra("auto");
        const { segments, sources, engine, leftOut, rowsGated }: Sources =
          options.sources === undefined
            ? await fromFiles(options.source!, { starts: options.from.split(","), days: options.days, building: options.building }, say)
            : await fromFolder(options.sources, options.zonesPerRun, say);
        say(`${segments.length} segments of ${sources.length} sources, linear algebra: ${la.name}`);
        const effort = options.sources === undefined ? fewWeeks : manyBuildings;
        const checkpoint = fileCheckpoint(`${options.out}.partial`);
        const learned = await metaTrain(la, segments, {
          ...effort,
          rounds: options.rounds ?? effort.rounds,
          maxRows: options.rows ?? effort.maxRows,
          seed: options.seed,
          checkpoint,
          onProgress: withTimeLeft(progress),
          signal,
        });
        const { logMarginalLikelihoodPerRow, rows, tasks, skipped, leftOutLogLikelihood, ...numbers } = learned;
        for (const { name, reason } of skipped) say(`left out: ${name}: ${reason}`);
        const prior: Prior = {
          schema: "isotherm-prior-2",
          name: options.name,
          model: "thermostat",
          stepS: segments[0]!.data.dataset.stepS,
          ...numbers,
          manifest: {
            made: new Date().toISOString().slice(0, 10),
            version: packageVersion,
            command: commandOf(options, sources),
            seed: options.seed,
            sources: [...sources],
            logMarginalLikelihoodPerRow,
            ...(engine === undefined ? {} : { engine }),
            tasks,
            skipped: [...leftOut, ...skipped],
            ...(leftOutLogLikelihood === undefined ? {} : { leftOutLogLikelihood }),
          },
        };
        await writeOutput(options.out, `${priorText(prior)}\n`);
        checkpoint.remove();
        say(`Wrote ${options.out}.`);
        return {
          name: options.name,
          file: options.out,
          sources: sources.map(({ name }) => name),
          segments: segments.length,
          skipped: leftOut.length + skipped.length,
          rows,
          rowsGated,
          logMarginalLikelihoodPerRow,
          ...(leftOutLogLikelihood === undefined ? {} : { leftOutLogLikelihood }),
        };
      }),
    );
};

/** One entry a line, long lists of numbers on one: a file that can be looked at. */
const priorText = (prior: Prior): string =>
  JSON.stringify(prior, null, 1).replace(
    /\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]/g,
    (_, list: string) => `[${list.replace(/\s+/g, "")}]`,
  );

const commandOf = (options: MetaTrainArguments, sources: Sources["sources"]): string => {
  const { name, building, from, seed, zonesPerRun } = options;
  const rounds = options.rounds === undefined ? "" : ` --rounds ${options.rounds}`;
  const rows = options.rows === undefined ? "" : ` --rows ${options.rows}`;
  return options.sources === undefined
    ? `isotherm meta-train --name ${name} --building ${building} --from ${from} --days ${options.days}${rounds}${rows} --seed ${seed} ${sources.map((source) => `--source ${source.name}=${source.name}.csv`).join(" ")}`
    : `isotherm meta-train --name ${name} --sources DIR --zones-per-run ${zonesPerRun}${rounds}${rows} --seed ${seed}`;
};

/** Adds how long the rest takes, by what has been done since the first sign of progress (a training that goes on does not begin at 0). */
const withTimeLeft = (progress: (fraction: number, text: string) => void) => {
  let first: { readonly ms: number; readonly fraction: number } | null = null;
  return (fraction: number, text: string): void => {
    const ms = performance.now();
    first ??= { ms, fraction };
    const done = fraction - first.fraction;
    const leftS = done > 0 ? ((ms - first.ms) / done / 1000) * (1 - fraction) : Number.NaN;
    progress(
      fraction,
      Number.isFinite(leftS) ? `${text}, about ${leftS < 90 ? `${Math.ceil(leftS)} s` : `${Math.round(leftS / 60)} min`} left` : text,
    );
  };
};
