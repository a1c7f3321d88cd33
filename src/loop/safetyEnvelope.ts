import type { SetpointLimits, ZoneSetpoints } from "#domain/setpoints";
import { type Danger, type ProtectionRules, protectedPair } from "#loop/protection";

/**
 * good: the zone is measured, the wanted pair counts. hold: not for a moment, what is in force stays. lost: not for longer, the bounded schedule counts. away: not for so long
 * that the building's own control has the zone; should it be commanded all the same, then as a lost one.
 */
export type ZoneQuality = "good" | "hold" | "lost" | "away";

export interface EnvelopeInput {
  readonly zones: readonly string[];
  /** What the plan, the rule or a person wants; may lack zones or hold anything. */
  readonly wanted: ReadonlyMap<string, ZoneSetpoints>;
  /** Last confirmed command, where slew limits start; a zone without one may jump. */
  readonly inForce: ReadonlyMap<string, ZoneSetpoints>;
  /** The bounded schedule of this moment, per zone (`boundedSchedule`). */
  readonly bounded: ReadonlyMap<string, ZoneSetpoints>;
  readonly quality: ReadonlyMap<string, ZoneQuality>;
  readonly limits: SetpointLimits;
  /** Zones to be protected; absent: none. */
  readonly dangers?: ReadonlyMap<string, Danger>;
  readonly protection?: ProtectionRules;
}

export interface EnvelopeOutput {
  /** Exactly the zones asked for, in their order. */
  readonly zones: ReadonlyMap<string, ZoneSetpoints>;
  /** One entry per thing that was changed, in words; empty when nothing. */
  readonly changes: readonly string[];
}

/** What counts where the configured limits are no limits: no building is damaged inside them. */
export const lastResortLimits: SetpointLimits = {
  minHeatingSetpointC: 10,
  maxHeatingSetpointC: 25,
  minCoolingSetpointC: 20,
  maxCoolingSetpointC: 35,
  deadbandK: 0.5,
  maxSlewKPerStep: 5,
};

/** Setpoints of a zone that nobody may plan for (ASHRAE Guideline 36 defaults): 21/24 °C while people are there, 16/32 °C otherwise. */
export const boundedSchedule = (occupied: boolean): ZoneSetpoints =>
  occupied ? { heatingSetpointC: 21, coolingSetpointC: 24 } : { heatingSetpointC: 16, coolingSetpointC: 32 };

type Range = readonly [low: number, high: number];
const clamp = (value: number, [low, high]: Range): number => Math.min(Math.max(value, low), high);
const isPair = (pair: ZoneSetpoints | null | undefined): pair is ZoneSetpoints =>
  Number.isFinite(pair?.heatingSetpointC) && Number.isFinite(pair?.coolingSetpointC);
const words = ({ heatingSetpointC, coolingSetpointC }: ZoneSetpoints): string =>
  `${Number(heatingSetpointC.toFixed(2))}/${Number(coolingSetpointC.toFixed(2))} °C`;

const isLimits = (limits: SetpointLimits): boolean =>
  Object.keys(lastResortLimits).every((key) => Number.isFinite(limits[key as keyof SetpointLimits])) &&
  limits.minHeatingSetpointC <= limits.maxHeatingSetpointC &&
  limits.minCoolingSetpointC <= limits.maxCoolingSetpointC &&
  limits.minHeatingSetpointC + limits.deadbandK <= limits.maxCoolingSetpointC &&
  limits.deadbandK >= 0 &&
  limits.maxSlewKPerStep >= 0;

/** Rounding may leave a sum this far from what it says. */
const HAIR = 1e-9;

/** The pair inside both ranges; cooling gives way to the deadband first, heating where cooling may not. */
function separate(pair: ZoneSetpoints, heating: Range, cooling: Range, deadbandK: number): ZoneSetpoints {
  let heatingSetpointC = clamp(pair.heatingSetpointC, heating);
  let coolingSetpointC = clamp(pair.coolingSetpointC, cooling);
  if (coolingSetpointC - heatingSetpointC < deadbandK) {
    coolingSetpointC = Math.min(heatingSetpointC + deadbandK, cooling[1]);
    heatingSetpointC = Math.min(heatingSetpointC, coolingSetpointC - deadbandK);
  }
  return { heatingSetpointC, coolingSetpointC };
}

/**
 * The last thing on every path to the equipment: a pure function of what is wanted, what is in force, the limits and the quality of the data.
 *
 * For any input the result is finite, heating lies in [minHeating, maxHeating], cooling in [minCooling, maxCooling], cooling − heating ≥ deadband, and neither is
 * further than the slew from what is in force (itself first brought inside the limits), but for zones in danger, whose protection does not wait. A pair that is
 * no pair of numbers gives way to the bounded schedule, limits that are no limits to `lastResortLimits`.
 */
export function safetyEnvelope(input: EnvelopeInput): EnvelopeOutput {
  const changes: string[] = [];
  const usable = isLimits(input.limits);
  if (!usable) changes.push("the configured limits are unusable; the last-resort limits count");
  const limits = usable ? input.limits : lastResortLimits;
  const heatingRange: Range = [limits.minHeatingSetpointC, limits.maxHeatingSetpointC];
  const coolingRange: Range = [limits.minCoolingSetpointC, limits.maxCoolingSetpointC];
  const around = (value: number, [low, high]: Range): Range => [
    Math.max(low, value - limits.maxSlewKPerStep),
    Math.min(high, value + limits.maxSlewKPerStep),
  ];
  const zones = new Map<string, ZoneSetpoints>();
  for (const zone of input.zones) {
    const before = input.inForce.get(zone);
    const from = isPair(before) ? separate(before, heatingRange, coolingRange, limits.deadbandK) : null;
    const given = input.bounded.get(zone);
    const fallback = isPair(given) ? given : boundedSchedule(false);
    const wanted = input.wanted.get(zone);
    const quality = input.quality.get(zone) ?? "lost";
    let target = fallback;
    if (quality === "good" && isPair(wanted)) target = wanted;
    else if (quality === "good") changes.push(`${zone}: the wanted setpoints are no numbers; bounded schedule ${words(fallback)}`);
    else if (quality === "hold" && from !== null) {
      target = from;
      changes.push(`${zone}: not measured, ${words(from)} stays in force`);
    } else changes.push(`${zone}: not measured, bounded schedule ${words(fallback)}`);
    const limited = separate(target, heatingRange, coolingRange, limits.deadbandK);
    if (differs(limited, target)) changes.push(`${zone}: ${words(target)} is outside the limits, ${words(limited)} instead`);
    const reached =
      from === null
        ? limited
        : separate(limited, around(from.heatingSetpointC, heatingRange), around(from.coolingSetpointC, coolingRange), limits.deadbandK);
    if (differs(reached, limited)) changes.push(`${zone}: ${words(limited)} is too far for one step, ${words(reached)} on the way`);
    const danger = input.dangers?.get(zone);
    if (danger === undefined) {
      zones.set(zone, reached);
      continue;
    }
    const safe = separate(protectedPair(reached, danger, limits, input.protection), heatingRange, coolingRange, limits.deadbandK);
    if (differs(safe, reached)) changes.push(`${zone}: ${danger} protection, ${words(safe)} at once`);
    zones.set(zone, safe);
  }
  return { zones, changes };
}

const differs = (a: ZoneSetpoints, b: ZoneSetpoints): boolean =>
  Math.abs(a.heatingSetpointC - b.heatingSetpointC) > HAIR || Math.abs(a.coolingSetpointC - b.coolingSetpointC) > HAIR;
