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

/** A zone below heating that falls by more than this in one step, K, has no heating on. */
const OFF_K = 1;

/**
 * Regime of the step that ends at each row of the data set, as `regimeOf` has it; but a zone below heating that falls by more than 1 K in one step, or goes on falling
 * after that, is not heated at its limit: its fan is off (night cycling), and the step is one of free float. Not so above cooling: of cooling that is off
 * by the hour the model has a part of its own, and a zone may rise that fast when people arrive.
 * @param toleranceK default: what these data call for.
 */
export const rowRegimes = (data: DatasetRows, zone: string, toleranceK = zoneToleranceK(data, zone)): Uint8Array => {
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const heating = data.column(zonePoint(zone, "heatingSetpointC"));
  const cooling = data.column(zonePoint(zone, "coolingSetpointC"));
  let isOff = false;
  return Uint8Array.from(temperature, (value, i) => {
    const regime = regimeOf(value, heating[i]!, cooling[i]!, toleranceK);
    const fallK = (temperature[i - 1] ?? Number.NaN) - value;
    isOff = regime === regimes.heatingLimited && (fallK > OFF_K || (isOff && fallK > 0));
    return isOff ? regimes.idle : regime;
  });
};

/** Gates of steps whose ends have these regimes. */
export const gatesOf = (regimeOfStep: ArrayLike<Regime | number>): { heating: Uint8Array; cooling: Uint8Array } => ({
  heating: Uint8Array.from(regimeOfStep, (regime) => Number(regime === regimes.heatingLimited)),
  cooling: Uint8Array.from(regimeOfStep, (regime) => Number(regime === regimes.coolingLimited)),
});
