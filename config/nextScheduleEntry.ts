import { comfortAt } from "#config/comfort";
import type { SiteConfig } from "#config/siteConfig";

const MINUTE_MS = 60_000;
/** Offsets of time zones, and their changes, lie on quarters of an hour. */
const QUARTER = 15;
/** A vacation is seldom longer. */
const LONGEST_DAYS = 62;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * When what the zone's schedule wants changes next after `afterMs` (Unix epoch, UTC): the first whole minute at which occupancy or band differ from those at `afterMs`, by the
 * wall clock of the site, so that clock changes, holidays and vacations count as people live them. Null where nothing changes within 62 days.
 */
export function nextScheduleEntryMs(config: Pick<SiteConfig, "site" | "zones" | "control">, zone: string, afterMs: number): number | null {
  const now = comfortAt(config, zone, afterMs);
  const differs = (timeMs: number): boolean => {
    const then = comfortAt(config, zone, timeMs);
    return then.occupied !== now.occupied || then.lowerC !== now.lowerC || then.upperC !== now.upperC;
  };
  const week = config.zones.find(({ id }) => id === zone)?.comfort.week ?? [];
  // All that can happen, happens on multiples of this many minutes.
  const minutes = week.flatMap((day) => day.flatMap(({ startMinute, endMinute }) => [startMinute, endMinute])).reduce(gcd, QUARTER);
  const stepMs = minutes * MINUTE_MS;
  const endMs = afterMs + LONGEST_DAYS * 1_440 * MINUTE_MS;
  for (let timeMs = Math.floor(afterMs / stepMs) * stepMs + stepMs; timeMs <= endMs; timeMs += stepMs) if (differs(timeMs)) return timeMs;
  return null;
}
