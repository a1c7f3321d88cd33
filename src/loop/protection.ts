import type { SetpointLimits, ZoneSetpoints } from "#domain/setpoints";

/** A zone that is about to be damaged, or to damage what is in it. */
export type Danger = "frost" | "overheat";

export interface ProtectionRules {
  /** Below this a zone is heated whatever anybody wants, °C. */
  readonly frostC: number;
  /** Its heating setpoint is then at least this, °C. */
  readonly frostHeatingC: number;
  /** Above this a zone is not heated and is cooled, whatever anybody wants, °C. */
  readonly overheatC: number;
  /** Its cooling setpoint is then at most this, °C. */
  readonly overheatCoolingC: number;
  /** A danger is over once the zone is so far on the safe side again, K. */
  readonly returnK: number;
}

export const defaultProtection: ProtectionRules = {
  frostC: 7,
  frostHeatingC: 16,
  overheatC: 35,
  overheatCoolingC: 26,
  returnK: 2,
};

/**
 * Zones in danger, as a pure function of their temperatures and of those in danger before: frost from T < frostC until T ≥ frostC + returnK, overheat from T > overheatC until
 * T ≤ overheatC − returnK. A zone without a finite temperature stays as it was: a sensor that dies in the frost ends nothing.
 */
export const dangersOf = (
  zones: readonly string[],
  temperatureC: (zone: string) => number | undefined,
  before: ReadonlyMap<string, Danger>,
  rules: ProtectionRules = defaultProtection,
): ReadonlyMap<string, Danger> => {
  const dangers = new Map<string, Danger>();
  for (const zone of zones) {
    const was = before.get(zone);
    const t = temperatureC(zone);
    if (t === undefined || !Number.isFinite(t)) {
      if (was !== undefined) dangers.set(zone, was);
      continue;
    }
    if (t < rules.frostC + (was === "frost" ? rules.returnK : 0)) dangers.set(zone, "frost");
    else if (was === "overheat" ? t > rules.overheatC - rules.returnK : t > rules.overheatC) dangers.set(zone, "overheat");
  }
  return dangers;
};

/** The pair that a zone in danger gets instead of `pair`; limits and deadband are applied after it. */
export const protectedPair = (
  pair: ZoneSetpoints,
  danger: Danger,
  limits: SetpointLimits,
  rules: ProtectionRules = defaultProtection,
): ZoneSetpoints =>
  danger === "frost"
    ? { ...pair, heatingSetpointC: Math.max(pair.heatingSetpointC, rules.frostHeatingC) }
    : {
        heatingSetpointC: limits.minHeatingSetpointC,
        coolingSetpointC: Math.min(pair.coolingSetpointC, rules.overheatCoolingC),
      };
