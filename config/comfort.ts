import type { AdaptiveComfortConfig, ComfortBand, ComfortConfig, SiteConfig, TariffPeriod, ZoneConfig } from "#config/siteConfig";
import { IsothermError } from "#domain/errors";
import type { ComfortSchedule, SetpointLimits } from "#domain/setpoints";
import { adaptiveBand } from "#math/adaptiveComfort";

/** A moment as a wall clock and calendar at the site show it. */
export interface LocalTime {
  /** YYYY-MM-DD */
  readonly date: string;
  /** Monday 0 … Sunday 6. */
  readonly weekday: number;
  /** Minutes since local midnight by the clock on the wall, with its fraction. */
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "iso8601",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** Formatting is slow (15 µs), and every zone and every tick of a horizon asks for the same times again. */
const MEMO_ENTRIES = 4096;
const memo = new Map<string, Map<number, LocalTime>>();

/** Local time at the site; `timeZone` an IANA name, `timeMs` Unix epoch UTC. Throws `IsothermError` (permanent) where `timeMs` is no time. */
export function localTime(timeZone: string, timeMs: number): LocalTime {
  let known = memo.get(timeZone);
  if (known === undefined || known.size >= MEMO_ENTRIES) {
    known = new Map();
    memo.set(timeZone, known);
  }
  let local = known.get(timeMs);
  if (local === undefined) {
    local = formatLocalTime(timeZone, timeMs);
    known.set(timeMs, local);
  }
  return local;
}

function formatLocalTime(timeZone: string, timeMs: number): LocalTime {
  if (!(Math.abs(timeMs) <= 8.64e15)) throw new IsothermError("permanent", `${timeMs} is not a time`);
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(timeMs)
      .map(({ type, value }) => [type, value]),
  );
  const date = `${parts.year}-${parts.month}-${parts.day}`;
  const weekday = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
  return { date, weekday, minute: Number(parts.hour) * 60 + Number(parts.minute) + Number(parts.second) / 60 };
}

/** What is wanted of a zone's air at one moment. */
export interface Comfort {
  readonly lowerC: number;
  readonly upperC: number;
  readonly occupied: boolean;
}

/** Whether a date (YYYY-MM-DD) lies in a season, which may run over New Year. */
const inSeason = (date: string, { first, last }: AdaptiveComfortConfig["season"]): boolean => {
  const day = date.slice(5);
  return first <= last ? first <= day && day <= last : first <= day || day <= last;
};

const within = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

/** The occupied band by adaptive comfort, inside what setpoints and the unoccupied band allow; null where another one holds. */
function adaptiveFor(
  { adaptive, unoccupied }: ComfortConfig,
  limits: SetpointLimits,
  date: string,
  runningMeanC: number,
): ComfortBand | null {
  if (adaptive === null || !inSeason(date, adaptive.season)) return null;
  const band = adaptiveBand(adaptive.by, runningMeanC);
  if (band === null) return null;
  return {
    lowerC: Math.max(unoccupied.lowerC, within(band.lowerC, limits.minHeatingSetpointC, limits.maxHeatingSetpointC)),
    upperC: Math.min(unoccupied.upperC, within(band.upperC, limits.minCoolingSetpointC, limits.maxCoolingSetpointC)),
  };
}

/** Whether a zone is usually occupied at a moment (Unix ms); null: nobody knows. */
export type Presence = (zone: string, timeMs: number) => boolean | null;

/** Whether people count as there: by the week, and by habit as the site file has it. */
const isOccupied = (scheduled: boolean, habitual: boolean | null, use: "beside" | "instead" | undefined): boolean =>
  use === undefined || habitual === null ? scheduled : use === "instead" ? habitual : scheduled || habitual;

