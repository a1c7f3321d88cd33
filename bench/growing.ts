import { fileURLToPath } from "node:url";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import { createBatchPredictor } from "#math/batchPredictor";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean, median } from "#math/statistics";
import { rowAt, sliceDataset } from "#models/datasetSlice";
import { evaluateZone, type ZoneAccuracy } from "#models/evaluation/evaluateZone";
import { growZone } from "#models/growing/growZone";
import { nystromBound } from "#models/growing/nystromBound";
import { NystromPosterior } from "#models/growing/nystromPosterior";
import { OnlinePosterior } from "#models/growing/onlinePosterior";
import { RowDictionary } from "#models/growing/rowDictionary";
import { exactPosterior, type PosteriorProblem } from "#models/posterior";
import { type Prior, readPrior } from "#models/prior";
import { shippedPriorFor, shippedPriorsFolder } from "#models/shippedPriors";
import { fitZone } from "#models/thermostat/fitZone";
import { hyperparameterSpace, meanCoefficients, residualsOf } from "#models/thermostat/hyperparameters";
import { trainingRows } from "#models/thermostat/trainingRows";
import { type PartialResults, partialResults } from "./partialResults.js";

const WEEK = 672;
const ONLINE_ROWS = 1000;
const cities = ["pittsburgh", "new-york", "port-angeles"] as const;
/** Mondays that begin a test week; the week before is the present, everything before it the past. The first four served to choose the settings, the others did not. */
const tuningDates = ["1991-04-15", "1991-07-15", "1991-09-16", "1991-11-18"] as const;
const freshDates = ["1991-03-11", "1991-05-27", "1991-08-26", "1991-10-28"] as const;

/** The package's folder, from the sources or from dist. */
const yearOf = (city: string): Promise<Dataset> =>
  readDatasetCsv(
    fileURLToPath(
      new URL(
        import.meta.url.includes("/dist/") ? `../../test/data/clue/${city}.csv.gz` : `../test/data/clue/${city}.csv.gz`,
        import.meta.url,
      ),
    ),
  );

const otherCities = (year: Dataset): Prior => {
  const found = shippedPriorFor(year);
  if (found === null)
    throw configurationError("No shipped prior fits the benchmark's data.", {
      todo: `Make them with scripts/makePriors.mjs (${shippedPriorsFolder}).`,
    });
  return readPrior(found.file);
};

/**
 * Data that keep growing: a row's update beside a refit at n = 1,000; a budgeted posterior's error beside its bound; and 24 test weeks predicted from the last
 * seven days exactly and from everything since January at a budget of 1,000 rows, with the prior of the other cities. Started again it goes on at the week where it was ended.
 */
export const benchGrowing = async (print: (line: string) => void): Promise<void> => {
  // One thread: small products do not gain from more, and figures repeat.
  const la = await createLinearAlgebra("auto", { threads: 1 });
  const first = await yearOf(cities[0]);
  const problem = problemOf(la, first, otherCities(first), 4000);
  updates(la, problem, print);
  budgets(la, problem, print);
  const partial = partialResults<Pair>("growing");
  for (const [title, dates] of [
    ["weeks that served to choose the settings", tuningDates],
    ["weeks that did not", freshDates],
  ] as const) {
    print(title);
    await weeks(la, dates, partial, print);
  }
  partial.remove();
};

/** Rows of the year's beginning under the prior's hyperparameters. */
const problemOf = (la: LinearAlgebra, year: Dataset, prior: Prior, length: number): PosteriorProblem => {
  const rows = trainingRows(new DatasetRows(sliceDataset(year, 0, length)), "zone", []);
  const space = hyperparameterSpace(rows.structure, prior);
  const beta = meanCoefficients(rows.structure, prior, year.stepS);
  return {
    la,
    features: rows.structure.features,
    ...space.at(space.start),
    meanCoefficients: beta,
    x: rows.x,
    n: rows.n,
    d: rows.d,
    residuals: residualsOf(rows, beta),
    onWarning: () => undefined,
  };
};

