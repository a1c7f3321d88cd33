import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import { buildingPoint, type PointName, zonePoint } from "#domain/points";
import { rateOver, type Tariff } from "#simulators/tariffs";
import { civilTime, type StandardTimeZone } from "#simulators/weather/localTime";

export interface ComfortBand {
  readonly lowerC: number;
  readonly upperC: number;
}

/** A temperature counts as a violation only this far outside the band. */
export const comfortToleranceK = 0.1;
/** Mean power of gas or other fuel, where a plant reports it. */
export const fuelPowerPoint: PointName = "building.fuelPowerW";
/** Mean power taken from a district heating network, where a plant reports it; counted, paid and emitting like fuel. */
export const districtHeatingPowerPoint: PointName = "building.districtHeatingPowerW";
const demandWindowS = 900;
const daysPerMonth = 30;

/** The protocol's bands: 23–26 °C from May to September, 20–23.5 °C otherwise. */
export function seasonalComfort(zone: StandardTimeZone, timeMs: number): ComfortBand {
  const { month } = civilTime(zone, timeMs);
  return month >= 5 && month <= 9 ? { lowerC: 23, upperC: 26 } : { lowerC: 20, upperC: 23.5 };
}

export interface Kpis {
  readonly steps: number;
  /** Steps in which any zone is occupied. */
  readonly occupiedSteps: number;
  /** Share of occupied zone-steps more than 0.1 K outside the band; 0 where nobody ever came. */
  readonly comfortViolationPct: number;
  readonly comfortViolationPctByZone: Readonly<Record<string, number>>;
  /** Kelvin-hours outside the band while occupied, mean over zones. */
  readonly discomfortKh: number;
  readonly hvacElectricityKwh: number;
  readonly fuelKwh: number;
  /** Highest 15-minute mean of electric power. */
  readonly peakKw: number;
  readonly cost: number;
  readonly emissionsKg: number;
  /** Occupied zone-steps without a temperature: left out of the comfort figures. */
  readonly missingZoneSteps: number;
}

/**
 * Key figures of a run (docs/protocol.md): comfort from zone temperatures at the steps' ends and occupancy during them, energy from mean power.
 * E = Σ P Δt; cost = Σ E price + demand charge · peak · days/30 + fuel. `rows` needs each zone's zoneAirTempC and occupancyCount and building.hvacPowerW;
 * a missing column or missing power gets an `IsothermError` (permanent), since a sum over gaps would look like a saving.
 */
export function computeKpis(
  rows: Dataset,
  options: {
    readonly zones: readonly string[];
    readonly comfort: ComfortBand | ((stepEndMs: number) => ComfortBand);
    readonly tariff: Tariff;
    readonly timeZone: StandardTimeZone;
  },
): Kpis {
  const { zones, comfort, tariff, timeZone } = options;
  const steps = rows.timesMs.length;
  const stepH = rows.stepS / 3600;
  const column = (point: PointName): Float64Array => {
    const values = rows.columns.get(point);
    if (values === undefined) throw new IsothermError("permanent", `key figures need the column ${point}, which the rows do not have`);
    return values;
  };
  const bandAt = typeof comfort === "function" ? comfort : () => comfort;
  const bands = Array.from(rows.timesMs, bandAt);
  const occupiedAt = new Uint8Array(steps);
  const byZone: Record<string, number> = {};
  let occupied = 0;
  let violated = 0;
  let missing = 0;
  let discomfort = 0;
  for (const zone of zones) {
    const temps = column(zonePoint(zone, "zoneAirTempC"));
    const people = column(zonePoint(zone, "occupancyCount"));
    let zoneOccupied = 0;
    let zoneViolated = 0;
    for (let i = 0; i < steps; i++) {
      if (!(people[i]! > 0)) continue;
      occupiedAt[i] = 1;
      const temp = temps[i]!;
      if (!Number.isFinite(temp)) {
        missing++;
        continue;
      }
      const { lowerC, upperC } = bands[i]!;
      const outsideK = Math.max(0, lowerC - temp, temp - upperC);
      zoneOccupied++;
      // Half a nanokelvin of slack: 20 − 19.9 is a hair above 0.1 in binary.
      if (outsideK > comfortToleranceK + 5e-10) zoneViolated++;
      discomfort += outsideK * stepH;
    }
    byZone[zone] = percent(zoneViolated, zoneOccupied);
    occupied += zoneOccupied;
    violated += zoneViolated;
  }
  const powerW = column(buildingPoint("hvacPowerW"));
  const gap = powerW.findIndex((p) => !Number.isFinite(p));
  if (gap >= 0)
    throw new IsothermError(
      "permanent",
      `row ${gap + 1} has no ${buildingPoint("hvacPowerW")}: energy and cost cannot be summed over gaps`,
    );
  const heatCarriersW = [fuelPowerPoint, districtHeatingPowerPoint].flatMap((point) => rows.columns.get(point) ?? []);
  let electricityKwh = 0;
  let fuelKwh = 0;
  let cost = 0;
  let emissionsKg = 0;
  for (let i = 0; i < steps; i++) {
    const kwh = (powerW[i]! / 1000) * stepH;
    electricityKwh += kwh;
    cost += kwh * rateOver(tariff.energyPricePerKwh, timeZone, rows.timesMs[i]!, rows.stepS);
    emissionsKg += kwh * rateOver(tariff.carbonKgPerKwh, timeZone, rows.timesMs[i]!, rows.stepS);
    for (const carrierW of heatCarriersW) fuelKwh += (carrierW[i]! / 1000) * stepH;
  }
  const peakKw = peakPowerKw(powerW, rows.timesMs, rows.stepS);
  cost += (tariff.demandChargePerKwMonth * peakKw * ((steps * rows.stepS) / 86_400)) / daysPerMonth + fuelKwh * tariff.fuelPricePerKwh;
  emissionsKg += fuelKwh * tariff.fuelCarbonKgPerKwh;
  return {
    steps,
    occupiedSteps: occupiedAt.reduce((sum, flag) => sum + flag, 0),
    comfortViolationPct: percent(violated, occupied),
    comfortViolationPctByZone: byZone,
    discomfortKh: zones.length === 0 ? 0 : discomfort / zones.length,
    hvacElectricityKwh: electricityKwh,
    fuelKwh,
    peakKw,
    cost,
    emissionsKg,
    missingZoneSteps: missing,
  };
}

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (100 * part) / whole);

/** Highest mean over the quarters of the clock; steps of a quarter or longer count as they are. */
export function peakPowerKw(powerW: Float64Array, timesMs: Float64Array, stepS: number): number {
  let peakW = 0;
  let windowEnd = Number.NaN;
  let sum = 0;
  let count = 0;
  const close = (): void => {
    if (count > 0) peakW = Math.max(peakW, sum / count);
    sum = 0;
    count = 0;
  };
  const windowMs = demandWindowS * 1000;
  for (let i = 0; i < powerW.length; i++) {
    const end = stepS >= demandWindowS ? i : Math.ceil(timesMs[i]! / windowMs);
    if (end !== windowEnd) close();
    windowEnd = end;
    sum += powerW[i]!;
    count++;
  }
  close();
  return peakW / 1000;
}
