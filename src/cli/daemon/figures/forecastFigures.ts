import type { Forecast } from "#domain/dataset";
import { forecastColumn, forecastLeadsH, forecastPoint, forecastQuantities } from "#domain/figures";
import type { TelemetryPoint } from "#domain/points";

const HOUR_MS = 3_600_000;

/**
 * What a provider says of the steps that end 1, 6 and 24 hours after `fromMs`, at the times that it is said of, so that it lies beside what is measured there then. A lead that is no
 * whole number of steps, or that the forecast does not reach, is left out.
 */
export const forecastFigures = ({ provider, issuedAtMs, stepEndMs, columns }: Forecast, fromMs: number): readonly TelemetryPoint[] =>
  forecastLeadsH.flatMap((leadH) => {
    const timeMs = fromMs + leadH * HOUR_MS;
    const row = stepEndMs.indexOf(timeMs);
    const said = forecastQuantities.flatMap((quantity): TelemetryPoint[] => {
      const column = forecastColumn(quantity);
      const value = column === null ? undefined : columns.get(column)?.[row];
      return value === undefined || !Number.isFinite(value) ? [] : [{ timeMs, point: forecastPoint(provider, leadH, quantity), value }];
    });
    return said.length === 0 ? [] : [...said, { timeMs, point: forecastPoint(provider, leadH, "issuedAtS"), value: issuedAtMs / 1000 }];
  });
