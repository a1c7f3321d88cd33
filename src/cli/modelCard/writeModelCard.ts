import { join } from "node:path";
import type { LearningCurve } from "#cli/evaluateCurve";
import type { EvaluationData } from "#cli/evaluateData";
import { averageAccuracy, breathe, type FitContext, type Fits } from "#cli/evaluateFit";
import type { EvaluateArguments } from "#cli/evaluateOptions";
import { type EvaluateResult, evaluationReport } from "#cli/evaluationReport";
import type { CardModel, HourErrors, ModelCard } from "#cli/modelCard/cardData";
import { createModelCard } from "#cli/modelCard/createModelCard";
import { evaluateCommand } from "#cli/modelCard/evaluateCommand";
import { fanWeekOf } from "#cli/modelCard/fanWeek";
import { writeOutput } from "#cli/outputFile";
import { packageVersion } from "#cli/packageVersion";
import { DatasetRows } from "#math/datasetRows";
import { localHour } from "#math/features";
import { mean, quantile } from "#math/statistics";
import { dataCoverage } from "#models/evaluation/dataCoverage";
import type { ZoneEvaluation } from "#models/evaluation/evaluateZone";
import { reliability } from "#models/evaluation/predictions";
import { sensitivity } from "#models/evaluation/sensitivity";

export interface CardRequest {
  readonly options: EvaluateArguments;
  readonly data: EvaluationData;
  readonly fits: Fits;
  readonly byZone: ReadonlyMap<string, ZoneEvaluation>;
  readonly result: EvaluateResult;
  readonly rivals: readonly CardModel[];
  readonly curve: LearningCurve | null;
  readonly shownZone: string;
  readonly context: FitContext;
}

/** Draws the card and writes model-card.html, evaluation.json and evaluation.md, each whole or not at all. Returns the figures. */
export const writeModelCard = async (folder: string, request: CardRequest): Promise<EvaluateResult> => {
  const { options, data, context, rivals } = request;
  const own: CardModel = {
    name: request.result.model,
    prior: request.result.prior,
    accuracy: averageAccuracy([...request.byZone.values()].map(({ accuracy }) => accuracy)),
    fitMs: request.result.fitMs,
  };
  const result: EvaluateResult = {
    ...request.result,
    ...(rivals.length === 0
      ? {}
      : {
          baselines: Object.fromEntries(
            rivals.map(({ name, accuracy, fitMs, note }) => [name, accuracy === null ? { note } : { ...accuracy, fitMs }]),
          ),
        }),
  };
  context.progress(0.97, "drawing the card");
  await breathe(context.signal);
  const page = createModelCard(await cardOf({ ...request, result }, [own, ...rivals]));
  context.signal.throwIfAborted();
  // The page last: where it is, everything is.
  await writeOutput(join(folder, "evaluation.json"), `${JSON.stringify(result, null, 2)}\n`);
  await writeOutput(
    join(folder, "evaluation.md"),
    evaluationReport(result, options.data, options.trainFrom, data.trainDays, data.testDays),
  );
  await writeOutput(join(folder, "model-card.html"), page);
  context.say(`Wrote ${join(folder, "model-card.html")}, evaluation.json and evaluation.md.`);
  return result;
};

const cardOf = async (request: CardRequest, models: readonly CardModel[]): Promise<ModelCard> => {
  const { options, data, fits, byZone, result, curve, shownZone, context } = request;
  const { test, train, zones, firstTest, endTest } = data;
  const evaluations = [...byZone.values()];
  const pooled = (of: (one: ZoneEvaluation) => { errorsK: readonly number[]; stdDevsK: readonly number[] }) =>
    reliability({ errorsK: evaluations.flatMap((one) => of(one).errorsK), stdDevsK: evaluations.flatMap((one) => of(one).stdDevsK) });
  const shown = fits.zones.find(({ model }) => model.zone === shownZone)!;
  await breathe(context.signal);
  const weekRows = Math.min(endTest - firstTest, Math.round((7 * 86_400) / train.stepS));
  const trained = new DatasetRows(train);
  const neighbourOf = new Map<number, string>();
  shown.model.posterior.features.forEach(({ term }, column) => {
    if (term.kind === "neighbour") neighbourOf.set(column, term.point.slice(0, term.point.lastIndexOf(".")));
  });
  return {
    result,
    command: evaluateCommand(options),
    dataFile: options.data,
    testFile: options.testData ?? null,
    trainFromMs: train.timesMs[0]!,
    trainToMs: train.timesMs.at(-1)!,
    testFromMs: test.dataset.timesMs[firstTest]!,
    testToMs: test.dataset.timesMs[endTest - 1]!,
    stepS: train.stepS,
    trainDays: data.trainDays,
    testDays: data.testDays,
    zones,
    shownZone,
    versions: { isotherm: packageVersion, node: process.version, linearAlgebra: context.la.name },
    models,
    curve,
    reliability: [
      { name: "1 step", points: pooled(({ oneStep }) => oneStep) },
      { name: "4 steps", points: pooled(({ after4 }) => after4) },
      { name: "20 steps", points: pooled(({ after20 }) => after20) },
    ].filter(({ points }) => points.length > 0),
    hours: hourErrors(evaluations, test),
    fanWeek: fanWeekOf(context.la, shown, test, firstTest, firstTest + weekRows),
    // Networks have no posterior whose gradient could be taken.
    sensitivity: shown.predictor === undefined ? sensitivity(context.la, shown.model) : null,
    neighbourOf,
    coverage: zones.map((zone) => ({ zone, coverage: dataCoverage(trained, zone) })),
    gate: data.gate,
  };
};

const hourErrors = (evaluations: readonly ZoneEvaluation[], test: DatasetRows): readonly HourErrors[] => {
  const byHour = Array.from({ length: 24 }, (): number[] => []);
  for (const { oneStep } of evaluations)
    for (const [i, row] of oneStep.rows.entries()) byHour[Math.floor(localHour(test.localMs(row) - 1))]!.push(oneStep.errorsK[i]!);
  return byHour.flatMap((errors, hour) =>
    errors.length === 0
      ? []
      : [{ hour, count: errors.length, meanK: mean(errors), p10K: quantile(errors, 0.1), p90K: quantile(errors, 0.9) }],
  );
};
