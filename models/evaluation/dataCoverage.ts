import { sitePoint, zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import { isWorkday } from "#math/features";
import { type Regime, regimes, rowRegimes } from "#math/regimes";

/** What the training rows of one zone hold. */
export interface DataCoverage {
  /** Days of rows with a temperature and both setpoints. */
  readonly daysThere: number;
  readonly daysWanted: number;
  /** Rows per regime; `unknown` where a value is missing. */
  readonly rows: Readonly<Record<"idle" | "heatingLimited" | "coolingLimited" | "heldHeating" | "heldCooling" | "unknown", number>>;
  /** What is wanting, in words, the gravest first; empty: nothing. */
  readonly missing: readonly string[];
}

const DAYS_WANTED = 7;
/** Fewer samples than two hours of quarter hours say little. */
const FEW_ROWS = 8;

const names = [
  "idle",
  "heatingLimited",
  "coolingLimited",
  "heldHeating",
  "heldCooling",
] as const satisfies readonly (keyof typeof regimes)[];

const plural = (count: number, one: string): string => `${count === 0 ? "no" : count} ${one}${count === 1 ? "" : "s"}`;

/** What a week of training data should hold and this one does not, in words: days, heating and cooling, people, workdays and weekends, sun, weather. */
export const dataCoverage = (data: DatasetRows, zone: string, daysWanted: number = DAYS_WANTED): DataCoverage => {
  const column = (quantity: "zoneAirTempC" | "heatingSetpointC" | "coolingSetpointC" | "occupancyCount"): Float64Array =>
    data.column(zonePoint(zone, quantity));
  const needed = [column("zoneAirTempC"), column("heatingSetpointC"), column("coolingSetpointC")];
  const there = Array.from({ length: data.length }, (_, row) => row).filter((row) =>
    needed.every((values) => Number.isFinite(values[row]!)),
  );
  const regime = rowRegimes(data, zone);
  const count = (wanted: Regime): number => there.filter((row) => regime[row] === wanted).length;
  const rows = {
    ...Object.fromEntries(names.map((name) => [name, count(regimes[name])])),
    unknown: data.length - there.length,
  } as DataCoverage["rows"];
  const daysThere = (there.length * data.dataset.stepS) / 86_400;
  const missing: string[] = [];
  const few = (samples: number, what: string): void => {
    if (samples < FEW_ROWS) missing.push(`${plural(samples, "sample")} ${what}`);
  };
  if (daysThere < daysWanted - 0.05) missing.push(`${daysWanted} days wanted, ${daysThere.toFixed(1)} there`);
  few(rows.idle, "between the setpoints: how the zone cools by itself is not seen");
  few(rows.heatingLimited + rows.heldHeating, "with heating on: what it delivers is a guess");
  if (rows.heatingLimited + rows.heldHeating >= FEW_ROWS)
    few(rows.heatingLimited, "with heating at its limit: only a lower bound of its power is known");
  few(rows.coolingLimited + rows.heldCooling, "with cooling on: what it delivers is a guess");
  if (rows.coolingLimited + rows.heldCooling >= FEW_ROWS)
    few(rows.coolingLimited, "with cooling at its limit: only a lower bound of its power is known");
  const people = column("occupancyCount");
  if (!people.some(Number.isFinite)) missing.push("no column of people: their warmth goes into the hour of the day");
  else few(there.filter((row) => people[row]! > 0).length, "with people in the zone");
  few(there.filter((row) => isWorkday(data.localMs(row))).length, "on a working day");
  few(there.filter((row) => !isWorkday(data.localMs(row))).length, "at a weekend");
  const sun = [sitePoint("directNormalIrradianceWm2"), sitePoint("globalHorizontalIrradianceWm2")].map((point) => data.column(point));
  if (!sun.some((values) => values.some(Number.isFinite))) missing.push("no column of sunshine: it goes into the hour of the day");
  else few(there.filter((row) => sun.some((values) => values[row]! > 200)).length, "with sun (above 200 W/m²)");
  const outdoor = data.column(sitePoint("outdoorAirTempC")).filter(Number.isFinite);
  if (outdoor.length > 0) {
    const [low, high] = [outdoor.reduce((a, b) => Math.min(a, b)), outdoor.reduce((a, b) => Math.max(a, b))];
    if (high - low < 8) missing.push(`outdoor air only between ${low.toFixed(0)} and ${high.toFixed(0)} °C: other weather is a guess`);
  }
  if (rows.unknown > 0.02 * data.length) missing.push(`${plural(rows.unknown, "row")} without a temperature or a setpoint`);
  return { daysThere, daysWanted, rows, missing };
};
