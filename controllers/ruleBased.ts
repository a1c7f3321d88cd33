import { type Admission, admit } from "#controllers/admission";
import { permanentError } from "#controllers/permanentError";
import type { ControlSequence } from "#domain/planner";
import type { ComfortSchedule, SetpointLimits, ZoneSetpoints } from "#domain/setpoints";

const DAY_MS = 86_400_000;

/** How a rule starts the day: so many steps before the first occupied one, at once or along a ramp. */
export interface RuleStart {
  /** L. */
  readonly leadSteps: number;
  readonly ramp: boolean;
}

/** A stretch of comfort around now. The rule needs to know whether a zone was already occupied today and what comes after the horizon. */
export interface ComfortAround {
  readonly zones: readonly string[];
  /** Per zone; row `offset` is the step that begins now. Only occupied rows' bands are read. */
  readonly comfort: ReadonlyMap<string, ComfortSchedule>;
  /** Local wall-clock time of each row's step end as if it were UTC, ms. */
  readonly localMs: Float64Array;
  readonly offset: number;
  readonly horizonSteps: number;
  readonly setback: ZoneSetpoints;
  readonly limits: SetpointLimits;
}

/** Local day that holds a step: one that ends at midnight belongs to the day before. */
const localDay = (localEndMs: number): number => Math.floor((localEndMs - 1) / DAY_MS);

/**
 * How many rows of comfort a rule needs around now so that deciding step by step gives what computing whole days at once gives:
 * back to local midnight, and on to the end of the horizon's last day and the leads that begin before it.
 */
export const ruleLookAround = (
  firstLocalEndMs: number,
  stepS: number,
  horizonSteps: number,
  maxLeadSteps: number,
): { readonly before: number; readonly after: number } => {
  const stepMs = stepS * 1000;
  const before = Math.round((firstLocalEndMs - localDay(firstLocalEndMs) * DAY_MS) / stepMs) - 1;
  return { before: Math.max(0, before), after: horizonSteps + Math.max(Math.ceil(DAY_MS / stepMs), maxLeadSteps) };
};

/** A day's first and last occupied row. */
interface OccupiedSpan {
  readonly first: number;
  readonly last: number;
}

const occupiedSpans = (occupied: Uint8Array, localMs: Float64Array): OccupiedSpan[] => {
  const spans: OccupiedSpan[] = [];
  let day = Number.NaN;
  for (let row = 0; row < occupied.length; row++) {
    if (occupied[row] === 0) continue;
    const rowDay = localDay(localMs[row]!);
    if (rowDay === day) spans[spans.length - 1] = { first: spans[spans.length - 1]!.first, last: row };
    else spans.push({ first: row, last: row });
    day = rowDay;
  }
  return spans;
};

/** Pair of one row, from the spans and the zone's comfort. */
const rulePair = (
  row: number,
  spans: readonly OccupiedSpan[],
  comfort: ComfortSchedule,
  start: RuleStart,
  setback: ZoneSetpoints,
): readonly [heatingC: number, coolingC: number] => {
  const inside = spans.find(({ first, last }) => first <= row && row <= last);
  if (inside !== undefined) {
    let occupiedRow = row;
    while (comfort.occupied[occupiedRow] === 0) occupiedRow--;
    return [comfort.lowerC[occupiedRow]!, comfort.upperC[occupiedRow]!];
  }
  const next = spans.find(({ first }) => first > row);
  if (next === undefined || next.first - row > start.leadSteps) return [setback.heatingSetpointC, setback.coolingSetpointC];
  const share = start.ramp ? 1 - (next.first - row) / (start.leadSteps + 1) : 1;
  return [
    setback.heatingSetpointC + (comfort.lowerC[next.first]! - setback.heatingSetpointC) * share,
    setback.coolingSetpointC + (comfort.upperC[next.first]! - setback.coolingSetpointC) * share,
  ];
};

export const ruleName = ({ leadSteps, ramp }: RuleStart): string => `rule lead ${leadSteps}${ramp && leadSteps > 0 ? " ramp" : ""}`;

/**
 * What a well-programmed thermostat does: the comfort band from L steps before a zone's first occupied step of each local day until its last
 * one (gaps at noon included), otherwise the setback. With a ramp the pair j steps before the first occupied step (j = 1…L) is
 *   setback + (band − setback) · (1 − j/(L+1)).
 * Clamped to the limits, not to the slew: what the equipment does about jumps is the planner's business.
 * Returns [t][z] of `horizonSteps` rows. Rows outside the given stretch count as unoccupied (`ruleLookAround` says how much to give).
 * A zone without comfort, a stretch shorter than the horizon or a lead that is not a whole number from 0 throws `IsothermError`.
 */
export const ruleSequence = (around: ComfortAround, start: RuleStart): ControlSequence => {
  const { zones, horizonSteps, offset, localMs } = around;
  const nz = zones.length;
  if (!Number.isInteger(start.leadSteps) || start.leadSteps < 0)
    throw permanentError(`A rule's lead is a whole number of steps from 0, not ${start.leadSteps}.`, "Give the lead in steps.");
  if (localMs.length < offset + horizonSteps)
    throw permanentError(
      `The rule needs comfort for ${horizonSteps} coming steps and has ${localMs.length - offset}.`,
      "Give at least as many rows as the horizon has steps.",
    );
  const heatingSetpointC = new Float64Array(horizonSteps * nz);
  const coolingSetpointC = new Float64Array(horizonSteps * nz);
  zones.forEach((zone, z) => {
    const comfort = around.comfort.get(zone);
    if (comfort === undefined || comfort.occupied.length !== localMs.length)
      throw permanentError(`The rule has no comfort schedule of ${localMs.length} rows for zone ${zone}.`, "Give one for every zone.");
    const spans = occupiedSpans(comfort.occupied, localMs);
    for (let t = 0; t < horizonSteps; t++) {
      const [heating, cooling] = rulePair(offset + t, spans, comfort, start, around.setback);
      heatingSetpointC[t * nz + z] = heating;
      coolingSetpointC[t * nz + z] = cooling;
    }
  });
  admit(heatingSetpointC, coolingSetpointC, 0, horizonSteps, nz, withoutSlew(around.limits, nz));
  return { name: ruleName(start), heatingSetpointC, coolingSetpointC };
};

const withoutSlew = (limits: SetpointLimits, nz: number): Admission => ({
  limits: { ...limits, maxSlewKPerStep: Number.POSITIVE_INFINITY },
  inForceHeatingC: new Float64Array(nz).fill(Number.NaN),
  inForceCoolingC: new Float64Array(nz).fill(Number.NaN),
  gridK: 0,
});

/** An hour's ramp in steps of 15 minutes: in four measured weeks it kept comfort at less energy and a lower peak than starting an hour early at once. */
const DEFAULT_START: RuleStart = { leadSteps: 4, ramp: true };

/**
 * Every rule with lead 0…`maxLeadSteps`, at once and ramped (lead 0 once: it has no ramp); `first`, the rule that acts when the planner may
 * not, stands first and is added where the family does not hold it.
 */
export const ruleFamily = (around: ComfortAround, maxLeadSteps = 12, first: RuleStart = DEFAULT_START): readonly ControlSequence[] => {
  const starts: RuleStart[] = [first];
  const known = new Set([ruleName(first)]);
  for (let leadSteps = 0; leadSteps <= maxLeadSteps; leadSteps++)
    for (const ramp of [false, true]) {
      const start = { leadSteps, ramp };
      if (known.has(ruleName(start))) continue;
      known.add(ruleName(start));
      starts.push(start);
    }
  return starts.map((start) => ruleSequence(around, start));
};
