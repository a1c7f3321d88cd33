import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import { buildingPoint, type Observation, type PointName, zonePoint } from "#domain/points";
import { type ComfortBand, districtHeatingPowerPoint, fuelPowerPoint, peakPowerKw } from "#simulators/kpis";
import { rateOver, type Tariff } from "#simulators/tariffs";
import type { StandardTimeZone } from "#simulators/weather/localTime";

/** CO₂ concentration of a zone's air at the step's end, where a plant reports it. */
export const co2Point = (zone: string): PointName => `${zone}.co2Ppm`;

/** BOPTEST's core key figures by its names; null where the plant has no such source or sensor. */
export interface BoptestKpis {
  /** Thermal discomfort, K·h per zone. */
  readonly tdis_tot: number;
  /** Indoor air quality discomfort, ppm·h per zone. */
  readonly idis_tot: number | null;
  /** Energy of all carriers, kWh/m². */
  readonly ener_tot: number;
  /** Operational cost, currency/m²; no demand charge, as in BOPTEST. */
  readonly cost_tot: number;
  /** kg CO₂/m² */
  readonly emis_tot: number;
  /** Highest 15-minute means of electricity, gas and district heating, kW/m². */
  readonly pele_tot: number | null;
  readonly pgas_tot: number | null;
  readonly pdih_tot: number | null;
  /** Mean over the steps of decision time / step length. */
  readonly time_rat: number | null;
}

export interface BoptestKpiOptions {
  readonly zones: readonly string[];
  /** Of the whole building. */
  readonly floorAreaM2: number;
  /** Bounds in force during the step that ends at `stepEndMs`; BOPTEST counts discomfort all day, outside the hours of use against its setback. */
  readonly bounds: (zone: string, stepEndMs: number, occupied: boolean) => ComfortBand;
  readonly tariff: Tariff;
  readonly timeZone: StandardTimeZone;
  /** The row at the start: without it the first step's temperatures at its beginning are taken to be those at its end. */
  readonly before?: Observation;
  /** Time that each decision took, ms. */
  readonly decisionMs?: readonly number[];
  /** Upper CO₂ concentration; absent where it is not judged. */
  readonly co2LimitPpm?: (zone: string, stepEndMs: number) => number;
}

/**
 * Key figures of a run as BOPTEST defines them (Blum et al. 2021, "Building optimization testing framework (BOPTEST) for simulation-based benchmarking of
 * control strategies in buildings", J. Building Performance Simulation 14(5); docs/design "Core KPI"): discomfort D = Σ_z ∫ s_z dt / N with s_z the distance to
 * the bounds, by the trapezoidal rule over each step; energy Σ P Δt / A; cost Σ p P Δt / A; emissions Σ e P Δt / A; peaks max₁₅[Σ P] / A. `rows` as for
 * `computeKpis`; gas is building.fuelPowerW, district heating pays and emits like fuel. Steps without a temperature are left out of the discomfort; missing
 * power gets an `IsothermError` (permanent), a floor area that is not positive one of kind configuration.
 */
export function computeBoptestKpis(rows: Dataset, options: BoptestKpiOptions): BoptestKpis {
  const { zones, floorAreaM2, bounds, tariff, timeZone, before, decisionMs, co2LimitPpm } = options;
  if (!(floorAreaM2 > 0))
    throw new IsothermError("configuration", `a floor area of ${floorAreaM2} m² cannot be divided by`, {
      todo: "Give the building's floor area.",
    });
  const { timesMs, stepS } = rows;
  const stepH = stepS / 3600;
  const excess = (point: (zone: string) => PointName, outside: (value: number, zone: string, step: number) => number): number => {
    let sum = 0;
    for (const zone of zones) {
      const values = needed(rows, point(zone));
      let last = before?.values.get(point(zone)) ?? values[0]!;
      values.forEach((value, i) => {
        const area = ((outside(last, zone, i) + outside(value, zone, i)) / 2) * stepH;
        if (Number.isFinite(area)) sum += area;
        last = value;
      });
    }
    return zones.length === 0 ? 0 : sum / zones.length;
  };
  const people = new Map(zones.map((zone) => [zone, needed(rows, zonePoint(zone, "occupancyCount"))]));
  const tdis = excess(
    (zone) => zonePoint(zone, "zoneAirTempC"),
    (tempC, zone, step) => {
      const { lowerC, upperC } = bounds(zone, timesMs[step]!, people.get(zone)![step]! > 0);
      return Math.max(0, lowerC - tempC, tempC - upperC);
    },
  );
  const hasCo2 = co2LimitPpm !== undefined && zones.length > 0 && zones.every((zone) => rows.columns.has(co2Point(zone)));
  const electricityW = complete(needed(rows, buildingPoint("hvacPowerW")), buildingPoint("hvacPowerW"));
  const gasW = optional(rows, fuelPowerPoint);
  const districtW = optional(rows, districtHeatingPowerPoint);
  let energyKwh = 0;
  let cost = 0;
  let emissionsKg = 0;
  for (let i = 0; i < timesMs.length; i++) {
    const electricityKwh = (electricityW[i]! / 1000) * stepH;
    const heatKwh = (((gasW?.[i] ?? 0) + (districtW?.[i] ?? 0)) / 1000) * stepH;
    energyKwh += electricityKwh + heatKwh;
    cost += electricityKwh * rateOver(tariff.energyPricePerKwh, timeZone, timesMs[i]!, stepS) + heatKwh * tariff.fuelPricePerKwh;
    emissionsKg += electricityKwh * rateOver(tariff.carbonKgPerKwh, timeZone, timesMs[i]!, stepS) + heatKwh * tariff.fuelCarbonKgPerKwh;
  }
  const peak = (powerW: Float64Array | null): number | null => (powerW === null ? null : peakPowerKw(powerW, timesMs, stepS) / floorAreaM2);
  return {
    tdis_tot: tdis,
    idis_tot: hasCo2 ? excess(co2Point, (ppm, zone, step) => Math.max(0, ppm - co2LimitPpm(zone, timesMs[step]!))) : null,
    ener_tot: energyKwh / floorAreaM2,
    cost_tot: cost / floorAreaM2,
    emis_tot: emissionsKg / floorAreaM2,
    pele_tot: peak(electricityW),
    pgas_tot: peak(gasW),
    pdih_tot: peak(districtW),
    time_rat:
      decisionMs === undefined || decisionMs.length === 0
        ? null
        : decisionMs.reduce((sum, ms) => sum + ms, 0) / decisionMs.length / (stepS * 1000),
  };
}

function needed(rows: Dataset, point: PointName): Float64Array {
  const values = rows.columns.get(point);
  if (values === undefined)
    throw new IsothermError("permanent", `BOPTEST's key figures need the column ${point}, which the rows do not have`);
  return values;
}
function complete(values: Float64Array, point: PointName): Float64Array {
  const gap = values.findIndex((value) => !Number.isFinite(value));
  if (gap >= 0) throw new IsothermError("permanent", `row ${gap + 1} has no ${point}: energy and cost cannot be summed over gaps`);
  return values;
}
const optional = (rows: Dataset, point: PointName): Float64Array | null => {
  const values = rows.columns.get(point);
  return values === undefined ? null : complete(values, point);
};
