import { configurationError } from "#domain/errors";
import type { Epw, EpwColumn } from "#simulators/weather/epw";
import type { StandardTimeZone } from "#simulators/weather/localTime";
import { solarPosition } from "#simulators/weather/sun";

/** Weather in force during one step. */
export interface WeatherValues {
  readonly outdoorAirTempC: number;
  readonly outdoorDewPointC: number;
  readonly outdoorRelativeHumidityPct: number;
  readonly windSpeedMps: number;
  readonly horizontalInfraredWm2: number;
  readonly globalHorizontalIrradianceWm2: number;
  readonly directNormalIrradianceWm2: number;
  readonly diffuseHorizontalIrradianceWm2: number;
}
type Quantity = keyof WeatherValues;
const columnOf: Readonly<Record<Quantity, EpwColumn>> = {
  outdoorAirTempC: "dryBulbC",
  outdoorDewPointC: "dewPointC",
  outdoorRelativeHumidityPct: "relativeHumidityPct",
  windSpeedMps: "windSpeedMps",
  horizontalInfraredWm2: "horizontalInfraredWm2",
  globalHorizontalIrradianceWm2: "globalHorizontalWm2",
  directNormalIrradianceWm2: "directNormalWm2",
  diffuseHorizontalIrradianceWm2: "diffuseHorizontalWm2",
};
const quantities = Object.keys(columnOf) as Quantity[];
const radiation = new Set<Quantity>(["globalHorizontalIrradianceWm2", "directNormalIrradianceWm2", "diffuseHorizontalIrradianceWm2"]);

/** Weather steps per hour: values are constant within a quarter of an hour, as in EnergyPlus at four time steps per hour. */
const stepsPerHour = 4;
export const weatherStepMs = 3_600_000 / stepsPerHour;
const hourMs = 3_600_000;
/** Longer gaps are not bridged. */
const maxGapHours = 24;
const stefanBoltzmann = 5.670374e-8;

export interface WeatherSeries extends StandardTimeZone {
  readonly epw: Epw;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  /** Weather of the step that ends at `stepEndMs`: the mean over its quarter-hours. */
  at(stepEndMs: number, stepS: number): WeatherValues;
}

/**
 * Weather at any time of any year from one typical year, in local standard time without daylight saving; the year wraps around.
 * Temperatures, humidity, wind and infrared: an hourly value holds at the end of its hour, linear in between; a quarter-hour takes the value at its end.
 * Radiation: an hourly value is a mean, placed at the hour's middle, linear in between: quarters ¾H+¼L, H, ¾H+¼N, ½H+½N (L, N: the hours before
 * and after; EnergyPlus Engineering Reference, "Weather Manager"), so each hourly value is spent exactly once over the year; what would fall into a quarter
 * with the sun below the horizon moves to the nearest one with the sun above it. 29 February repeats the 28th where the file has none.
 * Missing hours are bridged linearly; more than a day of them gets an `IsothermError` (configuration) with file and line.
 */
export function weatherSeries(epw: Epw): WeatherSeries {
  const columns = Object.fromEntries(quantities.map((q) => [q, filledColumn(epw, q)])) as Record<Quantity, Float64Array>;
  const rows = epw.hour.length;
  const firstRow = new Int32Array(13 * 32).fill(-1);
  for (let i = 0; i < rows; i += 24) firstRow[epw.month[i]! * 32 + epw.day[i]!] = i;
  const offsetMs = epw.location.timeZoneH * hourMs;
  /** Row whose hour ends at this instant of local standard time. */
  const rowEndingAt = (localHourEndMs: number): number => {
    const date = new Date(localHourEndMs - hourMs);
    let row = firstRow[(date.getUTCMonth() + 1) * 32 + date.getUTCDate()]!;
    if (row < 0) row = firstRow[2 * 32 + 28]!;
    return row + date.getUTCHours();
  };
  const quarters = Object.fromEntries([...radiation].map((q) => [q, quarterRadiation(epw, columns[q])] as const)) as Partial<
    Record<Quantity, Float64Array>
  >;

  const quarterAt = (quarterEndMs: number): WeatherValues => {
    const localMs = quarterEndMs + offsetMs;
    const hourEndMs = Math.ceil(localMs / hourMs) * hourMs;
    const quarter = Math.round((localMs - (hourEndMs - hourMs)) / weatherStepMs);
    const row = rowEndingAt(hourEndMs);
    const previous = rowEndingAt(hourEndMs - hourMs);
    const fraction = quarter / stepsPerHour;
    const values = {} as Record<Quantity, number>;
    for (const q of quantities) {
      const column = columns[q];
      const spread = quarters[q];
      values[q] =
        spread === undefined
          ? column[previous]! + fraction * (column[row]! - column[previous]!)
          : spread[row * stepsPerHour + quarter - 1]!;
    }
    return values;
  };
  return {
    epw,
    timeZoneH: epw.location.timeZoneH,
    latitudeDeg: epw.location.latitudeDeg,
    longitudeDeg: epw.location.longitudeDeg,
    at(stepEndMs, stepS) {
      const lastQuarterEnd = Math.ceil(stepEndMs / weatherStepMs) * weatherStepMs;
      const startMs = stepEndMs - stepS * 1000;
      if (lastQuarterEnd - weatherStepMs <= startMs) return quarterAt(lastQuarterEnd);
      const sums = {} as Record<Quantity, number>;
      for (const q of quantities) sums[q] = 0;
      for (let endMs = lastQuarterEnd; endMs > startMs; endMs -= weatherStepMs) {
        const share = (Math.min(endMs, stepEndMs) - Math.max(endMs - weatherStepMs, startMs)) / (stepS * 1000);
        const values = quarterAt(endMs);
        for (const q of quantities) sums[q] += share * values[q];
      }
      return sums;
    },
  };
}

