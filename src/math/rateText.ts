import { parse } from "csv-parse/sync";
import { instantsAt } from "#math/localInstants";
import type { RateRow } from "#math/rateSeries";

export interface RateTextOptions {
  /** Where the rows stand in a JSON document, names and [indices] joined by dots; null: the document itself. */
  readonly rows: string | null;
  /** Column, or place in a row of JSON, of a row's start; null: the first usual name that is there. */
  readonly time: string | null;
  readonly value: string | null;
  /** Usual names of the value where none is given. */
  readonly valueNames: readonly string[];
  /** Canonical value = scale × number × factor + add. null: the factor of the column's own unit, 1 where it names none. */
  readonly factor: number | null;
  readonly scale: number;
  readonly add: number;
  /** Factor of a unit that a column's title names, `EUR/MWh`; null where it is no unit of this quantity. */
  readonly unitFactor: (unit: string) => number | null;
  /** Wall-clock time of an instant, written as if it were UTC: for times without an offset. */
  readonly toLocalMs: (timeMs: number) => number;
}

export type RateText =
  | { readonly ok: true; readonly rows: readonly RateRow[]; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

export const timeNames: readonly string[] = [
  "time",
  "start",
  "startsAt",
  "start_time",
  "start_timestamp",
  "valid_from",
  "from",
  "datetime",
  "timestamp",
  "unix_seconds",
  "date",
];
export const priceNames: readonly string[] = ["price", "value", "marketprice", "marketPrice", "value_inc_vat", "total"];
export const carbonNames: readonly string[] = ["carbonIntensity", "intensity", "carbon", "value"];

interface Cells {
  readonly time: unknown;
  readonly value: unknown;
}
class Unreadable extends Error {}

/**
 * Rows from CSV (a header; comma, semicolon or tab) or JSON (an array of objects, of [time, value] pairs, or an object of two arrays).
 * Times: ISO 8601 with an offset, or without one in the site's clock (the hour that autumn repeats: its first row is the first one), `31.12.2026 13:00`, a date for its
 * midnight, Unix seconds or milliseconds; of a span `a - b` the begin counts. Cells that are no number are gaps (NaN), rows without a readable time are left out and counted;
 * a text that is not of this form is refused with what is wrong.
 */
export const readRates = (text: string, options: RateTextOptions): RateText => {
  try {
    const { cells, unit } = /^\s*[[{]/.test(text) ? fromJson(text, options) : fromCsv(text, options);
    const titled = unit === null ? null : options.unitFactor(unit);
    if (titled !== null && options.factor !== null && Math.abs(titled / options.factor - 1) > 1e-9)
      throw new Unreadable(`its column says ${unit}, the configured unit is another`);
    return withTimes(cells, options, options.factor ?? titled ?? 1);
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, problem: error.message };
    throw error;
  }
};

const withTimes = (cells: readonly Cells[], { scale, add, toLocalMs }: RateTextOptions, factor: number): RateText => {
  const rows: RateRow[] = [];
  const seen = new Map<number, number>();
  let [unreadable, skipped] = [0, 0];
  for (const cell of cells) {
    const time = readTime(cell.time);
    if (time === null) {
      unreadable++;
      continue;
    }
    let { ms } = time;
    if (time.local) {
      const instants = instantsAt(ms, toLocalMs);
      const nth = seen.get(ms) ?? 0;
      seen.set(ms, nth + 1);
      if (instants.length === 0) {
        skipped++;
        continue;
      }
      ms = instants[Math.min(nth, instants.length - 1)]!;
    }
    rows.push({ startMs: ms, value: scale * readNumber(cell.value) * factor + add });
  }
  if (rows.length === 0) return { ok: false, problem: cells.length === 0 ? "it holds no rows" : "none of its times can be read" };
  return {
    ok: true,
    rows,
    notes: [
      ...(unreadable === 0 ? [] : [`${unreadable} rows without a readable time`]),
      ...(skipped === 0 ? [] : [`${skipped} rows of an hour that the clock change leaves out`]),
    ],
  };
};

const readNumber = (cell: unknown): number => {
  if (typeof cell === "number") return cell;
  if (typeof cell !== "string" || cell.trim() === "") return Number.NaN;
  const text = cell.trim();
  return Number(/^[+-]?\d+,\d+$/.test(text) ? text.replace(",", ".") : text);
};

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;
const DOTTED = /^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{2}):(\d{2})(?::(\d{2}))?)?$/;
/** Seconds before, milliseconds after: 1973 in the one, 5138 in the other. */
const SECONDS_BELOW = 1e11;