const firstRows = (problem: PosteriorProblem, n: number): PosteriorProblem => ({
  ...problem,
  n,
  x: problem.x.subarray(0, n * problem.d),
  residuals: problem.residuals.subarray(0, n),
});

const elapsedMs = (work: () => unknown): number => {
  const started = performance.now();
  work();
  return performance.now() - started;
};

const updates = (la: LinearAlgebra, problem: PosteriorProblem, print: (line: string) => void): void => {
  const online = OnlinePosterior.of(firstRows(problem, ONLINE_ROWS));
  const { d } = problem;
  const [adding, removing, solving] = [[], [], []] as [number[], number[], number[]];
  for (let i = ONLINE_ROWS; i < ONLINE_ROWS + 200; i++) {
    adding.push(elapsedMs(() => online.add(problem.x.subarray(i * d, (i + 1) * d), problem.residuals[i]!)));
    removing.push(elapsedMs(() => online.remove(0)));
    solving.push(elapsedMs(() => online.alpha));
  }
  const refits = Array.from({ length: 5 }, () => elapsedMs(() => online.refit()));
  const ms = (values: readonly number[]): string => `${median(values).toFixed(2)} (fastest ${Math.min(...values).toFixed(2)})`;
  print(
    `one row at n = ${ONLINE_ROWS} (${la.name}, one thread, medians of 200): add ${ms(adding)} ms, remove the oldest ${ms(removing)} ms, α ${ms(solving)} ms`,
  );
  print(`  together ${ms(adding.map((value, i) => value + removing[i]! + solving[i]!))} ms (limit 5 ms); a refit ${ms(refits)} ms`);
};

const budgets = (la: LinearAlgebra, problem: PosteriorProblem, print: (line: string) => void): void => {
  const n = ONLINE_ROWS;
  print(`budgeted against exact, ${n} rows, 500 queries after them; in brackets the bound`);
  print("noise K  rows kept  largest mean error, standard deviations  variance ratio, least to largest");
  for (const noiseStdDevK of [0.05, 0.3]) {
    const exactProblem = { ...firstRows(problem, n), noiseVariance: noiseStdDevK ** 2 };
    const exact = predictions(la, exactPosterior(exactProblem), problem, n, 500);
    const noise = new Float64Array(n).fill(noiseStdDevK ** 2);
    for (const budget of [200, 400, 700]) {
      const { x, d, residuals } = exactProblem;
      const kept = keptRows(la, exactProblem, budget);
      const nystrom = new NystromPosterior({ ...exactProblem, basisInputs: kept, m: kept.length / d });
      nystrom.add(x, residuals, noise);
      const posterior = nystrom.posterior();
      const found = predictions(la, posterior, problem, n, 500);
      const bound = nystromBound(la, exactProblem.kernel, posterior, x, residuals, noise, d);
      const errors = found.mean.map((value, i) => Math.abs(value - exact.mean[i]!) / Math.sqrt(exact.variance[i]!));
      const ratios = found.variance.map((value, i) => value / exact.variance[i]!).sort();
      print(
        [
          noiseStdDevK.toFixed(2).padStart(7),
          String(kept.length / d).padStart(9),
          `${Math.max(...errors).toFixed(2)} (${bound.meanErrorInStdDevs.toFixed(1)})`.padStart(40),
          `${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)} (${bound.leastVarianceRatio.toPrecision(2)} to ${bound.largestVarianceRatio.toPrecision(2)})`,
        ].join("  "),
      );
    }
  }
};

/** Rows kept by leverage scores alone. */
const keptRows = (la: LinearAlgebra, { kernel, x, n, d, noiseVariance }: PosteriorProblem, budget: number): Float64Array => {
  const dictionary = new RowDictionary({ la, kernel, d, regularisation: noiseVariance, budget });
  dictionary.offer(
    Array.from({ length: n }, (_, i) => i),
    x,
  );
  return dictionary.rows.x;
};

