import { softmax } from "#math/statistics";

export interface ImportanceWeights {
  /** ω_k, 0 for dropped samples; all 0 where every cost was dropped. */
  readonly weights: Float64Array;
  /** Samples whose cost is not finite. */
  readonly notFinite: number;
  /** (Σ ω)² / Σ ω²; 0 where every cost was dropped. */
  readonly effectiveSampleSize: number;
}

/**
 * Importance weights of path-integral control.
 *   ω_k = exp(−(S_k − min S)/λ) / Σ_j exp(−(S_j − min S)/λ),   effective sample size = 1 / Σ ω_k²
 * `costs` S (K values, currency or any unit), `mppiTemperature` λ > 0 in the same unit. (Williams et al. 2017, "Information theoretic MPC", alg. 2.)
 * Costs that are not finite are dropped and counted, so one failed sample never reaches an action. λ ≤ 0 or NaN throws RangeError.
 */
export const importanceWeights = (costs: Float64Array, mppiTemperature: number): ImportanceWeights => {
  if (!(mppiTemperature > 0)) throw new RangeError(`The MPPI temperature is greater than 0, not ${mppiTemperature}.`);
  let notFinite = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const cost of costs) if (Number.isFinite(cost)) least = Math.min(least, cost);
  const exponents = costs.map((cost) => {
    if (Number.isFinite(cost)) return -(cost - least) / mppiTemperature;
    notFinite++;
    return Number.NEGATIVE_INFINITY;
  });
  if (notFinite === costs.length) return { weights: new Float64Array(costs.length), notFinite, effectiveSampleSize: 0 };
  const weights = softmax(exponents);
  let squares = 0;
  for (const weight of weights) squares += weight * weight;
  return { weights, notFinite, effectiveSampleSize: 1 / squares };
};

const HALVINGS = 60;
/** Differences of costs below it are none: temperatures for them would not be normal numbers. */
const SMALLEST_SPREAD = 1e-200;

/**
 * λ that gives the weights of `costs` the effective sample size `target`, by bisection on log λ between 1e-9 and 1e9 times the spread of costs.
 * The effective sample size grows with λ from the number of cheapest samples to the number of finite ones; a target outside gives the nearer
 * end. Costs that are all equal (or fewer than two) give 1: every λ weighs them alike.
 */
export const temperatureFor = (costs: Float64Array, target: number): number => {
  const finite = costs.filter(Number.isFinite);
  if (finite.length < 2) return 1;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const cost of finite) [low, high] = [Math.min(low, cost), Math.max(high, cost)];
  const spread = high - low;
  if (!(spread > SMALLEST_SPREAD) || !Number.isFinite(spread)) return 1;
  let [logLow, logHigh] = [Math.log(spread) - Math.log(1e9), Math.log(spread) + Math.log(1e9)];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (logLow + logHigh) / 2;
    if (importanceWeights(finite, Math.exp(middle)).effectiveSampleSize < target) logLow = middle;
    else logHigh = middle;
  }
  return Math.exp(logHigh);
};
