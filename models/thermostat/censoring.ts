import type { DatasetRows } from "#math/datasetRows";
import { fillInputs } from "#math/features";
import { type Regime, regimes } from "#math/regimes";
import type { ThermostatStructure } from "#models/thermostat/structure";

/** A step that ended on a setpoint. */
export interface HeldStep {
  /** Row of the step's beginning. */
  readonly row: number;
  readonly regime: Regime;
  /** Setpoint − T, K: the increment that was reached, and a bound on what would have been. */
  readonly boundK: number;
}

/** What held steps say: f(x) on one side of a bound. Rows as in `TrainingRows`. */
export interface Bounds {
  readonly x: Float64Array;
  readonly count: number;
  readonly boundK: Float64Array;
  /** +1: f ≥ bound; −1: f ≤ bound. */
  readonly side: Int8Array;
}

/**
 * Two bounds per held step. On the heating setpoint the free float lies at or below it and full heating reaches it:
 * f(x, none) ≤ T_hea − T ≤ f(x, heating); on the cooling setpoint f(x, cooling) ≤ T_coo − T ≤ f(x, none).
 * All steps: the few that a mean breaks, such as those in which people arrive, are the ones that tell something.
 */
export const boundsOf = (structure: ThermostatStructure, data: DatasetRows, steps: readonly HeldStep[]): Bounds => {
  const source = data.source(steps.map(({ row }) => row));
  const d = structure.features.length;
  const heating = Uint8Array.from(steps, ({ regime }) => Number(regime === regimes.heldHeating));
  const cooling = heating.map((value) => 1 - value);
  const free = fillInputs(structure.features, source, { heating: null, cooling: null });
  const driven = fillInputs(structure.features, source, { heating, cooling });
  const usable = steps.map((_, i) => i).filter((i) => driven.subarray(i * d, (i + 1) * d).every(Number.isFinite));
  const count = 2 * usable.length;
  const x = new Float64Array(count * d);
  const boundK = new Float64Array(count);
  const side = new Int8Array(count);
  usable.forEach((i, at) => {
    x.set(free.subarray(i * d, (i + 1) * d), 2 * at * d);
    x.set(driven.subarray(i * d, (i + 1) * d), (2 * at + 1) * d);
    boundK.fill(steps[i]!.boundK, 2 * at, 2 * at + 2);
    side[2 * at] = heating[i] === 1 ? -1 : 1;
    side[2 * at + 1] = heating[i] === 1 ? 1 : -1;
  });
  return { x, count, boundK, side };
};

/** A pseudo-observation lies this far inside its bound, K, and is this uncertain: the bound says where f is not, hardly where it is. */
export const INSIDE_K = 0.1;
export const PSEUDO_STD_DEV_K = 0.3;

/** Bounds that the means f (count) break by more than 0.02 K. */
export const brokenBounds = ({ boundK, side }: Bounds, means: Float64Array): readonly number[] => {
  const broken: number[] = [];
  means.forEach((mean, i) => {
    if (side[i]! * (mean - boundK[i]!) < -0.02) broken.push(i);
  });
  return broken;
};
