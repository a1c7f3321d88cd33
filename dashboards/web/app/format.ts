import type { SiteInfo } from "#dashboards/server/wire";
import { t } from "#dashboards/web/app/i18n";
import type { TempUnit } from "#dashboards/web/app/settings";

const noBreak = "\u00a0";
export const missing = "–";

/** Numbers and dates in the reader's language, times in the site's zone, every number with its unit. */
export interface Formats {
  readonly tempC: (value: number | null, digits?: number) => string;
  /** The same without its unit, for ranges. */
  readonly tempNumber: (value: number | null, digits?: number) => string;
  /** At an axis, where it has to be exact. */
  readonly tempTick: (value: number) => string;
  readonly diffK: (value: number | null, digits?: number) => string;
  readonly number: (value: number | null, digits?: number) => string;
  readonly kelvinHours: (value: number | null) => string;
  readonly energyKwh: (value: number | null) => string;
  readonly powerKw: (value: number | null) => string;
  readonly pct: (value: number | null, digits?: number) => string;
  readonly megabytes: (bytes: number) => string;
  readonly money: (value: number | null, digits?: number) => string;
  readonly clock: (timeMs: number | null) => string;
  readonly day: (timeMs: number) => string;
  /** Day and month. */
  readonly date: (timeMs: number) => string;
  readonly shortDay: (timeMs: number) => string;
  readonly dayAndClock: (timeMs: number | null) => string;
  /** In the reader's own time zone: of people, not of the site. */
  readonly wallTime: (timeMs: number) => string;
  readonly age: (ageS: number | null) => string;
  /** Hours since local midnight, fractional. */
  readonly localHour: (timeMs: number) => number;
}

const orMissing =
  <T>(format: (value: T) => string) =>
  (value: T | null): string =>
    value === null || (typeof value === "number" && !Number.isFinite(value)) ? missing : format(value);

export const createFormats = (site: SiteInfo, locale: string | undefined = undefined, unit: TempUnit = "C"): Formats => {
  const numbers = new Map<string, Intl.NumberFormat>();
  const numberFormat = (digits: number, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat => {
    const key = `${digits} ${options.currency ?? ""} ${options.signDisplay ?? ""}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const made = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, ...options });
    numbers.set(key, made);
    return made;
  };
  const withUnit = (digits: number, unit: string) => orMissing((value: number) => `${numberFormat(digits).format(value)}${noBreak}${unit}`);
  const shown = (valueC: number | null): number | null => (unit === "F" && valueC !== null ? valueC * 1.8 + 32 : valueC);
  const dates = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone: site.timeZone, ...options });
  const clock = dates({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = dates({ weekday: "short", day: "numeric", month: "short" });
  const date = dates({ day: "numeric", month: "short" });
  const weekday = dates({ weekday: "short" });
  const dayOfMonth = dates({ day: "numeric" });
  const dayAndClock = dates({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const wall = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "medium" });
  const parts = dates({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const money = (value: number, digits: number): string => {
    try {
      return numberFormat(digits, { style: "currency", currency: site.currency }).format(value);
    } catch {
      // Not an ISO code: show it as it was written.
      return `${numberFormat(digits).format(value)}${noBreak}${site.currency}`;
    }
  };
  return {
    tempC: (value, digits = 1) => withUnit(digits, `°${unit}`)(shown(value)),
    tempNumber: (value, digits = 1) => orMissing((known: number) => numberFormat(digits).format(known))(shown(value)),
    tempTick: (value) => withUnit(unit === "F" ? 1 : 0, `°${unit}`)(shown(value)),
    diffK: (value, digits = 1) =>
      unit === "F" ? withUnit(digits, "°F")(value === null ? null : value * 1.8) : withUnit(digits, "K")(value),
    number: (value, digits = 0) => orMissing((known: number) => numberFormat(digits).format(known))(value),
    kelvinHours: (value) => withUnit(value !== null && value < 10 ? 2 : 1, "K·h")(value),
    energyKwh: (value) => withUnit(value !== null && Math.abs(value) < 10 ? 2 : 1, "kWh")(value),
    powerKw: (value) => withUnit(2, "kW")(value),
    pct: (value, digits = 0) => withUnit(digits, "%")(value),
    megabytes: (bytes) => withUnit(bytes < 1e8 ? 1 : 0, "MB")(bytes / 1e6),
    money: (value, digits = 2) => orMissing((known: number) => money(known, digits))(value),
    clock: orMissing((timeMs: number) => clock.format(timeMs)),
    day: (timeMs) => day.format(timeMs),
    date: (timeMs) => date.format(timeMs),
    shortDay: (timeMs) => `${weekday.format(timeMs)} ${dayOfMonth.format(timeMs)}`,
    dayAndClock: orMissing((timeMs: number) => dayAndClock.format(timeMs)),
    wallTime: (timeMs) => wall.format(timeMs),
    age: orMissing((ageS: number) => {
      if (ageS < 90) return `${Math.max(0, Math.round(ageS))}${noBreak}s`;
      if (ageS < 5400) return `${Math.round(ageS / 60)}${noBreak}min`;
      if (ageS < 172_800) return `${numberFormat(1).format(ageS / 3600)}${noBreak}h`;
      return `${Math.round(ageS / 86_400)}${noBreak}${t("age.days")}`;
    }),
    localHour: (timeMs) => {
      const found: Record<string, number> = {};
      for (const { type, value } of parts.formatToParts(timeMs)) found[type] = Number(value);
      return (found.hour ?? 0) + (found.minute ?? 0) / 60;
    },
  };
};
