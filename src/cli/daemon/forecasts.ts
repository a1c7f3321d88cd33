import { join } from "node:path";
import { createPersistenceForecast } from "#adapters/weather/persistenceForecast";
import { createWebForecast, type WebForecast } from "#adapters/weather/webForecast";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import { keepForecastErrors } from "#cli/daemon/forecastErrorFile";
import type { ForecastSourceConfig, SiteConfig } from "#config/siteConfig";
import type { ForecastStatus } from "#dashboards/server/daemonStatus";
import type { Dataset, Forecast, ForecastProvider } from "#domain/dataset";
import type { ForecastErrorAtLead } from "#domain/forecastError";
import type { PointName } from "#domain/points";
import type { AlarmBoard } from "#loop/alarmBoard";
import { chainForecasts } from "#loop/forecastChain";
import { guardForecasts } from "#loop/forecastGuard";
import type { HistoryBuffer } from "#loop/historyBuffer";
import { blendStation } from "#loop/stationBlend";
import { epwForecastProvider } from "#simulators/weather/epwForecastProvider";
import { loadWeather } from "#simulators/weather/loadWeather";
import type { WeatherSeries } from "#simulators/weather/weatherSeries";

/** Failures in a row of a service that people are told of, even while what it said before serves. */
const TOLD_FAILURES = 3;

export interface SiteForecasts extends ForecastProvider {
  /** When the forecast in use was made, site time; null before the first. */
  readonly lastMs: number | null;
  status(): ForecastStatus;
  /** How wrong each source has been, by lead. */
  errors(): readonly ForecastErrorAtLead[];
  /** Asks services on the web where it is time to; never rejects. */
  refresh(): Promise<void>;
  /** Compares what was forecast with what has been measured since, and remembers what is forecast now. */
  learn(): Promise<void>;
  /** Raises or clears the alarm of the first choice. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface SiteForecastParts {
  readonly config: SiteConfig;
  readonly history: HistoryBuffer;
  /** The embedded building's own; null: a real building. */
  readonly weather: WeatherSeries | null;
  /** Usual number of people in a zone; NaN: not known. */
  readonly usualPeople: (zone: string, timeMs: number) => number;
  readonly directory: string;
  readonly nowMs: () => number;
  /** The clock by which services on the web are asked; the machine's own unless set, the site's where time is simulated. */
  readonly wallMs?: () => number;
  readonly alarms: AlarmBoard;
  readonly onProblem: (text: string) => void;
  readonly onError: (error: unknown) => void;
  /** Told of what each source says of the steps after `fromMs`, once a step; must not hold anything up. Absent: nobody. */
  readonly onForecast?: (forecast: Forecast, fromMs: number) => void;
  /** Ends requests that are under way. */
  readonly signal: AbortSignal;
}

interface Source {
  readonly provider: ForecastProvider;
  readonly web: WebForecast | null;
  /** What must be shown where it is used; null: nothing. */
  readonly licence: string | null;
}

const renamed = (name: string, provider: ForecastProvider): ForecastProvider => ({
  name,
  forecast: async (fromMs, stepS, steps) => ({ ...(await provider.forecast(fromMs, stepS, steps)), provider: name }),
});

/** Weather from one provider, people from another: no weather service knows who comes to work. A failing second one costs only its own columns. */
const withPeople = (
  weather: ForecastProvider,
  people: ForecastProvider,
  zones: readonly string[],
  usualPeople: SiteForecastParts["usualPeople"],
): ForecastProvider => ({
  get name() {
    return weather.name;
  },
  forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
    const forecast = await weather.forecast(fromMs, stepS, steps);
    const columns = new Map(forecast.columns);
    const expected = await people.forecast(fromMs, stepS, steps).catch(() => null);
    for (const [point, values] of expected?.columns ?? []) if (point.endsWith(".occupancyCount")) columns.set(point, values);
    for (const zone of zones) {
      const usual = forecast.stepEndMs.map((endMs) => usualPeople(zone, endMs - stepS * 500));
      const point: PointName = `${zone}.occupancyCount`;
      const otherwise = columns.get(point);
      if (!usual.some(Number.isFinite)) continue;
      columns.set(
        point,
        usual.map((value, j) => (Number.isFinite(value) ? value : (otherwise?.[j] ?? Number.NaN))),
      );
    }
    return { ...forecast, columns };
  },
});

/** One row of the history as the error statistics want it. */
const rowOf = ({ columns }: Dataset, row: number): ReadonlyMap<PointName, number> =>
  new Map([...columns].map(([point, values]) => [point, values[row]!]));

