import { fileURLToPath } from "node:url";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { rowAt, sliceDataset } from "#models/datasetSlice";
import { randomSource } from "../math/tools.js";

/** The fastest that is here, one thread: the machine runs other tests beside these. */
export const la = await createLinearAlgebra("auto", { threads: 1 });

export const STEP_S = 900;
export const HOUR_S = 3600;
/** A Tuesday. */
export const START_MS = Date.UTC(1991, 0, 1);

export const cityFile = (city: string): string => fileURLToPath(new URL(`../data/clue/${city}.csv.gz`, import.meta.url));
const years = new Map<string, Promise<Dataset>>();
export const cityYear = (city: string): Promise<Dataset> => {
  const known = years.get(city) ?? readDatasetCsv(cityFile(city));
  years.set(city, known);
  return known;
};
export const daysOf = (dataset: Dataset, from: string, days: number): Dataset => {
  const first = rowAt(dataset, Date.parse(`${from}T00:00:00Z`));
  return sliceDataset(dataset, first, first + days * 96);
};

export const datasetOf = (columns: Readonly<Record<string, ArrayLike<number>>>, startMs = START_MS, stepS = STEP_S): Dataset => {
  const entries = Object.entries(columns).map(([point, values]) => [point as PointName, Float64Array.from(values)] as const);
  const rows = entries[0]?.[1].length ?? 0;
  return { stepS, timesMs: Float64Array.from({ length: rows }, (_, i) => startMs + i * stepS * 1000), columns: new Map(entries) };
};

export const withColumn = (dataset: Dataset, point: string, change: (value: number, row: number) => number): Dataset => ({
  ...dataset,
  columns: new Map(dataset.columns).set(point as PointName, dataset.columns.get(point as PointName)!.map(change)),
});
export const withoutColumn = (dataset: Dataset, point: string): Dataset => ({
  ...dataset,
  columns: new Map([...dataset.columns].filter(([name]) => name !== point)),
});

/** Standard normal numbers, reproducible (Box and Muller 1958). */
export const normalSource = (seed: number): (() => number) => {
  const uniform = randomSource(seed);
  return () => Math.sqrt(-2 * Math.log(0.5 * (uniform() + 1) + 1e-12)) * Math.cos(Math.PI * uniform());
};

export interface ZoneTruth {
  readonly heatingK: number;
  readonly coolingK: number;
  readonly noiseK: number;
}
export const usualTruth: ZoneTruth = { heatingK: 2.2, coolingK: 2, noiseK: 0.02 };

/** Next temperature of a zone that obeys the model's own structure: a linear free float, constant capacities, the thermostat's clamp. */
export const trueStep = (
  truth: ZoneTruth,
  s: { T: number; before: number; slowC: number; outdoorC: number; sunWm2: number; people: number; heatC: number; coolC: number },
): number => {
  const free = s.T + 0.3 * (s.T - s.before) + 0.02 * (s.outdoorC - s.T) + 0.05 * (s.slowC - s.T) + 0.0004 * s.sunWm2 + 0.01 * s.people;
  if (free < s.heatC) return Math.min(s.heatC, free + truth.heatingK);
  return free > s.coolC ? Math.max(s.coolC, free - truth.coolingK) : free;
};

/** Days of that zone under the usual schedule (12.8/40 at night, 21.1/23.9 by day, Monday to Friday), with a sine for weather. */
export const syntheticZone = (
  days: number,
  options: {
    seed?: number;
    truth?: ZoneTruth;
    zone?: string;
    outdoorC?: number;
    setpoints?: (row: number) => readonly [number, number];
  } = {},
): Dataset => {
  const { seed = 1, truth = usualTruth, zone = "zone", outdoorC = 2 } = options;
  const normal = normalSource(seed);
  const rows = days * 96;
  const column = (): number[] => [];
  const [air, heat, cool, out, sun, people] = [column(), column(), column(), column(), column(), column()];
  let [T, before, slowC] = [17, 17, 17];
  for (let i = 0; i < rows; i++) {
    const hour = (i % 96) / 4;
    const day = Math.floor(i / 96);
    const working = (day + 1) % 7 < 5 && hour > 7 && hour <= 18;
    const [heatC, coolC] = options.setpoints?.(i) ?? (working ? [21.1, 23.9] : [12.8, 40]);
    const outdoor = outdoorC + 5 * Math.sin((2 * Math.PI * (hour - 9)) / 24) + 3 * Math.sin(day * 1.7 + seed);
    const sunWm2 = Math.max(0, 500 * Math.sin((2 * Math.PI * (hour - 6)) / 24)) * (0.5 + 0.5 * Math.sin(day + seed));
    const count = working && hour > 8 ? 8 : 0;
    if (i > 0) {
      const next = trueStep(truth, { T, before, slowC, outdoorC: outdoor, sunWm2, people: count, heatC, coolC });
      const held = next === heatC || next === coolC;
      before = T;
      T = next + (held ? 0 : truth.noiseK * normal());
      slowC += -Math.expm1(-STEP_S / (12 * HOUR_S)) * (T - slowC);
    }
    air.push(T);
    heat.push(heatC);
    cool.push(coolC);
    out.push(outdoor);
    sun.push(sunWm2);
    people.push(count);
  }
  return datasetOf({
    [`${zone}.zoneAirTempC`]: air,
    [`${zone}.heatingSetpointC`]: heat,
    [`${zone}.coolingSetpointC`]: cool,
    [`${zone}.occupancyCount`]: people,
    "site.outdoorAirTempC": out,
    "site.directNormalIrradianceWm2": sun,
  });
};

export const rms = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum / values.length);
};
