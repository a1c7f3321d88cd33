/** Calendar of the site's time zone; the only place of the server that knows local time. */
export interface LocalCalendar {
  /** `YYYY-MM-DD` of the local day that holds `timeMs`. */
  dayKey(timeMs: number): string;
  /** 0–23. */
  hour(timeMs: number): number;
  /** First instant of the local day that holds `timeMs`. */
  dayStartMs(timeMs: number): number;
  /** First instant of the local day `YYYY-MM-DD`. */
  startOfMs(day: string): number;
  /** First instant of the local hour that holds `timeMs`; the two hours of an autumn change stay apart. */
  hourStartMs(timeMs: number): number;
}

const hourMs = 3_600_000;

/** `timeZone`: an IANA name; an unknown one throws RangeError. */
export const createLocalCalendar = (timeZone: string): LocalCalendar => {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const offsetByHour = new Map<number, number>();
  /** Local time minus UTC. Offsets change only on whole quarter hours, so one look-up per quarter hour is enough. */
  const offsetMs = (timeMs: number): number => {
    const key = Math.floor(timeMs / 900_000);
    const known = offsetByHour.get(key);
    if (known !== undefined) return known;
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(key * 900_000)) parts[type] = Number(value);
    const local = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!);
    const offset = local - key * 900_000;
    if (offsetByHour.size > 50_000) offsetByHour.clear();
    offsetByHour.set(key, offset);
    return offset;
  };
  const noonMs = (day: string): number => {
    const utcMs = Date.parse(`${day}T12:00:00Z`);
    // East of UTC+12 it is the next day already.
    return dayKey(utcMs) > day ? utcMs - 12 * hourMs : utcMs;
  };
  const dayKey = (timeMs: number): string => new Date(timeMs + offsetMs(timeMs)).toISOString().slice(0, 10);
  const dayStartMs = (timeMs: number): number => {
    const key = dayKey(timeMs);
    const midnight = Date.parse(`${key}T00:00:00Z`);
    let start = midnight - offsetMs(midnight - offsetMs(timeMs));
    // Where the clock jumps at midnight the day begins later.
    while (dayKey(start) < key) start += hourMs / 4;
    return start;
  };
  return {
    dayKey,
    hour: (timeMs) => new Date(timeMs + offsetMs(timeMs)).getUTCHours(),
    dayStartMs,
    startOfMs: (day) => dayStartMs(noonMs(day)),
    hourStartMs: (timeMs) => {
      const local = timeMs + offsetMs(timeMs);
      return timeMs - (((local % hourMs) + hourMs) % hourMs);
    },
  };
};
