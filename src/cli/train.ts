import type { Command } from "commander";
import { oneOf, wholeNumber } from "#cli/cliKit";
import {
  choosePrior,
  days,
  daysFrom,
  gateData,
  linearAlgebras,
  parseDay,
  readData,
  type TemperatureUnit,
  temperatureUnits,
  zonesOf,
} from "#cli/dataOptions";
import { runForFigures } from "#cli/figures";
import { writeOutput } from "#cli/outputFile";
import type { LinearAlgebraPreference } from "#math/createLinearAlgebra";
import { sliceDataset } from "#models/datasetSlice";
import { modelToJson } from "#models/modelJson";
import { trainInWorker } from "#models/trainInWorker";

interface TrainArguments {
  readonly data: string;
  readonly trainFrom: string;
  readonly trainDays: number;
  readonly prior?: string;
  readonly budget?: number;
  readonly units: TemperatureUnit;
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
    .option("--train-days <n>", "days to learn from", days("--train-days"), 7)
    .option("--prior <file>", "a prior, or none; default: the shipped one that has not seen these data")
    .option("--budget <n>", "inducing inputs per zone at most; default: exact", wholeNumber("--budget", 1))
    .option("--backend <name>", linearAlgebras.join(" | "), oneOf("--backend", linearAlgebras), "auto")
    .option("--units <name>", "degC | degF: what the file's temperatures are in", oneOf("--units", temperatureUnits), "degC")
    .option("--out <file>", "write the model there")
    .option("--json", "print the figures as JSON")
    .action((options: TrainArguments) =>
      runForFigures(options, async ({ say, progress, signal }) => {
        const dataset = await readData(options.data, say, options.units);
        const { first, end } = daysFrom(dataset, parseDay(options.trainFrom, "--train-from"), options.trainDays, options.data, "training");
        const { prior } = choosePrior(options.prior, dataset, options.data);
        const gated = gateData(sliceDataset(dataset, first, end), zonesOf(dataset), say, options.data);
        const model = await trainInWorker({
          dataset: gated.dataset,
          zones: zonesOf(dataset),
          prior,
          toLocalMs: (timeMs) => timeMs,
          options: { budget: options.budget ?? null },
          backend: options.backend,
          onProgress: progress,
          signal,
        });
        if (options.out !== undefined) {
          await writeOutput(options.out, `${modelToJson(model)}\n`);
          say(`Wrote ${options.out}.`);
        }
        return {
          version: model.version,
          prior: model.prior,
          zones: model.zones.map(({ zone }) => zone),
          trainRows: model.trainRows,
          spreadBoundK: model.spreadBoundK,
          rowsGated: gated.report.rowsGated,
          hasPowerModel: model.power !== null,
          ...model.summary,
        };
      }),
    );
};