const readTime = (cell: unknown): { readonly ms: number; readonly local: boolean } | null => {
  if (typeof cell === "number" || (typeof cell === "string" && /^\d{9,13}$/.test(cell.trim()))) {
    const number = Number(cell);
    return Number.isFinite(number) && number > 1e8 ? { ms: number < SECONDS_BELOW ? number * 1000 : number, local: false } : null;
  }
  if (typeof cell !== "string") return null;
  const [text = ""] = cell.trim().split(/\s+-\s+/);
  const iso = ISO.exec(text);
  const dotted = DOTTED.exec(text);
  const parts = iso !== null ? iso.slice(1, 7) : dotted !== null ? [dotted[3], dotted[2], dotted[1], ...dotted.slice(4, 7)] : null;
  if (parts === null) return null;
  const [year, month, day, hour, minute, second] = parts.map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return null;
  const zone = iso?.[7];
  if (zone === undefined) return { ms, local: true };
  if (/^z$/i.test(zone)) return { ms, local: false };
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) as unknown as [string, string, string, string | undefined];
  const offset = (Number(hours) * 60 + Number(minutes ?? 0)) * 60_000;
  return { ms: sign === "+" ? ms - offset : ms + offset, local: false };
};

const fromCsv = (text: string, { time, value, valueNames }: RateTextOptions): { cells: Cells[]; unit: string | null } => {
  const header = text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0] ?? "";
  const delimiter = header.includes(";") ? ";" : header.includes("\t") ? "\t" : ",";
  let records: string[][];
  try {
    records = parse(text, { delimiter, bom: true, relax_column_count: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new Unreadable(`it is no CSV (${error instanceof Error ? error.message.slice(0, 120) : "unreadable"})`);
  }
  const [titles = [], ...rows] = records;
  const bare = titles.map((title) => title.replace(/\s*[[(].*$/, ""));
  const column = (given: string | null, names: readonly string[], what: string): number => {
    const wanted = given === null ? names : [given];
    for (const name of wanted) {
      const at = titles.indexOf(name) >= 0 ? titles.indexOf(name) : bare.indexOf(name);
      if (at >= 0) return at;
    }
    throw new Unreadable(`it has no column for the ${what} (${titles.join(", ").slice(0, 120)})`);
  };
  const [timeAt, valueAt] = [column(time, timeNames, "time"), column(value, valueNames, "value")];
  return {
    cells: rows.map((row) => ({ time: row[timeAt], value: row[valueAt] })),
    unit: /[[(]\s*([^\])]+?)\s*[\])]\s*$/.exec(titles[valueAt]!)?.[1] ?? null,
  };
};

/** The value at `a.b[0]` of a JSON value; undefined where there is none. */
const stepInto = (value: unknown, path: string | null): unknown => {
  let at = value;
  for (const step of path === null ? [] : path.replace(/\[(\d+)\]/g, ".$1").split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
};

const fromJson = (text: string, { rows, time, value, valueNames }: RateTextOptions): { cells: Cells[]; unit: string | null } => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Unreadable("it is no JSON");
  }
  const found = stepInto(document, rows);
  const where = rows ?? "the document";
  const pathIn = (samples: readonly unknown[], given: string | null, names: readonly string[], what: string): string => {
    const path = (given === null ? names : [given]).find((one) => samples.some((sample) => stepInto(sample, one) !== undefined));
    if (path === undefined) throw new Unreadable(`its rows have no ${what}`);
    return path;
  };
  if (Array.isArray(found)) {
    const list: readonly unknown[] = found;
    if (list.length === 0) return { cells: [], unit: null };
    if (Array.isArray(list[0]) && time === null && value === null)
      return { cells: list.map((row) => ({ time: stepInto(row, "0"), value: stepInto(row, "1") })), unit: null };
    const [timePath, valuePath] = [pathIn(list, time, timeNames, "time"), pathIn(list, value, valueNames, "value")];
    return { cells: list.map((row) => ({ time: stepInto(row, timePath), value: stepInto(row, valuePath) })), unit: null };
  }
  if (typeof found !== "object" || found === null) throw new Unreadable(`${where} holds no rows`);
  const times = stepInto(found, pathIn([found], time, timeNames, "time"));
  const values = stepInto(found, pathIn([found], value, valueNames, "value"));
  if (!Array.isArray(times) || !Array.isArray(values) || times.length !== values.length)
    throw new Unreadable(`${where} holds neither a list of rows nor two lists of one length`);
  return { cells: times.map((one: unknown, i) => ({ time: one, value: values[i] as unknown })), unit: null };
};
