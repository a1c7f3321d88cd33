import { configurationError } from "#domain/errors";
import { coefficientPrior, hyperparameterPrior, MEAN, type NormalPrior, type Prior } from "#models/prior";

/** A normal density over the values of a list of names. */
export interface PriorDensity {
  readonly location: Float64Array;
  /** Standard deviation of each by itself. */
  readonly spread: Float64Array;
  /** −log density up to a constant, ½ (z − m)ᵀ S⁻¹ (z − m); ADDS its gradient to `gradient`. */
  negativeLog(z: ArrayLike<number>, gradient: Float64Array): number;
  /** S of these names, n×n. */
  readonly covariance: Float64Array;
}

/**
 * The prior's joint normal density over log hyperparameters and mean coefficients by their names (`mean.<key>` for a coefficient), in the order given. What the prior's covariance does not
 * name is independent, with the spread that the prior (or the generic one) gives it; a name that stands again (one lengthscale for each neighbour) is as well.
 * A covariance that is not positive definite is refused.
 */
export const priorDensity = (prior: Prior | null, names: readonly string[], stepS: number): PriorDensity => {
  const normals = names.map(
    (name): NormalPrior =>
      name.startsWith(MEAN) ? coefficientPrior(prior, name.slice(MEAN.length), stepS) : hyperparameterPrior(prior, name),
  );
  const n = names.length;
  const location = Float64Array.from(normals, (normal) => normal.location);
  const spread = Float64Array.from(normals, (normal) => normal.spread);
  const correlation = correlationsOf(prior, names);
  const lower = cholesky(n, correlation, prior);
  const covariance = correlation.map((value, i) => value * spread[Math.floor(i / n)]! * spread[i % n]!);
  return {
    location,
    spread,
    covariance,
    negativeLog: (z, gradient) => {
      // u = L⁻¹ ((z − m) / spread), ½ uᵀu; gradient L⁻ᵀ u / spread.
      const u = new Float64Array(n);
      let value = 0;
      for (let i = 0; i < n; i++) {
        let sum = (z[i]! - location[i]!) / spread[i]!;
        for (let j = 0; j < i; j++) sum -= lower[i * n + j]! * u[j]!;
        u[i] = sum / lower[i * n + i]!;
        value += 0.5 * u[i]! * u[i]!;
      }
      for (let i = n - 1; i >= 0; i--) {
        for (let j = i + 1; j < n; j++) u[i]! -= lower[j * n + i]! * u[j]!;
        u[i]! /= lower[i * n + i]!;
        gradient[i]! += u[i]! / spread[i]!;
      }
      return value;
    },
  };
};

/** The correlation matrix of these names, n×n: 1 on the diagonal, 0 where the prior does not speak. */
const correlationsOf = (prior: Prior | null, names: readonly string[]): Float64Array => {
  const n = names.length;
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  const known = prior?.covariance;
  if (known === undefined) return out;
  const seen = new Set<string>();
  const at = names.map((name) => {
    if (seen.has(name)) return -1;
    seen.add(name);
    return known.names.indexOf(name);
  });
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [Math.max(at[i]!, at[j]!), Math.min(at[i]!, at[j]!)];
      if (b < 0) continue;
      const value = known.correlations[(a * (a - 1)) / 2 + b]!;
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
  return out;
};

const cholesky = (n: number, matrix: Float64Array, prior: Prior | null): Float64Array => {
  const lower = matrix.slice();
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = lower[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (i > j) lower[i * n + j] = sum / lower[j * n + j]!;
      else if (sum > 1e-8) lower[j * n + j] = Math.sqrt(sum);
      else
        throw configurationError(`The covariance of the prior ${prior?.name ?? "none"} is not positive definite.`, {
          todo: "Make the prior again with `isotherm meta-train`.",
        });
    }
  }
  return lower;
};
