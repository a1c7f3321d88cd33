import type { SetpointLimits } from "#domain/setpoints";

/** What every sequence of setpoints has to obey before the model sees it, so that the plan is what the equipment will really do. */
export interface Admission {
  readonly limits: SetpointLimits;
  /** Setpoints in force before the first step, per zone, °C; NaN where unknown: then the first step may jump. */
  readonly inForceHeatingC: Float64Array;
  readonly inForceCoolingC: Float64Array;
  /** Setpoints are multiples of it, K; 0: any value. */
  readonly gridK: number;
  /** Per step and zone [t][z], inside the limits: heating no lower and cooling no higher than this, °C. Absent: the limits alone. */
  readonly widest?: { readonly heatingSetpointC: Float64Array; readonly coolingSetpointC: Float64Array };
  /** Per step and zone [t][z]: heating no higher and cooling no lower than this, °C. Absent: the limits alone. */
  readonly tightest?: { readonly heatingSetpointC: Float64Array; readonly coolingSetpointC: Float64Array };
}

/** `value` into [low, high]; `low` where the interval is empty. */
const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high));

/** A hair's breadth by which multiples of the grid may miss an end of the interval through rounding. */
const HAIR = 1e-9;

/** Nearest multiple of `gridK` inside [low, high]; `value` itself where the interval holds none. */
const snap = (value: number, low: number, high: number, gridK: number): number => {
  if (gridK <= 0) return value;
  const first = Math.ceil(low / gridK - HAIR);
  const last = Math.floor(high / gridK + HAIR);
  return first > last ? value : clamp(clamp(Math.round(value / gridK), first, last) * gridK, low, high);
};

/** Where a setpoint may go: [min, max] by the equipment's limits, and inside them preferably [floor, ceiling]. */
interface Span {
  readonly min: number;
  readonly max: number;
  readonly floor: number;
  readonly ceiling: number;
}

/**
 * Where one setpoint may go in one step: inside its limits and at most the slew away from where it was, and of that as much as lies between floor and
 * ceiling. Limits win: from a setpoint outside them the way back is not slowed down. A `previous` that is not finite allows any step.
 */
const reach = (previous: number, { min, max, floor, ceiling }: Span, slew: number): readonly [low: number, high: number] => {
  const from = clamp(previous, min, max);
  const isLimited = Number.isFinite(previous) && Number.isFinite(slew);
  const low = isLimited ? Math.max(min, from - slew) : min;
  const high = isLimited ? Math.min(max, from + slew) : max;
  return [clamp(floor, low, high), clamp(ceiling, low, high)];
};

/**
 * Makes one sequence [t][z] that begins at index `start` admissible, in place: limits, slew from step to step, then the deadband
 * T_coo − T_hea ≥ d, by which cooling gives way first and heating where cooling may not. A setpoint that is not finite keeps the one before,
 * or takes its setback-side limit where there is none. Where limits leave no room for the deadband the limits win.
 */
export const admit = (
  heatingC: Float64Array,
  coolingC: Float64Array,
  start: number,
  horizonSteps: number,
  nz: number,
  admission: Admission,
): void => {
  const { limits, gridK } = admission;
  const slew = limits.maxSlewKPerStep;
  for (let z = 0; z < nz; z++) {
    let previousHeating = admission.inForceHeatingC[z]!;
    let previousCooling = admission.inForceCoolingC[z]!;
    for (let t = 0; t < horizonSteps; t++) {
      const i = start + t * nz + z;
      const heatFloor = admission.widest?.heatingSetpointC[t * nz + z] ?? Number.NEGATIVE_INFINITY;
      const coolCeiling = admission.widest?.coolingSetpointC[t * nz + z] ?? Number.POSITIVE_INFINITY;
      const heatCeiling = admission.tightest?.heatingSetpointC[t * nz + z] ?? Number.POSITIVE_INFINITY;
      const coolFloor = admission.tightest?.coolingSetpointC[t * nz + z] ?? Number.NEGATIVE_INFINITY;
      const { minHeatingSetpointC, maxHeatingSetpointC, minCoolingSetpointC, maxCoolingSetpointC } = limits;
      const heatSpan: Span = {
        min: minHeatingSetpointC,
        max: maxHeatingSetpointC,
        floor: heatFloor,
        ceiling: Math.max(heatFloor, heatCeiling),
      };
      const coolSpan: Span = {
        min: minCoolingSetpointC,
        max: maxCoolingSetpointC,
        floor: Math.min(coolCeiling, coolFloor),
        ceiling: coolCeiling,
      };
      const [heatLow, heatHigh] = reach(previousHeating, heatSpan, slew);
      const [coolLow, coolHigh] = reach(previousCooling, coolSpan, slew);
      const wantedHeating = finiteOr(heatingC[i]!, previousHeating, heatLow);
      const wantedCooling = finiteOr(coolingC[i]!, previousCooling, coolHigh);
      let heating = snap(clamp(wantedHeating, heatLow, heatHigh), heatLow, heatHigh, gridK);
      let cooling = snap(clamp(wantedCooling, coolLow, coolHigh), coolLow, coolHigh, gridK);
      if (cooling - heating < limits.deadbandK) {
        const needed = heating + limits.deadbandK;
        cooling = needed >= coolHigh ? coolHigh : snap(needed, needed, coolHigh, gridK);
        if (cooling - heating < limits.deadbandK) {
          const room = cooling - limits.deadbandK;
          // Out of reach of both slews only from a pair that was itself too close: the deadband protects equipment, so it comes first.
          heating = room <= heatLow ? Math.max(limits.minHeatingSetpointC, room) : snap(room, heatLow, room, gridK);
        }
      }
      heatingC[i] = heating;
      coolingC[i] = cooling;
      previousHeating = heating;
      previousCooling = cooling;
    }
  }
};

const finiteOr = (value: number, previous: number, otherwise: number): number =>
  Number.isFinite(value) ? value : Number.isFinite(previous) ? previous : otherwise;