function comfortFor(
  { comfort, id }: Pick<ZoneConfig, "comfort" | "id">,
  { site, control }: ComfortSite,
  timeMs: number,
  runningMeanC: number,
  presence: Presence | undefined,
): Comfort {
  const { date, weekday, minute } = localTime(site.timeZone, timeMs);
  const holiday = comfort.holidays.some(({ first, last }) => first <= date && date <= last);
  const scheduled = comfort.week[weekday].some(({ startMinute, endMinute }) => startMinute <= minute && minute < endMinute);
  const occupied = !holiday && isOccupied(scheduled, presence?.(id, timeMs) ?? null, control.habits?.use);
  if (!occupied) return { ...comfort.unoccupied, occupied };
  return { ...(adaptiveFor(comfort, control.limits, date, runningMeanC) ?? comfort.occupied), occupied };
}

type ComfortSite = Pick<SiteConfig, "site" | "zones" | "control">;
function zoneOf(config: ComfortSite, zone: string): ZoneConfig {
  const found = config.zones.find(({ id }) => id === zone);
  if (found === undefined)
    throw new IsothermError("permanent", `site ${config.site.id} has no zone "${zone}"`, {
      todo: `Its zones are ${config.zones.map(({ id }) => id).join(", ")}.`,
    });
  return found;
}

/**
 * Comfort band (°C) of one zone at `timeMs` (Unix epoch, UTC), by the weekly schedule and the holidays in the site's time zone.
 * @param runningMeanC running mean of the outdoor temperature, for adaptive comfort; NaN: not known.
 * @param presence habits of the zones, for a site that asks for them; absent: not known.
 */
export function comfortAt(
  config: ComfortSite,
  zone: string,
  timeMs: number,
  runningMeanC: number = Number.NaN,
  presence?: Presence,
): Comfort {
  return comfortFor(zoneOf(config, zone), config, timeMs, runningMeanC, presence);
}

/**
 * Comfort over coming steps: entry t holds for the control step that ends at `stepEndMs[t]`, judged at its middle, so that a step that ends when occupancy
 * begins does not count as occupied, and clock changes inside the horizon fall where the wall clock has them. The running mean of the outdoor temperature, where adaptive comfort needs it, is today's for all of them.
 */
export function comfortSchedule(
  config: ComfortSite,
  zone: string,
  stepEndMs: ArrayLike<number>,
  runningMeanC = Number.NaN,
  presence?: Presence,
): ComfortSchedule {
  const found = zoneOf(config, zone);
  const lowerC = new Float64Array(stepEndMs.length);
  const upperC = new Float64Array(stepEndMs.length);
  const occupied = new Uint8Array(stepEndMs.length);
  for (let t = 0; t < stepEndMs.length; t++) {
    const wanted = comfortFor(found, config, stepEndMs[t] - config.control.stepS * 500, runningMeanC, presence);
    lowerC[t] = wanted.lowerC;
    upperC[t] = wanted.upperC;
    occupied[t] = wanted.occupied ? 1 : 0;
  }
  return { lowerC, upperC, occupied };
}

const covers = ({ days, startMinute, endMinute }: TariffPeriod, { weekday, minute }: LocalTime): boolean =>
  endMinute > startMinute
    ? days.includes(weekday) && startMinute <= minute && minute < endMinute
    : (days.includes(weekday) && minute >= startMinute) || (days.includes((weekday + 6) % 7) && minute < endMinute);

/** Price of energy in the site's currency per kWh at `timeMs`: the first period of the tariff that covers it, else its base price. */
export function energyPriceAt(config: Pick<SiteConfig, "site" | "planner">, timeMs: number): number {
  const { tariff } = config.planner;
  if (tariff.periods.length === 0) return tariff.energyPricePerKwh;
  const local = localTime(config.site.timeZone, timeMs);
  return tariff.periods.find((period) => covers(period, local))?.energyPricePerKwh ?? tariff.energyPricePerKwh;
}

/** Price per kWh over coming steps, entry t for the step that ends at `stepEndMs[t]`, judged at its middle. */
export function energyPriceSchedule(config: Pick<SiteConfig, "site" | "planner" | "control">, stepEndMs: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: stepEndMs.length }, (_, t) => energyPriceAt(config, stepEndMs[t] - config.control.stepS * 500));
}
