import type { ZoneSetpoints } from "#domain/setpoints";

export interface MinimumTimes {
  /** Heating or cooling that a setpoint has called is not ended by another setpoint before so long, s. */
  readonly minOnS: number;
  /** Heating or cooling that has ended is not called again by a setpoint before so long, s. */
  readonly minOffS: number;
}

interface Run {
  readonly on: boolean;
  readonly sinceMs: number;
}

/** Since when each zone's heating and cooling have been called or at rest, as far as setpoints and temperature tell. */
export type RunMemory = ReadonlyMap<string, Readonly<Record<keyof ZoneSetpoints, Run>>>;

const sides = ["heatingSetpointC", "coolingSetpointC"] as const;
/** A thermostat without hysteresis: heating below its setpoint, cooling above. */
const calls = (side: keyof ZoneSetpoints, setpointC: number, temperatureC: number): boolean =>
  side === "heatingSetpointC" ? temperatureC < setpointC : temperatureC > setpointC;

/** What the equipment of each zone does under `pairs` at `nowMs`; a zone without a temperature or a pair keeps what was known of it. */
export const rememberRuns = (
  pairs: ReadonlyMap<string, ZoneSetpoints>,
  temperatureC: (zone: string) => number | undefined,
  before: RunMemory,
  nowMs: number,
): RunMemory => {
  const runs = new Map(before);
  for (const [zone, pair] of pairs) {
    const t = temperatureC(zone);
    if (t === undefined || !Number.isFinite(t)) continue;
    const run = (side: keyof ZoneSetpoints): Run => {
      const on = calls(side, pair[side], t);
      const was = before.get(zone)?.[side];
      // At the first look nobody knows since when: long ago, so that nothing is held up. A clock set back begins anew.
      if (was === undefined) return { on, sinceMs: Number.NEGATIVE_INFINITY };
      return was.on === on ? { on, sinceMs: Math.min(was.sinceMs, nowMs) } : { on, sinceMs: nowMs };
    };
    runs.set(zone, { heatingSetpointC: run("heatingSetpointC"), coolingSetpointC: run("coolingSetpointC") });
  }
  return runs;
};

/**
 * The wanted pairs, with those sides kept at what is in force whose change would end a run before `minOnS` or begin one before `minOffS`. What the room itself
 * does (it reaches its setpoint) is the device's business, which has its own least times; this keeps orders and plans from adding short runs. Zones that are
 * not in `wanted`, `inForce` or `runs`, or have no temperature, are left as they are.
 */
export const keepRunning = (
  wanted: ReadonlyMap<string, ZoneSetpoints>,
  inForce: ReadonlyMap<string, ZoneSetpoints>,
  temperatureC: (zone: string) => number | undefined,
  runs: RunMemory,
  { minOnS, minOffS }: MinimumTimes,
  nowMs: number,
): { readonly wanted: ReadonlyMap<string, ZoneSetpoints>; readonly changes: readonly string[] } => {
  const kept = new Map(wanted);
  const changes: string[] = [];
  for (const [zone, pair] of wanted) {
    const now = inForce.get(zone);
    const run = runs.get(zone);
    const t = temperatureC(zone);
    if (now === undefined || run === undefined || t === undefined) continue;
    for (const side of sides) {
      const { on, sinceMs } = run[side];
      const leastMs = 1_000 * (on ? minOnS : minOffS);
      if (calls(side, pair[side], t) === on || nowMs - sinceMs >= leastMs) continue;
      kept.set(zone, { ...kept.get(zone)!, [side]: now[side] });
      const what = side === "heatingSetpointC" ? "heating" : "cooling";
      changes.push(`${zone}: ${what} ${on ? "runs" : "rests"} for less than ${leastMs / 60_000} min, its setpoint stays`);
    }
  }
  return { wanted: kept, changes };
};
