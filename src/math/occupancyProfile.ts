/** One hour of a zone: whether people were there, and how many on average. */
export interface OccupiedHour {
  /** Begin of the hour, Unix ms. */
  readonly timeMs: number;
  readonly present: boolean;
  /** Mean number of people; NaN where it is not counted. */
  readonly people: number;
}

/** What is usual at one hour of the week. */
export interface UsualHour {
  /** Share of such hours in which people were there, 0…1, recent ones weighing more. */
  readonly share: number;
  /** Mean number of people; NaN where it is not counted. */
  readonly people: number;
  /** Such hours that were seen. */
  readonly count: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_HOURS = 168;
const HALF_LIFE_MS = 28 * DAY_MS;

/** Hour of the local week, Monday 0:00 is 0, of a wall-clock time written as if it were UTC. */
export const hourOfWeek = (localMs: number): number => {
  const date = new Date(localMs);
  return ((date.getUTCDay() + 6) % 7) * 24 + date.getUTCHours();
};

/**
 * Habits of a zone by hour of the local week: share = Σ w x / Σ w over the hours seen, x = 1 where people were there, w = 2^(−age/28 d).
 * @param toLocalMs wall-clock time of an instant, written as if it were UTC.
 * @returns 168 entries, Monday 0:00 first; `count` 0 and `share` NaN where no such hour was seen.
 */
export function occupancyProfile(
  hours: readonly OccupiedHour[],
  nowMs: number,
  toLocalMs: (timeMs: number) => number,
): readonly UsualHour[] {
  const weight = new Float64Array(WEEK_HOURS);
  const there = new Float64Array(WEEK_HOURS);
  const counted = new Float64Array(WEEK_HOURS);
  const people = new Float64Array(WEEK_HOURS);
  const count = new Int32Array(WEEK_HOURS);
  for (const hour of hours) {
    // Judged at its middle: zones half an hour off do not lose their begin.
    const bin = hourOfWeek(toLocalMs(hour.timeMs + HOUR_MS / 2));
    const w = 2 ** (-Math.max(0, nowMs - hour.timeMs) / HALF_LIFE_MS);
    weight[bin]! += w;
    count[bin]!++;
    if (hour.present) there[bin]! += w;
    if (Number.isFinite(hour.people)) {
      counted[bin]! += w;
      people[bin]! += w * hour.people;
    }
  }
  return Array.from({ length: WEEK_HOURS }, (_, bin) => ({
    share: weight[bin]! > 0 ? there[bin]! / weight[bin]! : Number.NaN,
    people: counted[bin]! > 0 ? people[bin]! / counted[bin]! : Number.NaN,
    count: count[bin]!,
  }));
}

/** One hour as a database has it. */
export interface HourBucket {
  readonly timeMs: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** A quarter of an hour of one person: somebody who looks in does not count. */
const LEAST_PEOPLE = 0.25;
const LEAST_MOTION = 0.05;
/** Above an empty room's air, ppm: one or two people in an office. */
const CO2_RISE_PPM = 150;
/** Outdoor air, and the most that an empty room's air may have, ppm. */
const CO2_FLOOR_PPM = 380;
const CO2_CEILING_PPM = 650;

/**
 * Hours with people from hourly means of one point: a count of people (mean ≥ ¼), motion (mean ≥ 0.05), or CO2 (mean more than 150 ppm above the 5 % quantile of the hours' minima,
 * which lies in 380…650 ppm).
 */
export function occupiedHours(kind: "people" | "motion" | "co2", buckets: readonly HourBucket[]): readonly OccupiedHour[] {
  if (kind !== "co2")
    return buckets.map(({ timeMs, mean }) => ({
      timeMs,
      present: mean >= (kind === "people" ? LEAST_PEOPLE : LEAST_MOTION),
      people: kind === "people" ? mean : Number.NaN,
    }));
  const minima = buckets.map(({ min }) => min).sort((a, b) => a - b);
  const quantile = minima[Math.floor(0.05 * (minima.length - 1))] ?? CO2_FLOOR_PPM;
  const empty = Math.min(CO2_CEILING_PPM, Math.max(CO2_FLOOR_PPM, quantile));
  return buckets.map(({ timeMs, mean }) => ({ timeMs, present: mean > empty + CO2_RISE_PPM, people: Number.NaN }));
}
