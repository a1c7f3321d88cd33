import { importanceWeights } from "#controllers/mppi/weights";

/**
 * Noise that a clamped control really has: v = clamp(u + ε, low, high), ε ← v − u. In place; returns v.
 * `nominal` u (T·nu), `noise` ε (K·T·nu, [k][t][u]), `low` and `high` (nu). (pytorch_mppi: clamp, then recompute the noise.)
 */
export const clampNoise = (nominal: Float64Array, noise: Float64Array, low: Float64Array, high: Float64Array): Float64Array => {
  const nu = low.length;
  const controls = new Float64Array(noise.length);
  for (let i = 0; i < noise.length; i++) {
    const u = nominal[i % nominal.length]!;
    const side = i % nu;
    controls[i] = Math.max(low[side]!, Math.min(u + noise[i]!, high[side]!));
    noise[i] = controls[i]! - u;
  }
  return controls;
};

/**
 * Control cost of every sample: λ Σ_t u_tᵀ Σ⁻¹ ε_{k,t}, with |ε| for ε where `absolute` (pytorch_mppi's noise_abs_cost). K values.
 * `inverseCovariance` Σ⁻¹ is nu×nu, row-major.
 */
export const controlCosts = (
  nominal: Float64Array,
  noise: Float64Array,
  inverseCovariance: Float64Array,
  mppiTemperature: number,
  absolute = false,
): Float64Array => {
  const nu = Math.round(Math.sqrt(inverseCovariance.length));
  const length = nominal.length;
  const costs = new Float64Array(noise.length / length);
  for (let k = 0; k < costs.length; k++) {
    let sum = 0;
    for (let t = 0; t < length; t += nu)
      for (let i = 0; i < nu; i++)
        for (let j = 0; j < nu; j++) {
          const epsilon = noise[k * length + t + i]!;
          sum += (absolute ? Math.abs(epsilon) : epsilon) * inverseCovariance[i * nu + j]! * nominal[t + j]!;
        }
    costs[k] = mppiTemperature * sum;
  }
  return costs;
};

/** u_t + Σ_k ω_k ε_{k,t}: the path-integral update. Samples of weight 0 are skipped, whatever their noise holds. */
export const weightedUpdate = (nominal: Float64Array, noise: Float64Array, weights: Float64Array): Float64Array => {
  const updated = nominal.slice();
  for (let k = 0; k < weights.length; k++) {
    if (weights[k] === 0) continue;
    for (let i = 0; i < nominal.length; i++) updated[i]! += weights[k]! * noise[k * nominal.length + i]!;
  }
  return updated;
};

/** The plan one step later: u_t ← u_{t+1}, the last step `initial` (nu). */
export const shiftControls = (controls: Float64Array, initial: Float64Array): Float64Array => {
  const shifted = new Float64Array(controls.length);
  shifted.set(controls.subarray(initial.length));
  shifted.set(initial, controls.length - initial.length);
  return shifted;
};

export interface MppiUpdateArguments {
  /** U before this step, T·nu; it is shifted first. */
  readonly controls: Float64Array;
  /** u_init: what stands in the step that the shift opens, nu. */
  readonly initial: Float64Array;
  /** ε as drawn, [k][t][u]. */
  readonly noise: Float64Array;
  readonly inverseCovariance: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly mppiTemperature: number;
  readonly noiseAbsCost?: boolean;
  /** Cost of following each control sequence, K values; controls as [k][t][u]. */
  readonly rolloutCosts: (controls: Float64Array) => Float64Array;
}

export interface MppiUpdate {
  /** U after, T·nu; its first nu values are the action. */
  readonly controls: Float64Array;
  /** ε of the clamped controls. */
  readonly noise: Float64Array;
  readonly costs: Float64Array;
  readonly weights: Float64Array;
  readonly effectiveSampleSize: number;
  readonly notFinite: number;
}

/**
 * One textbook MPPI step on one control sequence.
 *   U ← shift(U);  V_k = clamp(U + ε_k),  ε_k ← V_k − U;  S_k = rollout(V_k) + λ Σ_t u_tᵀ Σ⁻¹ ε_{k,t};  U ← U + Σ_k ω_k ε_k
 * (Williams et al. 2017, alg. 2, in the form of pytorch_mppi.) Samples without a finite cost are dropped; where none is left U is the shifted plan, unchanged.
 */
export const mppiUpdate = (args: MppiUpdateArguments): MppiUpdate => {
  const nominal = shiftControls(args.controls, args.initial);
  const noise = args.noise.slice();
  const controls = clampNoise(nominal, noise, args.low, args.high);
  const costs = args.rolloutCosts(controls).slice();
  const control = controlCosts(nominal, noise, args.inverseCovariance, args.mppiTemperature, args.noiseAbsCost ?? false);
  for (let k = 0; k < costs.length; k++) costs[k]! += control[k]!;
  const { weights, notFinite, effectiveSampleSize } = importanceWeights(costs, args.mppiTemperature);
  return { controls: weightedUpdate(nominal, noise, weights), noise, costs, weights, effectiveSampleSize, notFinite };
};
