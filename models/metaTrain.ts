import { configurationError } from "#domain/errors";
import type { DatasetRows } from "#math/datasetRows";
import { factorise } from "#math/gaussianProcess";
import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { mean, standardDeviation } from "#math/statistics";
import { coefficientPrior, hyperparameterPrior, type NormalPrior, type Prior } from "#models/prior";
import { MIN_ROWS, tooFewRows } from "#models/thermostat/fitZone";
import {
  type HyperparameterSpace,
  hyperparameterSpace,
  maximumAPosteriori,
  negativeLogLikelihood,
} from "#models/thermostat/hyperparameters";
import { FIXED_HYPERPARAMETER } from "#models/thermostat/structure";
import { type TrainingRows, trainingRows } from "#models/thermostat/trainingRows";

/** One week of one zone of one source building. */
export interface SourceSegment {
  readonly name: string;
  readonly data: DatasetRows;
  readonly zone: string;
  readonly neighbours: readonly string[];
}

export interface MetaTrainOptions {
  readonly rounds?: number;
  readonly iterationsPerRound?: number;
  readonly onProgress: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

interface Task {
  readonly name: string;
  readonly rows: TrainingRows;
  readonly space: HyperparameterSpace;
  /** Position of each of the task's hyperparameters in the shared θ. */
  readonly hyperparameterAt: readonly number[];
  /** Position of each of the task's columns among the shared coefficients. */
  readonly coefficientAt: readonly number[];
}

const SPREAD_FLOOR = 0.1;
const SPREAD_CEILING = 1;

/**
 * Learns what buildings have in common (meta-kernel learning, after CLUE): the θ that maximises Σ_s log p(y_s | θ, β) + log p(θ) over source
 * segments s, in rounds with β, the generalised least-squares mean coefficients
 * β = (Σ_s Φ_sᵀ K_s⁻¹ Φ_s + Λ)⁻¹ (Σ_s Φ_sᵀ K_s⁻¹ y_s + Λ β₀). The spread of each log hyperparameter is the standard deviation of what each segment
 * prefers for itself (a tempered MAP fit around the shared θ), within [0.1, 1]; that of a coefficient is 1/ℓ of its linear kernel.
 * No segments, segments of different time steps and ones with too few usable rows are refused.
 */
export const metaTrain = async (
  la: LinearAlgebra,
  segments: readonly SourceSegment[],
  options: MetaTrainOptions,
): Promise<
  Pick<Prior, "logHyperparameters" | "meanCoefficients"> & { readonly logMarginalLikelihoodPerRow: number; readonly rows: number }
> => {
  const { rounds = 3, iterationsPerRound = 15, onProgress, signal } = options;
  const stepS = commonStepS(segments);
  const names: string[] = [];
  const keys: string[] = [];
  const indexIn = (list: string[], name: string): number => {
    const found = list.indexOf(name);
    return found >= 0 ? found : list.push(name) - 1;
  };
  const tasks = segments.map(({ name, data, zone, neighbours }): Task => {
    const rows = trainingRows(data, zone, neighbours);
    if (rows.n < MIN_ROWS) throw tooFewRows(name, rows);
    const space = hyperparameterSpace(rows.structure, null);
    return {
      name,
      rows,
      space,
      hyperparameterAt: space.names.map((one) => indexIn(names, one)),
      coefficientAt: rows.structure.columns.map(({ key }) => indexIn(keys, key)),
    };
  });
  const hyperpriors = names.map((name) => hyperparameterPrior(null, name));
  const coefficientPriors = keys.map((key) => coefficientPrior(null, key, stepS));
  let theta: Float64Array = Float64Array.from(hyperpriors, ({ location }) => location);
  let beta: Float64Array = Float64Array.from(coefficientPriors, ({ location }) => location);
  const lower = theta.map((location, i) =>
    names[i] === FIXED_HYPERPARAMETER ? location : names[i] === "noiseVariance" ? 2 * Math.log(1e-3) : location - 6,
  );
  const upper = theta.map((location, i) => (names[i] === FIXED_HYPERPARAMETER ? location : location + 6));
  const totalRows = tasks.reduce((sum, { rows }) => sum + rows.n, 0);
  let value = Number.POSITIVE_INFINITY;
  const pool = new MatrixPool();

  for (let round = 0; round < rounds; round++) {
    signal?.throwIfAborted();
    beta = leastSquares(la, tasks, theta, keys.length, coefficientPriors);
    const residuals = tasks.map((task) => residualsOf(task, beta));
    const result = await minimiseAsync(
      (at, gradient) => {
        let sum = 0;
        gradient.fill(0);
        tasks.forEach((task, s) => {
          if (!Number.isFinite(sum)) return;
          const local = Float64Array.from(task.hyperparameterAt, (i) => at[i]!);
          const localGradient = new Float64Array(local.length);
          try {
            sum += negativeLogLikelihood(la, task.rows, residuals[s]!, task.space, local, localGradient, pool);
          } catch {
            sum = Number.POSITIVE_INFINITY;
          }
          task.hyperparameterAt.forEach((i, p) => {
            gradient[i]! += localGradient[p]!;
          });
        });
        hyperpriors.forEach(({ location, spread }, i) => {
          const z = (at[i]! - location) / spread;
          sum += 0.5 * z * z;
          gradient[i]! += z / spread;
        });
        return sum;
      },
      theta,
      {
        lower,
        upper,
        maxIterations: iterationsPerRound,
        ...(signal === undefined ? {} : { signal }),
        onIteration: ({ iteration, value: now }) =>
          onProgress(
            (round + iteration / iterationsPerRound) / (rounds + 0.5),
            `round ${round + 1} of ${rounds}, iteration ${iteration}: −log likelihood ${(now / totalRows).toFixed(4)} per row`,
          ),
      },
    );
    theta = Float64Array.from(result.x);
    value = result.value;
  }
  const preferred = await segmentOptima(la, tasks, theta, beta, signal, (done) =>
    onProgress((rounds + (0.5 * done) / tasks.length) / (rounds + 0.5), `what segment ${done} of ${tasks.length} prefers for itself`),
  );
  const linearSpread = (key: string): number => {
    const at = names.indexOf(`linear.lengthscale.${key}`);
    return at < 0 ? 1 : Math.min(1, Math.max(1e-3, Math.exp(-theta[at]!)));
  };
  return {
    logHyperparameters: Object.fromEntries(
      names.map((name, i): [string, NormalPrior] => [name, { location: theta[i]!, spread: preferred[i]! }]),
    ),
    meanCoefficients: Object.fromEntries(
      keys.map((key, i): [string, NormalPrior] => [key, { location: beta[i]!, spread: linearSpread(key) }]),
    ),
    logMarginalLikelihoodPerRow: -value / totalRows,
    rows: totalRows,
  };
};

const commonStepS = (segments: readonly SourceSegment[]): number => {
  const steps = [...new Set(segments.map(({ data }) => data.dataset.stepS))];
  if (steps.length === 1) return steps[0]!;
  throw configurationError(
    steps.length === 0 ? "There is no source to learn from." : `The sources have different time steps: ${steps.join(" s, ")} s.`,
    { todo: "Give sources of one time step." },
  );
};

/** Φ_s with equal keys added up, n×keys. */
const design = ({ rows, coefficientAt }: Task, count: number): Float64Array => {
  const phi = new Float64Array(rows.n * count);
  for (let i = 0; i < rows.n; i++) {
    coefficientAt.forEach((at, c) => {
      phi[i * count + at]! += rows.x[i * rows.d + c]!;
    });
  }
  return phi;
};

const residualsOf = ({ rows, coefficientAt }: Task, beta: Float64Array): Float64Array =>
  rows.y.map((y, i) => {
    let fitted = 0;
    coefficientAt.forEach((at, c) => {
      fitted += beta[at]! * rows.x[i * rows.d + c]!;
    });
    return y - fitted;
  });

const leastSquares = (
  la: LinearAlgebra,
  tasks: readonly Task[],
  theta: Float64Array,
  count: number,
  priors: readonly NormalPrior[],
): Float64Array => {
  const normal = new Float64Array(count * count);
  const right = new Float64Array(count);
  for (const task of tasks) {
    const { rows, space } = task;
    const { kernel, noiseVariance } = space.at(Float64Array.from(task.hyperparameterAt, (i) => theta[i]!));
    const { choleskyLower } = factorise({
      la,
      kernel,
      x: rows.x,
      n: rows.n,
      d: rows.d,
      y: rows.y,
      noiseVariance: new Float64Array(rows.n).fill(noiseVariance),
      onWarning: () => undefined,
    });
    const phi = design(task, count);
    la.solveLower(rows.n, count, choleskyLower, phi, false);
    const y = rows.y.slice();
    la.solveLower(rows.n, 1, choleskyLower, y, false);
    la.gemm(true, false, count, count, rows.n, 1, phi, phi, 1, normal);
    la.gemm(true, false, count, 1, rows.n, 1, phi, y, 1, right);
  }
  priors.forEach(({ location, spread }, i) => {
    normal[i * count + i]! += 1 / spread ** 2;
    right[i]! += location / spread ** 2;
  });
  if (la.cholesky(count, normal) !== 0) throw new RangeError("The mean coefficients are not determined by these sources.");
  la.solveLower(count, 1, normal, right, false);
  la.solveLower(count, 1, normal, right, true);
  return right;
};

/** Standard deviation over segments of the θ that each prefers near the shared one. */
const segmentOptima = async (
  la: LinearAlgebra,
  tasks: readonly Task[],
  theta: Float64Array,
  beta: Float64Array,
  signal: AbortSignal | undefined,
  onSegment: (done: number) => void,
): Promise<Float64Array> => {
  const found: number[][] = Array.from(theta, () => []);
  let done = 0;
  for (const task of tasks) {
    signal?.throwIfAborted();
    const start = Float64Array.from(task.hyperparameterAt, (i) => theta[i]!);
    const space = { ...task.space, start, priors: task.space.names.map((_, p) => ({ location: start[p]!, spread: 0.5 })) };
    const { x } = await maximumAPosteriori(la, task.rows, residualsOf(task, beta), space, {
      likelihoodPower: 0.1,
      maxIterations: 6,
      ...(signal === undefined ? {} : { signal }),
    });
    task.hyperparameterAt.forEach((i, p) => {
      found[i]!.push(x[p]!);
    });
    onSegment(++done);
  }
  return Float64Array.from(found, (values) =>
    Math.min(
      SPREAD_CEILING,
      Math.max(SPREAD_FLOOR, values.length > 1 ? standardDeviation(values, 1) : mean([SPREAD_FLOOR, SPREAD_CEILING])),
    ),
  );
};
