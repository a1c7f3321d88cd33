import type { EffortTerm, FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { PointName } from "#domain/points";

/**
 * The posterior of one GP in the form that prediction is cheapest in, as plain arrays:
 * mean(x) = βᵀx + k(x, X) α, variance(x) = k(x, x) − ‖W k(X, x)‖² (of the latent function; observation noise is apart).
 * Exact: X are the training inputs and W = L⁻¹ with L Lᵀ = K + diag(noise). Budgeted: X are inducing inputs.
 */
export interface PosteriorData {
  readonly features: FeatureSpec;
  readonly kernel: KernelSpec;
  /** β, d: prior mean coefficients on the inputs. */
  readonly meanCoefficients: Float64Array;
  /** X, m×d row-major. */
  readonly basisInputs: Float64Array;
  readonly m: number;
  readonly d: number;
  /** α, m. */
  readonly alpha: Float64Array;
  /** W, p×m row-major. */
  readonly varianceRoot: Float64Array;
  readonly p: number;
}

/**
 * How a zone's next temperature follows from its GP.
 * absolute: T' = f(x). increment: T' = T + f(x).
 * thermostat: with f evaluated with no gate (free float), the heating gate (full heating) and the cooling gate (full cooling),
 * T_free = T + f(x, none), T_heat = T + f(x, heating), T_cool = T + f(x, cooling):
 * T' = min(T_hea, max(T_heat, T_free)) if T_free < T_hea; max(T_coo, T_cool) if T_free > T_coo; else T_free.
 * Heating takes nothing away, so that a cold zone follows a free float that forgets, however little the data say of full heating. T_cool may exceed T_free: where
 * cooling is off by its own schedule what rows under a call showed decides, not a free float that was learned at other hours.
 */
export type Transition = "absolute" | "increment" | "thermostat";

/**
 * How far a model's errors of late are believed to last (offset-free prediction; Pannocchia & Rawlings 2003): two disturbance states b_j, K a step, each
 * corrected by every innovation ν = (T' − T̂') − Σ b_j of an uncensored step, b_j ← ρ_j (b_j + g_j ν), and left to fade, b_j ← ρ_j b_j, on a setpoint and
 * in predictions. The drift of a step, Σ_j b_j, is an input of the posterior with mean coefficient 1 (`driftPoint`).
 */
export interface DriftModel {
  /** ρ: what is left of a state after one step. */
  readonly decay: readonly number[];
  /** g. */
  readonly gain: readonly number[];
  /** Innovations beyond this, K, count as this: an open window is no drift. */
  readonly limitK: number;
}

/**
 * How sure open-loop predictions are (`CarriedSpread`): what feeds the variance of the drift, and how far held-out trajectories erred, by lead.
 */
export interface SpreadModel {
  /** σ̄², K²: variance of the innovation of a usual step, calibrated: what a step on a setpoint is taken to have, and what feeds the drift. */
  readonly innovationVarianceK2: number;
  /** ε: where a thermostat asks for D kelvins (from the free float to the setpoint) the variance is ε² D² larger. Absent: 0. */
  readonly demandDoubt?: number;
  /** ρ: share of what equipment that is on moves a zone by in a step, of which nobody is sure. Absent: 0. */
  readonly capacityDoubt?: number;
  /** Factor on the standard deviation after so many steps (rising); in between linear in the logarithms, beyond the last as at the last. */
  readonly leads: readonly { readonly steps: number; readonly factor: number }[];
}

export interface ZoneModel {
  readonly zone: string;
  readonly transition: Transition;
  readonly posterior: PosteriorData;
  /** σ², K²: what one step adds beyond the latent function. */
  readonly noiseVarianceK2: number;
  /** T' − setpoint while the setpoint is held: mean (K) and standard deviation (K). */
  readonly heldOffsetK: number;
  readonly heldStdDevK: number;
  /** ∂T'/∂T off the setpoint, in [0, 1): carries a step's variance on to the next, v' = gain² v + variance + noise; 0 while a setpoint is held. */
  readonly stateGain: number;
  /** Calibrated factor on every predictive standard deviation. */
  readonly spreadScale: number;
  /**
   * Only with a transition other than "thermostat": heat reaches the zone so late that no setpoint is held within a step. What the zone's thermostat calls for in a
   * step (a term without time constant) stands for the kelvins of heating that the power model reads. Absent: 0 kelvins.
   */
  readonly call?: EffortTerm;
  /** Absent: errors of late say nothing. */
  readonly drift?: DriftModel;
  /** Absent: a step's error is taken to know nothing of the step before, and every standard deviation is multiplied by `spreadScale` alone. */
  readonly spread?: SpreadModel;
}

/**
 * HVAC electric power of one step: P = max(0, f(x)) W with inputs [heating K of every zone, cooling effort K of every zone, `powerDrivers`], each divided
 * by `inputScale`. Heating (cooling) K: how far the equipment moved the zone from its free float; effort: `coolingEffortK` at the temperature reached.
 * Of a zone with a `call` heating is that call, 0 to 1.
 */
export interface PowerModel {
  readonly posterior: Omit<PosteriorData, "features">;
  readonly zones: readonly string[];
  readonly inputScale: Float64Array;
  /** W per unit of f. */
  readonly outputScaleW: number;
  readonly noiseStdDevW: number;
}

/** Everything that is learned about a building: immutable, swapped as a whole between control ticks. */
export interface BuildingModel {
  readonly version: string;
  readonly kind: string;
  readonly stepS: number;
  readonly zones: readonly ZoneModel[];
  readonly power: PowerModel | null;
  /** Standard deviation (K) beyond which a sequence is discarded, calibrated on held-out data. */
  readonly spreadBoundK: number;
  readonly trainedFromMs: number;
  readonly trainedToMs: number;
  readonly trainRows: number;
  readonly prior: string;
  /** How each zone listens to that prior, and when that was chosen; absent: nothing was chosen. */
  readonly priorUse?: { readonly chosenMs: number; readonly byZone: Readonly<Record<string, string>> };
  /** Held-out accuracy and where it came from, for people. */
  readonly summary: Readonly<Record<string, number | string>>;
}

/** What a control step needs to start a rollout: rows up to now, newest last; enough of them for lags and slow means. */
export interface StateHistory {
  readonly stepS: number;
  /** End of the newest row. */
  readonly nowMs: number;
  readonly columns: ReadonlyMap<PointName, Float64Array>;
  readonly rows: number;
}
