import type { KernelSpec } from "#domain/kernel";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { withLogHyperparameters } from "#math/kernels";
import { type LbfgsResult, minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { coefficientPrior, hyperparameterPrior, type NormalPrior, type Prior } from "#models/prior";
import { FIXED_HYPERPARAMETER, hyperparameterNames, type ThermostatStructure, thermostatKernel } from "#models/thermostat/structure";
import type { TrainingRows } from "#models/thermostat/trainingRows";

/** Log hyperparameters θ in the order of `names`. A name stands once per neighbour zone: each has a lengthscale of its own. */
export interface HyperparameterSpace {
  readonly names: readonly string[];
  readonly priors: readonly NormalPrior[];
  /** Kernel and noise variance (K²) at θ. */
  at(theta: ArrayLike<number>): { readonly kernel: KernelSpec; readonly noiseVariance: number };
  readonly start: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

export const hyperparameterSpace = (structure: ThermostatStructure, prior: Prior | null): HyperparameterSpace => {
  const names = hyperparameterNames(structure);
  const priors = names.map((name) => hyperparameterPrior(prior, name));
  const start = Float64Array.from(priors, ({ location }) => location);
  const limit = (sign: number) =>
    start.map((location, i) => {
      if (names[i] === FIXED_HYPERPARAMETER) return location;
      if (names[i] === "noiseVariance") return sign < 0 ? Math.min(location, 2 * Math.log(1e-3)) : Math.max(location, 2 * Math.log(2));
      return location + sign * 6;
    });
  const kernel = thermostatKernel(structure, () => 1);
  return {
    names,
    priors,
    start,
    lower: limit(-1),
    upper: limit(1),
    at: (theta) => ({
      kernel: withLogHyperparameters(kernel, Float64Array.from(theta).subarray(0, -1)),
      noiseVariance: Math.exp(theta[names.length - 1]!),
    }),
  };
};

/** β: the prior's mean coefficient of every column. */
export const meanCoefficients = (structure: ThermostatStructure, prior: Prior | null, stepS: number): Float64Array =>
  Float64Array.from(structure.columns, ({ key }) => coefficientPrior(prior, key, stepS).location);

/** y − βᵀx, n. */
export const residualsOf = (rows: TrainingRows, beta: Float64Array): Float64Array =>
  rows.y.map((value, i) => {
    let mean = 0;
    for (let c = 0; c < rows.d; c++) mean += beta[c]! * rows.x[i * rows.d + c]!;
    return value - mean;
  });

/** −log p(r | θ) and its gradient over the names of the space; `gradient` is overwritten. */
export const negativeLogLikelihood = (
  la: LinearAlgebra,
  rows: TrainingRows,
  residuals: Float64Array,
  space: HyperparameterSpace,
  theta: Float64Array,
  gradient: Float64Array,
  pool: MatrixPool,
): number => {
  const { kernel } = space.at(theta);
  const result = logMarginalLikelihoodAndGradient({
    la,
    kernel,
    x: rows.x,
    n: rows.n,
    d: rows.d,
    y: residuals,
    logNoiseVariance: theta.slice(-1),
    noiseGroup: new Uint8Array(rows.n),
    onWarning: () => undefined,
    pool,
  });
  result.kernelGradient.forEach((value, i) => {
    gradient[i] = -value;
  });
  gradient[gradient.length - 1] = -result.noiseGradient[0]!;
  return -result.logMarginalLikelihood;
};

export interface MapOptions {
  /**
   * γ in γ log p(r | θ) + log p(θ). Below 1 the likelihood is tempered: neighbouring quarter hours are alike, so n rows say less about θ than n
   * independent ones would (Grünwald & van Ommen 2017: a learning rate below 1 guards Bayes against a wrong model).
   */
  readonly likelihoodPower: number;
  readonly maxIterations: number;
  readonly signal?: AbortSignal;
  readonly onIteration?: (iteration: number, value: number) => void;
}

/** θ that maximises γ log p(r | θ) + Σ log N(θ_p | location, spread²), by L-BFGS with analytic gradients. */
export const maximumAPosteriori = async (
  la: LinearAlgebra,
  rows: TrainingRows,
  residuals: Float64Array,
  space: HyperparameterSpace,
  options: MapOptions,
): Promise<LbfgsResult> => {
  const pool = new MatrixPool();
  return minimiseAsync(
    (theta, gradient) => {
      let value: number;
      try {
        value = options.likelihoodPower * negativeLogLikelihood(la, rows, residuals, space, theta, gradient, pool);
      } catch {
        // Not positive definite even with jitter: this θ is outside what the data allow, so the step shrinks.
        return Number.POSITIVE_INFINITY;
      }
      for (let i = 0; i < theta.length; i++) {
        const { location, spread } = space.priors[i]!;
        const z = (theta[i]! - location) / spread;
        value += 0.5 * z * z;
        gradient[i] = options.likelihoodPower * gradient[i]! + z / spread;
      }
      return value;
    },
    space.start,
    {
      lower: space.lower,
      upper: space.upper,
      maxIterations: options.maxIterations,
      relativeFunctionTolerance: 1e-5,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.onIteration === undefined
        ? {}
        : { onIteration: ({ iteration, value }: { iteration: number; value: number }) => options.onIteration!(iteration, value) }),
    },
  );
};
