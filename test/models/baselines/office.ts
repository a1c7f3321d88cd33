import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { DatasetRows } from "#math/datasetRows";
import { randomSource } from "../../math/tools.js";

export const ZONE = "room";
export const STEP_S = 900;

export interface OfficeOptions {
  readonly rows: number;
  readonly seed?: number;
  readonly noiseK?: number;
  /** Setpoints of the step that ends at each row; default: a new random pair every step. */
  readonly heatingC?: (row: number) => number;
}

/** Coefficients of T' − T that the synthetic zone follows: linear in what is in force during the step. */
export const OFFICE = { leak: 0.05, pull: 0.2, sun: 0.001, people: 0.05 } as const;

/** A zone that drifts to outdoors and to its heating setpoint, linearly, with weather and occupancy that change every step. */
export const office = ({ rows, seed = 1, noiseK = 0, heatingC }: OfficeOptions): Dataset => {
  const random = randomSource(seed);
  const column = (value: (row: number) => number): Float64Array => Float64Array.from({ length: rows }, (_, row) => value(row));
  const outdoor = column((row) => 5 + 6 * Math.sin((2 * Math.PI * row) / 96) + random());
  const humidity = column(() => 60 + 20 * random());
  const wind = column(() => 3 + 2 * random());
  const sun = column((row) => Math.max(0, 400 * Math.sin((2 * Math.PI * (row - 24)) / 96)) + 20 * (1 + random()));
  const people = column((row) => (row % 96 > 32 && row % 96 < 72 ? 5 + Math.round(2 * random()) : 0));
  const heating = column(heatingC ?? (() => 18 + 4 * random()));
  const cooling = column(() => 26 + 2 * random());
  const temperature = new Float64Array(rows);
  temperature[0] = 19;
  for (let i = 0; i + 1 < rows; i++) {
    const t = temperature[i]!;
    const change =
      OFFICE.leak * (outdoor[i + 1]! - t) + OFFICE.pull * (heating[i + 1]! - t) + OFFICE.sun * sun[i + 1]! + OFFICE.people * people[i + 1]!;
    temperature[i + 1] = t + change + noiseK * random();
  }
  const columns = new Map<PointName, Float64Array>([
    ["site.outdoorAirTempC", outdoor],
    ["site.outdoorRelativeHumidityPct", humidity],
    ["site.windSpeedMps", wind],
    ["site.directNormalIrradianceWm2", sun],
    [`${ZONE}.occupancyCount`, people],
    [`${ZONE}.zoneAirTempC`, temperature],
    [`${ZONE}.heatingSetpointC`, heating],
    [`${ZONE}.coolingSetpointC`, cooling],
  ]);
  const timesMs = Float64Array.from({ length: rows }, (_, row) => Date.UTC(2021, 0, 4) + row * STEP_S * 1000);
  return { stepS: STEP_S, timesMs, columns };
};

export const officeRows = (options: OfficeOptions): DatasetRows => new DatasetRows(office(options));

/** The data set with one value of one point changed. */
export const changed = (dataset: Dataset, point: PointName, row: number, value: number): Dataset => ({
  ...dataset,
  columns: new Map(
    [...dataset.columns].map(([name, values]) => {
      if (name !== point) return [name, values];
      const copy = values.slice();
      copy[row] = value;
      return [name, copy];
    }),
  ),
});
