import { choleskyWithJitter } from "#math/choleskyWithJitter";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { quantile } from "#math/statistics";

/**
 * Residuals and variances of every row predicted without its own day: for the rows b of one day, with Q = (K + σ²I)⁻¹,
 * e_b = Q_bb⁻¹ α_b and Var_b = diag(Q_bb⁻¹) (the block form of Rasmussen & Williams 2006, eq. 5.12). Neighbouring quarter hours are alike, so
 * leaving out single rows would flatter the model. `day` (n) groups the rows; `choleskyLower` is of K + σ²I (n×n).
 */
export const leaveDayOut = (
  la: LinearAlgebra,
  n: number,
  choleskyLower: Float64Array,
  alpha: Float64Array,
  day: ArrayLike<number>,
): { readonly errors: Float64Array; readonly variances: Float64Array } => {
  const inverse = la.inverseFromCholesky(n, choleskyLower);
  const errors = new Float64Array(n);
  const variances = new Float64Array(n);
  const groups = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const rows = groups.get(day[i]!);
    if (rows === undefined) groups.set(day[i]!, [i]);
    else rows.push(i);
  }
  for (const rows of groups.values()) {
    const b = rows.length;
    const block = new Float64Array(b * b);
    for (let i = 0; i < b; i++) for (let j = 0; j < b; j++) block[i * b + j] = inverse[rows[i]! * n + rows[j]!]!;
    const covariance = la.inverseFromCholesky(b, choleskyWithJitter(la, b, block, () => undefined).lower);
    for (let i = 0; i < b; i++) {
      let error = 0;
      for (let j = 0; j < b; j++) error += covariance[i * b + j]! * alpha[rows[j]!]!;
      errors[rows[i]!] = error;
      variances[rows[i]!] = covariance[i * b + i]!;
    }
  }
  return { errors, variances };
};

const Z_90 = 1.6448536269514722;

/** Factor on standard deviations that puts 90 % of these errors inside ±1.645 of them, kept within [0.4, 2.5]; 1 with fewer than 50 errors. */
export const spreadScaleFrom = (errors: Float64Array, variances: Float64Array): number => {
  if (errors.length < 50) return 1;
  const ratios = errors.map((error, i) => Math.abs(error) / Math.sqrt(Math.max(variances[i]!, 1e-12)));
  return Math.min(Math.max(quantile(ratios, 0.9) / Z_90, 0.4), 2.5);
};

/** One held-out trajectory: its spread as a planner judges it (mean predictive standard deviation over occupied steps) and its largest error. */
export interface SpreadError {
  readonly spreadK: number;
  readonly errorK: number;
}

/**
 * CLUE's translator: the largest spread at which, among held-out trajectories that are no less sure, at most `risk` of them err by more than
 * `errorLevelK`. Where even the least sure ones keep that, none of them says where errors begin to exceed it: the spread s at which the (1 − risk) quantile of
 * |error| / spread, times s, is `errorLevelK` (at most `errorLevelK` itself), or 1.5 times the largest spread seen where that is more or where there
 * are fewer trajectories than such a quantile takes. Without trajectories the error level itself. Never below the lower quartile of the spreads
 * seen, so that some plans stay allowed.
 */
export const spreadBound = (pairs: readonly SpreadError[], errorLevelK: number, risk = 0.1): number => {
  if (pairs.length === 0) return errorLevelK;
  const sorted = [...pairs].sort((a, b) => a.spreadK - b.spreadK);
  let wrong = 0;
  let bound = 0;
  sorted.forEach(({ spreadK, errorK }, i) => {
    if (errorK > errorLevelK) wrong++;
    if (wrong <= risk * (i + 1)) bound = spreadK;
  });
  const largest = sorted[sorted.length - 1]!.spreadK;
  if (bound >= largest) return Math.max(1.5 * largest, extrapolatedBound(pairs, errorLevelK, risk));
  return Math.max(
    bound,
    quantile(
      sorted.map(({ spreadK }) => spreadK),
      0.25,
    ),
  );
};

/**
 * The spread at which errors that grow with it would exceed the level at the rate `risk`. A model that errs little would otherwise have the narrowest bound of
 * all: a week foretold to a tenth of a kelvin would forbid every plan on the first colder day. 0 with too few pairs.
 */
const extrapolatedBound = (pairs: readonly SpreadError[], errorLevelK: number, risk: number): number => {
  // Split conformal (Vovk et al. 2005): the ⌈(n + 1)(1 − risk)⌉-th smallest, which few pairs do not have.
  const rank = Math.ceil((pairs.length + 1) * (1 - risk));
  if (rank > pairs.length) return 0;
  const ratios = Float64Array.from(pairs, ({ spreadK, errorK }) => errorK / spreadK).sort();
  return Math.min(errorLevelK, errorLevelK / ratios[rank - 1]!);
};
