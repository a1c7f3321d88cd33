import type { PointName } from "#domain/points";

/**
 * Rows on an even time grid. Row i describes the step that ended at `timesMs[i]`: weather, occupancy and setpoints were in force during it,
 * temperatures were reached at its end. What acts between row i and row i+1 stands in row i+1. NaN marks a missing value.
 */
export interface Dataset {
  readonly stepS: number;
  readonly timesMs: Float64Array;
  readonly columns: ReadonlyMap<PointName, Float64Array>;
}

/** Weather and occupancy of coming steps: column row j belongs to the step that ends at `stepEndMs[j]`. */
export interface Forecast {
  readonly issuedAtMs: number;
  /** Who made it, e.g. `epw`, `persistence`. Shown on screen. */
  readonly provider: string;
  readonly stepEndMs: Float64Array;
  readonly columns: ReadonlyMap<PointName, Float64Array>;
}

export interface ForecastProvider {
  readonly name: string;
  /** `steps` rows, the first for the step ending at `fromMs + stepS·1000`. Throws `IsothermError` (retryable) where it cannot cover them. */
  forecast(fromMs: number, stepS: number, steps: number): Promise<Forecast>;
}
