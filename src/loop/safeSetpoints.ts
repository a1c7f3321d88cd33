import { zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import type { CycleMemory, CycleParts } from "#loop/cycleParts";
import type { Seen, ZoneDuties } from "#loop/cycleSteps";
import { keepRunning, rememberRuns } from "#loop/minimumTimes";
import { type Danger, dangersOf, defaultProtection } from "#loop/protection";
import { type EnvelopeOutput, safetyEnvelope } from "#loop/safetyEnvelope";

const dangerText: Readonly<Record<Danger, { readonly text: string; readonly action: string }>> = {
  frost: {
    text: "is close to freezing: it is heated whatever else is asked",
    action: "Check its heating and windows at once; where isotherm does not command the zone, the building's own control has to heat it.",
  },
  overheat: {
    text: "is dangerously hot: it is not heated and is cooled whatever else is asked",
    action: "Check for equipment that heats without being asked, and for fire.",
  },
};

/**
 * What is wanted of the zones, made safe: least times on and off, then the safety envelope with frost and overheat protection. People's overrides and zones in danger
 * do not wait for least times.
 */
export async function safeSetpoints(
  { site, alarms }: CycleParts,
  memory: CycleMemory,
  seen: Seen,
  wanted: ReadonlyMap<string, ZoneSetpoints>,
  duties: ZoneDuties,
  nowMs: number,
): Promise<EnvelopeOutput> {
  const temperatureC = (zone: string): number | undefined => seen.trusted.values.get(zonePoint(zone, "zoneAirTempC"));
  const protection = site.protection ?? defaultProtection;
  memory.dangers = dangersOf(site.zones, temperatureC, memory.dangers, protection);
  for (const zone of site.zones)
    for (const danger of ["frost", "overheat"] as const) {
      const { text, action } = dangerText[danger];
      const isIn = memory.dangers.get(zone) === danger;
      await alarms.set(isIn, { id: `${danger}:${zone}`, level: "critical", zone, text: `Zone ${zone} ${text}.`, action }, nowMs);
    }

  const runs = rememberRuns(seen.inForce, temperatureC, memory.runs, nowMs);
  const mayWait = new Map([...wanted].filter(([zone]) => !duties.overridden.has(zone) && !memory.dangers.has(zone)));
  const kept =
    site.minimumTimes === undefined
      ? { wanted: mayWait, changes: [] }
      : keepRunning(mayWait, seen.inForce, temperatureC, runs, site.minimumTimes, nowMs);
  const envelope = safetyEnvelope({
    zones: site.zones,
    wanted: new Map([...wanted, ...kept.wanted]),
    inForce: seen.inForce,
    bounded: duties.bounded,
    quality: duties.quality,
    limits: site.limits,
    dangers: memory.dangers,
    protection,
  });
  memory.runs = rememberRuns(envelope.zones, temperatureC, runs, nowMs);
  return { zones: envelope.zones, changes: [...kept.changes, ...envelope.changes] };
}
