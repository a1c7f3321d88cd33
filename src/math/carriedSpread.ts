import type { SpreadModel, ZoneModel } from "#domain/model";
import { normalPdf } from "#math/statistics";

/** Beyond so many standard deviations nothing is left. */
const FAR = 6;

/** P(Z > z) for z ≥ 0, from φ(z), to 8e-8 (Abramowitz & Stegun 26.2.17): planning asks for it hundreds of thousands of times a decision. */
const upperTail = (z: number, density: number): number => {
  const t = 1 / (1 + 0.2316419 * z);
  return density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
};

/** Factor on the standard deviation after `steps` steps: log-linear in log steps between the model's leads, constant outside them; 1 without leads. */
export const leadFactor = ({ leads }: Pick<SpreadModel, "leads">, steps: number): number => {
  const at = leads.findIndex((lead) => lead.steps >= steps);
  if (at < 0) return leads[leads.length - 1]?.factor ?? 1;
  const after = leads[at]!;
  const before = leads[at - 1];
  if (before === undefined) return after.factor;
  const share = Math.log(steps / before.steps) / Math.log(after.steps / before.steps);
  return before.factor ** (1 - share) * after.factor ** share;
};

/** One step of one sample as predicted: the temperatures (°C) that the free float and full equipment lead to, and the setpoints in force. */
export interface StepEnds {
  readonly freeC: number;
  readonly heatedC: number;
  readonly cooledC: number;
  readonly heatingSetpointC: number;
  readonly coolingSetpointC: number;
}

/** How far the thermostat asks the temperature to be moved from its free float, K; 0 between the setpoints. */
export const demandK = ({ freeC, heatingSetpointC, coolingSetpointC }: StepEnds): number =>
  freeC < heatingSetpointC ? heatingSetpointC - freeC : freeC > coolingSetpointC ? freeC - coolingSetpointC : 0;

/**
 * The variance of a zone's predicted temperature from step to step, for many samples. Errors last: the next one-step error is Σ_j d_j + ν with drift states
 * d_j' = ρ_j (d_j + g_j ν) (`DriftModel`), of which only the innovations ν to come are unknown. With e the temperature's error, γ the zone's `stateGain`,
 * s² = c² (latent + noise) the variance of ν (c its `spreadScale`), v = Var e, c_j = Cov(e, d_j), P_jl = Cov(d_j, d_l), B_j = Σ_l P_jl and B = Σ_j B_j,
 * before the thermostat acts
 *
 *   w = γ² v + 2 γ Σ_j c_j + B + s²,   c_j' = κ ρ_j (γ c_j + B_j + g_j s²),   P_jl' = ρ_j ρ_l (P_jl + g_j g_l σ̄²)
 *
 * P is the same for all samples. With a thermostat the temperature reached is a function of e ~ N(0, w) that rises with slope 1 but for a flat part, where a
 * setpoint is held (Tobin 1958): v' is its second moment about the predicted temperature, plus the scatter on a setpoint times the probability 1 − κ of
 * being held (by Stein's lemma c_j' has the same κ). So a held zone forgets its error as far as it is sure to be held, but not its drift. Where the
 * mean is held s² is the usual σ̄²: no posterior is asked there. Standard deviations are multiplied by the lead's factor, scatter on a setpoint apart.
 * Where the thermostat asks for D kelvins, ε² D² more with ε the `demandDoubt`: equipment may be off, cycle, or be stronger than it was seen to be.
 * Equipment that is on moves a zone by T_full − T_free; of that a share ρ (`capacityDoubt`) is never known, so ρ² (T_full − T_free)² is added to w where
 * the mean is limited, and to the side of w on which a held setpoint may be missed: what a week holds of heating before people come says little of heating
 * while they come.
 * A latent variance that is not finite gives NaN; an end that is missing bounds nothing.
 */
export class CarriedSpread {
  readonly #model: ZoneModel;
  readonly #spread: SpreadModel;
  readonly #decay: readonly number[];
  readonly #gain: readonly number[];
  readonly #doubt: number;
  readonly #capacityDoubt: number;
  readonly #variances: Float64Array;
  /** c_j by state. */
  readonly #covariances: readonly Float64Array[];
  /** By step: B_j. */
  readonly #driftVariances: (readonly number[])[] = [];
  readonly #factors: number[] = [];
  readonly #schedule: Generator<SpreadStep, never>;
  /** Of the flat parts of the sample at hand: what they take off the variance, and the probability of being there. */
  #takenK2 = 0;
  #heldFraction = 0;

