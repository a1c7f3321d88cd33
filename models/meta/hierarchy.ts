import type { LinearAlgebra } from "#math/linearAlgebra";
import { dot, type Factor, factorOf, inverseOf, posteriorOf, times } from "#models/meta/dense";

/** log p(y_s | z) ≈ const − ½ zᵀ A z + rᵀ z of one task, with its covariates x (0 where unknown). */
export interface Quadratic {
  readonly group: string;
  /** A, d×d, positive semidefinite. */
  readonly a: Float64Array;
  /** In the range of A: a task that knows nothing of an entry does not pull it. */
  readonly r: Float64Array;
  readonly covariates: Float64Array;
}

export interface HierarchyOptions {
  /** What the hierarchy is drawn to where tasks say nothing: location, and variance of each entry. */
  readonly location: Float64Array;
  readonly variance: Float64Array;
  readonly iterations: number;
  /** Which entries the covariates may move. */
  readonly isMoved: readonly boolean[];
}

/** z_s ~ N(m + B x_s, S) */
export interface Hierarchy {
  /** m */
  readonly location: Float64Array;
  /** B, d × covariates. */
  readonly effects: Float64Array;
  /** S, d×d. */
  readonly covariance: Float64Array;
}

/** Degrees of freedom of the inverse Wishart prior on S, in tasks. */
const PRIOR_TASKS = 4;
/** Degrees of freedom of the Student distribution by which a task that is unlike all others counts less. */
const STUDENT = 8;
/** Ridge on the effects: a covariate of spread 1 moves an entry by about one of its standard deviations. */
const EFFECT_RIDGE = 2;

/**
 * Location, covariate effects and covariance of z over tasks by expectation maximisation (Gelman et al., Bayesian Data Analysis, ch. 15; robust weights after Lange, Little
 * and Taylor 1989). E step: z_s | y_s ~ N(V (S⁻¹ μ_s + r_s), V), V = (S⁻¹ + A_s)⁻¹. M step: weighted means, with an inverse Wishart prior, so that S is positive definite.
 */
export const estimateHierarchy = (la: LinearAlgebra, tasks: readonly Quadratic[], options: HierarchyOptions): Hierarchy => {
  const { location: drawnTo, variance, iterations, isMoved } = options;
  const d = drawnTo.length;
  const q = tasks[0]?.covariates.length ?? 0;
  let location = drawnTo.slice();
  let effects = new Float64Array(d * q);
  let covariance = new Float64Array(d * d);
  for (let i = 0; i < d; i++) covariance[i * d + i] = variance[i]!;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const factor = factorOf(la, d, covariance);
    const precision = inverseOf(la, factor);
    const found = tasks.map((task) => posterior(la, d, q, task, location, effects, factor, precision));
    const weights = found.map(({ expected, mu, variance: v }) => {
      const away = expected.map((value, i) => value - mu[i]!);
      let distance = dot(away, times(d, precision, away));
      for (let i = 0; i < d * d; i++) distance += precision[i]! * v[i]!;
      return (STUDENT + d) / (STUDENT + distance);
    });
    ({ location, effects } = regress(tasks, found, weights, drawnTo, variance, covariance, isMoved, d, q));
    const next = new Float64Array(d * d);
    for (let i = 0; i < d; i++) next[i * d + i] = PRIOR_TASKS * variance[i]!;
    let total = PRIOR_TASKS;
    for (const [s, { expected, variance: v }] of found.entries()) {
      const weight = weights[s]!;
      const mu = meanOf(location, effects, tasks[s]!.covariates);
      const away = expected.map((value, i) => value - mu[i]!);
      for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) next[i * d + j]! += weight * (away[i]! * away[j]! + v[i * d + j]!);
      total += 1;
    }
    covariance = next.map((value) => value / total);
  }
  return { location, effects, covariance };
};

export const meanOf = (location: Float64Array, effects: Float64Array, covariates: Float64Array): Float64Array => {
  const q = covariates.length;
  return location.map((value, i) => value + dot(effects.subarray(i * q, (i + 1) * q), covariates));
};

