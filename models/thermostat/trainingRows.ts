import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import { fillInputs } from "#math/features";
import type { DatasetRows } from "#models/datasetRows";
import { holdToleranceK, type Regime, regimeOf, regimes } from "#models/thermostat/regimes";
import { type ThermostatStructure, thermostatStructure } from "#models/thermostat/structure";

/** Rows that teach one zone's model. */
export interface TrainingRows {
  readonly structure: ThermostatStructure;
  /** n×d inputs with their gates. */
  readonly x: Float64Array;
  readonly n: number;
  readonly d: number;
  /** T' − T, K. */
  readonly y: Float64Array;
  /** Row of the step's beginning. */
  readonly rows: readonly number[];
  /** Steps that ended on a setpoint: T' − setpoint, K. */
  readonly heldOffsetsK: readonly number[];
  readonly toleranceK: number;
  /** Why rows were left out, with counts: for the log. */
  readonly leftOut: Readonly<Record<string, number>>;
}

const irradiancePoint = (dataset: Dataset): PointName | null =>
  [sitePoint("directNormalIrradianceWm2"), sitePoint("globalHorizontalIrradianceWm2")].find((point) => dataset.columns.has(point)) ?? null;

const largest = (values: Float64Array | undefined): number => values?.reduce((most, value) => (value > most ? value : most), 0) ?? 0;

/** Regime of the step that ends at each row of the data set. */
export const rowRegimes = (data: DatasetRows, zone: string, toleranceK: number): Uint8Array => {
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const heating = data.column(zonePoint(zone, "heatingSetpointC"));
  const cooling = data.column(zonePoint(zone, "coolingSetpointC"));
  return Uint8Array.from(temperature, (value, i) => regimeOf(value, heating[i]!, cooling[i]!, toleranceK));
};

/** Gates of steps whose ends have these regimes. */
export const gatesOf = (regimeOfStep: ArrayLike<Regime | number>): { heating: Uint8Array; cooling: Uint8Array } => ({
  heating: Uint8Array.from(regimeOfStep, (regime) => Number(regime === regimes.heatingLimited)),
  cooling: Uint8Array.from(regimeOfStep, (regime) => Number(regime === regimes.coolingLimited)),
});

/**
 * The uncensored steps of a zone: idle rows teach the free float, rows at a limit teach what the equipment delivers. Rows on a setpoint only say
 * that the free float lies beyond it and the capacity suffices; they are left out of the GP and give the scatter around the setpoint.
 * A data set without the zone's temperature or setpoints is refused.
 */
export const trainingRows = (data: DatasetRows, zone: string, neighbours: readonly string[]): TrainingRows => {
  for (const quantity of ["zoneAirTempC", "heatingSetpointC", "coolingSetpointC"] as const) {
    if (!data.dataset.columns.has(zonePoint(zone, quantity))) {
      throw configurationError(`The data have no column ${zonePoint(zone, quantity)}.`, {
        todo: "Give the zone's temperature and both setpoints.",
      });
    }
  }
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const heating = data.column(zonePoint(zone, "heatingSetpointC"));
  const cooling = data.column(zonePoint(zone, "coolingSetpointC"));
  const structure = thermostatStructure({
    zone,
    neighbours,
    irradiance: irradiancePoint(data.dataset),
    occupancyScale: largest(data.dataset.columns.get(zonePoint(zone, "occupancyCount"))),
  });
  const toleranceK = holdToleranceK(temperature, heating, cooling);
  const regime = rowRegimes(data, zone, toleranceK);
  const leftOut: Record<string, number> = { missing: 0, held: 0 };
  const heldOffsetsK: number[] = [];
  const candidates: number[] = [];
  for (let i = 0; i + 1 < data.length; i++) {
    const next = temperature[i + 1]!;
    if (![temperature[i]!, next, heating[i + 1]!, cooling[i + 1]!].every(Number.isFinite)) leftOut.missing!++;
    else if (regime[i + 1]! >= regimes.heldHeating) {
      leftOut.held!++;
      heldOffsetsK.push(next - (regime[i + 1] === regimes.heldHeating ? heating[i + 1]! : cooling[i + 1]!));
    } else candidates.push(i);
  }
  const d = structure.features.length;
  const all = fillInputs(structure.features, data.source(candidates), gatesOf(candidates.map((i) => regime[i + 1]!)));
  const rows = candidates.filter((_, k) => all.subarray(k * d, (k + 1) * d).every(Number.isFinite));
  leftOut.missing! += candidates.length - rows.length;
  const x = new Float64Array(rows.length * d);
  let used = 0;
  candidates.forEach((row, k) => {
    if (rows[used] === row) x.set(all.subarray(k * d, (k + 1) * d), used++ * d);
  });
  return {
    structure,
    x,
    n: rows.length,
    d,
    y: Float64Array.from(rows, (i) => temperature[i + 1]! - temperature[i]!),
    rows,
    heldOffsetsK,
    toleranceK,
    leftOut,
  };
};
