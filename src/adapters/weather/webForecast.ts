import { createHash } from "node:crypto";
import { z } from "zod";
import { openMeteoUrl, readOpenMeteo } from "#adapters/weather/openMeteo";
import { type WeatherRow, weatherOnSteps } from "#adapters/weather/weatherRows";
import { createPoliteFeed, type PoliteFeedOptions } from "#adapters/web/politeFeed";
import type { Forecast, ForecastProvider } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import { type PointName, sitePoint } from "#domain/points";

/** Weather from a service on the web that answers as Open-Meteo does. */
export interface WebForecast extends ForecastProvider {
  /** Why nothing newer could be read; null: all is well. */
  readonly trouble: string | null;
  /** When what is used was read, Unix ms; null: never. */
  readonly readMs: number | null;
  /** Requests in a row that failed. */
  readonly failures: number;
  /** Asks for news where it is time to. Never rejects. */
  refresh(): Promise<void>;
}

export interface WebForecastOptions
  extends Pick<
    PoliteFeedOptions<never>,
    "memoryFile" | "refreshMs" | "timeoutMs" | "requestsPerDay" | "onError" | "signal" | "wallMs" | "random"
  > {
  readonly url: string;
  /** null: none is needed. */
  readonly key: string | null;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  /** How far ahead it must look, s. */
  readonly lengthS: number;
  /** Age beyond which what was read is no longer used, s. */
  readonly maxAgeS: number;
}

const DAY_MS = 86_400_000;
const storedRow = z
  .tuple([z.number()])
  .rest(z.number().nullable())
  .transform((row): WeatherRow => row as WeatherRow);

/**
 * Asks the service now and then, keeps its table on disk with the time at which it was read, and lays it on control steps. `forecast` never waits for the web: it throws a retryable
 * `IsothermError` where what is known is too old or does not cover the steps. Steps before the table's begin are NaN.
 */
export const createWebForecast = async (options: WebForecastOptions): Promise<WebForecast> => {
  const { key, lengthS, maxAgeS } = options;
  const wallMs = options.wallMs ?? Date.now;
  const place = { url: options.url, latitudeDeg: options.latitudeDeg, longitudeDeg: options.longitudeDeg };
  const days = Math.min(16, 2 + Math.ceil((lengthS * 1000) / DAY_MS));
  const feed = await createPoliteFeed<WeatherRow>({
    ...options,
    url: () => openMeteoUrl({ ...place, days, key }),
    name: new URL(options.url).host,
    headers: {},
    holdsKey: key !== null,
    fingerprint: createHash("sha256").update(JSON.stringify(place)).digest("hex"),
    row: storedRow,
    read: (text) => readOpenMeteo(text, { nowMs: wallMs(), leastAheadMs: lengthS * 1000 }),
  });
  return {
    name: feed.name,
    get trouble() {
      return feed.trouble;
    },
    get readMs() {
      return feed.readMs;
    },
    get failures() {
      return feed.failures;
    },
    refresh: () => feed.refresh(),
    forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
      const { readMs, rows, trouble } = feed;
      const because = trouble === null ? "" : `: ${trouble}`;
      if (readMs === null) throw unavailableError(`${feed.name} has not been read yet${because}`);
      const ageS = (wallMs() - readMs) / 1000;
      if (ageS > maxAgeS) throw unavailableError(`what ${feed.name} said is ${(ageS / 3600).toFixed(1)} h old${because}`);
      const stepEndMs = Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000);
      const columns = new Map<PointName, Float64Array>(
        [...weatherOnSteps(rows, stepEndMs, stepS)].map(([quantity, values]) => [sitePoint(quantity), values]),
      );
      if (!Number.isFinite(columns.get("site.outdoorAirTempC")?.at(-1)))
        throw unavailableError(`what ${feed.name} said ends before ${new Date(stepEndMs.at(-1)!).toISOString().slice(0, 16)}Z${because}`);
      return { issuedAtMs: readMs, provider: feed.name, stepEndMs, columns };
    },
  };
};
