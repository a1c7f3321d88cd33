import { parse } from "csv-parse/sync";
import { configurationError, type IsothermError } from "#domain/errors";

export interface EpwLocation {
  readonly name: string;
  readonly latitudeDeg: number;
  /** East positive. */
  readonly longitudeDeg: number;
  /** Local standard time − UTC. */
  readonly timeZoneH: number;
  readonly elevationM: number;
}

/** One column of hourly values; NaN marks a value that the file itself calls missing. */
export type HourlyColumn = Float64Array;

/** Hourly columns of an EPW file and the value (and above) that means missing, by zero-based field number. */
const columnFields = {
  dryBulbC: { field: 6, missingFrom: 99.9, low: -90, high: 70 },
  dewPointC: { field: 7, missingFrom: 99.9, low: -90, high: 70 },
  relativeHumidityPct: { field: 8, missingFrom: 999, low: 0, high: 120 },
  pressurePa: { field: 9, missingFrom: 999999, low: 30000, high: 120000 },
  horizontalInfraredWm2: { field: 12, missingFrom: 9999, low: 0, high: 1500 },
  globalHorizontalWm2: { field: 13, missingFrom: 9999, low: 0, high: 1800 },
  directNormalWm2: { field: 14, missingFrom: 9999, low: 0, high: 1800 },
  diffuseHorizontalWm2: { field: 15, missingFrom: 9999, low: 0, high: 1800 },
  windDirectionDeg: { field: 20, missingFrom: 999, low: 0, high: 360 },
  windSpeedMps: { field: 21, missingFrom: 999, low: 0, high: 100 },
  totalSkyCoverTenths: { field: 22, missingFrom: 99, low: 0, high: 10 },
} as const;
export type EpwColumn = keyof typeof columnFields;
const columnNames = Object.keys(columnFields) as EpwColumn[];
const lastField = 22;
const hoursPerDay = 24;

export interface Epw {
  readonly file: string;
  readonly location: EpwLocation;
  /** One entry per hourly row: month 1–12, day 1–31, hour 1–24 (the hour that ends then). */
  readonly month: Uint8Array;
  readonly day: Uint8Array;
  readonly hour: Uint8Array;
  readonly columns: Readonly<Record<EpwColumn, HourlyColumn>>;
  /** Line of the first hourly row, for messages. */
  readonly firstDataLine: number;
  /** True where the file holds 29 February. */
  readonly leapYear: boolean;
  /** Monthly undisturbed ground temperatures by depth, as the header gives them. */
  readonly groundTemps: readonly { readonly depthM: number; readonly monthlyC: readonly number[] }[];
  /** Years that the typical months were taken from. */
  readonly years: readonly number[];
  /** How many values of each column the file calls missing; only columns with any. */
  readonly missing: Readonly<Partial<Record<EpwColumn, number>>>;
}

const headerNames = [
  "LOCATION",
  "DESIGN CONDITIONS",
  "TYPICAL/EXTREME PERIODS",
  "GROUND TEMPERATURES",
  "HOLIDAYS/DAYLIGHT SAVINGS",
  "COMMENTS 1",
  "COMMENTS 2",
  "DATA PERIODS",
];

/** Text of an EPW file: UTF-8, or Latin-1 where the bytes are not UTF-8 (older files carry accented place names). */
const decode = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
};

const daysInMonth = (month: number, leap: boolean): number => (month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);

interface Line {
  readonly cells: readonly string[];
  readonly line: number;
}

/**
 * Reads an EnergyPlus weather file (EPW; EnergyPlus "Auxiliary Programs", ch. 2): a whole year of hourly rows, hour 1–24 ending at that hour.
 * Typical-year files mix years and may or may not hold 29 February; the year field is not used for the calendar. Values at or above the format's
 * marks (99.9 °C, 9999 W/m², …) become NaN. Bad input gets one `IsothermError` (configuration) with file and line.
 */
