import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { addInformation } from "#models/meta/sharedOptimum";
import { localOf, residualsOfTask, type Task, type TaskSet } from "#models/meta/tasks";
import { maximumAPosteriori, negativeLogLikelihood } from "#models/thermostat/hyperparameters";
import { FIXED_HYPERPARAMETER } from "#models/thermostat/structure";

/**
 * What one task says of z = (log hyperparameters, mean coefficients), as a quadratic: log p(y_s | z) ≈ const − ½ zᵀ A z + rᵀ z. Of the log
 * hyperparameters the curvature's diagonal is kept, of the coefficients all of it. Names that the task lacks have zeros.
 */
export interface TaskSummary {
  readonly name: string;
  readonly group: string;
  /** Diagonal of A over the log hyperparameters; 0 for those that are not learnt here (`isLearnt`). */
  readonly curvature: readonly number[];
  /** r over the log hyperparameters. */
  readonly pull: readonly number[];
  /** A over the coefficients, keys × keys. */
  readonly information: readonly number[];
  /** r over the coefficients. */
  readonly right: readonly number[];
}

/** γ in γ log p(y | z): neighbouring quarter hours are alike, thinned ones less so (see `MapOptions.likelihoodPower`). */
export const TASK_LIKELIHOOD_POWER = 0.3;
/** Begins the names of the linear part's lengthscales. */
export const LINEAR = "linear.lengthscale.";
/** Where a task looks for its own optimum, in logarithms. */
export const SEARCH_SPREAD = 0.5;
const ITERATIONS = 6;
const CURVATURE_STEP = 0.05;

/**
 * A task's optimum near the shared θ (tempered MAP, L-BFGS), the curvature there by differences of the gradient, and the information on its coefficients without
 * the linear part of the kernel, which is their prior. A hyperparameter of which the likelihood is not concave counts as not informed.
 */
export const summarise = async (
  la: LinearAlgebra,
  set: TaskSet,
  task: Task,
  theta: Float64Array,
  beta: Float64Array,
  signal?: AbortSignal,
): Promise<TaskSummary> => {
  const { names, keys } = set;
  const start = localOf(task.hyperparameterAt, theta);
  const residuals = residualsOfTask(task, beta);
  const space = {
    ...task.space,
    start,
    // The widest limits of the generic prior: the shared θ lies inside them.
    priors: task.space.names.map((_, p) => ({ location: start[p]!, spread: SEARCH_SPREAD })),
  };
  const { x } = await maximumAPosteriori(la, task.rows, residuals, space, {
    likelihoodPower: TASK_LIKELIHOOD_POWER,
    maxIterations: ITERATIONS,
    ...(signal === undefined ? {} : { signal }),
  });
  signal?.throwIfAborted();
  const pool = new MatrixPool();
  const gradientAt = (at: Float64Array): Float64Array => {
    const gradient = new Float64Array(at.length);
    negativeLogLikelihood(la, task.rows, residuals, task.space, at, gradient, pool);
    return gradient;
  };
  const here = gradientAt(x);
  const curvature = new Float64Array(names.length);
  const pull = new Float64Array(names.length);
  // A name may stand several times (one lengthscale a neighbour): each says its part.
  for (let p = 0; p < x.length; p++) {
    const name = task.space.names[p]!;
    if (!isLearnt(name)) continue;
    const moved = x.slice();
    moved[p]! += CURVATURE_STEP;
    let bent: number;
    try {
      bent = (TASK_LIKELIHOOD_POWER * (gradientAt(moved)[p]! - here[p]!)) / CURVATURE_STEP;
    } catch {
      // Not positive definite a step further on: nothing is known of the curvature there.
      continue;
    }
    if (!(bent > 0)) continue;
    const i = task.hyperparameterAt[p]!;
    curvature[i]! += bent;
    pull[i]! += bent * x[p]! - TASK_LIKELIHOOD_POWER * here[p]!;
  }
  const { kernel, noiseVariance } = task.space.at(withoutLinear(task, x));
  const information = new Float64Array(keys.length ** 2);
  const right = new Float64Array(keys.length);
  addInformation(la, task, keys.length, kernel, noiseVariance, information, right);
  const tempered = (value: number): number => TASK_LIKELIHOOD_POWER * value;
  return {
    name: task.name,
    group: task.group,
    curvature: [...curvature],
    pull: [...pull],
    information: Array.from(information, tempered),
    right: Array.from(right, tempered),
  };
};

/** Linear lengthscales are the spreads of coefficients, which the coefficients themselves tell; the fixed one is none. */
export const isLearnt = (name: string): boolean => name !== FIXED_HYPERPARAMETER && !name.startsWith(LINEAR);

/** θ with the linear part shut off: lengthscales so long that it explains nothing. */
const withoutLinear = (task: Task, theta: Float64Array): Float64Array =>
  theta.map((value, p) => (task.space.names[p]!.startsWith(LINEAR) ? 15 : value));
