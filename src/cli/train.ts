import type { Command } from "commander";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { choosePrior, daysFrom, parseDay, parseDays, readData, zonesOf } from "#cli/dataOptions";
import { runForFigures } from "#cli/figures";
import { usageError } from "#domain/errors";
import type { LinearAlgebraPreference } from "#math/createLinearAlgebra";
import { sliceDataset } from "#models/datasetSlice";
import { modelToJson } from "#models/modelJson";
import { trainInWorker } from "#models/trainInWorker";

interface TrainArguments {
  readonly data: string;
  readonly trainFrom: string;
  readonly trainDays: string;
  readonly prior?: string;
  readonly budget?: string;
  readonly backend: LinearAlgebraPreference;
  readonly out?: string;
  readonly json?: boolean;
}

export const registerTrain = (program: Command): void => {
  program
    .command("train")
    .description("fit a model to one building's data")
    .requiredOption("--data <file>", "CSV with time and canonical columns (.csv or .csv.gz)")
    .requiredOption("--train-from <date>", "first day, e.g. 1991-01-01")
    .option("--train-days <n>", "days to learn from", "7")
    .option("--prior <file>", "a prior, or none; default: the shipped one that has not seen these data")
    .option("--budget <n>", "inducing inputs per zone at most; default: exact")
    .option("--backend <name>", "auto | reference | wasm | blas", "auto")
    .option("--out <file>", "write the model there")
    .option("--json", "print the figures as JSON")
    .action((options: TrainArguments) =>
      runForFigures(options, async ({ say, progress, signal }) => {
        const budget = options.budget === undefined ? null : Number(options.budget);
        if (budget !== null && !(Number.isInteger(budget) && budget > 0))
          throw usageError(`--budget ${options.budget} is not a number above 0.`);
        const dataset = await readData(options.data, say);
        const { first, end } = daysFrom(
          dataset,
          parseDay(options.trainFrom, "--train-from"),
          parseDays(options.trainDays, "--train-days"),
          options.data,
          "training",
        );
        const { prior } = choosePrior(options.prior, dataset);
        const model = await trainInWorker({
          dataset: sliceDataset(dataset, first, end),
          zones: zonesOf(dataset),
          prior,
          toLocalMs: (timeMs) => timeMs,
          options: { budget },
          backend: options.backend,
          onProgress: progress,
          signal,
        });
        if (options.out !== undefined) {
          await atomicWrite(options.out, `${modelToJson(model)}\n`);
          say(`Wrote ${options.out}.`);
        }
        return {
          version: model.version,
          prior: model.prior,
          zones: model.zones.map(({ zone }) => zone),
          trainRows: model.trainRows,
          spreadBoundK: model.spreadBoundK,
          hasPowerModel: model.power !== null,
          ...model.summary,
        };
      }),
    );
};
