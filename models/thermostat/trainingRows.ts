import type { Dataset } from "#domain/dataset";
import { configurationError } from "#domain/errors";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import type { EffortLaw } from "#math/effort";
import { fillInputs } from "#math/features";
import { gatesOf, type Regime, regimes, rowRegimes, zoneToleranceK } from "#math/regimes";
import type { HeldStep } from "#models/thermostat/censoring";
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
  /** The same steps as bounds on the free float and the capacity. */
  readonly held: readonly HeldStep[];
  /** How near a setpoint counted as held. */
  readonly toleranceK: number;
  /** Why rows were left out, with counts: for the log. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Whether at least half of a point's values are there: an input that is mostly missing would cost more rows than it explains. */
const isThere = ({ columns }: Dataset, point: PointName): boolean => {
  const values = columns.get(point);
  return values !== undefined && 2 * values.reduce((count, value) => count + Number(Number.isFinite(value)), 0) >= values.length;
};

const irradiancePoint = (dataset: Dataset): PointName | null =>
  [sitePoint("directNormalIrradianceWm2"), sitePoint("globalHorizontalIrradianceWm2")].find((point) => isThere(dataset, point)) ?? null;

const OUTDOOR = sitePoint("outdoorAirTempC");

const largest = (values: Float64Array | undefined): number =>
  values?.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0) ?? 0;

/**
 * The uncensored steps of a zone: idle rows teach the free float, rows at a limit teach what the equipment delivers. Rows on a setpoint only say
 * that the free float lies beyond it and the capacity suffices; they are left out of the GP and give the scatter around the setpoint.
 * A data set without the zone's temperature, setpoints or outdoor air is refused; irradiance, occupancy and neighbours that are mostly missing are
 * no inputs. Where an `emitter` is given no setpoint is held within a step: every row teaches the free float. @param givenToleranceK how near a setpoint counts as held; default: what these data call for.
 */
export const trainingRows = (
  data: DatasetRows,
  zone: string,
  neighbours: readonly string[],
  givenToleranceK?: number,
  emitter: EffortLaw | null = null,
): TrainingRows => {
  const { dataset } = data;
  const needed = [
    ...(["zoneAirTempC", "heatingSetpointC", "coolingSetpointC"] as const).map((quantity) => zonePoint(zone, quantity)),
    OUTDOOR,
  ];
  for (const point of needed) {
    const values = dataset.columns.get(point);
    if (values === undefined || !values.some(Number.isFinite)) {
      throw configurationError(`The data have no ${values === undefined ? "column" : "value in the column"} ${point}.`, {
        todo: "Give the zone's temperature, both setpoints and the outdoor air temperature.",
      });
    }
  }
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const heating = data.column(zonePoint(zone, "heatingSetpointC"));
  const cooling = data.column(zonePoint(zone, "coolingSetpointC"));
  const occupancy = zonePoint(zone, "occupancyCount");
  const structure = thermostatStructure({
    zone,
    neighbours: neighbours.filter((neighbour) => isThere(dataset, zonePoint(neighbour, "zoneAirTempC"))),
    irradiance: irradiancePoint(dataset),
    occupancyScale: isThere(dataset, occupancy) ? largest(dataset.columns.get(occupancy)) : 0,
    emitter,
  });
  const toleranceK = givenToleranceK ?? zoneToleranceK(data, zone);
  const regime = emitter === null ? rowRegimes(data, zone, toleranceK) : new Uint8Array(data.length).fill(regimes.idle);
  const leftOut: Record<string, number> = { missing: 0, held: 0 };
  const heldOffsetsK: number[] = [];
  const held: HeldStep[] = [];
  const candidates: number[] = [];
  for (let i = 0; i + 1 < data.length; i++) {
    const next = temperature[i + 1]!;
    if (![temperature[i]!, next, heating[i + 1]!, cooling[i + 1]!].every(Number.isFinite)) leftOut.missing!++;
    else if (regime[i + 1]! >= regimes.heldHeating) {
      leftOut.held!++;
      const setpoint = regime[i + 1] === regimes.heldHeating ? heating[i + 1]! : cooling[i + 1]!;
      heldOffsetsK.push(next - setpoint);
      held.push({ row: i, regime: regime[i + 1] as Regime, boundK: setpoint - temperature[i]! });
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
    held,
    toleranceK,
    leftOut,
  };
};
