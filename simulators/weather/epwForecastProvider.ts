import type { Forecast, ForecastProvider } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import { type PointName, type SiteQuantity, sitePoint, siteQuantities } from "#domain/points";
import type { WeatherSeries, WeatherValues } from "#simulators/weather/weatherSeries";

export const siteValues = (weather: WeatherValues): Readonly<Record<SiteQuantity, number>> => ({
  outdoorAirTempC: weather.outdoorAirTempC,
  outdoorRelativeHumidityPct: weather.outdoorRelativeHumidityPct,
  windSpeedMps: weather.windSpeedMps,
  globalHorizontalIrradianceWm2: weather.globalHorizontalIrradianceWm2,
  directNormalIrradianceWm2: weather.directNormalIrradianceWm2,
  diffuseHorizontalIrradianceWm2: weather.diffuseHorizontalIrradianceWm2,
});

/** Weather of the coming steps as the file has it: exact in a simulation on the same file, the climate's typical course anywhere else. */
export function epwForecast(weather: WeatherSeries, fromMs: number, stepS: number, steps: number): Forecast {
  if (!Number.isFinite(fromMs) || !(stepS > 0) || !Number.isInteger(steps) || steps < 0)
    throw configurationError(`a forecast of ${steps} steps of ${stepS} s from ${fromMs} makes no sense`);
  const stepEndMs = Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000);
  const columns = new Map<PointName, Float64Array>(siteQuantities.map((q) => [sitePoint(q), new Float64Array(steps)]));
  stepEndMs.forEach((endMs, j) => {
    const values = siteValues(weather.at(endMs, stepS));
    for (const q of siteQuantities) columns.get(sitePoint(q))![j] = values[q];
  });
  return { issuedAtMs: fromMs, provider: "epw", stepEndMs, columns };
}

/** `ForecastProvider` "epw": never fails for lack of data, since a typical year repeats. */
export const epwForecastProvider = (weather: WeatherSeries): ForecastProvider => ({
  name: "epw",
  forecast: async (fromMs, stepS, steps) => epwForecast(weather, fromMs, stepS, steps),
});
