import { minimiseAsync } from "#math/lbfgs";
import type { NormalPrior } from "#models/prior";

/** What the buildings say together, wherever their rows are. */
export interface SharedObjective {
  /** β that minimises −log p(y | θ, β) − log p(β): generalised least squares. */
  readonly coefficients: (theta: Float64Array) => Float64Array | Promise<Float64Array>;
  /** −log p(y | θ, β); its gradient over θ is written to `gradient`. +∞ where θ has no likelihood. */
  readonly negativeLogLikelihood: (theta: Float64Array, beta: Float64Array, gradient: Float64Array) => number | Promise<number>;
}

export interface SharedMinimumOptions {
  /** log p(θ) and log p(β), in the orders of θ and β. */
  readonly hyperpriors: readonly NormalPrior[];
  readonly coefficientPriors: readonly NormalPrior[];
  /** How much of log p(θ) counts. Default 1. */
  readonly priorWeight?: number;
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
  readonly maxIterations: number;
  /** Default ten an iteration. */
  readonly maxEvaluations?: number;
  readonly onIteration?: (iteration: number, value: number, theta: Float64Array) => void;
  readonly signal?: AbortSignal;
}

export interface SharedPoint {
  readonly theta: Float64Array;
  /** −log p(y, θ, β) without the priors' constants. */
  readonly value: number;
  /** False where the iterations were used up first. */
  readonly isConverged: boolean;
}

/** Valleys are flat: 1e-4 nats a row short of the minimum a lengthscale is still off by half, and unseen days are foretold by a tenth differently. */
const RELATIVE_TOLERANCE = 1e-7;
/** As many correction pairs as iterations usually are: evaluations cost far more than they do. */
const MEMORY = 40;

/**
 * min over θ of F(θ) = min over β of −log p(y | θ, β) − log p(θ) − log p(β), by L-BFGS: with β(θ) by least squares ∂F/∂θ is the partial gradient at β(θ), for ∂/∂β
 * is zero there (variable projection; Golub & Pereyra 1973). In turns, β and then θ under it, the same minimum is missed where valleys run across both. Pooled and federated training
 * are this with rows at hand or elsewhere, so that they end in the same place. A start without a likelihood throws RangeError.
 */
export const sharedMinimum = async (
  { coefficients, negativeLogLikelihood }: SharedObjective,
  start: Float64Array,
  options: SharedMinimumOptions,
): Promise<SharedPoint> => {
  const { hyperpriors, coefficientPriors, priorWeight = 1, lower, upper, maxIterations, signal } = options;
  const result = await minimiseAsync(
    async (theta, gradient) => {
      const beta = await coefficients(theta);
      let sum = await negativeLogLikelihood(theta, beta, gradient);
      hyperpriors.forEach(({ location, spread }, i) => {
        const z = (theta[i]! - location) / spread;
        sum += 0.5 * priorWeight * z * z;
        gradient[i]! += (priorWeight * z) / spread;
      });
      coefficientPriors.forEach(({ location, spread }, i) => {
        sum += 0.5 * ((beta[i]! - location) / spread) ** 2;
      });
      return sum;
    },
    start,
    {
      lower,
      upper,
      maxIterations,
      memory: MEMORY,
      relativeFunctionTolerance: RELATIVE_TOLERANCE,
      ...(options.maxEvaluations === undefined ? {} : { maxEvaluations: options.maxEvaluations }),
      ...(signal === undefined ? {} : { signal }),
      onIteration: ({ iteration, value, x }) => options.onIteration?.(iteration, value, x),
    },
  );
  signal?.throwIfAborted();
  if (result.reason === "start") throw new RangeError("The hyperparameters to begin with have no likelihood.");
  return {
    theta: Float64Array.from(result.x),
    value: result.value,
    isConverged: result.reason !== "iterations" && result.reason !== "evaluations",
  };
};