const openSource = async (
  source: ForecastSourceConfig,
  index: number,
  persistence: ForecastProvider,
  { config, history, directory, wallMs, onError, signal }: SiteForecastParts,
): Promise<Source> => {
  if (source.kind === "persistence") return { provider: persistence, web: null, licence: null };
  const blend = { history: () => history.dataset((history.newestMs ?? 0) - 2 * 3_600_000), tauS: source.blendS };
  if (source.kind === "typical") {
    const name = `typical year (${source.weather.replace(/^.*[\\/]/, "")})`;
    return { provider: blendStation(renamed(name, epwForecastProvider(loadWeather(source.weather))), blend), web: null, licence: null };
  }
  const web = await createWebForecast({
    url: source.url,
    key: source.key?.reveal() ?? null,
    latitudeDeg: config.site.latitudeDeg,
    longitudeDeg: config.site.longitudeDeg,
    lengthS: config.forecast.lengthS,
    maxAgeS: config.forecast.maxAgeS,
    memoryFile: join(directory, `forecast-${index}.json`),
    refreshMs: source.refreshMs,
    timeoutMs: source.timeoutMs,
    requestsPerDay: source.requestsPerDay,
    onError,
    signal,
    ...(wallMs === undefined ? {} : { wallMs }),
  });
  return { provider: blendStation(web, blend), web, licence: source.licence };
};

/**
 * The site's forecasts, guarded: the building's weather file for an embedded one; for a real one the sources of the site file in their order, each drawn towards the site's own
 * station, and persistence of its own measurements behind them.
 */
export const createForecasts = async (parts: SiteForecastParts): Promise<SiteForecasts> => {
  const { config, history, weather, nowMs, alarms, onProblem, onError } = parts;
  const { stepS } = config.control;
  const persistence = createPersistenceForecast({ history: () => history.dataset(), toLocalMs: toLocalMsOf(config) });
  const named: ForecastSourceConfig[] = [...config.forecast.sources];
  if (!named.some(({ kind }) => kind === "persistence")) named.push({ kind: "persistence" });
  const sources: readonly Source[] =
    weather !== null && config.forecast.provider === "auto"
      ? [{ provider: epwForecastProvider(weather), web: null, licence: null }]
      : await Promise.all(named.map((source, index) => openSource(source, index, persistence, parts)));
  const chain = chainForecasts(sources.map(({ provider }) => provider));
  const firstChoice = chainForecasts([sources[0]!.provider]);
  const zones = config.zones.map(({ id }) => id);
  const complete = withPeople(chain, persistence, zones, parts.usualPeople);
  const guarded = guardForecasts(complete, {
    maxAgeS: config.forecast.maxAgeS,
    newest: (point) => history.last(point)?.value ?? null,
    onProblem,
  });
  const { errors, save } = keepForecastErrors(join(parts.directory, "forecast-errors.json"), onError);
  let inUse: Pick<Forecast, "provider" | "issuedAtMs"> | null = null;
  let learnedMs = history.newestMs ?? Number.NEGATIVE_INFINITY;
  const troubleOf = (index: number): string | null => chain.states[index]?.trouble ?? sources[index]!.web?.trouble ?? null;
  const steps = Math.ceil(config.forecast.lengthS / stepS);

  return {
    get name() {
      return inUse?.provider ?? chain.name;
    },
    get lastMs() {
      return inUse?.issuedAtMs ?? null;
    },
    status: () => ({
      provider: inUse?.provider ?? null,
      issuedAtMs: inUse?.issuedAtMs ?? null,
      licence: sources.find(({ provider }) => provider.name === inUse?.provider)?.licence ?? null,
      sources: chain.states.map(({ name, state }, index) => ({ name, state, trouble: troubleOf(index) })),
    }),
    errors: errors.all,
    forecast: async (fromMs, ofStepS, count) => {
      const forecast = await guarded.forecast(fromMs, ofStepS, count);
      inUse = forecast;
      return forecast;
    },
    refresh: async () => {
      for (const { web } of sources) await web?.refresh();
    },
    learn: async () => {
      const newestMs = history.newestMs;
      if (newestMs === null || newestMs <= learnedMs) return;
      const rows = history.dataset(learnedMs);
      rows.timesMs.forEach((timeMs, row) => {
        errors.measured(timeMs, rowOf(rows, row));
      });
      learnedMs = newestMs;
      for (const { provider } of sources) {
        const forecast = await provider.forecast(newestMs, stepS, steps).catch(() => null);
        if (forecast === null) continue;
        errors.issued(forecast, newestMs);
        parts.onForecast?.(forecast, newestMs);
      }
      const expected = await complete.forecast(newestMs, stepS, steps).catch(() => null);
      if (expected !== null) errors.expected(expected, newestMs);
      await save();
    },
    check: async () => {
      const failures = sources[0]!.web?.failures ?? 0;
      // Asked anew: what could not be used at the last decision may have been read since.
      const trouble = await firstChoice.forecast(history.newestMs ?? history.gridMs(nowMs()), stepS, config.planner.horizonSteps).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      // Persistence alone has an alarm of its own: without it there is no forecast at all.
      const isDown = config.forecast.sources.length > 0 && (trouble !== null || failures >= TOLD_FAILURES);
      await alarms.set(
        isDown,
        {
          id: "forecast-source",
          level: "warning",
          text: `The first choice of weather forecasts (${sources[0]!.provider.name}) ${trouble === null ? "cannot be read anew" : "is not usable; the next one serves instead"}: ${trouble ?? troubleOf(0) ?? "it failed"}.`,
          action: "Check forecast.sources in the site file, the service behind it and the way to it.",
        },
        nowMs(),
      );
    },
    close: () => save(true),
  };
};
