import { type Observation, zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import type { AlarmText } from "#loop/alarmBoard";

/** followed: the device reports what was sent. differs: it does not. silent: nothing to compare, because it does not report or nothing is in force. */
export type Acknowledgement = "followed" | "differs" | "silent";

export interface ReadBackRules {
  /** Differences up to this are rounding, K. */
  readonly toleranceK: number;
  /** How long a device may take to follow, s. */
  readonly graceS: number;
}

export interface ReadBack {
  /**
   * Compares the setpoints in force in each zone with what its device reports of its own: |reported − sent| ≤ tolerance for both counts as followed. Call it about once
   * a minute. `late` are zones whose device has differed for longer than the grace time, counted from the first look at which it did; a setpoint that moves
   * meanwhile does not begin the time anew.
   */
  look(
    inForce: ReadonlyMap<string, ZoneSetpoints>,
    reported: ReadonlyMap<string, Partial<ZoneSetpoints>>,
    nowMs: number,
  ): { readonly zones: ReadonlyMap<string, Acknowledgement>; readonly late: ReadonlySet<string> };
}

/** A device that reports one side only is compared on that side. */
const acknowledgement = (
  sent: ZoneSetpoints | undefined,
  device: Partial<ZoneSetpoints> | undefined,
  toleranceK: number,
): Acknowledgement => {
  if (sent === undefined || device === undefined) return "silent";
  const sides = (["heatingSetpointC", "coolingSetpointC"] as const).filter((side) => device[side] !== undefined);
  if (sides.length === 0) return "silent";
  // The written-out sum of a decimal tolerance may end a hair beyond it.
  return sides.every((side) => Math.abs(device[side]! - sent[side]) <= toleranceK + 1e-9) ? "followed" : "differs";
};

/** Acknowledgement by read-back: whether devices obey, as they themselves say. */
export const createReadBack = (zones: readonly string[], { toleranceK, graceS }: ReadBackRules): ReadBack => {
  const since = new Map<string, number>();
  return {
    look: (inForce, reported, nowMs) => {
      const result = new Map<string, Acknowledgement>();
      const late = new Set<string>();
      for (const zone of zones) {
        const state = acknowledgement(inForce.get(zone), reported.get(zone), toleranceK);
        result.set(zone, state);
        if (state !== "differs") since.delete(zone);
        else {
          const began = since.get(zone) ?? nowMs;
          // A clock that was set back begins anew.
          since.set(zone, Math.min(began, nowMs));
          if (nowMs - began >= graceS * 1_000) late.add(zone);
        }
      }
      return { zones: result, late };
    },
  };
};

/** What devices report of their own setpoints, as far as they do. */
export const reportedSetpoints = (zones: readonly string[], { values }: Observation): ReadonlyMap<string, Partial<ZoneSetpoints>> =>
  new Map(
    zones.map((zone) => {
      const heatingSetpointC = values.get(zonePoint(zone, "heatingSetpointC"));
      const coolingSetpointC = values.get(zonePoint(zone, "coolingSetpointC"));
      return [
        zone,
        {
          ...(heatingSetpointC === undefined ? {} : { heatingSetpointC }),
          ...(coolingSetpointC === undefined ? {} : { coolingSetpointC }),
        },
      ];
    }),
  );

export const notFollowedAlarm = (zone: string): AlarmText => ({
  id: `setpoint-not-followed:${zone}`,
  level: "warning",
  zone,
  text: `The device of zone ${zone} reports other setpoints than it was sent.`,
  action: "Check whether somebody set it by hand, whether it subscribes to its setpoint topic, and the unit of what it reports.",
});
