import type { Forecast, ForecastProvider } from "#domain/dataset";
import { IsothermError, unavailableError } from "#domain/errors";

/** How one source of forecasts stands: in use, ready behind a better one, or failing. */
export interface ForecastSourceState {
  readonly name: string;
  readonly state: "in-use" | "stand-by" | "failed";
  /** Why it could not be used at the last try; null where it could, or was not tried. */
  readonly trouble: string | null;
}

export interface ForecastChain extends ForecastProvider {
  /** Its sources in their order, as of the last forecast. */
  readonly states: readonly ForecastSourceState[];
}

const OUTDOOR = "site.outdoorAirTempC";

const isUsable = ({ columns }: Forecast): boolean => {
  const values = columns.get(OUTDOOR);
  if (values === undefined) return false;
  const finite = values.reduce((count, value) => count + (Number.isFinite(value) ? 1 : 0), 0);
  return finite * 2 >= values.length;
};

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The first source that can give the outdoor temperature gives the forecast; its name and age go with it. What fails is tried again at the next call. Throws a retryable
 * `IsothermError` with all reasons where none can; an error that is no `IsothermError` counts like any other failure.
 */
export const chainForecasts = (sources: readonly ForecastProvider[]): ForecastChain => {
  let states: readonly ForecastSourceState[] = sources.map(({ name }) => ({ name, state: "stand-by", trouble: null }));
  return {
    get name() {
      return states.find(({ state }) => state === "in-use")?.name ?? sources[0]?.name ?? "none";
    },
    get states() {
      return states;
    },
    forecast: async (fromMs, stepS, steps) => {
      const tried: ForecastSourceState[] = [];
      for (const [index, source] of sources.entries()) {
        try {
          const forecast = await source.forecast(fromMs, stepS, steps);
          if (!isUsable(forecast)) throw unavailableError(`${source.name} has no outdoor temperature`);
          tried.push({ name: source.name, state: "in-use", trouble: null });
          states = [...tried, ...sources.slice(index + 1).map(({ name }) => ({ name, state: "stand-by" as const, trouble: null }))];
          return forecast;
        } catch (error) {
          tried.push({ name: source.name, state: "failed", trouble: wordsOf(error) });
        }
      }
      states = tried;
      throw new IsothermError("retryable", tried.map(({ trouble }) => trouble).join("; "), {
        todo: "Check the weather providers and the outdoor sensor.",
      });
    },
  };
};