  constructor(model: ZoneModel, spread: SpreadModel, samples: number) {
    this.#model = model;
    this.#spread = spread;
    this.#decay = model.drift?.decay ?? [];
    this.#gain = model.drift?.gain ?? [];
    this.#doubt = spread.demandDoubt ?? 0;
    this.#capacityDoubt = spread.capacityDoubt ?? 0;
    this.#variances = new Float64Array(samples);
    this.#covariances = this.#decay.map(() => new Float64Array(samples));
    this.#schedule = spreadSteps(model, spread);
  }

  /** All samples begin anew, with temperature and drift known. */
  start(): void {
    this.#variances.fill(0);
    for (const column of this.#covariances) column.fill(0);
  }

  /** Step `t` (from 0) of sample `k` without a thermostat: the standard deviation after it, K. */
  free(t: number, k: number, latentK2: number): number {
    const stepK2 = this.#stepVariance(latentK2);
    this.#heldFraction = 0;
    return this.#carry(t, k, stepK2, this.#before(t, k, stepK2), 0);
  }

  /** Step `t` (from 0) of sample `k` under a thermostat: the standard deviation after it, K. `latentK2` (K²) is not read where the mean is held. */
  thermostat(t: number, k: number, latentK2: number, ends: StepEnds): number {
    const { freeC, heatedC, cooledC, heatingSetpointC, coolingSetpointC } = ends;
    this.#takenK2 = 0;
    this.#heldFraction = 0;
    const doubtedK2 = this.#doubt === 0 ? 0 : (this.#doubt * demandK(ends)) ** 2;
    if (freeC < heatingSetpointC && heatedC >= heatingSetpointC)
      return this.#held(t, k, heatingSetpointC - freeC, heatedC - heatingSetpointC, doubtedK2, this.#capacityK2(heatedC - freeC));
    if (freeC > coolingSetpointC && cooledC <= coolingSetpointC)
      return this.#held(t, k, freeC - coolingSetpointC, coolingSetpointC - cooledC, doubtedK2, this.#capacityK2(freeC - cooledC));
    const stepK2 = this.#stepVariance(latentK2);
    const movedK = freeC < heatingSetpointC ? heatedC - freeC : freeC > coolingSetpointC ? freeC - cooledC : 0;
    const w = this.#before(t, k, stepK2) + this.#capacityK2(movedK);
    const stdDev = Math.sqrt(w);
    if (freeC < heatingSetpointC) this.#flat(heatingSetpointC - heatedC, heatingSetpointC - freeC, stdDev);
    else if (freeC > coolingSetpointC) this.#flat(cooledC - coolingSetpointC, freeC - coolingSetpointC, stdDev);
    else {
      this.#flat(freeC - heatingSetpointC, heatedC - heatingSetpointC, stdDev);
      this.#flat(coolingSetpointC - freeC, coolingSetpointC - cooledC, stdDev);
    }
    return this.#carry(t, k, stepK2, Math.max(0, w - this.#takenK2) + doubtedK2, 0);
  }

  /**
   * The mean is on a setpoint and the error may grow by `one` to one side, by `other` to the other, until it no longer is; to the other side also
   * because equipment delivers less than expected.
   */
  #held(t: number, k: number, one: number, other: number, doubtedK2: number, capacityK2: number): number {
    const stepK2 = this.#spread.innovationVarianceK2;
    const w = this.#before(t, k, stepK2);
    const outside = this.#outside(one, Math.sqrt(w)) + this.#outside(other, Math.sqrt(w + capacityK2));
    return this.#carry(t, k, stepK2, outside + doubtedK2, 1);
  }

