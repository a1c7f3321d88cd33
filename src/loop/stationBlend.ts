import type { Dataset, Forecast, ForecastProvider } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import type { PointName } from "#domain/points";

export interface StationBlendOptions {
  /** What the site's own station measured of late, on the grid of the forecast. */
  readonly history: () => Dataset;
  /** τ of temperature, humidity and wind, s; 0: not blended. */
  readonly tauS: number;
}

const HOUR_S = 3_600;
/** Clouds move faster than air masses. */
const LONGEST_SUN_TAU_S = 3 * HOUR_S;
/** Beyond it one of the two is wrong, and nobody knows which: another forecast is safer. */
const MOST_ANOMALY_K = 15;
/** Irradiance below which the ratio says nothing, W/m². */
const LEAST_SUN_WM2 = 30;
const MOST_CLEARNESS = 1.5;

const isSun = (point: PointName): boolean => point.endsWith("IrradianceWm2");
const isPeople = (point: PointName): boolean => point.endsWith(".occupancyCount");

/**
 * Draws a forecast f towards what the site's own station measured (y) in the last hour before t₀:
 *   f′(t₀ + h) = f(t₀ + h) + (ȳ − f̄) exp(−h/τ),   sun:  f′ = f · (1 + (r − 1) exp(−h/τ_sun)),  r = Σy/Σf in [0, 1.5], τ_sun = min(τ, 3 h)
 * with means over the steps in which both are known. Without a station the forecast stays as it is. Throws a retryable `IsothermError` where the two
 * temperatures are more than 15 K apart: a wrong unit, place or sensor.
 */
export const blendStation = (provider: ForecastProvider, { history, tauS }: StationBlendOptions): ForecastProvider => ({
  name: provider.name,
  forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
    const stepMs = stepS * 1000;
    const back = tauS > 0 ? Math.max(1, Math.round(HOUR_S / stepS)) : 0;
    const whole = await provider.forecast(fromMs - back * stepMs, stepS, steps + back);
    const stepEndMs = whole.stepEndMs.slice(back);
    if (back === 0) return whole;
    const { timesMs, columns: measured } = history();
    const rowOf = new Map<number, number>();
    timesMs.forEach((timeMs, row) => {
      rowOf.set(Math.round(timeMs / stepMs), row);
    });
    const columns = new Map<PointName, Float64Array>();
    for (const [point, values] of whole.columns) {
      const coming = values.slice(back);
      columns.set(point, coming);
      const column = measured.get(point);
      if (column === undefined || isPeople(point)) continue;
      let [sumMeasured, sumForecast, count] = [0, 0, 0];
      for (let j = 0; j < back; j++) {
        const y = column[rowOf.get(Math.round(whole.stepEndMs[j]! / stepMs)) ?? -1] ?? Number.NaN;
        const f = values[j]!;
        if (!Number.isFinite(y) || !Number.isFinite(f) || (isSun(point) && f < LEAST_SUN_WM2)) continue;
        sumMeasured += y;
        sumForecast += f;
        count++;
      }
      if (count === 0) continue;
      const fade = (j: number, timeConstantS: number): number => Math.exp(-((j + 1) * stepS) / timeConstantS);
      if (isSun(point)) {
        const ratio = Math.min(MOST_CLEARNESS, Math.max(0, sumMeasured / sumForecast));
        const sunTauS = Math.min(tauS, LONGEST_SUN_TAU_S);
        coming.forEach((value, j) => {
          coming[j] = value * (1 + (ratio - 1) * fade(j, sunTauS));
        });
        continue;
      }
      const anomaly = (sumMeasured - sumForecast) / count;
      if (point === "site.outdoorAirTempC" && Math.abs(anomaly) > MOST_ANOMALY_K)
        throw unavailableError(
          `${provider.name} says ${(sumForecast / count).toFixed(1)} °C of the last hour, the site's own sensor ${(sumMeasured / count).toFixed(1)} °C`,
          { todo: "Check the sensor's unit, and the place that is asked for." },
        );
      coming.forEach((value, j) => {
        const blended = value + anomaly * fade(j, tauS);
        coming[j] = point.endsWith("TempC") ? blended : Math.max(0, point.endsWith("Pct") ? Math.min(100, blended) : blended);
      });
    }
    return { ...whole, stepEndMs, columns };
  },
});
