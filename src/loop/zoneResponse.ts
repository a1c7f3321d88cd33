import type { ZoneSetpoints } from "#domain/setpoints";
import type { AlarmText } from "#loop/alarmBoard";

export interface ResponseRules {
  /** A zone this far beyond its setpoint is being heated or cooled, K. */
  readonly callK: number;
  /** What heating or cooling for so long must have moved a zone by, K. */
  readonly leastMoveK: number;
  /** How long, ms: air systems and radiators; and where the model found that heat takes hours (a heated floor). */
  readonly lastsMs: number;
  readonly slowLastsMs: number;
}

/** An hour and a half of full heating that moves a room by less than 0.3 K is a closed valve, a stopped fan or an open window. */
export const defaultResponseRules: ResponseRules = {
  callK: 1,
  leastMoveK: 0.3,
  lastsMs: 90 * 60_000,
  slowLastsMs: 8 * 3_600_000,
};

export interface ResponseLook {
  readonly temperatureC: number | undefined;
  /** What the zone's device obeys; undefined where nobody knows. */
  readonly setpoints: ZoneSetpoints | undefined;
  readonly isSlow: boolean;
}

export interface NoResponse {
  readonly call: "heating" | "cooling";
  readonly sinceMs: number;
  readonly fromC: number;
  readonly nowC: number;
}

export interface ZoneResponse {
  /** To be called about once a minute, with site time: zones that are heated (cooled) and do not warm (cool). */
  look(zones: ReadonlyMap<string, ResponseLook>, nowMs: number): ReadonlyMap<string, NoResponse>;
}

interface Call {
  readonly call: NoResponse["call"];
  /** Temperatures since the call began, thinned to one in five minutes, oldest first; the first is as old as the rule looks back. */
  readonly seen: { readonly timeMs: number; readonly temperatureC: number }[];
  stands: boolean;
}

const THINNED_MS = 5 * 60_000;

const callOf = (temperatureC: number, { heatingSetpointC, coolingSetpointC }: ZoneSetpoints, callK: number): NoResponse["call"] | null =>
  temperatureC < heatingSetpointC - callK ? "heating" : temperatureC > coolingSetpointC + callK ? "cooling" : null;

/**
 * Heats but does not warm: the temperature has been more than `callK` below its heating setpoint for `lastsMs` without a pause, and rose by less than `leastMoveK` in that time; the
 * same for cooling. Beside Guideline 36's alarm on the distance it tells a zone that is on its way from one whose equipment does nothing. It ends once the zone
 * moves by `leastMoveK` or the call is over.
 */
export const createZoneResponse = (rules: ResponseRules = defaultResponseRules): ZoneResponse => {
  const calls = new Map<string, Call>();
  const judge = (call: Call, lastsMs: number, nowMs: number): NoResponse | null => {
    const { seen } = call;
    // What is older than the rule looks back goes, but for the newest of that.
    while (seen.length > 1 && nowMs - seen[1]!.timeMs >= lastsMs) seen.shift();
    const first = seen[0]!;
    const last = seen[seen.length - 1]!;
    const movedK = (call.call === "heating" ? 1 : -1) * (last.temperatureC - first.temperatureC);
    call.stands = movedK < rules.leastMoveK && (call.stands || nowMs - first.timeMs >= lastsMs);
    return call.stands ? { call: call.call, sinceMs: first.timeMs, fromC: first.temperatureC, nowC: last.temperatureC } : null;
  };
  return {
    look: (zones, nowMs) => {
      const found = new Map<string, NoResponse>();
      for (const [zone, { temperatureC, setpoints, isSlow }] of zones) {
        const asked =
          temperatureC === undefined || !Number.isFinite(temperatureC) || setpoints === undefined
            ? null
            : callOf(temperatureC, setpoints, rules.callK);
        let call = calls.get(zone);
        if (asked === null || temperatureC === undefined) {
          calls.delete(zone);
          continue;
        }
        // A clock that was set back begins anew.
        if (call === undefined || call.call !== asked || call.seen[call.seen.length - 1]!.timeMs > nowMs) {
          call = { call: asked, seen: [{ timeMs: nowMs, temperatureC }], stands: false };
          calls.set(zone, call);
          continue;
        }
        const { seen } = call;
        // The newest always stands last; in between one in five minutes is enough.
        if (seen.length > 1 && seen[seen.length - 1]!.timeMs - seen[seen.length - 2]!.timeMs < THINNED_MS) seen.pop();
        seen.push({ timeMs: nowMs, temperatureC });
        const nothing = judge(call, isSlow ? rules.slowLastsMs : rules.lastsMs, nowMs);
        if (nothing !== null) found.set(zone, nothing);
      }
      return found;
    },
  };
};

export const zoneResponseAlarm = (zone: string, nothing: NoResponse | undefined, nowMs: number): AlarmText => {
  const { call, sinceMs, fromC, nowC } = nothing ?? { call: "heating" as const, sinceMs: nowMs, fromC: 0, nowC: 0 };
  const heats = call === "heating";
  return {
    id: `zone-response:${zone}`,
    level: "warning",
    zone,
    text: `Zone ${zone} is ${heats ? "heated but does not warm" : "cooled but does not cool down"}: ${fromC.toFixed(1)} °C ${Math.round((nowMs - sinceMs) / 60_000)} min ago, ${nowC.toFixed(1)} °C now.`,
    action: heats
      ? "Check valve, boiler or heater, fan and open windows of the zone, and whether the device follows its setpoint."
      : "Check damper, chiller and fan of the zone, and whether the device follows its setpoint.",
  };
};
