import { configurationError, type IsothermError } from "#domain/errors";

const MISSING = /^(nan|na|n\/a|null|none|-)?$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const TIME = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

const refused = (file: string, line: number, message: string, todo: string): IsothermError =>
  configurationError(message, { place: { file, line }, todo });

/** A cell as a number; an empty cell, NaN, NA, null or - is missing (NaN). Anything else that is not a finite number is refused with its place. */
export function parseNumberCell(text: string, column: string, file: string, line: number): number {
  const cell = text.trim();
  // The usual cell first.
  if (NUMBER.test(cell)) {
    const value = Number(cell);
    if (Number.isFinite(value)) return value;
  } else if (MISSING.test(cell)) return Number.NaN;
  const todo = /^[+-]?\d+,\d+$/.test(cell)
    ? "Write decimals with a point."
    : "Write a number, or leave the cell empty where there is none.";
  throw refused(file, line, `Column ${column}: "${cell.slice(0, 40)}" is not a number.`, todo);
}

/**
 * A time cell as Unix epoch milliseconds: `1991-01-01T00:15`, with seconds or without, with `Z` or an offset or without. Without one it is the
 * building's local standard time, which has no daylight saving, and is read as if it were UTC. `24:00` is the end of that day.
 */
export function parseTimeCell(text: string, file: string, line: number): number {
  const match = TIME.exec(text.trim());
  const todo = "Write times like 1991-01-01T00:15 in local standard time, or with an offset like 1991-01-01T00:15+01:00.";
  if (match === null) throw refused(file, line, `"${text.trim().slice(0, 40)}" is not a time.`, todo);
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const ms = fraction === undefined ? 0 : Math.round(Number(`0.${fraction}`) * 1000);
  const endOfDay = Number(hour) === 24 && Number(minute) === 0 && Number(second ?? 0) === 0 && ms === 0;
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(midnightMs);
  const isDate = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!isDate || (Number(hour) > 23 && !endOfDay) || Number(minute) > 59 || Number(second ?? 0) > 59)
    throw refused(file, line, `"${text.trim()}" is not a time that exists.`, todo);
  let offsetMin = 0;
  if (zone !== undefined && zone.toUpperCase() !== "Z") {
    const digits = zone.slice(1).replace(":", "");
    offsetMin = (zone.startsWith("-") ? -1 : 1) * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0));
  }
  return midnightMs + ((Number(hour) * 60 + Number(minute) - offsetMin) * 60 + Number(second ?? 0)) * 1000 + ms;
}

/** `1991-01-01T00:15`, with seconds and milliseconds only where there are any; read back by `parseTimeCell`. */
export function formatTimeCell(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  return timeMs % 1000 !== 0 ? iso.slice(0, 23) : timeMs % 60_000 !== 0 ? iso.slice(0, 19) : iso.slice(0, 16);
}
