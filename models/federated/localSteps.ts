import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { CoordinatorMessage, GradientReply, StatisticsReply, StepReply, SummaryReply } from "#models/federated/protocol";
import { hyperparameterBox } from "#models/meta/hyperparameterBox";
import { addInformation, likelihoodOf } from "#models/meta/sharedOptimum";
import { summarise } from "#models/meta/taskSummary";
import { localOf, type TaskSet } from "#models/meta/tasks";

type Order<K extends CoordinatorMessage["kind"]> = Extract<CoordinatorMessage, { readonly kind: K }>;
type Answer<T> = Omit<T, "schema" | "session" | "run" | "round">;

/** Iterations of one local step: consensus needs no exact minimum, and the next step goes on from here. */
const STEP_ITERATIONS = 6;

/** What a participant computes from its own rows; only the answers leave it. */
export interface LocalSteps {
  statistics(order: Order<"statistics">): Answer<StatisticsReply>;
  step(order: Order<"step">, signal?: AbortSignal): Promise<Answer<StepReply>>;
  gradient(order: Order<"gradient">): Promise<Answer<GradientReply>>;
  summary(order: Order<"summary">, signal?: AbortSignal): Promise<Answer<SummaryReply>>;
}

/**
 * A participant's side of the rounds over its own zone-weeks: the statistics Φᵀ K⁻¹ Φ and Φᵀ K⁻¹ y of the mean coefficients at θ; the step that minimises
 * Σ −log p(y | θ, β) + ρ/2 ‖θ − centre‖² by L-BFGS from where it stood last; −log p and its gradient at the coordinator's θ; the quadratic summaries. An order without one of its names throws RangeError.
 */
export const createLocalSteps = (la: LinearAlgebra, set: TaskSet): LocalSteps => {
  const { names, keys, tasks } = set;
  const { lower, upper } = hyperparameterBox(names);
  const likelihood = likelihoodOf(la, tasks);
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
      const result = await minimiseAsync(
        async (at, gradient) => {
          let sum = await likelihood(at, coefficients, gradient);
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
      const value = await likelihood(last, coefficients, gradient);
      return { kind: "step", theta: named(names, last), value, gradient: named(names, gradient) };
    },
    gradient: async ({ theta, beta }) => {
      const gradient = new Float64Array(names.length);
      const value = await likelihood(valuesOf(names, theta), valuesOf(keys, beta), gradient);
      return Number.isFinite(value)
        ? { kind: "gradient", value, gradient: named(names, gradient) }
        : { kind: "gradient", value: null, gradient: named(names, new Float64Array(names.length)) };
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
