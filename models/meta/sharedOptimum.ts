import { factorise } from "#math/gaussianProcess";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { uniform } from "#math/random";
import { hyperparameterBox } from "#models/meta/hyperparameterBox";
import { type SharedObjective, sharedMinimum } from "#models/meta/sharedMinimum";
import { design, localOf, residualsOfTask, type Task, type TaskSet } from "#models/meta/tasks";
import { genericCoefficient, genericHyperparameterPrior, type NormalPrior } from "#models/prior";
import { negativeLogLikelihood } from "#models/thermostat/hyperparameters";

/** What is known after some rounds: enough to go on from there. */
export interface SharedState {
  readonly round: number;
  readonly theta: readonly number[];
  /** Of the last round's tasks. */
  readonly logLikelihoodPerRow: number;
  /** Every task was seen, and no further round would gain anything. */
  readonly isConverged?: boolean;
}

export interface SharedOptions {
  /** At most: where every round sees all tasks, it ends at the optimum. */
  readonly rounds: number;
  readonly iterationsPerRound: number;
  /** Tasks of a round, drawn anew for each; null: all. */
  readonly tasksPerRound: number | null;
  readonly seed: number;
  readonly onIteration: (round: number, iteration: number, negativeLogLikelihoodPerRow: number) => void;
  readonly onRound?: (state: SharedState) => Promise<void>;
  readonly from?: SharedState | null;
  readonly signal?: AbortSignal;
}

const TASK_STREAM = 2 ** 41;

/**
 * The shared θ and β that maximise Σ_s log p(y_s | θ, β) + log p(θ) + log p(β), where β = (Σ_s Φ_sᵀ K_s⁻¹ Φ_s + Λ)⁻¹ (Σ_s Φ_sᵀ K_s⁻¹ y_s + Λ β₀) at any θ
 * (`sharedMinimum`), in rounds. A round may see a part of the tasks only (seeded), so that its time does not grow with them.
 */
export const sharedOptimum = async (
  la: LinearAlgebra,
  set: TaskSet,
  options: SharedOptions,
): Promise<{ readonly theta: Float64Array; readonly beta: Float64Array; readonly logLikelihoodPerRow: number }> => {
  const { names, keys, stepS } = set;
  const { rounds, iterationsPerRound, tasksPerRound, seed, signal } = options;
  const hyperpriors = names.map((name) => genericHyperparameterPrior(name));
  const coefficientPriors = keys.map((key) => genericCoefficient(key, stepS));
  const { start, lower, upper } = hyperparameterBox(names);
  let state: SharedState = options.from ?? { round: 0, theta: [...start], logLikelihoodPerRow: Number.NaN };

  while (state.round < rounds && state.isConverged !== true) {
    const { round } = state;
    const isAll = tasksPerRound === null || tasksPerRound >= set.tasks.length;
    const tasks = isAll ? set.tasks : drawn(set.tasks, tasksPerRound, seed, round);
    const totalRows = tasks.reduce((sum, { rows }) => sum + rows.n, 0);
    const { theta, value, isConverged } = await sharedMinimum(
      {
        coefficients: (at) => leastSquares(la, tasks, at, keys.length, coefficientPriors),
        negativeLogLikelihood: likelihoodOf(la, tasks),
      },
      Float64Array.from(state.theta),
      {
        hyperpriors,
        coefficientPriors,
        // The generic prior weighs as much beside a part of the tasks as beside all of them.
        priorWeight: tasks.length / set.tasks.length,
        lower,
        upper,
        maxIterations: iterationsPerRound,
        onIteration: (iteration, reached) => options.onIteration(round, iteration, reached / totalRows),
        ...(signal === undefined ? {} : { signal }),
      },
    );
    // Other tasks may have more to say.
    state = { round: round + 1, theta: [...theta], logLikelihoodPerRow: -value / totalRows, isConverged: isAll && isConverged };
    await options.onRound?.(state);
  }
  const theta = Float64Array.from(state.theta);
  return {
    theta,
    beta: leastSquares(la, set.tasks, theta, keys.length, coefficientPriors),
    logLikelihoodPerRow: state.logLikelihoodPerRow,
  };
};

/** Σ_s −log p(y_s | θ, β) over these tasks, with its gradient over the shared θ. */
export const likelihoodOf = (la: LinearAlgebra, tasks: readonly Task[]): SharedObjective["negativeLogLikelihood"] => {
  const pool = new MatrixPool();
  return (theta, beta, gradient) => {
    let sum = 0;
    gradient.fill(0);
    for (const task of tasks) {
      const local = new Float64Array(task.hyperparameterAt.length);
      try {
        sum += negativeLogLikelihood(
          la,
          task.rows,
          residualsOfTask(task, beta),
          task.space,
          localOf(task.hyperparameterAt, theta),
          local,
          pool,
        );
      } catch {
        // Not positive definite even with jitter: this θ is outside what the data allow.
        return Number.POSITIVE_INFINITY;
      }
      task.hyperparameterAt.forEach((i, p) => {
        gradient[i]! += local[p]!;
      });
    }
    return sum;
  };
};

/** Some of the tasks, group by group in turn, so that no building fills a round. */
const drawn = (tasks: readonly Task[], count: number, seed: number, round: number): readonly Task[] => {
  const groups = new Map<string, { readonly task: Task; readonly key: number }[]>();
  for (const [i, task] of tasks.entries()) {
    const list = groups.get(task.group) ?? [];
    list.push({ task, key: uniform(seed, TASK_STREAM + round, i) });
    groups.set(task.group, list);
  }
  const lists = [...groups.values()].map((list) => list.sort((a, b) => a.key - b.key)).sort((a, b) => a[0]!.key - b[0]!.key);
  const out: Task[] = [];
  for (let turn = 0; out.length < count; turn++) {
    for (const list of lists) if (turn < list.length && out.length < count) out.push(list[turn]!.task);
  }
  return out;
};

/** β of these tasks at θ, with independent normal priors on the coefficients. */
export const leastSquares = (
  la: LinearAlgebra,
  tasks: readonly Task[],
  theta: Float64Array,
  count: number,
  priors: readonly NormalPrior[],
): Float64Array => {
  const normal = new Float64Array(count * count);
  const right = new Float64Array(count);
  for (const task of tasks) {
    const { kernel, noiseVariance } = task.space.at(localOf(task.hyperparameterAt, theta));
    addInformation(la, task, count, kernel, noiseVariance, normal, right);
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

/** Adds Φᵀ K⁻¹ Φ and Φᵀ K⁻¹ y of one task. */
export const addInformation = (
  la: LinearAlgebra,
  task: Task,
  count: number,
  kernel: Parameters<typeof factorise>[0]["kernel"],
  noiseVariance: number,
  normal: Float64Array,
  right: Float64Array,
): void => {
  const { rows } = task;
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
};