export function parseEpw(bytes: Uint8Array | string, file: string): Epw {
  const bad = (
    message: string,
    line: number,
    todo = "Take a complete EPW file, for example from climate.onebuilding.org.",
  ): IsothermError => configurationError(message, { place: { file, line }, todo });
  const lines = splitLines(bytes, file);
  if (lines.length === 0) throw bad("the file is empty", 1);
  headerNames.forEach((name, i) => {
    const found = lines[i]?.cells[0]?.trim().toUpperCase();
    if (found !== name)
      throw bad(
        `this is not an EPW file: line ${i + 1} should begin with ${name}${found ? `, not "${found.slice(0, 40)}"` : ""}`,
        lines[i]?.line ?? i + 1,
      );
  });
  const location = parseLocation(lines[0] as Line, bad);
  const recordsPerHour = Number(lines[7]?.cells[2]);
  if (recordsPerHour !== 1)
    throw bad(
      `DATA PERIODS names ${lines[7]?.cells[2]?.trim() ?? "no"} records per hour; one is needed`,
      lines[7]?.line ?? 8,
      "Convert it to an hourly EPW file.",
    );
  const rows = lines.slice(headerNames.length);
  const lastLine = lines.at(-1)?.line ?? headerNames.length;
  const month = new Uint8Array(rows.length);
  const day = new Uint8Array(rows.length);
  const hour = new Uint8Array(rows.length);
  const years = new Set<number>();
  const columns = Object.fromEntries(columnNames.map((name) => [name, new Float64Array(rows.length)])) as Record<EpwColumn, Float64Array>;
  const missing: Partial<Record<EpwColumn, number>> = {};
  rows.forEach(({ cells, line }, i) => {
    if (cells.length <= lastField)
      throw bad(`the row has ${cells.length} fields where an EPW row has 35: the file is cut off or damaged here`, line);
    const integer = (field: number, low: number, high: number, what: string): number => {
      const value = Number(cells[field]);
      if (cells[field]?.trim() === "" || !Number.isInteger(value) || value < low || value > high)
        throw bad(`${what} "${cells[field]?.trim() ?? ""}" is not between ${low} and ${high}`, line);
      return value;
    };
    years.add(integer(0, 0, 9999, "year"));
    month[i] = integer(1, 1, 12, "month");
    day[i] = integer(2, 1, 31, "day");
    hour[i] = integer(3, 1, hoursPerDay, "hour");
    integer(4, 0, 60, "minute");
    checkOrder(month, day, hour, i, (message) => bad(message, line));
    for (const name of columnNames) {
      const { field, missingFrom, low, high } = columnFields[name];
      const text = cells[field]?.trim() ?? "";
      const value = text === "" ? Number.NaN : Number(text);
      if (text !== "" && !Number.isFinite(value)) throw bad(`field ${field + 1} (${name}) is not a number: "${text}"`, line);
      if (Number.isNaN(value) || value >= missingFrom) {
        columns[name][i] = Number.NaN;
        missing[name] = (missing[name] ?? 0) + 1;
      } else if (value < low || value > high) throw bad(`field ${field + 1} (${name}) is ${text}, outside ${low} … ${high}`, line);
      else columns[name][i] = value;
    }
  });
  const leapYear = rows.length === 366 * hoursPerDay;
  if (!leapYear && rows.length !== 365 * hoursPerDay)
    throw bad(
      `the file holds ${rows.length} hourly rows where a year has 8760 (leap year 8784): it is cut off or covers part of a year`,
      lastLine,
    );
  return {
    file,
    location,
    month,
    day,
    hour,
    columns,
    firstDataLine: rows[0]?.line ?? headerNames.length + 1,
    leapYear,
    groundTemps: parseGroundTemps(lines[3] as Line),
    years: [...years].sort((a, b) => a - b),
    missing,
  };
}

function splitLines(bytes: Uint8Array | string, file: string): Line[] {
  try {
    // Quotes mean nothing in this format: a lone one in a comment must not swallow the rest of the file. Without them every record is one line.
    const records = parse(typeof bytes === "string" ? bytes : decode(bytes), {
      bom: true,
      quote: null,
      relax_column_count: true,
      record_delimiter: ["\r\n", "\n", "\r"],
    }) as string[][];
    return records.map((cells, i) => ({ cells, line: i + 1 })).filter(({ cells }) => cells.length > 1 || cells[0]?.trim() !== "");
  } catch (cause) {
    throw configurationError(`the file cannot be read as comma-separated text: ${cause instanceof Error ? cause.message : String(cause)}`, {
      place: { file },
      cause,
    });
  }
}

function parseLocation({ cells, line }: Line, bad: (message: string, line: number, todo?: string) => IsothermError): EpwLocation {
  const number = (field: number, what: string, low: number, high: number): number => {
    const text = cells[field]?.trim() ?? "";
    const value = Number(text);
    if (text === "" || !Number.isFinite(value) || value < low || value > high)
      throw bad(
        `LOCATION: ${what} "${text}" is not a number between ${low} and ${high}`,
        line,
        `Correct field ${field + 1} of the first line.`,
      );
    return value;
  };
  const words = [cells[1], cells[2], cells[3]]
    .map((word) => word?.trim() ?? "")
    .filter((word) => word !== "" && word !== "-" && word.toLowerCase() !== "unknown");
  return {
    name: words.length > 0 ? words.join(", ") : "unknown place",
    latitudeDeg: number(6, "latitude", -90, 90),
    longitudeDeg: number(7, "longitude", -180, 180),
    timeZoneH: number(8, "time zone", -14, 14),
    elevationM: number(9, "elevation", -1000, 9999.9),
  };
}

/** Rows must follow one another hour by hour from 1 January, 1:00 to 31 December, 24:00. */
function checkOrder(month: Uint8Array, day: Uint8Array, hour: Uint8Array, i: number, bad: (message: string) => IsothermError): void {
  const here = `month ${month[i]}, day ${day[i]}, hour ${hour[i]}`;
  if (i === 0) {
    if (month[0] !== 1 || day[0] !== 1 || hour[0] !== 1)
      throw bad(`the first row is ${here}; a whole year from 1 January, hour 1 is needed`);
    return;
  }
  const [m, d, h] = [month[i - 1] as number, day[i - 1] as number, hour[i - 1] as number];
  if (day[i]! > daysInMonth(month[i]!, true)) throw bad(`${here} is not a date`);
  const sameDay = month[i] === m && day[i] === d && hour[i] === h + 1;
  const nextDay = h === hoursPerDay && hour[i] === 1 && ((month[i] === m && day[i] === d + 1) || endsMonth(m, d, month[i]!, day[i]!));
  if (!sameDay && !nextDay)
    throw bad(`${here} does not follow month ${m}, day ${d}, hour ${h}: rows are missing, repeated or out of order`);
}
const endsMonth = (m: number, d: number, nextMonth: number, nextDay: number): boolean =>
  nextMonth === m + 1 && nextDay === 1 && (d === daysInMonth(m, false) || d === daysInMonth(m, true));

function parseGroundTemps({ cells }: Line): { depthM: number; monthlyC: number[] }[] {
  const depths = Number(cells[1]);
  if (!Number.isInteger(depths)) return [];
  return Array.from({ length: depths }, (_, k) => ({
    depthM: Number(cells[2 + 16 * k]),
    monthlyC: Array.from({ length: 12 }, (_, m) => Number(cells[2 + 16 * k + 4 + m] || Number.NaN)),
  })).filter((entry) => entry.monthlyC.every(Number.isFinite));
}
