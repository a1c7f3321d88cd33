import { type WeatherRow, type WeatherTableLimits, weatherProblem } from "#adapters/weather/weatherRows";
import type { FeedReading } from "#adapters/web/politeFeed";
import { type SiteQuantity, siteQuantities } from "#domain/points";

/** Names of the hourly columns that are asked for, and the units in which they are asked for (the answer repeats them). */
const columns: Readonly<Record<SiteQuantity, { readonly name: string; readonly units: readonly string[] }>> = {
  outdoorAirTempC: { name: "temperature_2m", units: ["°C"] },
  outdoorRelativeHumidityPct: { name: "relative_humidity_2m", units: ["%"] },
  windSpeedMps: { name: "wind_speed_10m", units: ["m/s"] },
  globalHorizontalIrradianceWm2: { name: "shortwave_radiation", units: ["W/m²"] },
  directNormalIrradianceWm2: { name: "direct_normal_irradiance", units: ["W/m²"] },
  diffuseHorizontalIrradianceWm2: { name: "diffuse_radiation", units: ["W/m²"] },
};

export interface OpenMeteoPlace {
  /** Without our parameters; those that stand in it already are kept. */
  readonly url: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly days: number;
  /** Goes into the parameter `apikey`. */
  readonly key: string | null;
}

/** The address of a request for hourly weather from yesterday on, in our units and UTC (open-meteo.com/en/docs). */
export const openMeteoUrl = ({ url, latitudeDeg, longitudeDeg, days, key }: OpenMeteoPlace): string => {
  const address = new URL(url);
  const wanted: Readonly<Record<string, string>> = {
    latitude: String(latitudeDeg),
    longitude: String(longitudeDeg),
    hourly: siteQuantities.map((quantity) => columns[quantity].name).join(","),
    temperature_unit: "celsius",
    wind_speed_unit: "ms",
    timeformat: "unixtime",
    timezone: "GMT",
    past_days: "1",
    forecast_days: String(days),
    ...(key === null ? {} : { apikey: key }),
  };
  for (const [name, value] of Object.entries(wanted)) if (!address.searchParams.has(name)) address.searchParams.set(name, value);
  return address.href;
};

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** Unix seconds, or ISO without an offset in the answer's own zone. */
const timeOf = (value: unknown, offsetS: number): number => {
  if (typeof value === "number") return value * 1000;
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/.test(value)) return Number.NaN;
  return Date.parse(value.length === 10 ? `${value}T00:00Z` : `${value}Z`) - offsetS * 1000;
};

/** Reads one answer: a table that is believed as a whole, or why none of it is. Numbers that are not finite count as missing. */
export function readOpenMeteo(text: string, limits: WeatherTableLimits): FeedReading<WeatherRow> {
  const refuse = (problem: string): FeedReading<WeatherRow> => ({ ok: false, problem });
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return refuse("its answer is not JSON");
  }
  if (!isObject(answer) || !isObject(answer.hourly) || !Array.isArray(answer.hourly.time))
    return refuse(
      isObject(answer) && typeof answer.reason === "string" ? `it says: ${answer.reason.slice(0, 200)}` : "its answer has no hourly table",
    );
  const { hourly } = answer;
  const units = isObject(answer.hourly_units) ? answer.hourly_units : {};
  const offsetS = typeof answer.utc_offset_seconds === "number" ? answer.utc_offset_seconds : 0;
  const times = (hourly.time as readonly unknown[]).map((value) => timeOf(value, offsetS));
  if (times.some((timeMs) => !Number.isFinite(timeMs))) return refuse("its times cannot be read");
  const tables: (readonly unknown[] | null)[] = [];
  const notes: string[] = [];
  for (const quantity of siteQuantities) {
    const { name, units: right } = columns[quantity];
    const values = hourly[name];
    if (values === undefined || values === null) {
      if (quantity === "outdoorAirTempC") return refuse(`its answer has no ${name}`);
      notes.push(`no ${name}`);
      tables.push(null);
      continue;
    }
    if (!Array.isArray(values) || values.length !== times.length) return refuse(`${name} does not have a value for every hour`);
    const unit = units[name];
    if (typeof unit === "string" && !right.includes(unit))
      return refuse(`${name} comes in ${unit.slice(0, 20)} instead of ${right.join(" or ")}`);
    tables.push(values);
  }
  const rows = times.map((timeMs, i): WeatherRow => {
    const values = tables.map((table) => {
      const value = table?.[i];
      return typeof value === "number" && Number.isFinite(value) ? value : null;
    });
    return [timeMs, ...values];
  });
  const problem = weatherProblem(rows, limits);
  return problem === null ? { ok: true, rows, notes } : refuse(problem);
}
