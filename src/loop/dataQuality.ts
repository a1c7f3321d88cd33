import { type Observation, type PointName, zonePoint } from "#domain/points";
import type { ZoneQuality } from "#loop/safetyEnvelope";

export interface QualityRules {
  /** Zone temperatures outside are no measurements, °C. */
  readonly minC: number;
  readonly maxC: number;
  /** A temperature that moves further in one control step is doubted, K. */
  readonly maxJumpK: number;
  /** Intervals for which a zone without a usable temperature keeps what is in force. */
  readonly holdIntervals: number;
  /** Intervals after those for which it follows the bounded schedule; then it is given back to the building's own control. */
  readonly scheduleIntervals: number;
  /** A doubted level that stays for so many intervals is believed after all. */
  readonly believeAfterIntervals: number;
}

export const defaultQualityRules: QualityRules = {
  minC: 0,
  maxC: 45,
  maxJumpK: 6,
  holdIntervals: 2,
  scheduleIntervals: Number.POSITIVE_INFINITY,
  believeAfterIntervals: 4,
};

/** The steps down that a zone without a usable temperature takes: hold what is in force, the bounded schedule, the building's own control. */
const qualityAfter = (badIntervals: number, { holdIntervals, scheduleIntervals }: QualityRules): ZoneQuality =>
  badIntervals <= holdIntervals ? "hold" : badIntervals <= holdIntervals + scheduleIntervals ? "lost" : "away";

export interface ZoneAssessment {
  readonly quality: ZoneQuality;
  /** Why the temperature does not count; null while it does. */
  readonly problem: "missing" | "out-of-range" | "jump" | null;
  readonly badIntervals: number;
}

/** What is remembered of a zone from interval to interval. */
interface ZoneMemory {
  readonly badIntervals: number;
  /** Of those, the ones without a plausible value: so long the temperature could move unseen. */
  readonly unseenIntervals: number;
  readonly acceptedC: number | null;
  readonly doubtedC: number | null;
  readonly doubtedIntervals: number;
}
const fresh: ZoneMemory = { badIntervals: 0, unseenIntervals: 0, acceptedC: null, doubtedC: null, doubtedIntervals: 0 };

export interface QualityMemory {
  readonly zones: ReadonlyMap<string, ZoneMemory>;
}
export const noQualityMemory: QualityMemory = { zones: new Map() };

export interface Assessed {
  readonly memory: QualityMemory;
  readonly zones: ReadonlyMap<string, ZoneAssessment>;
  /** The observation without the temperatures that do not count. */
  readonly trusted: Observation;
}

/**
 * Judges every zone's temperature once per control interval, as a pure function of the observation and of what went before. A value that is absent, outside
 * [minC, maxC] or more than maxJumpK × (1 + intervals without any value) from the last accepted one is not used: the zone holds for `holdIntervals`, is lost for
 * `scheduleIntervals`, and then away, until a usable value comes. A level that stays after a jump is believed after `believeAfterIntervals`.
 */
export function assessZones(
  zones: readonly string[],
  observation: Observation,
  memory: QualityMemory,
  rules: QualityRules = defaultQualityRules,
): Assessed {
  const assessments = new Map<string, ZoneAssessment>();
  const remembered = new Map<string, ZoneMemory>();
  const values = new Map<PointName, number>(observation.values);
  for (const zone of zones) {
    const point = zonePoint(zone, "zoneAirTempC");
    const before = memory.zones.get(zone) ?? fresh;
    const { problem, doubtedIntervals } = judge(observation.values.get(point), before, rules);
    if (problem === null) {
      assessments.set(zone, { quality: "good", problem, badIntervals: 0 });
      remembered.set(zone, { ...fresh, acceptedC: observation.values.get(point)! });
      continue;
    }
    const badIntervals = before.badIntervals + 1;
    assessments.set(zone, { quality: qualityAfter(badIntervals, rules), problem, badIntervals });
    remembered.set(zone, {
      badIntervals,
      unseenIntervals: before.unseenIntervals + (problem === "jump" ? 0 : 1),
      acceptedC: before.acceptedC,
      doubtedC: problem === "jump" ? observation.values.get(point)! : null,
      doubtedIntervals,
    });
    values.delete(point);
  }
  return { memory: { zones: remembered }, zones: assessments, trusted: { timeMs: observation.timeMs, values } };
}

function judge(
  value: number | undefined,
  before: ZoneMemory,
  rules: QualityRules,
): { readonly problem: ZoneAssessment["problem"]; readonly doubtedIntervals: number } {
  if (value === undefined || !Number.isFinite(value)) return { problem: "missing", doubtedIntervals: 0 };
  if (value < rules.minC || value > rules.maxC) return { problem: "out-of-range", doubtedIntervals: 0 };
  const allowedK = rules.maxJumpK * (1 + before.unseenIntervals);
  if (before.acceptedC === null || Math.abs(value - before.acceptedC) <= allowedK) return { problem: null, doubtedIntervals: 0 };
  const sameLevel = before.doubtedC !== null && Math.abs(value - before.doubtedC) <= rules.maxJumpK;
  const doubtedIntervals = sameLevel ? before.doubtedIntervals + 1 : 1;
  return { problem: doubtedIntervals > rules.believeAfterIntervals ? null : "jump", doubtedIntervals };
}
