import { toLocalMsOf } from "#cli/daemon/controlSite";
import type { Presence } from "#config/comfort";
import type { SiteConfig } from "#config/siteConfig";
import type { PointName } from "#domain/points";
import type { StoreReader } from "#domain/store";
import { hourOfWeek, occupancyProfile, occupiedHours, type UsualHour } from "#math/occupancyProfile";

const HOUR_MS = 3_600_000;
const WEEKS = 8;
/** The same hour of the week seen once is an accident. */
const LEAST_WEEKS = 2;

/** When people usually are in the zones, by hour of the local week, from what was measured in the last eight weeks. */
export interface Habits {
  /** Whether a zone is usually occupied; null where too little is known. */
  readonly presence: Presence;
  /** Mean number of people; NaN where it is not counted or too little is known. */
  people(zone: string, timeMs: number): number;
  /** Learns anew where an hour has passed. */
  refresh(): Promise<void>;
}

/** In this order: who counts people knows best. */
const kinds = [
  ["occupancyCount", "people"],
  ["motionCount", "motion"],
  ["co2Ppm", "co2"],
] as const;

export const createHabits = (parts: {
  readonly config: SiteConfig;
  readonly points: readonly PointName[];
  readonly store: Pick<StoreReader, "series">;
  readonly nowMs: () => number;
}): Habits => {
  const { config, points, store, nowMs } = parts;
  const toLocalMs = toLocalMsOf(config);
  const { habits } = config.control;
  const profiles = new Map<string, readonly UsualHour[]>();
  let learnedHour = Number.NaN;
  const usualAt = (zone: string, timeMs: number): UsualHour | null => {
    const usual = profiles.get(zone)?.[hourOfWeek(toLocalMs(timeMs))];
    return usual === undefined || usual.count < LEAST_WEEKS ? null : usual;
  };
  return {
    presence: (zone, timeMs) => {
      const usual = usualAt(zone, timeMs);
      return usual === null || habits === null ? null : usual.share >= habits.shareFraction;
    },
    people: (zone, timeMs) => usualAt(zone, timeMs)?.people ?? Number.NaN,
    refresh: async () => {
      const hour = Math.floor(nowMs() / HOUR_MS);
      if (habits === null || hour === learnedHour) return;
      const toMs = hour * HOUR_MS;
      for (const { id } of config.zones) {
        const found = kinds.find(([quantity]) => points.includes(`${id}.${quantity}`));
        if (found === undefined) continue;
        const point: PointName = `${id}.${found[0]}`;
        const buckets = (await store.series([point], toMs - WEEKS * 168 * HOUR_MS, toMs, WEEKS * 168)).get(point) ?? [];
        profiles.set(id, occupancyProfile(occupiedHours(found[1], buckets), toMs, toLocalMs));
      }
      learnedHour = hour;
    },
  };
};
