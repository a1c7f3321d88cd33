import type { Command } from "commander";
import { oneOf, wholeNumber } from "#cli/cliKit";
import { days, linearAlgebras, temperatureUnits } from "#cli/dataOptions";
import { type CurvePoint, figures, learningCurve } from "#cli/evaluateCurve";
import { evaluationData } from "#cli/evaluateData";
import { averageAccuracy, evaluateFits, evaluatePower, type FitContext, fitModel } from "#cli/evaluateFit";
import { type EvaluateArguments, evaluatedModels, USUAL_TEST_DAYS } from "#cli/evaluateOptions";
import type { EvaluateResult } from "#cli/evaluationReport";
import { runForFigures } from "#cli/figures";
import { learnRivals, type Rival } from "#cli/modelCard/rivals";
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
        const part =
          (from: number, to: number) =>
          (fraction: number, text: string): void =>
            progress(from + (to - from) * fraction, text);
        const isCard = report !== undefined;
        const context: FitContext = {
          la,
          train: data.train,
          zones: data.zones,
          neighbours: data.zones,
          options,
          say,
          signal,
          // The other models and the learning curve take most of the time where they are wanted.
          progress: isCard ? part(0, 0.1) : progress,
        };
        const chosen = name === "isotherm" ? data.prior() : { prior: null, name: "none" };
        const fits = await fitModel(name, chosen, context);
        say(`${name}: learned from ${fits.trainRows} rows in ${Math.round(fits.fitMs)} ms (${la.name}), prior ${fits.prior}`);
        const byZone = await evaluateFits(la, fits, data.test, data.firstTest, data.endTest, signal);
        const power = await evaluatePower(context, fits, data.test, data.firstTest, data.endTest);
        const hardest = hardestZone(byZone);
        const rivals = isCard && options.baselines ? await learnRivals(options, data, { ...context, progress: part(0.1, 0.5) }) : [];
        const curve =
          isCard || options.learningCurve === true
            ? await learningCurve(
                hardest,
                data,
                name === "isotherm" ? chosen : data.prior(),
                { ...context, progress: isCard ? part(0.5, 0.97) : progress },
                knownPoints(hardest, data.trainDays, name, chosen.prior !== null, byZone, fits.fitMs, rivals),
              )
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
          ...(power === null ? {} : { power }),
          ...(curve === null ? {} : { learningCurve: curve }),
        };
        if (report === undefined) return result;
        return writeModelCard(report, {
          options,
          data,
          fits,
          byZone,
          result,
          rivals,
          curve,
          shownZone: hardest,
          context: { ...context, progress },
        });
      }),
    );
};

/** Points of the learning curve that are known already: this model's, and CLUE's where it was learned beside it. Fits of several zones took longer than one. */
const knownPoints = (
  zone: string,
  days: number,
  name: string,
  hasPrior: boolean,
  byZone: ReadonlyMap<string, ZoneEvaluation>,
  fitMs: number,
  rivals: readonly Rival[],
): readonly CurvePoint[] => {
  const clue = rivals.find((rival) => rival.name === "clue");
  const clueHere = clue?.byZone.get(zone);
  const own = byZone.get(zone)!.accuracy;
  return [
    ...(name === "isotherm"
      ? [{ model: hasPrior ? "with prior" : "without prior", days, ...figures(own), fitMs: fitMs / byZone.size } as const]
      : []),
    ...(clueHere === undefined ? [] : [{ model: "clue", days, ...figures(clueHere), fitMs: clue!.fitMs / byZone.size } as const]),
  ];
};

/** The zone with the largest error after 20 steps (after one where there are none): what its details show is the worst. */
const hardestZone = (byZone: ReadonlyMap<string, ZoneEvaluation>): string => {
  const error = ({ accuracy }: ZoneEvaluation): number => accuracy.rmse20K ?? accuracy.rmse1K;
  return [...byZone].reduce((worst, one) => (error(one[1]) > error(worst[1]) ? one : worst))[0];
};
