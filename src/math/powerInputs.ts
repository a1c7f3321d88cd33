import { isWorkday, localHour } from "#math/features";

/** How many of the power model's inputs no setpoint reaches. */
export const POWER_DRIVERS = 5;

/** Below this outdoor air has to be warmed before it is blown into rooms, °C. */
const PREHEAT_BELOW_C = 8;

/**
 * What HVAC power depends on besides the actions, without scales: outdoor air (°C), sine and cosine of the local hour, workday (±0.5), and the kelvins by
 * which outdoor air is colder than 8 °C, which ventilation has to make up while it runs.
 */
export const powerDrivers = (outdoorC: number, localMs: number): readonly number[] => {
  const angle = (2 * Math.PI * localHour(localMs)) / 24;
  return [outdoorC, Math.sin(angle), Math.cos(angle), isWorkday(localMs) ? 0.5 : -0.5, Math.max(0, PREHEAT_BELOW_C - outdoorC)];
};

/** Design temperature of cooled supply air, 55 °F, and the room that `coolingEffortK` refers to, °C; the factor's bounds. */
export const coolingEffort = { supplyC: 13, roomC: 24, least: 0.4, most: 2 } as const;

/**
 * Cooling by `coolingK` kelvins in a room of `roomC`, as kelvins of a room at 24 °C: K (24 − 13)/(T − 13), the factor within [0.4, 2]. Air of 13 °C takes
 * V̇ρc (T − 13) out of a room: the warmer the room, the less air has to be cooled and blown for the same heat.
 */
export const coolingEffortK = (coolingK: number, roomC: number): number =>
  coolingK *
  Math.min(
    coolingEffort.most,
    Math.max(coolingEffort.least, (coolingEffort.roomC - coolingEffort.supplyC) / Math.max(1, roomC - coolingEffort.supplyC)),
  );
