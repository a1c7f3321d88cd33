import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";

/** What a row says: 0 idle (free float), 1 heating at its limit, 2 cooling at its limit, 3 held at the heating, 4 at the cooling setpoint. */
export const regimes = { idle: 0, heatingLimited: 1, coolingLimited: 2, heldHeating: 3, heldCooling: 4 } as const;
export type Regime = (typeof regimes)[keyof typeof regimes];

/**
 * Regime of one row from the temperature reached and the setpoints in force: within `toleranceK` of a setpoint it is held there and only bounds the
 * free float (a censored row); below heating or above cooling the equipment was at its limit; between them it idled.
 */
export const regimeOf = (temperatureC: number, heatingSetpointC: number, coolingSetpointC: number, toleranceK: number): Regime => {
  if (Math.abs(temperatureC - heatingSetpointC) <= toleranceK) return regimes.heldHeating;
  if (Math.abs(temperatureC - coolingSetpointC) <= toleranceK) return regimes.heldCooling;
  if (temperatureC < heatingSetpointC) return regimes.heatingLimited;
  return temperatureC > coolingSetpointC ? regimes.coolingLimited : regimes.idle;
};

/**
 * How near a setpoint counts as held, K: 0.06 K for a simulator or a fine sensor; for a coarser or noisier one, three times the
 * scatter of the temperature around the setpoint that it hovers at (median absolute deviation of the rows within 0.5 K of it), at most 0.4 K.
 */
export const holdToleranceK = (
  temperatureC: ArrayLike<number>,
  heatingSetpointC: ArrayLike<number>,
  coolingSetpointC: ArrayLike<number>,
): number => {
  const near: number[] = [];
  for (let i = 1; i < temperatureC.length; i++) {
    const heating = temperatureC[i]! - heatingSetpointC[i]!;
    const cooling = temperatureC[i]! - coolingSetpointC[i]!;
    const distance = Math.abs(heating) < Math.abs(cooling) ? heating : cooling;
    // Held for two rows running, so that a passage through the setpoint does not count.
    const before =
      Math.abs(heating) < Math.abs(cooling) ? temperatureC[i - 1]! - heatingSetpointC[i]! : temperatureC[i - 1]! - coolingSetpointC[i]!;
    if (Math.abs(distance) < 0.5 && Math.abs(before) < 0.5) near.push(Math.abs(distance));
  }
  if (near.length < 8) return MIN_TOLERANCE_K;
  near.sort((a, b) => a - b);
  const median = near[Math.floor(near.length / 2)]!;
  return Math.min(Math.max(3 * 1.4826 * median, MIN_TOLERANCE_K), 0.4);
};

const MIN_TOLERANCE_K = 0.06;

/** The tolerance that a zone's data call for. */
export const zoneToleranceK = (data: DatasetRows, zone: string): number =>
  holdToleranceK(
    data.column(zonePoint(zone, "zoneAirTempC")),
    data.column(zonePoint(zone, "heatingSetpointC")),
    data.column(zonePoint(zone, "coolingSetpointC")),
  );

/** An increment that differs by more than this, K a step, from the one before is a switch, not weather. */
const SWITCH_K = 0.3;

/**
 * Regime of the step that ends at each row of the data set, as `regimeOf` has it, but for equipment that is off while its setpoint asks (a fan that cycles at night, a
 * dead band): a run of rows that fall below heating is free float where the fall begins or ends with a jump of the increments by more than 0.3 K a step. Heating that is too
 * weak for the weather falls too, but slides into it and out of it. Not so above cooling: of cooling that is off by the hour the model has a part of its own.
 * @param toleranceK default: what these data call for. @param mayLookAhead false: no row is judged by the rows after it (only by how its fall began).
 */
export const rowRegimes = (data: DatasetRows, zone: string, toleranceK = zoneToleranceK(data, zone), mayLookAhead = true): Uint8Array => {
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const heating = data.column(zonePoint(zone, "heatingSetpointC"));
  const cooling = data.column(zonePoint(zone, "coolingSetpointC"));
  const regime = Uint8Array.from(temperature, (value, i) => regimeOf(value, heating[i]!, cooling[i]!, toleranceK));
  const riseK = (i: number): number => (temperature[i] ?? Number.NaN) - (temperature[i - 1] ?? Number.NaN);
  const falls = (i: number): boolean => regime[i] === regimes.heatingLimited && riseK(i) < 0;
  for (let first = 1; first < regime.length; first++) {
    if (!falls(first)) continue;
    let end = first + 1;
    while (falls(end)) end++;
    const isSwitchedOff = riseK(first - 1) - riseK(first) > SWITCH_K;
    if (isSwitchedOff || (mayLookAhead && riseK(end) - riseK(end - 1) > SWITCH_K)) regime.fill(regimes.idle, first, end);
    first = end;
  }
  return regime;
};

/** Gates of steps whose ends have these regimes. */
export const gatesOf = (regimeOfStep: ArrayLike<Regime | number>): { heating: Uint8Array; cooling: Uint8Array } => ({
  heating: Uint8Array.from(regimeOfStep, (regime) => Number(regime === regimes.heatingLimited)),
  cooling: Uint8Array.from(regimeOfStep, (regime) => Number(regime === regimes.coolingLimited)),
});
