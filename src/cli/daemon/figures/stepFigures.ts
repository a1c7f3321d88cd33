import type { Comfort } from "#config/comfort";
import { comfortPoint, operativePoint, tariffPoint } from "#domain/figures";
import { buildingPoint, type PointName, type TelemetryPoint, zonePoint } from "#domain/points";
import { type PeopleAssumed, predictedMeanVote } from "#math/thermalComfort";

/** What the figures of a step are made from, beside its row of measurements. */
export interface StepFiguresParts {
  readonly zones: readonly string[];
  readonly stepS: number;
  /** Everything that the site measures or derives: only meters that are there have a price. */
  readonly points: readonly PointName[];
  /** null: nothing is known of people, so they have no vote. */
  readonly people: PeopleAssumed | null;
  /** What was wanted of a zone in the step that ended at `endMs`. */
  readonly comfort: (zone: string, endMs: number) => Comfort;
  /** In force in the step that ended at `endMs`. */
  readonly tariff: (endMs: number) => { readonly energyPricePerKwh: number; readonly carbonKgPerKwh: number };
}

/** Kelvins outside the band, 0 inside. */
const outsideK = (tempC: number, { lowerC, upperC }: Comfort): number => Math.max(0, lowerC - tempC, tempC - upperC);

/** Share of the air's temperature in the operative one, by the air's speed, m/s (ASHRAE 55-2017, appendix A; ISO 7726 has the first). */
const airShare = (airSpeedMps: number): number => (airSpeedMps < 0.2 ? 0.5 : airSpeedMps < 0.6 ? 0.6 : 0.7);

/** T_r = (T_op − A T_air)/(1 − A), °C; the air's own where nobody knows the operative temperature, as in the vote's band. */
const radiantC = (airC: number, operativeC: number | undefined, airSpeedMps: number): number => {
  if (operativeC === undefined) return airC;
  const share = airShare(airSpeedMps);
  return (operativeC - share * airC) / (1 - share);
};

/**
 * What is known of the step that ended at `endMs`, from what was measured at its end: of every zone its band and, in occupied steps, the kelvin-hours outside it,
 *   K·h = max(0, lower − T, T − upper) · step / 3600,
 * and the vote of the people that the site file describes; of every meter price and intensity. What is not known is left out.
 */
export const stepFigures = (
  { zones, stepS, points, people, comfort, tariff }: StepFiguresParts,
  endMs: number,
  values: ReadonlyMap<PointName, number>,
): readonly TelemetryPoint[] => {
  const { energyPricePerKwh, carbonKgPerKwh } = tariff(endMs);
  const metered = (...names: readonly PointName[]): boolean => names.some((name) => points.includes(name));
  const voteOf = (zone: string, airC: number): number => {
    if (people === null) return Number.NaN;
    return predictedMeanVote({
      ...people,
      airTempC: airC,
      radiantTempC: radiantC(airC, values.get(operativePoint(zone)), people.airSpeedMps),
      relativeHumidityPct: values.get(zonePoint(zone, "relativeHumidityPct")) ?? people.relativeHumidityPct,
    });
  };
  const found: (readonly [PointName, number])[] = zones.flatMap((zone) => {
    const band = comfort(zone, endMs);
    const airC = values.get(zonePoint(zone, "zoneAirTempC")) ?? Number.NaN;
    return [
      [comfortPoint(zone, "comfortLowerC"), band.lowerC],
      [comfortPoint(zone, "comfortUpperC"), band.upperC],
      // Nobody is there to be uncomfortable in other steps, or to vote.
      ...(band.occupied
        ? ([
            [comfortPoint(zone, "discomfortKh"), (outsideK(airC, band) * stepS) / 3600],
            [comfortPoint(zone, "predictedMeanVote"), voteOf(zone, airC)],
          ] as const)
        : []),
    ];
  });
  if (metered(buildingPoint("hvacPowerW"), buildingPoint("hvacEnergyKwh")))
    found.push([tariffPoint("hvacPricePerKwh"), energyPricePerKwh], [tariffPoint("hvacCarbonGPerKwh"), 1000 * carbonKgPerKwh]);
  if (metered(buildingPoint("powerW")))
    found.push([tariffPoint("pricePerKwh"), energyPricePerKwh], [tariffPoint("carbonGPerKwh"), 1000 * carbonKgPerKwh]);
  return found.flatMap(([point, value]) => (Number.isFinite(value) ? [{ timeMs: endMs, point, value }] : []));
};
