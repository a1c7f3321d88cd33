import type { ZoneSetpoints } from "#domain/setpoints";
import type { AlarmText } from "#loop/alarmBoard";

/** ASHRAE Guideline 36 (2021), 5.3.6: so far beyond its setpoint for so long a zone's temperature is an alarm of level 3, or 2. */
const LEVEL_3_K = 2;
const LEVEL_2_K = 3;
const LASTS_MS = 10 * 60_000;
/** 5.1.20: after a change of setpoint alarms wait 18 min for every kelvin between room and setpoint, two hours at most. */
const SUPPRESSION_MS_PER_K = 1_080_000;
const LONGEST_SUPPRESSION_MS = 7_200_000;

export interface ZoneLook {
  readonly temperatureC: number | undefined;
  /** What the zone's device obeys; undefined where nobody knows. */
  readonly setpoints: ZoneSetpoints | undefined;
  /** Guideline 36's warm-up and cool-down modes: the zone is made ready before people come. */
  readonly beingReadied: boolean;
  /** Who commands the zone, or another word for its state: a change waits like one of the setpoint. */
  readonly state: string;
}

export interface ZoneTemperatureAlarm {
  readonly level: 2 | 3;
  readonly side: "high" | "low";
  readonly beyondK: number;
}

export interface ZoneTemperatureAlarms {
  /** To be called about once a minute, with site time. */
  look(zones: ReadonlyMap<string, ZoneLook>, nowMs: number): ReadonlyMap<string, ZoneTemperatureAlarm>;
}

interface Memory {
  setpoints: ZoneSetpoints;
  state: string;
  suppressedUntilMs: number;
  /** When the zone first was beyond a threshold, without a pause since. */
  readonly since: Map<string, number>;
}

const sides = ["high", "low"] as const;

/** How far the room is from what is asked of it, K. */
const distanceK = (temperatureC: number, { heatingSetpointC, coolingSetpointC }: ZoneSetpoints): number =>
  Math.max(0, heatingSetpointC - temperatureC, temperatureC - coolingSetpointC);

const moveK = (from: ZoneSetpoints, to: ZoneSetpoints): number =>
  Math.max(Math.abs(from.heatingSetpointC - to.heatingSetpointC), Math.abs(from.coolingSetpointC - to.coolingSetpointC));

/**
 * Alarms on zone temperatures as ASHRAE Guideline 36 defines them: T − T_cool,set or T_heat,set − T ≥ 2 K for 10 min is level 3, ≥ 3 K for 10 min level 2. Suppressed for
 * min(2 h, 18 min/K · distance) after the setpoints or the zone's state change, and in warm-up and cool-down; the 10 minutes begin after that. A move of the setpoints counts
 * with no more than its own size: a plan that moves them a little at every step would otherwise silence the alarm for good. A zone without a temperature or
 * setpoints has no such alarm.
 */
export const createZoneTemperatureAlarms = (): ZoneTemperatureAlarms => {
  const memories = new Map<string, Memory>();
  return {
    look: (zones, nowMs) => {
      const alarms = new Map<string, ZoneTemperatureAlarm>();
      for (const [zone, { temperatureC: t, setpoints, beingReadied, state }] of zones) {
        if (t === undefined || !Number.isFinite(t) || setpoints === undefined) {
          memories.get(zone)?.since.clear();
          continue;
        }
        let memory = memories.get(zone);
        const farK = distanceK(t, setpoints);
        let waitK = 0;
        if (memory === undefined) {
          memory = { setpoints, state, suppressedUntilMs: nowMs, since: new Map() };
          memories.set(zone, memory);
          waitK = farK;
        } else if (memory.state !== state) waitK = farK;
        else waitK = Math.min(farK, moveK(memory.setpoints, setpoints));
        memory.setpoints = setpoints;
        memory.state = state;
        // A small move does not cut short the wait after a large one; a clock that was set back does not make it longer.
        const standingMs = Math.min(memory.suppressedUntilMs, nowMs + LONGEST_SUPPRESSION_MS);
        memory.suppressedUntilMs = Math.max(standingMs, nowMs + Math.min(LONGEST_SUPPRESSION_MS, waitK * SUPPRESSION_MS_PER_K));
        if (beingReadied || nowMs < memory.suppressedUntilMs) {
          memory.since.clear();
          continue;
        }
        const beyondK = { high: t - setpoints.coolingSetpointC, low: setpoints.heatingSetpointC - t };
        for (const side of sides)
          for (const [level, limitK] of [
            [3, LEVEL_3_K],
            [2, LEVEL_2_K],
          ] as const) {
            const key = `${side}${level}`;
            if (beyondK[side] < limitK) {
              memory.since.delete(key);
              continue;
            }
            const sinceMs = Math.min(memory.since.get(key) ?? nowMs, nowMs);
            memory.since.set(key, sinceMs);
            if (nowMs - sinceMs >= LASTS_MS) alarms.set(zone, { level, side, beyondK: beyondK[side] });
          }
      }
      return alarms;
    },
  };
};

/** Level 2 is a failure that somebody has to see to now, level 3 one for working hours. */
export const zoneTemperatureAlarmText = (zone: string, alarm: ZoneTemperatureAlarm | undefined): AlarmText => {
  const { level, side, beyondK } = alarm ?? { level: 3, side: "low", beyondK: 0 };
  return {
    id: `zone-temperature:${zone}`,
    level: level === 2 ? "critical" : "warning",
    zone,
    text: `Zone ${zone} is ${beyondK.toFixed(1)} K ${side === "high" ? "above its cooling" : "below its heating"} setpoint for more than 10 minutes (Guideline 36 level ${level}).`,
    action: side === "high" ? "Check cooling, sun and open windows in the zone." : "Check heating and open windows in the zone.",
  };
};
