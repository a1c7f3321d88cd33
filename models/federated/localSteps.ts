import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import type { CoordinatorMessage, StatisticsReply, StepReply, SummaryReply } from "#models/federated/protocol";
import { hyperparameterBox } from "#models/federated/sharedNames";
import { addInformation } from "#models/meta/sharedOptimum";
import { summarise } from "#models/meta/taskSummary";
import { localOf, residualsOfTask, type TaskSet } from "#models/meta/tasks";
import { negativeLogLikelihood } from "#models/thermostat/hyperparameters";

type Order<K extends CoordinatorMessage["kind"]> = Extract<CoordinatorMessage, { readonly kind: K }>;
type Answer<T> = Omit<T, "schema" | "session" | "run" | "round">;

/** Iterations of one local step: consensus needs no exact minimum, and the next round goes on from here. */
const STEP_ITERATIONS = 6;

/** What a participant computes from its own rows; only the answers leave it. */
export interface LocalSteps {
  statistics(order: Order<"statistics">): Answer<StatisticsReply>;
  step(order: Order<"step">, signal?: AbortSignal): Promise<Answer<StepReply>>;
  summary(order: Order<"summary">, signal?: AbortSignal): Promise<Answer<SummaryReply>>;
}

/**
 * A participant's side of the rounds over its own zone-weeks: the statistics Φᵀ K⁻¹ Φ and Φᵀ K⁻¹ y of the mean coefficients at θ; the step that minimises
 * Σ −log p(y | θ, β) + ρ/2 ‖θ − centre‖² by L-BFGS from where it stood last; the quadratic summaries. An order without one of its names throws RangeError.
 */
export const createLocalSteps = (la: LinearAlgebra, set: TaskSet): LocalSteps => {
  const { names, keys, tasks } = set;
  const { lower, upper } = hyperparameterBox(names);
  const pool = new MatrixPool();
  let last: Float64Array | null = null;
  return {
    statistics: ({ theta }) => {
      const at = valuesOf(names, theta);
      const normal = new Float64Array(keys.length ** 2);
      const right = new Float64Array(keys.length);
      for (const task of tasks) {
        const { kernel, noiseVariance } = task.space.at(localOf(task.hyperparameterAt, at));
        addInformation(la, task, keys.length, kernel, noiseVariance, normal, right);
      }
      return { kind: "statistics", keys: [...keys], normal: lowerTriangle(keys.length, normal), right: [...right] };
    },
    step: async ({ beta, centre, rho }, signal) => {
      const target = valuesOf(names, centre);
      const coefficients = valuesOf(keys, beta);
      const residuals = tasks.map((task) => residualsOfTask(task, coefficients));
      const likelihood = (at: Float64Array, gradient: Float64Array): number => {
        gradient.fill(0);
        let sum = 0;
        for (const [s, task] of tasks.entries()) {
          const local = new Float64Array(task.hyperparameterAt.length);
          sum += negativeLogLikelihood(la, task.rows, residuals[s]!, task.space, localOf(task.hyperparameterAt, at), local, pool);
          task.hyperparameterAt.forEach((i, p) => {
            gradient[i]! += local[p]!;
          });
        }
        return sum;
      };
      const result = await minimiseAsync(
        (at, gradient) => {
          let sum: number;
          try {
            sum = likelihood(at, gradient);
          } catch {
            // Not positive definite even with jitter: this θ is outside what the data allow, so the step shrinks.
            return Number.POSITIVE_INFINITY;
          }
          for (let i = 0; i < at.length; i++) {
            const away = at[i]! - target[i]!;
            sum += 0.5 * rho * away * away;
            gradient[i]! += rho * away;
          }
          return sum;
        },
        last ?? target.map((value, i) => Math.min(upper[i]!, Math.max(lower[i]!, value))),
        { lower, upper, maxIterations: STEP_ITERATIONS, ...(signal === undefined ? {} : { signal }) },
      );
      last = Float64Array.from(result.x);
      const gradient = new Float64Array(names.length);
      const value = likelihood(last, gradient);
      return { kind: "step", theta: named(names, last), value, gradient: named(names, gradient) };
    },
    summary: async ({ theta, beta }, signal) => {
      const at = valuesOf(names, theta);
      const coefficients = valuesOf(keys, beta);
      const summaries = [];
      for (const task of tasks) {
        const { name, curvature, pull, information, right } = await summarise(la, set, task, at, coefficients, signal);
        summaries.push({
          name,
          curvature: named(names, curvature),
          pull: named(names, pull),
          information: lowerTriangle(keys.length, information),
          right: [...right],
        });
      }
      return { kind: "summary", keys: [...keys], tasks: summaries };
    },
  };
};

const valuesOf = (names: readonly string[], values: Readonly<Record<string, number>>): Float64Array =>
  Float64Array.from(names, (name) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`The coordinator says nothing of ${name}.`);
    return value;
  });

const named = (names: readonly string[], values: ArrayLike<number>): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, values[i]!]));

const lowerTriangle = (count: number, matrix: ArrayLike<number>): number[][] =>
  Array.from({ length: count }, (_, i) => Array.from({ length: i + 1 }, (_unused, j) => matrix[i * count + j]!));
