import { type SimulateOptions, stepS } from "#cli/simulateOptions";
import type { RunTable, SimulatedSite } from "#cli/simulatePlant";
import { type ActingRule, actingSequence, ruleHabits } from "#cli/simulateRules";
import { type ComfortAround, ruleFamily } from "#controllers/ruleBased";
import { scheduleSequence } from "#controllers/schedule";
import type { ControlSequence } from "#domain/planner";
import { zonePoint } from "#domain/points";
import type { ComfortSchedule, SetpointLimits, ZoneSetpoints } from "#domain/setpoints";
import type { ControlSite, Outlook } from "#loop/cycleParts";
import { seasonalComfort } from "#simulators/kpis";
import { rateOver, type Tariff } from "#simulators/tariffs";

/** The protocol's setback, and limits that hold every setpoint of its bands, rules and exploration. The simulated equipment follows any jump. */
export const setback: ZoneSetpoints = { heatingSetpointC: 15, coolingSetpointC: 30 };
export const simulationLimits: SetpointLimits = {
  minHeatingSetpointC: 15,
  maxHeatingSetpointC: 24,
  minCoolingSetpointC: 20,
  maxCoolingSetpointC: 30,
  deadbandK: 0.5,
  maxSlewKPerStep: 15,
};
const rowsPerDay = 86_400 / stepS;
/** Price of a kilowatt-hour where energy itself is to be saved, so that comfort weighs the same under every objective. */
const energyObjectivePrice = 0.12;

export interface SimulationSite {
  readonly site: ControlSite;
  readonly comfortAt: (stepEndMs: number) => { readonly lowerC: number; readonly upperC: number };
}

/**
 * What the loop has to know of a simulated run: comfort while the file's occupants are there, the tariff under the objective, rules and schedule.
 * @param acting the rule that acts where no learned controller does.
 * @param peakSoFarW highest mean power since the start of the scored days.
 */
export function simulationSite(
  options: SimulateOptions,
  run: SimulatedSite,
  table: RunTable,
  tariff: Tariff,
  acting: ActingRule,
  peakSoFarW: () => number,
  isLearned: boolean,
): SimulationSite {
  const { plant, timeZone } = run;
  const { zones } = plant;
  const habits = ruleHabits(run.answersSlowly);
  const comfortAt = (stepEndMs: number) => options.comfort ?? seasonalComfort(timeZone, stepEndMs - 1);
  const whole = comfortTable(zones, table, comfortAt);
  const localMsOf = (row: number): number => table.firstEndMs + row * stepS * 1000 + timeZone.timeZoneH * 3_600_000;
  const around = ({ stepEndMs }: Outlook): ComfortAround => {
    const now = table.rowOf(stepEndMs[0]!);
    const from = Math.max(0, now - rowsPerDay);
    const until = now + options.horizonSteps + rowsPerDay;
    const slice = whole.map(([zone, comfort]): [string, ComfortSchedule] => [zone, part(comfort, from, until)]);
    return {
      zones,
      comfort: new Map(slice),
      localMs: Float64Array.from({ length: until - from }, (_, row) => localMsOf(from + row)),
      offset: now - from,
      horizonSteps: options.horizonSteps,
      setback,
      limits: simulationLimits,
    };
  };
  const schedule = ({ stepEndMs }: Outlook): ControlSequence => {
    const pairs = Array.from(stepEndMs, (endMs) => plant.scheduleAt(endMs));
    const column = (zone: string, side: keyof ZoneSetpoints) => Float64Array.from(pairs, (at) => at.get(zone)?.[side] ?? Number.NaN);
    return scheduleSequence({
      zones,
      columns: new Map(
        zones.flatMap((zone) =>
          (["heatingSetpointC", "coolingSetpointC"] as const).map((side) => [zonePoint(zone, side), column(zone, side)] as const),
        ),
      ),
      offset: 0,
      horizonSteps: stepEndMs.length,
      limits: simulationLimits,
    });
  };
  const priceOf = (stepEndMs: number): number => {
    if (options.objective === "energy") return energyObjectivePrice;
    return rateOver(options.objective === "bill" ? tariff.energyPricePerKwh : tariff.carbonKgPerKwh, timeZone, stepEndMs, stepS);
  };
  const site: ControlSite = {
    zones,
    stepS,
    horizonSteps: options.horizonSteps,
    limits: simulationLimits,
    seed: options.seed,
    historyRows: 3 * rowsPerDay,
    // No deadline: a run must come out the same on any machine.
    deadlineMs: Number.POSITIVE_INFINITY,
    allowFallback: options.allowFallback,
    comfort: ({ stepEndMs }) => {
      const now = table.rowOf(stepEndMs[0]!);
      return new Map(whole.map(([zone, comfort]) => [zone, part(comfort, now, now + options.horizonSteps + rowsPerDay)]));
    },
    pricePerKwh: (stepEndMs) => stepEndMs.map(priceOf),
    demandCharge: () =>
      options.objective === "bill" && tariff.demandChargePerKwMonth > 0
        ? { pricePerKw: (tariff.demandChargePerKwMonth * options.days) / 30, peakSoFarW: peakSoFarW() }
        : null,
    toLocalMs: (timeMs) => timeMs + timeZone.timeZoneH * 3_600_000,
    candidates: (outlook) =>
      isLearned
        ? { rulePlans: ruleFamily(around(outlook), habits.maxLeadSteps, habits.fallback), otherPlans: [schedule(outlook)] }
        : { rulePlans: [actingSequence(around(outlook), acting)], otherPlans: [] },
  };
  return { site, comfortAt };
}

function comfortTable(
  zones: readonly string[],
  table: RunTable,
  comfortAt: (stepEndMs: number) => { readonly lowerC: number; readonly upperC: number },
): readonly (readonly [string, ComfortSchedule])[] {
  const bands = Array.from({ length: table.rows }, (_, row) => comfortAt(table.firstEndMs + row * stepS * 1000));
  return zones.map((zone) => [
    zone,
    {
      lowerC: Float64Array.from(bands, ({ lowerC }) => lowerC),
      upperC: Float64Array.from(bands, ({ upperC }) => upperC),
      occupied: Uint8Array.from(table.occupancy(zone), (count) => (count > 0 ? 1 : 0)),
    },
  ]);
}

const part = ({ lowerC, upperC, occupied }: ComfortSchedule, from: number, until: number): ComfortSchedule => {
  // Rows past the end of logged data: nobody there.
  const pad = <T extends Float64Array | Uint8Array>(values: T, fill: number): T => {
    const slice = values.slice(from, until) as T;
    if (slice.length === until - from) return slice;
    const out = new (values.constructor as new (length: number) => T)(until - from);
    out.fill(fill);
    out.set(slice);
    return out;
  };
  return { lowerC: pad(lowerC, lowerC[lowerC.length - 1]!), upperC: pad(upperC, upperC[upperC.length - 1]!), occupied: pad(occupied, 0) };
};
