import { createPersistenceForecast } from "#adapters/weather/persistenceForecast";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import type { SiteConfig } from "#config/siteConfig";
import type { Forecast, ForecastProvider } from "#domain/dataset";
import { guardForecasts } from "#loop/forecastGuard";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { epwForecastProvider } from "#simulators/weather/epwForecastProvider";
import type { WeatherSeries } from "#simulators/weather/weatherSeries";

/** Weather from one provider, people from another: no weather file knows who comes to work. A failing second one costs only its own columns. */
const withPeople = (weather: ForecastProvider, people: ForecastProvider): ForecastProvider => ({
  name: weather.name,
  forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
    const forecast = await weather.forecast(fromMs, stepS, steps);
    const columns = new Map(forecast.columns);
    const expected = await people.forecast(fromMs, stepS, steps).catch(() => null);
    for (const [point, values] of expected?.columns ?? []) if (point.endsWith(".occupancyCount")) columns.set(point, values);
    return { ...forecast, columns };
  },
});

export interface SiteForecasts extends ForecastProvider {
  /** When a forecast was made last, site time; null before the first. */
  readonly lastMs: number | null;
}

/** The site's forecasts, guarded: the building's weather file for an embedded one, persistence of its own measurements otherwise. */
export const createForecasts = (
  config: SiteConfig,
  history: HistoryBuffer,
  weather: WeatherSeries | null,
  onProblem: (text: string) => void,
): SiteForecasts => {
  const persistence = createPersistenceForecast({ history: () => history.dataset(), toLocalMs: toLocalMsOf(config) });
  const provider =
    weather === null || config.forecast.provider === "persistence" ? persistence : withPeople(epwForecastProvider(weather), persistence);
  const guarded = guardForecasts(provider, {
    maxAgeS: config.forecast.maxAgeS,
    newest: (point) => history.last(point)?.value ?? null,
    onProblem,
  });
  let lastMs: number | null = null;
  return {
    name: provider.name,
    get lastMs() {
      return lastMs;
    },
    forecast: async (fromMs, stepS, steps) => {
      const forecast = await guarded.forecast(fromMs, stepS, steps);
      lastMs = forecast.issuedAtMs;
      return forecast;
    },
  };
};