  /** ρ² times the square of what equipment that is on moves the zone by; 0 where it moves it the wrong way or is not known. */
  #capacityK2(movedK: number): number {
    return this.#capacityDoubt > 0 && movedK > 0 ? (this.#capacityDoubt * movedK) ** 2 : 0;
  }

  #stepVariance(latentK2: number): number {
    return this.#model.spreadScale ** 2 * (latentK2 + this.#model.noiseVarianceK2);
  }

  /** w. */
  #before(t: number, k: number, stepK2: number): number {
    const drift = this.#driftVariance(t);
    let covariance = 0;
    let driftK2 = 0;
    for (let j = 0; j < drift.length; j++) {
      covariance += this.#covariances[j]![k]!;
      driftK2 += drift[j]!;
    }
    const { stateGain } = this.#model;
    return Math.max(0, stateGain * (stateGain * this.#variances[k]! + 2 * covariance) + driftK2 + stepK2);
  }

  /** v', c' and the standard deviation to tell. `aroundK2`: second moment about the predicted temperature but for the scatter on a setpoint. */
  #carry(t: number, k: number, stepK2: number, aroundK2: number, heldAtFirst: 0 | 1): number {
    const { stateGain, heldStdDevK } = this.#model;
    const drift = this.#driftVariance(t);
    // Where the mean is held, `#heldFraction` has counted what is not.
    const held = heldAtFirst === 1 ? Math.max(0, 1 - this.#heldFraction) : this.#heldFraction;
    const scatterK2 = held * heldStdDevK ** 2;
    this.#variances[k] = aroundK2 + scatterK2;
    for (let j = 0; j < drift.length; j++) {
      const column = this.#covariances[j]!;
      column[k] = (1 - held) * this.#decay[j]! * (stateGain * column[k]! + drift[j]! + this.#gain[j]! * stepK2);
    }
    return Math.sqrt(this.#factors[t]! ** 2 * aroundK2 + scatterK2);
  }

  /** E[(e − a)²; e > a], with P(e > a) counted. */
  #outside(a: number, stdDev: number): number {
    if (!(a < FAR * stdDev)) return Number.isNaN(a) ? a : 0;
    const z = a / stdDev;
    const density = normalPdf(z);
    const tail = upperTail(z, density);
    this.#heldFraction += tail;
    return Math.max(0, stdDev ** 2 * ((1 + z * z) * tail - z * density));
  }

  /** A flat part for errors from `a` to `b`: what stays at a there, and beyond b lags by b − a, is E[e² − a²; e > a] − E[(e − b + a)² − a²; e > b] less. */
  #flat(a: number, b: number, stdDev: number): void {
    if (!(b > a) || !(a < FAR * stdDev)) return;
    const z = a / stdDev;
    const density = normalPdf(z);
    const tail = upperTail(z, density);
    this.#takenK2 += stdDev ** 2 * ((1 - z * z) * tail + z * density);
    this.#heldFraction += tail;
    if (!(b < FAR * stdDev)) return;
    const y = b / stdDev;
    const endDensity = normalPdf(y);
    const end = upperTail(y, endDensity);
    this.#takenK2 -= stdDev ** 2 * ((1 + y * y) * end - y * endDensity + 2 * z * (endDensity - y * end));
    this.#heldFraction -= end;
  }

  /** B_j of step t; on first use also the factor of the lead t + 1. */
  #driftVariance(t: number): readonly number[] {
    while (this.#driftVariances.length <= t) {
      const { value } = this.#schedule.next();
      this.#driftVariances.push(value.driftVariances);
      this.#factors.push(value.factor);
    }
    return this.#driftVariances[t]!;
  }
}

/** What the recursion has in common for all samples at one step: B_j, and the factor of its lead. */
export interface SpreadStep {
  readonly driftVariances: readonly number[];
  readonly factor: number;
}

/** Step after step, from the first. */
function* spreadSteps(model: Pick<ZoneModel, "drift">, spread: SpreadModel): Generator<SpreadStep, never> {
  const decay = model.drift?.decay ?? [];
  const gain = model.drift?.gain ?? [];
  let states = decay.map(() => decay.map(() => 0));
  for (let steps = 1; ; steps++) {
    yield { driftVariances: states.map((row) => row.reduce((sum, value) => sum + value, 0)), factor: leadFactor(spread, steps) };
    states = states.map((row, j) =>
      row.map((value, l) => decay[j]! * decay[l]! * (value + gain[j]! * gain[l]! * spread.innovationVarianceK2)),
    );
  }
}

/** The first `steps` of them. */
export const driftSchedule = (model: Pick<ZoneModel, "drift">, spread: SpreadModel, steps: number): readonly SpreadStep[] => {
  const all = spreadSteps(model, spread);
  return Array.from({ length: steps }, () => all.next().value);
};