const predictions = (
  la: LinearAlgebra,
  posterior: ReturnType<typeof exactPosterior>,
  { x, d }: PosteriorProblem,
  from: number,
  count: number,
) => {
  const [means, variances] = [new Float64Array(count), new Float64Array(count)];
  createBatchPredictor(la, posterior, count).predict(x.subarray(from * d, (from + count) * d), count, means, variances);
  return { mean: means, variance: variances };
};

const figures = ["rmse1K", "rmse20K", "nlpd", "coverage90"] as const;
type Figures = Readonly<Record<(typeof figures)[number], number>>;
const figuresOf = (accuracy: ZoneAccuracy): Figures => ({
  rmse1K: accuracy.rmse1K,
  rmse20K: accuracy.rmse20K ?? Number.NaN,
  nlpd: accuracy.nlpd,
  coverage90: accuracy.coverage90,
});

interface Pair {
  readonly offered: number;
  readonly kept: number;
  readonly week: Figures;
  readonly grown: Figures;
}

const weeks = async (
  la: LinearAlgebra,
  dates: readonly string[],
  partial: PartialResults<Pair>,
  print: (line: string) => void,
): Promise<void> => {
  print("test week                rows of history  kept  last 7 days exact: rmse1K rmse20K nlpd coverage90 | since January at the budget");
  const pairs: Pair[] = [];
  const shown = (values: Figures): string =>
    `${values.rmse1K.toFixed(3)} ${values.rmse20K.toFixed(2)} ${values.nlpd.toFixed(2).padStart(5)} ${values.coverage90.toFixed(2)}`;
  for (const city of cities) {
    const year = await yearOf(city);
    const prior = otherCities(year);
    for (const date of dates) {
      const name = `${city} ${date}`;
      const known = partial.get(name);
      const pair = known ?? (await weekBeside(la, year, prior, date));
      if (known === undefined) partial.add(name, pair);
      pairs.push(pair);
      const { offered, kept, week, grown } = pair;
      print(`${name.padEnd(23)}  ${String(offered).padStart(15)}  ${String(kept).padStart(4)}  ${shown(week)} | ${shown(grown)}`);
    }
  }
  const means = (which: "week" | "grown"): Figures =>
    Object.fromEntries(figures.map((name) => [name, mean(pairs.map((pair) => pair[which][name]))])) as Record<
      (typeof figures)[number],
      number
    >;
  print(`${"mean".padEnd(46)}  ${shown(means("week"))} | ${shown(means("grown"))}`);
  const better = figures.slice(0, 3).map((name) => `${name} in ${pairs.filter(({ week, grown }) => grown[name] < week[name]).length}`);
  print(`the budgeted year is better in ${better.join(", ")} of ${pairs.length} weeks`);
};

/** The week from `date` on, foretold from the seven days before it and from everything before it. */
const weekBeside = async (la: LinearAlgebra, year: Dataset, prior: Prior, date: string): Promise<Pair> => {
  const at = rowAt(year, Date.parse(`${date}T00:00:00Z`));
  const present = new DatasetRows(sliceDataset(year, at - WEEK, at));
  const tested = new DatasetRows(sliceDataset(year, at - WEEK, at + WEEK));
  const fit = await fitZone(la, present, "zone", [], prior, { budget: null });
  const { structure, toleranceK } = trainingRows(present, "zone", []);
  const { model, selected } = growZone(la, { ...fit, structure, toleranceK }, new DatasetRows(sliceDataset(year, 0, at)), [], prior);
  return {
    offered: selected.offered,
    kept: selected.rows.n,
    week: figuresOf(evaluateZone(la, fit.model, tested, WEEK, 2 * WEEK)),
    grown: figuresOf(evaluateZone(la, model, tested, WEEK, 2 * WEEK)),
  };
};
