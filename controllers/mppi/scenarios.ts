import type { Forecast } from "#domain/dataset";
import { type ForecastErrorAtLead, isTrustedError, PEOPLE_POINT } from "#domain/forecastError";
import { type PointName, sitePoint } from "#domain/points";

/** The forecast as it may come true instead, and how much that counts. */
export interface ForecastScenario {
  readonly weight: number;
  readonly forecast: Forecast;
}

type Shape = "added" | "scaled";

/** Something that forecasts err in: one random number moves all its columns along the whole horizon. */
interface Unknown {
  readonly point: PointName;
  readonly columns: readonly PointName[];
  readonly shape: Shape;
}

const OUTDOOR = sitePoint("outdoorAirTempC");
const SUN = sitePoint("globalHorizontalIrradianceWm2");
const BEAM_AND_SKY = [sitePoint("directNormalIrradianceWm2"), sitePoint("diffuseHorizontalIrradianceWm2")];
/** What is scaled becomes twice as much at most, and no less than nothing. */
const MOST_RATIO = 2;

const unknownsOf = ({ columns }: Forecast): readonly Unknown[] => [
  { point: OUTDOOR, columns: [OUTDOOR], shape: "added" },
  { point: SUN, columns: [SUN, ...BEAM_AND_SKY].filter((point) => columns.has(point)), shape: "scaled" },
  { point: PEOPLE_POINT, columns: [...columns.keys()].filter((point) => point.endsWith(".occupancyCount")), shape: "scaled" },
];

/** Root mean square of e = measured − forecast at each step: linear in lead between those that are known, level before and after them. */
const errorAlong = (errors: readonly ForecastErrorAtLead[], leadsS: Float64Array): Float64Array => {
  const known = errors
    .map(({ leadS, bias, stdDev }) => ({ leadS, rms: Math.hypot(bias, stdDev) }))
    .sort((one, other) => one.leadS - other.leadS);
  return leadsS.map((leadS) => {
    const after = known.findIndex((one) => one.leadS >= leadS);
    if (after < 0) return known[known.length - 1]!.rms;
    if (after === 0) return known[0]!.rms;
    const [low, high] = [known[after - 1]!, known[after]!];
    return low.rms + ((leadS - low.leadS) / (high.leadS - low.leadS)) * (high.rms - low.rms);
  });
};

/** What the columns of one unknown sum up to: the sun's is the global irradiance alone, people's the building's. */
const totalOf = ({ point, columns }: Unknown, forecast: Forecast): Float64Array => {
  const total = new Float64Array(forecast.stepEndMs.length);
  for (const name of point === SUN ? [SUN] : columns)
    forecast.columns.get(name)?.forEach((value, t) => {
      total[t]! += value;
    });
  return total;
};

/** The forecast with one unknown off by `moved` [t]. Missing values stay missing. */
const movedBy = (forecast: Forecast, unknown: Unknown, moved: Float64Array): Forecast => {
  const columns = new Map(forecast.columns);
  const total = unknown.shape === "scaled" ? totalOf(unknown, forecast) : null;
  const ratio = (t: number): number => Math.min(MOST_RATIO, Math.max(0, 1 + moved[t]! / total![t]!));
  for (const name of unknown.columns)
    columns.set(
      name,
      forecast.columns.get(name)!.map((value, t) => (total === null ? value + moved[t]! : total[t]! > 0 ? value * ratio(t) : value)),
    );
  return { ...forecast, columns };
};

/**
 * Weather and people as they may come otherwise than forecast: sigma points of how far this provider's forecasts have been off. With n unknowns (outdoor
 * temperature, sun, people), each moved along the whole horizon by ±√(n + 1) times the root mean square of its error at each lead, since errors of
 * forecasts last for many hours:
 *   w₀ = 1/(n + 1),  w± = 1/(2 (n + 1)),   Σ w = 1,  Σ w δ = 0,  Σ w δ² = rms²
 * A mean over them is exact for costs that are cubic in each error. Sun and people are scaled, between nothing and twice as much, so that nights and empty
 * rooms stay what they are. The first is the forecast itself. Errors that are too few to go by (`isTrustedError`) or zero are no unknowns; none at all: the forecast alone.
 * (Julier and Uhlmann 1997.)
 */
export const forecastScenarios = (
  forecast: Forecast,
  nowMs: number,
  errors: readonly ForecastErrorAtLead[],
): readonly ForecastScenario[] => {
  const leadsS = Float64Array.from(forecast.stepEndMs, (endMs) => (endMs - nowMs) / 1000);
  const moves = unknownsOf(forecast).flatMap((unknown) => {
    const known = errors.filter((one) => one.point === unknown.point && isTrustedError(one));
    if (known.length === 0 || unknown.columns.some((name) => !forecast.columns.has(name)) || unknown.columns.length === 0) return [];
    const rms = errorAlong(known, leadsS);
    return rms.some((value) => value > 0) ? [{ unknown, rms }] : [];
  });
  const count = moves.length + 1;
  const reach = Math.sqrt(count);
  return [
    { weight: 1 / count, forecast },
    ...moves.flatMap(({ unknown, rms }) =>
      [reach, -reach].map((factor) => ({
        weight: 1 / (2 * count),
        forecast: movedBy(
          forecast,
          unknown,
          rms.map((value) => factor * value),
        ),
      })),
    ),
  ];
};