/** Hourly means → quarter-hour means, as told above. */
function quarterRadiation(epw: Epw, hourly: Float64Array): Float64Array {
  const rows = hourly.length;
  const out = new Float64Array(rows * stepsPerHour);
  const up = sunUp(epw);
  const nearestUp = (i: number): number => {
    for (let distance = 1; distance <= 2 * stepsPerHour; distance++)
      for (const j of [i - distance, i + distance]) if (up[(j + out.length) % out.length]) return (j + out.length) % out.length;
    return i;
  };
  for (let i = 0; i < rows; i++) {
    const here = hourly[i]!;
    const before = hourly[(i - 1 + rows) % rows]!;
    const after = hourly[(i + 1) % rows]!;
    const values = [0.75 * here + 0.25 * before, here, 0.75 * here + 0.25 * after, 0.5 * here + 0.5 * after];
    values.forEach((value, k) => {
      if (value === 0) return;
      const at = i * stepsPerHour + k;
      out[up[at] ? at : nearestUp(at)]! += value;
    });
  }
  return out;
}

const sunUpCache = new WeakMap<Epw, Uint8Array>();
/** For each quarter of the file's year, whether the sun stands above the horizon in its middle (declination of 1991, or 1992 for leap files). */
function sunUp(epw: Epw): Uint8Array {
  let up = sunUpCache.get(epw);
  if (up === undefined) {
    const startMs = Date.UTC(epw.leapYear ? 1992 : 1991, 0, 1) - epw.location.timeZoneH * hourMs;
    up = Uint8Array.from({ length: epw.hour.length * stepsPerHour }, (_, i) => {
      const { zenithDeg } = solarPosition(startMs + (i + 0.5) * weatherStepMs, epw.location.latitudeDeg, epw.location.longitudeDeg);
      return zenithDeg < 90 ? 1 : 0;
    });
    sunUpCache.set(epw, up);
  }
  return up;
}

/** The column without gaps: humidity and sky infrared are derived where the file has none, other gaps bridged linearly. */
function filledColumn(epw: Epw, quantity: Quantity): Float64Array {
  const name = columnOf[quantity];
  const out = Float64Array.from(epw.columns[name]);
  if (!out.some(Number.isNaN)) return out;
  if (name === "horizontalInfraredWm2") deriveInfrared(epw, out);
  if (name === "relativeHumidityPct") deriveHumidity(epw, out);
  if (name === "dewPointC") deriveDewPoint(epw, out);
  if (name === "windSpeedMps" && out.every(Number.isNaN)) return out.fill(0);
  bridge(epw, name, out);
  return out;
}

function bridge(epw: Epw, name: EpwColumn, out: Float64Array): void {
  const rows = out.length;
  const first = out.findIndex((value) => !Number.isNaN(value));
  const place = (row: number): { file: string; line: number } => ({ file: epw.file, line: epw.firstDataLine + row });
  if (first < 0)
    throw configurationError(`the file holds no ${name} at all`, { place: place(0), todo: "Take a weather file that has this column." });
  for (let k = 1, last = first; k <= rows; k++) {
    const i = (first + k) % rows;
    if (Number.isNaN(out[i])) continue;
    const gap = first + k - last - 1;
    if (gap > maxGapHours)
      throw configurationError(`${name} is missing for ${gap} hours in a row; at most ${maxGapHours} are bridged`, {
        place: place((last + 1) % rows),
        todo: "Fill the gap in the file or take another one.",
      });
    for (let j = 1; j <= gap; j++) out[(last + j) % rows] = out[last % rows]! + (j / (gap + 1)) * (out[i]! - out[last % rows]!);
    last = first + k;
  }
}

/** Magnus formula with the coefficients of Sonntag 1990: saturation pressure over water, hPa. */
const saturationHpa = (tempC: number): number => 6.112 * Math.exp((17.62 * tempC) / (243.12 + tempC));

function deriveHumidity(epw: Epw, out: Float64Array): void {
  const { dryBulbC, dewPointC } = epw.columns;
  out.forEach((value, i) => {
    if (Number.isNaN(value)) out[i] = Math.min(100, (100 * saturationHpa(dewPointC[i]!)) / saturationHpa(dryBulbC[i]!));
  });
}
function deriveDewPoint(epw: Epw, out: Float64Array): void {
  const { dryBulbC, relativeHumidityPct } = epw.columns;
  out.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const x = Math.log(((Math.max(1, relativeHumidityPct[i]!) / 100) * saturationHpa(dryBulbC[i]!)) / 6.112);
    out[i] = (243.12 * x) / (17.62 - x);
  });
}
/** ε σ T⁴ with ε = (0.787 + 0.764 ln(T_dew/273)) (1 + 0.0224 N − 0.0035 N² + 0.00028 N³), N tenths of cloud (Clark & Allen 1978, Walton 1983). */
function deriveInfrared(epw: Epw, out: Float64Array): void {
  const { dryBulbC, dewPointC, totalSkyCoverTenths } = epw.columns;
  out.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const n = Number.isNaN(totalSkyCoverTenths[i]!) ? 5 : totalSkyCoverTenths[i]!;
    const dewK = (Number.isNaN(dewPointC[i]!) ? dryBulbC[i]! - 5 : dewPointC[i]!) + 273.15;
    const emissivity = (0.787 + 0.764 * Math.log(dewK / 273)) * (1 + 0.0224 * n - 0.0035 * n ** 2 + 0.00028 * n ** 3);
    out[i] = emissivity * stefanBoltzmann * (dryBulbC[i]! + 273.15) ** 4;
  });
}
