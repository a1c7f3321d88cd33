/** What a person feels depends on: air and mean radiant temperature (°C), relative air speed (m/s), relative humidity (%), activity (met) and clothing (clo). */
export interface ThermalEnvironment {
  readonly airTempC: number;
  readonly radiantTempC: number;
  readonly airSpeedMps: number;
  readonly relativeHumidityPct: number;
  readonly activityMet: number;
  readonly clothingClo: number;
}

/** What a vote depends on beside the temperatures. */
export type PeopleAssumed = Omit<ThermalEnvironment, "airTempC" | "radiantTempC">;

const WATTS_PER_MET = 58.15;
const K_M2_PER_W_PER_CLO = 0.155;
const CLOTHING_ITERATIONS = 150;
/** Of the clothing's surface temperature, in hundreds of kelvins. */
const CLOTHING_TOLERANCE = 0.00015;

/** Partial water vapour pressure, Pa (Antoine, as in ISO 7730). */
const vapourPressurePa = (airTempC: number, relativeHumidityPct: number): number =>
  relativeHumidityPct * 10 * Math.exp(16.6536 - 4030.183 / (airTempC + 235));

/**
 * Predicted mean vote of a large group on the scale −3 cold … +3 hot (Fanger 1970; ISO 7730:2005, equations 1–4, no external work):
 *   PMV = (0.303 e^(−0.036 M) + 0.028) · (M − H_skin − H_sweat − H_latent − H_dry − R − C),  M in W/m².
 * The clothing's surface temperature is found by fixed-point iteration with halved steps. NaN where anything is missing or the iteration does not settle
 * (air speeds or temperatures far outside the standard: met 0.8…4, clo 0…2, 10…30 °C air, 10…40 °C radiant, up to 1 m/s).
 */
export const predictedMeanVote = (environment: ThermalEnvironment): number => {
  const { airTempC, radiantTempC, airSpeedMps, relativeHumidityPct, activityMet, clothingClo } = environment;
  const vapour = vapourPressurePa(airTempC, relativeHumidityPct);
  const insulation = K_M2_PER_W_PER_CLO * clothingClo;
  const metabolic = WATTS_PER_MET * activityMet;
  const area = insulation <= 0.078 ? 1 + 1.29 * insulation : 1.05 + 0.645 * insulation;
  const forced = 12.1 * Math.sqrt(airSpeedMps);
  const airK = airTempC + 273;
  const radiant = ((radiantTempC + 273) / 100) ** 4;
  const resistance = insulation * area;
  const fixed = 308.7 - 0.028 * metabolic + 3.96 * resistance * radiant;
  let next = (airK + (35.5 - airTempC) / (3.5 * (6.45 * insulation + 0.1))) / 100;
  let surface = 2 * next;
  let convection = forced;
  let settled = false;
  for (let i = 0; i < CLOTHING_ITERATIONS && !settled; i++) {
    surface = (surface + next) / 2;
    convection = Math.max(forced, 2.38 * Math.abs(100 * surface - airK) ** 0.25);
    next = (fixed + resistance * airK * convection - 3.96 * resistance * surface ** 4) / (100 + 100 * resistance * convection);
    settled = Math.abs(next - surface) <= CLOTHING_TOLERANCE;
  }
  if (!settled) return Number.NaN;
  const losses =
    3.05e-3 * (5733 - 6.99 * metabolic - vapour) +
    Math.max(0, 0.42 * (metabolic - WATTS_PER_MET)) +
    1.7e-5 * metabolic * (5867 - vapour) +
    1.4e-3 * metabolic * (34 - airTempC) +
    3.96 * area * (next ** 4 - radiant) +
    area * convection * (100 * next - 273 - airTempC);
  return (0.303 * Math.exp(-0.036 * metabolic) + 0.028) * (metabolic - losses);
};

/** Predicted percentage dissatisfied, %: 100 − 95 e^(−0.03353 PMV⁴ − 0.2179 PMV²) (ISO 7730:2005, equation 5). */
export const predictedPercentageDissatisfied = (vote: number): number => 100 - 95 * Math.exp(-0.03353 * vote ** 4 - 0.2179 * vote ** 2);

/** Two temperatures between which comfort is kept, °C. */
export interface TemperatureBand {
  readonly lowerC: number;
  readonly upperC: number;
}

/** Between these a band is looked for, °C. */
const COLDEST_C = 5;
const HOTTEST_C = 40;

/**
 * Temperatures (air and radiant alike) at which |PMV| stays within `voteLimit` (0.2, 0.5 and 0.7 are ISO 7730's categories A, B, C), by bisection to 0.001 K;
 * PMV rises with temperature. null where no such band lies between 5 and 40 °C.
 */
export const votedBand = (
  { airSpeedMps, relativeHumidityPct, activityMet, clothingClo }: PeopleAssumed,
  voteLimit: number,
): TemperatureBand | null => {
  const vote = (temperatureC: number): number =>
    predictedMeanVote({
      airTempC: temperatureC,
      radiantTempC: temperatureC,
      airSpeedMps,
      relativeHumidityPct,
      activityMet,
      clothingClo,
    });
  const where = (wanted: number): number => {
    let [low, high] = [COLDEST_C, HOTTEST_C];
    if (!(vote(low) <= wanted && vote(high) >= wanted)) return Number.NaN;
    while (high - low > 1e-3) {
      const middle = (low + high) / 2;
      if (vote(middle) < wanted) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  };
  const band = { lowerC: where(-voteLimit), upperC: where(voteLimit) };
  return voteLimit > 0 && Number.isFinite(band.lowerC) && Number.isFinite(band.upperC) ? band : null;
};
