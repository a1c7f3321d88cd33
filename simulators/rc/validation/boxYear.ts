import { IsothermError } from "#domain/errors";
import { zonePoint } from "#domain/points";
import { createRcPlant } from "#simulators/rc/rcPlant";
import { type BestestCase, bestestCases } from "#simulators/rc/validation/bestestBox";
import { bestestBuilding, bestestZone } from "#simulators/rc/validation/bestestBuilding";
import { localStandardToMs } from "#simulators/weather/localTime";
import type { WeatherSeries } from "#simulators/weather/weatherSeries";

const stepS = 900;
const stepsPerHour = 3600 / stepS;
const stepsPerYear = 365 * 24 * stepsPerHour;

/** A year of the box, quarter-hour by quarter-hour: air at the end, heat that the zone got on average. */
export interface BoxRecord {
  readonly airC: Float64Array;
  readonly heatingW: Float64Array;
  readonly coolingW: Float64Array;
}
/** What the standard compares; temperatures and powers as hourly means. */
export interface BoxYear {
  readonly heatingMwh: number;
  readonly coolingMwh: number;
  readonly peakHeatingKw: number;
  readonly peakCoolingKw: number;
  readonly lowestC: number;
  readonly highestC: number;
  readonly meanC: number;
}
export type BoxYears = Readonly<Record<BestestCase, BoxYear>>;

export function summarise({ airC, heatingW, coolingW }: BoxRecord): BoxYear {
  const heating = hourly(heatingW);
  const cooling = hourly(coolingW);
  const air = hourly(airC);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return {
    heatingMwh: sum(heating) / 1e6,
    coolingMwh: sum(cooling) / 1e6,
    peakHeatingKw: Math.max(...heating) / 1000,
    peakCoolingKw: Math.max(...cooling) / 1000,
    lowestC: Math.min(...air),
    highestC: Math.max(...air),
    meanC: sum(air) / air.length,
  };
}

function hourly(quarters: Float64Array): number[] {
  if (quarters.length !== stepsPerYear)
    throw new IsothermError("permanent", `a year of quarter-hours has ${stepsPerYear} rows, this run has ${quarters.length}`);
  return Array.from({ length: quarters.length / stepsPerHour }, (_, hour) => {
    let sum = 0;
    for (let k = 0; k < stepsPerHour; k++) sum += quarters[hour * stepsPerHour + k]!;
    return sum / stepsPerHour;
  });
}

/** A year of the box in the RC engine, as a `SimulatedPlant` under its own thermostat. */
export async function rcBoxYear(name: BestestCase, weather: WeatherSeries): Promise<BoxYear> {
  const plant = createRcPlant({ building: bestestBuilding(name, weather.epw.location.elevationM), weather });
  await plant.initialize(localStandardToMs(weather, "1991-01-01T00:00"), 0);
  const empty = (): Float64Array => new Float64Array(stepsPerYear);
  const record = { airC: empty(), heatingW: empty(), coolingW: empty() };
  for (let k = 0; k < stepsPerYear; k++) {
    const { values } = await plant.advance(stepS);
    const { zoneHeatingW, zoneCoolingW } = plant.lastStep();
    record.airC[k] = values.get(zonePoint(bestestZone, "zoneAirTempC"))!;
    record.heatingW[k] = zoneHeatingW[0]!;
    record.coolingW[k] = zoneCoolingW[0]!;
  }
  return summarise(record);
}

/** Every case, one after the other. */
export async function everyCase(year: (name: BestestCase) => Promise<BoxYear>): Promise<BoxYears> {
  const years: Partial<Record<BestestCase, BoxYear>> = {};
  for (const name of bestestCases) years[name] = await year(name);
  return years as BoxYears;
}
