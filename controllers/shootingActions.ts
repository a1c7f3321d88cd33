import type { UniformSource } from "#controllers/mppi/noise";
import type { Sequence } from "#controllers/mppi/samples";
import type { ZoneSetpoints } from "#domain/setpoints";

/**
 * What pairs random shooting draws. published: whole degrees, heating 15…20 and cooling 21…29 (agent/CLUE.py, `randint(15, 21)`, `randint(21, 30)`).
 * uniform: heating 15–22 and cooling 21–30, cooling moved up to heating where it lies below.
 */
export type Actions = "published" | "uniform";

const HEATING_C = { low: 15, high: 22 };
const COOLING_C = { low: 21, high: 30 };
export const SETBACK: ZoneSetpoints = { heatingSetpointC: HEATING_C.low, coolingSetpointC: COOLING_C.high };

const drawPair = (random: UniformSource, actions: Actions): ZoneSetpoints => {
  if (actions === "published") return { heatingSetpointC: 15 + random.below(6), coolingSetpointC: 21 + random.below(9) };
  const heatingSetpointC = HEATING_C.low + (HEATING_C.high - HEATING_C.low) * random.next();
  const coolingSetpointC = COOLING_C.low + (COOLING_C.high - COOLING_C.low) * random.next();
  return { heatingSetpointC, coolingSetpointC: Math.max(heatingSetpointC, coolingSetpointC) };
};

/** A new pair for every zone at every step. */
export const randomSequence = (random: UniformSource, horizonSteps: number, nz: number, actions: Actions): Sequence => {
  const pairs = Array.from({ length: horizonSteps * nz }, () => drawPair(random, actions));
  return {
    heatingSetpointC: Float64Array.from(pairs, (pair) => pair.heatingSetpointC),
    coolingSetpointC: Float64Array.from(pairs, (pair) => pair.coolingSetpointC),
  };
};

/** The published script knows two seasons by their comfort bands: 20–23.5 and 23–26 °C. */
const WINTER_LOWER_C = 21.5;
export const isWinterBand = (lowerC: number): boolean => lowerC < WINTER_LOWER_C;

/** The pairs that the published script's building accepts, (heating, cooling) °C (agent/CLUE.py, `new_action_mapping`). */
const TABLE: readonly (readonly [heatingC: number, coolingC: number])[] = [
  [15, 30],
  [16, 29],
  [17, 28],
  [18, 27],
  [19, 26],
  [20, 25],
  [21, 24],
  [22, 23],
  [22, 22],
  [21, 21],
];

/**
 * What a pair becomes on its way to the published script's building: the first of its ten pairs with this whole-degree cooling setpoint in winter,
 * with this heating setpoint in summer; the other side of what was planned is dropped. A pair that matches none goes through as it is.
 */
export const publishedPair = ({ heatingSetpointC, coolingSetpointC }: ZoneSetpoints, isWinter: boolean): ZoneSetpoints => {
  const match = TABLE.find(([heating, cooling]) =>
    isWinter ? cooling === Math.trunc(coolingSetpointC) : heating === Math.trunc(heatingSetpointC),
  );
  return match === undefined ? { heatingSetpointC, coolingSetpointC } : { heatingSetpointC: match[0], coolingSetpointC: match[1] };
};

/**
 * What the published script falls back to: (21, 21) °C while occupied, (15, 30) otherwise. It writes the second pair the other way round than its
 * random ones, finds it in no table and hands it through, so that it comes out right; in summer the table makes (21, 24) of the first.
 */
export const publishedFallback = (isOccupied: boolean, isWinter: boolean): ZoneSetpoints =>
  isOccupied ? publishedPair({ heatingSetpointC: 21, coolingSetpointC: 21 }, isWinter) : SETBACK;

/** Standard deviation of the perturbations, K. */
const NOISE_K = 2;
/** Where planning begins when there is no previous plan: the middle of the ranges. */
const MIDDLE: ZoneSetpoints = { heatingSetpointC: 18.5, coolingSetpointC: 25.5 };

const clamp = (value: number, { low, high }: { readonly low: number; readonly high: number }): number =>
  Math.max(low, Math.min(value, high));

/** `nominal` plus independent normal noise at every step and zone, inside the ranges; `normal` gives standard normal numbers. */
export const perturbed = (nominal: Sequence, normal: () => number): Sequence => {
  const heatingSetpointC = nominal.heatingSetpointC.map((value) => clamp(value + NOISE_K * normal(), HEATING_C));
  const coolingSetpointC = nominal.coolingSetpointC.map((value, i) =>
    Math.max(heatingSetpointC[i]!, clamp(value + NOISE_K * normal(), COOLING_C)),
  );
  return { heatingSetpointC, coolingSetpointC };
};

export const middleSequence = (horizonSteps: number, nz: number): Sequence => ({
  heatingSetpointC: new Float64Array(horizonSteps * nz).fill(MIDDLE.heatingSetpointC),
  coolingSetpointC: new Float64Array(horizonSteps * nz).fill(MIDDLE.coolingSetpointC),
});
