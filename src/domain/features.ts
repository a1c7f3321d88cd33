import type { PointName } from "#domain/points";

/**
 * Heating that a zone's thermostat calls for, as a part of all there is, for equipment whose heat is long on its way (water through a floor). With
 * e_i = T_hea + offset − T_i, T_hea the setpoint of the step that begins at row i, the call is c_i = clamp(gain e_i + I_i, 0, 1) and
 * I_{i+1} = I_i + gain e_i stepS / integralTimeS (null: I = 0; at a limit I stays, unless it moves back inside).
 */
export interface EffortTerm {
  readonly kind: "effort";
  readonly zone: string;
  readonly gainPerK: number;
  readonly integralTimeS: number | null;
  readonly offsetK: number;
  /** null: c_i, the call of the coming step. Else H_i, its running mean so far: H_{i+1} = H_i + (1 − exp(−stepS / timeConstantS)) (c_i − H_i). */
  readonly timeConstantS: number | null;
}

/**
 * One model input without its scale. The step from row i to row i+1 is predicted from states up to row i and from what is in force during
 * the step, which stands in row i+1; `lagSteps: 1` on a disturbance or setpoint takes row i instead. T is the state named by `of` or `point`.
 */
export type PlainTerm =
  /** T_{i−lagSteps}, °C. */
  | { readonly kind: "state"; readonly point: PointName; readonly lagSteps: number }
  /** T_i − T_{i−steps}, K. */
  | { readonly kind: "difference"; readonly point: PointName; readonly steps: number }
  /** M_i − T_i, K, with M_i = M_{i−1} + (1 − exp(−stepS / timeConstantS)) (T_i − M_{i−1}): a slow thermal mass. */
  | { readonly kind: "slowMean"; readonly point: PointName; readonly timeConstantS: number }
  /** Another state minus this one, K: a neighbour zone. */
  | { readonly kind: "neighbour"; readonly point: PointName; readonly of: PointName }
  /** A disturbance minus a state, K: e.g. outdoor air minus zone air. */
  | { readonly kind: "offset"; readonly point: PointName; readonly of: PointName }
  /** Weather or occupancy in force during the step (lag 0) or the step before (lag 1), in the point's unit. */
  | { readonly kind: "disturbance"; readonly point: PointName; readonly lagSteps: number }
  /** A raw setpoint, °C. */
  | { readonly kind: "setpoint"; readonly zone: string; readonly side: "heating" | "cooling"; readonly lagSteps: number }
  /** clamp(T_hea − T_i, 0, saturationK) or clamp(T_i − T_coo, 0, saturationK), K: what the thermostat asks for. */
  | { readonly kind: "demand"; readonly zone: string; readonly mode: "heating" | "cooling"; readonly saturationK: number }
  | EffortTerm
  /** sin or cos of 2π · harmonic · (local hour of the step's end) / 24. */
  | { readonly kind: "timeOfDay"; readonly harmonic: number; readonly phase: "sin" | "cos" }
  /** +½ Monday to Friday, −½ otherwise, by the local day of the step's end. */
  | { readonly kind: "workday" }
  | { readonly kind: "constant" }
  /** One term times another, e.g. wind times the distance to outdoor air (infiltration), in the product of their units. */
  | { readonly kind: "product"; readonly factors: readonly [PlainTerm, PlainTerm] };

/** A term times 1 while the zone's equipment heats (cools) at its limit, else 0. */
export type FeatureTerm = PlainTerm | { readonly kind: "gated"; readonly mode: "heating" | "cooling"; readonly term: PlainTerm };

/** A term divided by its fixed physical scale: input x_c = term / scale. */
export interface Feature {
  readonly term: FeatureTerm;
  readonly scale: number;
}

/** How a model's inputs are made: data, because fitting and every rollout backend must compute the same. */
export type FeatureSpec = readonly Feature[];
