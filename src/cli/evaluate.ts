import type { Command } from "commander";
import { oneOf, wholeNumber } from "#cli/cliKit";
import { days, linearAlgebras, temperatureUnits } from "#cli/dataOptions";
import { learningCurve } from "#cli/evaluateCurve";
import { evaluationData } from "#cli/evaluateData";
import { averageAccuracy, evaluateFits, type FitContext, fitModel } from "#cli/evaluateFit";
import { type EvaluateArguments, evaluatedModels, USUAL_TEST_DAYS } from "#cli/evaluateOptions";
import type { EvaluateResult } from "#cli/evaluationReport";
import { runForFigures } from "#cli/figures";
import { writeModelCard } from "#cli/modelCard/writeModelCard";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { ZoneEvaluation } from "#models/evaluation/evaluateZone";

export const registerEvaluate = (program: Command): void => {
  program
    .command("evaluate")
    .description("accuracy and calibration of a dynamics model on held-out data")
    .requiredOption("--data <file>", "CSV with time and canonical columns (.csv or .csv.gz)")
    .requiredOption("--train-from <date>", "first training day, e.g. 1991-01-01")
    .option("--train-days <n>", "days to learn from", days("--train-days"), 7)
    .option("--test-days <n>", `days to test on, directly after them (default: ${USUAL_TEST_DAYS})`, days("--test-days"))
    .option("--test-data <file>", "test on another file of the same zones, e.g. under other setpoints")
    .option("--test-from <date>", "first test day in --test-data; default: its second day")
    .option("--prior <file>", "a prior, or none; default: the shipped one that has not seen these data")
    .option("--model <name>", evaluatedModels.join(" | "), oneOf("--model", evaluatedModels), "isotherm")
    .option("--zone <id>", "one zone of several")
    .option("--budget <n>", "inducing inputs at most; default: exact", wholeNumber("--budget", 1))
    .option("--units <name>", "degC | degF: what the file's temperatures are in", oneOf("--units", temperatureUnits), "degC")
    .option("--backend <name>", linearAlgebras.join(" | "), oneOf("--backend", linearAlgebras), "auto")
    .option("--report <dir>", "write a model card there: model-card.html, evaluation.json and evaluation.md")
    .option("--no-baselines", "leave the other models out of the card")
    .option("--learning-curve", "figures after 0, 1, 3, 7 and 14 days of history; the card has them anyway")
    .option("--seed <n>", "random numbers of the ensemble; the other models draw none", wholeNumber("--seed", 0, 2 ** 31), 1)
    .option("--json", "print the figures as JSON")
    .action((options: EvaluateArguments) =>
      runForFigures(options, async ({ say, progress, signal }) => {
        const { model: name, report } = options;
        const data = await evaluationData(options, say);
        const la = await createLinearAlgebra(options.backend);
        // The card takes most of the time where there is one.
        const share = report === undefined ? 1 : 0.15;
        const context: FitContext = {
          la,
          train: data.train,
          zones: data.zones,
          neighbours: data.zones,
          options,
          say,
          signal,
          progress: (fraction, text) => progress(share * fraction, text),
        };
        const chosen = name === "isotherm" ? data.prior() : { prior: null, name: "none" };
        const fits = await fitModel(name, chosen, context);
        say(`${name}: learned from ${fits.trainRows} rows in ${Math.round(fits.fitMs)} ms (${la.name}), prior ${fits.prior}`);
        const byZone = await evaluateFits(la, fits, data.test, data.firstTest, data.endTest, signal);
        const hardest = hardestZone(byZone);
        const curve =
          report !== undefined || options.learningCurve === true
            ? await learningCurve(hardest, data, name === "isotherm" ? chosen : data.prior(), {
                ...context,
                progress: (fraction, text) => progress(report === undefined ? fraction : 0.15 + 0.35 * fraction, text),
              })
            : null;
        const accuracies = Object.fromEntries([...byZone].map(([zone, { accuracy }]) => [zone, accuracy]));
        const result: EvaluateResult = {
          model: name,
          prior: fits.prior,
          trainRows: fits.trainRows,
          ...averageAccuracy(Object.values(accuracies)),
          fitMs: fits.fitMs,
          linearAlgebra: la.name,
          rowsGated: data.gate.rowsGated,
          ...(data.zones.length > 1 ? { zones: accuracies } : {}),
          ...(curve === null ? {} : { learningCurve: curve }),
        };
        if (report === undefined) return result;
        return writeModelCard(report, {
          options,
          data,
          fits,
          byZone,
          result,
          curve,
          shownZone: hardest,
          context: { ...context, progress: (fraction, text) => progress(0.5 + 0.5 * fraction, text) },
        });
      }),
    );
};

/** The zone with the largest error after 20 steps (after one where there are none): what its details show is the worst. */
const hardestZone = (byZone: ReadonlyMap<string, ZoneEvaluation>): string => {
  const error = ({ accuracy }: ZoneEvaluation): number => accuracy.rmse20K ?? accuracy.rmse1K;
  return [...byZone].reduce((worst, one) => (error(one[1]) > error(worst[1]) ? one : worst))[0];
};