const posterior = (
  la: LinearAlgebra,
  d: number,
  q: number,
  task: Quadratic,
  location: Float64Array,
  effects: Float64Array,
  factor: Factor,
  precision: Float64Array,
) => {
  const mu = q === 0 ? location : meanOf(location, effects, task.covariates);
  const { covariance: variance } = posteriorOf(la, factor, task.a);
  const pulled = times(d, precision, mu).map((value, i) => value + task.r[i]!);
  return { mu, variance, expected: times(d, variance, pulled) };
};

/** Weighted ridge regression of every expected entry on (1, covariates): the intercept is drawn to its prior, the effects to 0. */
const regress = (
  tasks: readonly Quadratic[],
  found: readonly { readonly expected: Float64Array }[],
  weights: readonly number[],
  drawnTo: Float64Array,
  variance: Float64Array,
  covariance: Float64Array,
  isMoved: readonly boolean[],
  d: number,
  q: number,
): { location: Float64Array<ArrayBuffer>; effects: Float64Array<ArrayBuffer> } => {
  const location = new Float64Array(d);
  const effects = new Float64Array(d * q);
  for (let i = 0; i < d; i++) {
    const p = isMoved[i]! ? 1 + q : 1;
    const normal = new Float64Array(p * p);
    const right = new Float64Array(p);
    const own = covariance[i * d + i]!;
    // Prior of the mean as weak as one task of the generic spread.
    normal[0] = own / variance[i]!;
    right[0] = (drawnTo[i]! * own) / variance[i]!;
    for (let c = 1; c < p; c++) normal[c * p + c] = EFFECT_RIDGE;
    for (const [s, { expected }] of found.entries()) {
      const weight = weights[s]!;
      const row = (c: number): number => (c === 0 ? 1 : tasks[s]!.covariates[c - 1]!);
      for (let a = 0; a < p; a++) {
        right[a]! += weight * row(a) * expected[i]!;
        for (let b = 0; b < p; b++) normal[a * p + b]! += weight * row(a) * row(b);
      }
    }
    const solution = gaussSolve(p, normal, right);
    location[i] = solution[0]!;
    for (let c = 1; c < p; c++) effects[i * q + c - 1] = solution[c]!;
  }
  return { location, effects };
};

/** Solves a small positive definite system in place. */
const gaussSolve = (p: number, a: Float64Array, b: Float64Array): Float64Array => {
  for (let k = 0; k < p; k++) {
    for (let i = k + 1; i < p; i++) {
      const factor = a[i * p + k]! / a[k * p + k]!;
      for (let j = k; j < p; j++) a[i * p + j]! -= factor * a[k * p + j]!;
      b[i]! -= factor * b[k]!;
    }
  }
  for (let k = p - 1; k >= 0; k--) {
    for (let j = k + 1; j < p; j++) b[k]! -= a[k * p + j]! * b[j]!;
    b[k]! /= a[k * p + k]!;
  }
  return b;
};

/** S with its off-diagonal entries times `keep` (0 to 1): positive definite for every S that is. */
export const shrunkTowardsDiagonal = (d: number, covariance: Float64Array, keep: number): Float64Array =>
  covariance.map((value, i) => (Math.floor(i / d) === i % d ? value : keep * value));

/**
 * log p(y_s) of tasks under the hierarchy, up to what does not depend on it:
 * ½ [−log|I + S A| + (S⁻¹μ + r)ᵀ (S⁻¹ + A)⁻¹ (S⁻¹μ + r) − μᵀ S⁻¹ μ].
 */
export const logPredictive = (la: LinearAlgebra, tasks: readonly Quadratic[], { location, effects, covariance }: Hierarchy): number => {
  const d = location.length;
  const factor = factorOf(la, d, covariance);
  const precision = inverseOf(la, factor);
  let sum = 0;
  for (const { a, r, covariates } of tasks) {
    const mu = covariates.length === 0 ? location : meanOf(location, effects, covariates);
    const pulled = times(d, precision, mu);
    const base = dot(mu, pulled);
    for (let i = 0; i < d; i++) pulled[i]! += r[i]!;
    const { covariance: left, logDeterminant } = posteriorOf(la, factor, a);
    sum += 0.5 * (dot(pulled, times(d, left, pulled)) - base - logDeterminant);
  }
  return sum;
};
