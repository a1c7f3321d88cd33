import type { Dataset } from "#domain/dataset";
import { type PointName, sitePoint, zonePoint } from "#domain/points";

/** A fault put into clean data: what a building's logger does on a bad day. */
export interface Fault {
  readonly name: string;
  /** Rows [from, to) that are no longer true. */
  readonly from: number;
  readonly to: number;
  readonly dataset: Dataset;
}

const withColumn = (dataset: Dataset, point: PointName, change: (values: Float64Array) => void): Dataset => {
  const values = dataset.columns.get(point)!.slice();
  change(values);
  return { ...dataset, columns: new Map(dataset.columns).set(point, values) };
};

/** The zone's sensor repeats its last value for `rows` rows. */
export const stuckSensor = (dataset: Dataset, zone: string, from: number, rows: number): Fault => ({
  name: "stuck sensor",
  from,
  to: from + rows,
  dataset: withColumn(dataset, zonePoint(zone, "zoneAirTempC"), (values) => values.fill(values[from]!, from, from + rows)),
});

/** The zone's sensor is off by `sizeK` for `rows` rows. */
export const spike = (dataset: Dataset, zone: string, from: number, rows: number, sizeK: number): Fault => ({
  name: "spike",
  from,
  to: from + rows,
  dataset: withColumn(dataset, zonePoint(zone, "zoneAirTempC"), (values) => {
    for (let row = from; row < from + rows; row++) values[row]! += sizeK;
  }),
});

/** The zone's sensor reads 0 °C for `rows` rows: a cable without contact. */
export const dropout = (dataset: Dataset, zone: string, from: number, rows: number): Fault => ({
  name: "dropout",
  from,
  to: from + rows,
  dataset: withColumn(dataset, zonePoint(zone, "zoneAirTempC"), (values) => values.fill(0, from, from + rows)),
});

/** Nothing is recorded for `rows` rows. */
export const outage = (dataset: Dataset, from: number, rows: number): Fault => ({
  name: "gap",
  from,
  to: from + rows,
  dataset: {
    ...dataset,
    columns: new Map([...dataset.columns].map(([point, values]) => [point, values.slice().fill(Number.NaN, from, from + rows)])),
  },
});

/**
 * A window stands open for `rows` rows: the deviation D from the logged temperature obeys D' = D + share · (T_out − (T + D)) while it is open and decays by
 * half an hour's half-life once it is closed.
 */
export const openWindow = (dataset: Dataset, zone: string, from: number, rows: number, share = 0.15): Fault => {
  const outdoorC = dataset.columns.get(sitePoint("outdoorAirTempC"))!;
  let to = from + rows;
  const faulted = withColumn(dataset, zonePoint(zone, "zoneAirTempC"), (values) => {
    let deviationK = 0;
    for (let row = from; row < values.length; row++) {
      if (row < from + rows) deviationK += share * (outdoorC[row]! - (values[row]! + deviationK));
      else deviationK *= 0.5 ** (dataset.stepS / 1800);
      if (row >= from + rows && Math.abs(deviationK) < 0.2) break;
      values[row]! += deviationK;
      to = row + 1;
    }
  });
  return { name: "open window", from, to, dataset: faulted };
};

/** The zone's sensor counts in °F for `rows` rows. */
export const fahrenheitHours = (dataset: Dataset, zone: string, from: number, rows: number): Fault => ({
  name: "°F for hours",
  from,
  to: from + rows,
  dataset: withColumn(dataset, zonePoint(zone, "zoneAirTempC"), (values) => {
    for (let row = from; row < from + rows; row++) values[row] = values[row]! * 1.8 + 32;
  }),
});

/** Every temperature of the data in °F. */
export const inFahrenheit = (dataset: Dataset): Dataset => ({
  ...dataset,
  columns: new Map(
    [...dataset.columns].map(([point, values]) => [point, point.endsWith("C") ? values.map((value) => value * 1.8 + 32) : values]),
  ),
});
