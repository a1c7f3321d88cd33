import type { DecisionStep } from "#dashboards/server/decisionHistory";
import type { LocalCalendar } from "#dashboards/server/localTime";
import type { BandView, ComfortState, ComfortView } from "#dashboards/server/wire";
import type { ZoneInfo } from "#domain/building";
import type { ZoneSetpoints } from "#domain/setpoints";

/** A step counts as outside the band where it ends more than this beyond it, K. */
export const toleranceK = 0.1;

/** Distance of `tempC` outside the band, K: positive too warm, negative too cold, 0 inside. */
export const outsideBandK = (tempC: number, band: BandView): number =>
  tempC > band.upperC ? tempC - band.upperC : tempC < band.lowerC ? tempC - band.lowerC : 0;

export const comfortState = (tempC: number | null, band: BandView | null): ComfortState => {
  if (tempC === null || band === null) return "unknown";
  const outsideK = outsideBandK(tempC, band);
  if (Math.abs(outsideK) <= toleranceK) return "in-band";
  if (!band.occupied) return "empty";
  return outsideK > 0 ? "too-warm" : "too-cold";
};

interface ScoredStep {
  readonly zone: string;
  readonly endMs: number;
  readonly hours: number;
  readonly outsideK: number;
}

/** Occupied steps whose end was measured. The temperature that a step reached stands in the observation of the next control cycle. */
export const scoreSteps = (steps: readonly DecisionStep[]): ScoredStep[] => {
  const scored: ScoredStep[] = [];
  for (let i = 0; i + 1 < steps.length; i++) {
    const step = steps[i]!;
    const next = steps[i + 1]!;
    // After a missed tick the next observation says nothing of this step's end.
    if (Math.abs(next.observedMs - step.stepEndMs) > step.stepS * 500) continue;
    for (const [zone, band] of step.bands) {
      const tempC = next.zoneAirTempC.get(zone);
      if (!band.occupied || tempC === undefined) continue;
      scored.push({ zone, endMs: step.stepEndMs, hours: step.stepS / 3600, outsideK: outsideBandK(tempC, band) });
    }
  }
  return scored;
};

const isInBand = (step: ScoredStep): boolean => Math.abs(step.outsideK) <= toleranceK;
const pct = (part: number, whole: number): number | null => (whole === 0 ? null : (100 * part) / whole);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const kelvinHours = (steps: readonly ScoredStep[]): number => sum(steps.map((step) => Math.abs(step.outsideK) * step.hours));

const groupBy = <T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
};

/** Stretches in which a person commanded a zone, newest first: steps one after another with the same setpoints are one. */
export const overrideSpans = (steps: readonly DecisionStep[], fromMs: number, toMs: number): ComfortView["overrides"] => {
  const spans: { zone: string; fromMs: number; toMs: number; setpoints: ZoneSetpoints }[] = [];
  const newest = new Map<string, (typeof spans)[number]>();
  for (const step of steps) {
    for (const [zone, setpoints] of step.overrides) {
      if (step.stepEndMs <= fromMs || step.timeMs >= toMs) continue;
      const last = newest.get(zone);
      const goesOn =
        last !== undefined &&
        step.timeMs - last.toMs < step.stepS * 500 &&
        last.setpoints.heatingSetpointC === setpoints.heatingSetpointC &&
        last.setpoints.coolingSetpointC === setpoints.coolingSetpointC;
      if (goesOn) {
        last.toMs = step.stepEndMs;
        continue;
      }
      const span = { zone, fromMs: step.timeMs, toMs: step.stepEndMs, setpoints };
      spans.push(span);
      newest.set(zone, span);
    }
  }
  return spans.sort((a, b) => b.fromMs - a.fromMs);
};

/** Time in band (% of occupied zone-steps) and kelvin-hours outside it, Σ |distance outside the band| · step, by zone, local day and hour. */
export const comfortView = (
  steps: readonly DecisionStep[],
  zones: readonly ZoneInfo[],
  calendar: LocalCalendar,
  fromMs: number,
  toMs: number,
): ComfortView => {
  const scored = scoreSteps(steps).filter((step) => step.endMs > fromMs && step.endMs <= toMs);
  const byZone = groupBy(scored, (step) => step.zone);
  // A step that ends at midnight belongs to the day it lies in.
  const insideMs = (step: ScoredStep): number => step.endMs - 1;
  const byDay = groupBy(scored, (step) => calendar.dayKey(insideMs(step)));
  const byHour = groupBy(scored, (step) => `${calendar.dayKey(insideMs(step))} ${calendar.hour(insideMs(step))}`);
  return {
    fromMs,
    toMs,
    toleranceK,
    inBandPct: pct(scored.filter(isInBand).length, scored.length),
    discomfortKh: kelvinHours(scored),
    zones: zones.map(({ id, label }) => {
      const own = byZone.get(id) ?? [];
      return {
        id,
        label,
        scoredSteps: own.length,
        inBandPct: pct(own.filter(isInBand).length, own.length),
        tooWarmKh: kelvinHours(own.filter((step) => step.outsideK > 0)),
        tooColdKh: kelvinHours(own.filter((step) => step.outsideK < 0)),
      };
    }),
    days: [...byDay].map(([day, own]) => ({
      day,
      startMs: calendar.dayStartMs(insideMs(own[0]!)),
      discomfortKhByZone: Object.fromEntries([...groupBy(own, (step) => step.zone)].map(([zone, steps]) => [zone, kelvinHours(steps)])),
    })),
    hours: [...byHour].map(([key, own]) => {
      const [day, hour] = key.split(" ") as [string, string];
      return { day, hour: Number(hour), discomfortKh: kelvinHours(own), inBandPct: pct(own.filter(isInBand).length, own.length)! };
    }),
    overrides: overrideSpans(steps, fromMs, toMs),
  };
};
