import { fileURLToPath } from "node:url";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import type { FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { BuildingModel, PosteriorData } from "#domain/model";
import type { PointName } from "#domain/points";
import type { RolloutRequest } from "#domain/rollout";
import { DatasetRows } from "#math/datasetRows";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { minimise } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { clueRows, clueTerms } from "#models/baselines/clueKernel";
import { sliceDataset } from "#models/datasetSlice";
import { budgetedPosterior, exactPosterior, type PosteriorProblem } from "#models/posterior";
import { seededRandom } from "../seededRandom.js";

const WEEK = 672;
export const ROLLOUT_SAMPLES = 1000;
export const ROLLOUT_STEPS = 20;
const NOISE_START = 1e-3;
const FIT_ITERATIONS = 40;

/** The temperature and the two setpoints; what follows them is weather and occupancy. */
export const CONTROLLED_COLUMNS = 3;

/** CLUE's problem: one zone, a week of rows, its inputs, under one Matérn-5/2 kernel with a lengthscale for each; increments of temperature. */
export interface RolloutCase {
  readonly problem: PosteriorProblem;
  readonly outputScale: number;
  readonly lengthscales: readonly number[];
  readonly exact: BuildingModel;
  budgeted(m: number): BuildingModel;
  /** Random setpoints with the weather of the morning `day` days after the week. */
  request(day: number): RolloutRequest;
  /** The inputs of every step with 0 in the controlled columns. */
  rows(request: RolloutRequest): readonly (readonly number[])[];
}

/** The package's folder, from the sources or from dist. */
const logged = (): string =>
  fileURLToPath(
    new URL(
      import.meta.url.includes("/dist/") ? "../../../test/data/clue/new-york.csv.gz" : "../../test/data/clue/new-york.csv.gz",
      import.meta.url,
    ),
  );

const kernelAt = (logs: ArrayLike<number>, d: number): KernelSpec => ({
  kind: "scale",
  outputScale: Math.exp(logs[0]!),
  base: { kind: "matern52", lengthscales: Array.from({ length: d }, (_, c) => Math.exp(logs[1 + c]!)) },
});

/** Hyperparameters by maximum marginal likelihood, logarithms: output scale, lengthscales, noise variance. */
const likeliest = (la: LinearAlgebra, x: Float64Array, n: number, d: number, y: Float64Array): Float64Array => {
  const pool = new MatrixPool();
  const noiseGroup = new Uint8Array(n);
  const start = new Float64Array(d + 2);
  start[d + 1] = Math.log(NOISE_START);
  const objective = (logs: Float64Array, gradient: Float64Array): number => {
    const logNoiseVariance = logs.slice(d + 1);
    const kernel = kernelAt(logs, d);
    const result = logMarginalLikelihoodAndGradient({ la, kernel, x, n, d, y, logNoiseVariance, noiseGroup, onWarning: () => {}, pool });
    result.kernelGradient.forEach((value, i) => {
      gradient[i] = -value / n;
    });
    gradient[d + 1] = -result.noiseGradient[0]! / n;
    return -result.logMarginalLikelihood / n;
  };
  const lower = start.map((_, i) => (i === d + 1 ? Math.log(1e-5) : -1.5));
  const upper = start.map((_, i) => (i === d + 1 ? 0 : 4));
  return minimise(objective, start, { lower, upper, maxIterations: FIT_ITERATIONS }).x;
};

/** Standard deviation of each column, 1 where it is constant. */
const scalesOf = (x: Float64Array, n: number, d: number): number[] =>
  Array.from({ length: d }, (_, c) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < n; i++) {
      sum += x[i * d + c]!;
      squares += x[i * d + c]! ** 2;
    }
    const variance = squares / n - (sum / n) ** 2;
    return variance > 1e-12 ? Math.sqrt(variance) : 1;
  });

