import { join } from "node:path";
import type { Command } from "commander";
import type { FittedZone } from "#cli/baselineModels";
import { oneOf, wholeNumber } from "#cli/cliKit";
import { choosePrior, days, daysFrom, linearAlgebras, parseDay, readData, zonesOf } from "#cli/dataOptions";
import { type EvaluateResult, evaluationReport } from "#cli/evaluationReport";
import { runForFigures } from "#cli/figures";
import { writeOutput } from "#cli/outputFile";
import { usageError } from "#domain/errors";
import { createLinearAlgebra, type LinearAlgebraPreference } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { DatasetRows } from "#models/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import { evaluateZone, type ZoneAccuracy } from "#models/evaluation/evaluateZone";
import { fitZone } from "#models/thermostat/fitZone";

interface EvaluateArguments {
  readonly data: string;
  readonly trainFrom: string;
  readonly trainDays: number;
  readonly testDays: number;
  readonly prior?: string;
  readonly model: ModelName;
  readonly zone?: string;
  readonly budget?: number;
  readonly backend: LinearAlgebraPreference;
  readonly report?: string;
  readonly seed: number;
  readonly json?: boolean;
}

const models = ["isotherm", "clue", "clue-mended", "ensemble", "arx", "persistence"] as const;
type ModelName = (typeof models)[number];

export const registerEvaluate = (program: Command): void => {
  program
    .command("evaluate")
    .description("accuracy and calibration of a dynamics model on held-out data")
    .requiredOption("--data <file>", "CSV with time and canonical columns (.csv or .csv.gz)")
    .requiredOption("--train-from <date>", "first training day, e.g. 1991-01-01")
    .option("--train-days <n>", "days to learn from", days("--train-days"), 7)
    .option("--test-days <n>", "days to test on, directly after them", days("--test-days"), 7)
    .option("--prior <file>", "a prior, or none; default: the shipped one that has not seen these data")
    .option("--model <name>", models.join(" | "), oneOf("--model", models), "isotherm")
    .option("--zone <id>", "one zone of several")
    .option("--budget <n>", "inducing inputs at most; default: exact", wholeNumber("--budget", 1))
    .option("--backend <name>", linearAlgebras.join(" | "), oneOf("--backend", linearAlgebras), "auto")
    .option("--report <dir>", "write a report there")
    .option("--seed <n>", "random numbers of the ensemble; the other models draw none", wholeNumber("--seed", 0, 2 ** 31), 1)
    .option("--json", "print the figures as JSON")
    .action((options: EvaluateArguments) =>
      runForFigures(options, async ({ say, progress, signal }) => {
        const { model: modelName, trainDays, testDays } = options;
        const from = parseDay(options.trainFrom, "--train-from");
        const dataset = await readData(options.data, say);
        const { first, end } = daysFrom(dataset, from, trainDays + testDays, options.data, "training and test");
        const whole = sliceDataset(dataset, first, end);
        const split = Math.round((trainDays * 86_400) / dataset.stepS);
        const train = sliceDataset(whole, 0, split);
        const zones = options.zone === undefined ? zonesOf(dataset) : [options.zone];
        if (options.zone !== undefined && !zonesOf(dataset).includes(options.zone)) {
          throw usageError(`There is no zone ${options.zone} in the data.`, `Choose one of ${zonesOf(dataset).join(", ")}.`);
        }
        const la = await createLinearAlgebra(options.backend);
        const started = performance.now();
        const fits = await fitAll(modelName, { la, dataset, train, zones, options, say, progress, signal });
        const fitMs = performance.now() - started;
        say(`${modelName}: learned from ${fits.trainRows} rows in ${Math.round(fitMs)} ms (${la.name}), prior ${fits.prior}`);
        const all = new DatasetRows(whole);
        const byZone = Object.fromEntries(
          fits.models.map(({ model, predictor }) => [model.zone, evaluateZone(la, model, all, split, all.length, predictor)]),
        );
        const result: EvaluateResult = {
          model: modelName,
          prior: fits.prior,
          trainRows: fits.trainRows,
          ...average(Object.values(byZone)),
          fitMs,
          linearAlgebra: la.name,
          ...(zones.length > 1 ? { zones: byZone } : {}),
        };
        if (options.report !== undefined) {
          await writeOutput(join(options.report, "evaluation.json"), `${JSON.stringify(result, null, 2)}\n`);
          await writeOutput(
            join(options.report, "evaluation.md"),
            evaluationReport(result, options.data, options.trainFrom, trainDays, testDays),
          );
          say(`Wrote ${join(options.report, "evaluation.md")}.`);
        }
        return result;
      }),
    );
};

interface FitContext {
  readonly la: LinearAlgebra;
  readonly dataset: Parameters<typeof sliceDataset>[0];
  readonly train: Parameters<typeof sliceDataset>[0];
  readonly zones: readonly string[];
  readonly options: EvaluateArguments;
  readonly say: (text: string) => void;
  readonly progress: (fraction: number, text: string) => void;
  readonly signal: AbortSignal;
}

const fitAll = async (
  name: ModelName,
  context: FitContext,
): Promise<{ readonly models: readonly FittedZone[]; readonly prior: string; readonly trainRows: number }> => {
  const { la, dataset, train, zones, options, progress, signal } = context;
  const data = new DatasetRows(train);
  const fitted: FittedZone[] = [];
  let trainRows = 0;
  const chosen = name === "isotherm" ? choosePrior(options.prior, dataset, options.data) : null;
  for (const [i, zone] of zones.entries()) {
    progress(i / zones.length, `${zone}: learning`);
    if (chosen !== null) {
      const fit = await fitZone(
        la,
        data,
        zone,
        zones.filter((other) => other !== zone),
        chosen.prior,
        {
          budget: options.budget ?? null,
          signal,
          onWarning: context.say,
        },
      );
      fitted.push({ model: fit.model });
      trainRows += fit.trainRows;
    } else {
      const { trainBaselineForEvaluation } = await import("#cli/baselineModels");
      fitted.push(await trainBaselineForEvaluation(name, { la, data, zone, seed: options.seed, progress, signal }));
      trainRows += data.length - 1;
    }
  }
  return { models: fitted, prior: chosen?.name ?? fitted[0]?.prior ?? "none", trainRows };
};

const meanOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
};

const average = (zones: readonly ZoneAccuracy[]): ZoneAccuracy => {
  const figure = (of: (one: ZoneAccuracy) => number | null): number | null => meanOf(zones.map(of));
  const largest = zones.map((one) => one.maxAbsOpenLoopErrorK).filter((value) => value !== null);
  return {
    testRows: zones.reduce((sum, one) => sum + one.testRows, 0),
    rmse1K: figure((one) => one.rmse1K)!,
    mae1K: figure((one) => one.mae1K)!,
    nlpd: figure((one) => one.nlpd)!,
    coverage90: figure((one) => one.coverage90)!,
    coverage90ByRegime: {
      idle: figure((one) => one.coverage90ByRegime.idle),
      limited: figure((one) => one.coverage90ByRegime.limited),
      onSetpoint: figure((one) => one.coverage90ByRegime.onSetpoint),
    },
    rmse4K: figure((one) => one.rmse4K),
    rmse20K: figure((one) => one.rmse20K),
    rmse96K: figure((one) => one.rmse96K),
    persistenceRmse1K: figure((one) => one.persistenceRmse1K)!,
    maxAbsOpenLoopErrorK: largest.length === 0 ? null : Math.max(...largest),
    predictMsPer1000: figure((one) => one.predictMsPer1000)!,
  };
};
