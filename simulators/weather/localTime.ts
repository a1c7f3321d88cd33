import { configurationError } from "#domain/errors";

/**
 * Times in isotherm are Unix epoch milliseconds, true UTC. Weather files and the closed-loop protocol speak local standard time (no daylight saving):
 * UTC = local standard time − time zone offset. These two functions are the one place where that conversion is made.
 */
export interface StandardTimeZone {
  /** Local standard time − UTC, hours. */
  readonly timeZoneH: number;
}
const msPerHour = 3_600_000;

/** `1991-01-01T00:15` in local standard time → epoch ms. Bad text gets an `IsothermError` (configuration). */
export function localStandardToMs(zone: StandardTimeZone, isoLocal: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?$/.exec(isoLocal.trim());
  const [year, month, day, hours, minutes, seconds] = Array.from({ length: 6 }, (_, i) =>
    match === null ? Number.NaN : Number(match[i + 1] ?? 0),
  ) as [number, number, number, number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  const realDate = date.getUTCMonth() + 1 === month && date.getUTCDate() === day;
  const realTime = (hours < 24 && minutes < 60 && seconds < 60) || (hours === 24 && minutes === 0 && seconds === 0);
  if (!realDate || !realTime)
    throw configurationError(`"${isoLocal}" is not a local standard time`, {
      todo: "Write it like 1991-01-01T00:15, without a time zone.",
    });
  return date.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1000 - zone.timeZoneH * msPerHour;
}

/** Epoch ms → `1991-01-01T00:15:00` in local standard time. */
export const msToLocalStandard = (zone: StandardTimeZone, timeMs: number): string =>
  new Date(timeMs + zone.timeZoneH * msPerHour).toISOString().slice(0, 19);

export interface CivilTime {
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  /** 0 Sunday … 6 Saturday. */
  readonly weekday: number;
  /** 0 ≤ minuteOfDay < 1440. */
  readonly minuteOfDay: number;
}
/** Calendar fields of an instant in local standard time. */
export function civilTime(zone: StandardTimeZone, timeMs: number): CivilTime {
  const date = new Date(timeMs + zone.timeZoneH * msPerHour);
  return {
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    minuteOfDay: date.getUTCHours() * 60 + date.getUTCMinutes() + date.getUTCSeconds() / 60,
  };
}