export const clueRolloutCase = async (la: LinearAlgebra): Promise<RolloutCase> => {
  const year = await readDatasetCsv(logged());
  const data = new DatasetRows(sliceDataset(year, 0, WEEK + 1));
  const raw = clueRows(data, "zone", "mended");
  const terms = clueTerms(data, "zone", "mended");
  // Temperature and setpoints first.
  const order = [0, terms.length - 2, terms.length - 1, ...terms.map((_, c) => c).slice(1, -2)];
  const [n, d] = [Math.min(WEEK, raw.n), raw.d];
  const picked = Float64Array.from({ length: n * d }, (_, i) => raw.x[Math.floor(i / d) * d + order[i % d]!]!);
  const scales = scalesOf(picked, n, d);
  const x = picked.map((value, i) => value / scales[i % d]!);
  const residuals = Float64Array.from({ length: n }, (_, i) => raw.y[i]! - raw.x[i * d]!);
  const logs = likeliest(la, x, n, d, residuals);
  const features: FeatureSpec = order.map((c, i) => ({ term: terms[c]!, scale: scales[i]! }));
  const problem: PosteriorProblem = {
    la,
    features,
    kernel: kernelAt(logs, d),
    meanCoefficients: new Float64Array(d),
    x,
    n,
    d,
    residuals,
    noiseVariance: Math.exp(logs[d + 1]!),
    onWarning: () => undefined,
  };
  const disturbances = order.slice(CONTROLLED_COLUMNS).map((c): PointName => {
    const term = terms[c]!;
    if (term.kind !== "disturbance") throw new RangeError("A column that is neither weather nor occupancy.");
    return term.point;
  });
  const later = new DatasetRows(year);
  return {
    problem,
    outputScale: Math.exp(logs[0]!),
    lengthscales: Array.from(logs.slice(1, 1 + d), Math.exp),
    exact: modelOf(exactPosterior(problem)),
    budgeted: (m) => modelOf(budgetedPosterior(problem, m)),
    request: (day) => requestOf(later, disturbances, WEEK + 96 * day + 20),
    rows: ({ disturbances: values }) =>
      Array.from({ length: ROLLOUT_STEPS }, (_, t) =>
        scales.map((scale, i) => (i < CONTROLLED_COLUMNS ? 0 : values.get(disturbances[i - CONTROLLED_COLUMNS]!)![t]! / scale)),
      ),
  };
};

/** Spreads are the latent standard deviation of each step by itself, so that they can be compared. */
const modelOf = (posterior: PosteriorData): BuildingModel => ({
  version: "bench",
  kind: "bench",
  stepS: 900,
  zones: [
    {
      zone: "zone",
      transition: "increment",
      posterior,
      noiseVarianceK2: 0,
      heldOffsetK: 0,
      heldStdDevK: 0,
      stateGain: 0,
      spreadScale: 1,
    },
  ],
  power: null,
  spreadBoundK: 1,
  trainedFromMs: 0,
  trainedToMs: 0,
  trainRows: posterior.m,
  prior: "none",
  summary: {},
});

const requestOf = (data: DatasetRows, points: readonly PointName[], first: number): RolloutRequest => {
  const random = seededRandom(first);
  const size = ROLLOUT_SAMPLES * ROLLOUT_STEPS;
  const column = (point: PointName): Float64Array => data.column(point).slice(first, first + ROLLOUT_STEPS);
  return {
    count: ROLLOUT_SAMPLES,
    horizonSteps: ROLLOUT_STEPS,
    heatingSetpointC: Float64Array.from({ length: size }, () => 15 + 7 * random()),
    coolingSetpointC: Float64Array.from({ length: size }, () => 24 + 6 * random()),
    initial: {
      temperaturesC: [Float64Array.of(data.column("zone.zoneAirTempC")[first]!)],
      slowMeans: new Map(),
      heatingSetpointC: Float64Array.of(15),
      coolingSetpointC: Float64Array.of(30),
      disturbances: new Map(points.map((point) => [point, data.column(point)[first - 1]!] as const)),
    },
    disturbances: new Map(points.map((point) => [point, column(point)] as const)),
    localMs: Float64Array.from({ length: ROLLOUT_STEPS }, (_, t) => (first + t) * 900_000),
  };
};
