import { choosePrior, daysFrom, gateData, parseDay, readData, zonesOf } from "#cli/dataOptions";
import { type EvaluateArguments, USUAL_TEST_DAYS } from "#cli/evaluateOptions";
import type { Dataset } from "#domain/dataset";
import { configurationError, IsothermError, usageError } from "#domain/errors";
import { DatasetRows } from "#math/datasetRows";
import { rowAt, sliceDataset } from "#models/datasetSlice";
import type { Prior } from "#models/prior";
import { sharedSources } from "#models/shippedPriors";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import type { GateReport } from "#models/trainingGate/report";

const DAY_MS = 86_400_000;

/** What is learned from and what is judged on. */
export interface EvaluationData {
  readonly zones: readonly string[];
  readonly train: Dataset;
  readonly gate: GateReport;
  /** Test rows with everything before them that their lags and slow masses need. */
  readonly test: DatasetRows;
  readonly firstTest: number;
  readonly endTest: number;
  readonly trainDays: number;
  readonly testDays: number;
  readonly testFromMs: number;
  /** The last `days` days before the end of training, through the gate; null where the file does not go back so far or the gate refuses them. */
  lastDays(days: number): Dataset | null;
  /** The prior asked for (see `choosePrior`), which has seen neither training nor test data. */
  prior(): { readonly prior: Prior | null; readonly name: string };
}

const wholeDays = (dataset: Dataset, rows: number): number => Number(((rows * dataset.stepS) / 86_400).toFixed(2));

/** Reads what the command names. Training rows go through the gate, test rows do not: a model is judged on what was logged. */
export const evaluationData = async (options: EvaluateArguments, say: (line: string) => void): Promise<EvaluationData> => {
  const from = parseDay(options.trainFrom, "--train-from");
  const { trainDays } = options;
  if (options.testFrom !== undefined && options.testData === undefined)
    throw usageError("--test-from goes with --test-data.", "Without --test-data the test days follow the training days directly.");
  const dataset = await readData(options.data, say, options.units);
  const all = zonesOf(dataset);
  if (options.zone !== undefined && !all.includes(options.zone))
    throw usageError(`There is no zone ${options.zone} in the data.`, `Choose one of ${all.join(", ")}.`);
  const zones = options.zone === undefined ? all : [options.zone];
  const split = Math.round((trainDays * 86_400) / dataset.stepS);
  const other = options.testData === undefined ? null : await readData(options.testData, say, options.units);
  const { first, end } =
    other === null
      ? daysFrom(dataset, from, trainDays + (options.testDays ?? USUAL_TEST_DAYS), options.data, "training and test")
      : daysFrom(dataset, from, trainDays, options.data, "training");
  const gated = gateData(sliceDataset(dataset, first, first + split), zones, say, options.data);
  const test =
    other === null ? { data: sliceDataset(dataset, first, end), first: split, end: end - first } : testRows(other, dataset, zones, options);
  return {
    zones,
    train: gated.dataset,
    gate: gated.report,
    test: new DatasetRows(test.data),
    firstTest: test.first,
    endTest: test.end,
    trainDays,
    testDays: wholeDays(dataset, test.end - test.first),
    testFromMs: test.data.timesMs[test.first]!,
    lastDays: (days) => {
      const rows = Math.round((days * 86_400) / dataset.stepS);
      const begin = first + split - rows;
      if (begin < 0) return null;
      try {
        return gateTrainingData(sliceDataset(dataset, begin, first + split), zones).dataset;
      } catch (error) {
        if (error instanceof IsothermError) return null;
        throw error;
      }
    },
    prior: () => {
      const chosen = choosePrior(options.prior, dataset, options.data);
      if (other === null || chosen.prior === null) return chosen;
      const shared = sharedSources(chosen.prior, other, [options.testData!]);
      if (shared.length === 0) return chosen;
      if (options.prior === undefined) return { prior: null, name: "none" };
      throw configurationError(`This prior was learned from the very data it would be judged on (${shared.join(", ")}).`, {
        place: { file: options.prior },
        todo: "Choose a prior without that city, leave out --prior, or give `none`.",
      });
    },
  };
};

/** Another file's rows: same zones and step. Its first day only fills the slow masses, unless --test-from says where to begin. */
const testRows = (
  data: Dataset,
  trainedOn: Dataset,
  zones: readonly string[],
  options: EvaluateArguments,
): { readonly data: Dataset; readonly first: number; readonly end: number } => {
  const file = options.testData!;
  const lacking = zones.filter((zone) => !zonesOf(data).includes(zone));
  if (lacking.length > 0)
    throw configurationError(`The test data have no zone ${lacking.join(", ")}.`, {
      place: { file, line: 1 },
      todo: "Give data of the same zones.",
    });
  if (data.stepS !== trainedOn.stepS)
    throw configurationError(`The test data have steps of ${data.stepS} s, the training data of ${trainedOn.stepS} s.`, {
      place: { file },
      todo: "Give data of the same time step.",
    });
  const rows = data.timesMs.length;
  const perDay = Math.round(DAY_MS / (data.stepS * 1000));
  const begin = options.testFrom === undefined ? perDay : rowAt(data, parseDay(options.testFrom, "--test-from"));
  const wanted = options.testDays === undefined ? Math.min(USUAL_TEST_DAYS * perDay, rows - begin) : Math.round(options.testDays * perDay);
  if (wanted < 1 || begin + wanted > rows)
    throw configurationError(
      `The test data hold ${wholeDays(data, rows)} days; the test would need ${wholeDays(data, begin + Math.max(1, wanted))} of them.`,
      {
        place: { file },
        todo: "Give more data, fewer --test-days or an earlier --test-from. Without --test-from the first day only fills the model's memory.",
      },
    );
  return { data, first: begin, end: begin + wanted };
};
