import type { Forecast, ForecastProvider } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import { type PointName, type SiteQuantity, sitePoint, siteQuantities } from "#domain/points";

/** What weather can be; anything else is a fault of the provider. */
const plausible: Readonly<Record<SiteQuantity, readonly [number, number]>> = {
  outdoorAirTempC: [-70, 60],
  outdoorRelativeHumidityPct: [0, 110],
  windSpeedMps: [0, 100],
  globalHorizontalIrradianceWm2: [0, 1600],
  directNormalIrradianceWm2: [0, 1600],
  diffuseHorizontalIrradianceWm2: [0, 1600],
};
const ranges = new Map(
  siteQuantities.map((quantity): [PointName, readonly [number, number]] => [sitePoint(quantity), plausible[quantity]]),
);

export interface ForecastGuardOptions {
  /** Age beyond which an old forecast is no longer used, s. */
  readonly maxAgeS: number;
  /** The newest reading of a point, for persistence; null where there is none. */
  readonly newest: (point: PointName) => number | null;
  readonly onProblem?: (text: string) => void;
}

/**
 * A provider whose forecasts always cover the steps asked for with finite, possible values, or that throws a retryable error.
 * Gaps and absurd values hold the value before them. Where the provider fails, its last good forecast serves while younger than `maxAgeS` (its end held), then
 * the newest readings held constant.
 */
export function guardForecasts(provider: ForecastProvider, options: ForecastGuardOptions): ForecastProvider {
  let kept: Forecast | null = null;
  return {
    name: provider.name,
    forecast: async (fromMs, stepS, steps) => {
      const stepEndMs = Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000);
      try {
        const given = await provider.forecast(fromMs, stepS, steps);
        const fitted = onSteps(given, stepEndMs, stepS);
        if (fitted.columns.get("site.outdoorAirTempC") !== undefined) {
          kept = given;
          return fitted;
        }
        options.onProblem?.(`the forecast (${provider.name}) holds no usable outdoor temperature`);
      } catch (error) {
        options.onProblem?.(error instanceof Error ? error.message : String(error));
      }
      if (kept !== null && fromMs - kept.issuedAtMs <= options.maxAgeS * 1000 && fromMs >= kept.issuedAtMs) {
        const fitted = onSteps(kept, stepEndMs, stepS);
        if (fitted.columns.get("site.outdoorAirTempC") !== undefined) return fitted;
      }
      const columns = new Map<PointName, Float64Array>();
      for (const point of ranges.keys()) {
        const value = options.newest(point);
        if (value !== null && isPossible(point, value)) columns.set(point, new Float64Array(steps).fill(value));
      }
      if (!columns.has("site.outdoorAirTempC"))
        throw unavailableError("there is neither a forecast nor a reading of the outdoor temperature", {
          todo: "Check the weather provider and the outdoor sensor.",
        });
      return { issuedAtMs: fromMs, provider: "last reading", stepEndMs, columns };
    },
  };
}

const isPossible = (point: PointName, value: number | undefined): value is number => {
  const [low, high] = ranges.get(point) ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return value !== undefined && Number.isFinite(value) && value >= low && value <= high;
};

/** The forecast on the steps asked for; a column is left out where fewer than half of its values are usable. */
function onSteps(forecast: Forecast, stepEndMs: Float64Array, stepS: number): Forecast {
  const offset = Math.round((stepEndMs[0]! - forecast.stepEndMs[0]!) / (stepS * 1000));
  const columns = new Map<PointName, Float64Array>();
  for (const [point, values] of forecast.columns) {
    const picked = stepEndMs.map((_, j) => {
      const value = values[j + offset];
      return isPossible(point, value) ? value : Number.NaN;
    });
    const usable = picked.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
    if (usable * 2 < picked.length || usable === 0) continue;
    let last = picked.find((value) => !Number.isNaN(value))!;
    columns.set(
      point,
      picked.map((value) => {
        if (!Number.isNaN(value)) last = value;
        return last;
      }),
    );
  }
  return { issuedAtMs: forecast.issuedAtMs, provider: forecast.provider, stepEndMs, columns };
}
