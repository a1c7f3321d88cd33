import { safeTag, tagValue } from "#adapters/influx/wireNames";
import type { Decision, PredictedPlan, ZoneComfort } from "#domain/plan";
import { zonePoint } from "#domain/points";
import type { ControlSource, ZoneSetpoints } from "#domain/setpoints";

export type InfluxQuery = <T>(influxQl: string, values: Readonly<Record<string, string>>) => Promise<readonly T[]>;

export interface InfluxDecisionOptions {
  readonly building: string;
  /** Length of a control step, s. */
  readonly stepS: number;
}

interface Timed {
  readonly time: { getTime(): number };
}
interface DecisionRow extends Timed {
  readonly zone: string;
  readonly source: string;
  readonly heat_sp_c: number | null;
  readonly cool_sp_c: number | null;
  readonly cost_energy: number | null;
  readonly cost_comfort: number | null;
  readonly cost_uncert: number | null;
  readonly ess: number | null;
  readonly samples: number | null;
  readonly solve_ms: number | null;
  readonly reason: string | null;
}
interface BandRow extends Timed {
  readonly zone: string;
  readonly lo: number | null;
  readonly hi: number | null;
  readonly outside: number | null;
}

/** A band that was in force so many steps before is taken for one that is not written yet: bands are written when their step is over. */
const CARRIED_STEPS = 2;

/**
 * Decisions as far as InfluxDB has them: what was sent, why, what it cost, the step's band (occupied where kelvin-hours were counted), price, and what was measured at its begin.
 * The plan is one step long and predicts nothing: trajectories, the rule's plan and reserves stay in the embedded store. `from` inclusive, `to` exclusive, ordered by time.
 */
export async function influxDecisions(
  query: InfluxQuery,
  { building, stepS }: InfluxDecisionOptions,
  fromMs: number,
  toMs: number,
): Promise<readonly Decision[]> {
  const stepMs = stepS * 1000;
  const [from, to] = [Math.floor(fromMs), Math.ceil(toMs)];
  const own = { building: safeTag(building) };
  // Half-open at the begin: a value at the end of a step belongs to it.
  const within = `time > ${from - (CARRIED_STEPS + 1) * stepMs}ms AND time <= ${to + 2 * stepMs}ms`;
  const steps = `GROUP BY time(${stepMs}ms, 1ms)`;
  const [rows, bands, temperatures, prices] = await Promise.all([
    query<DecisionRow>(`SELECT * FROM "isotherm_decision" WHERE "building" = $building AND time >= ${from}ms AND time < ${to}ms`, own),
    query<BandRow>(
      `SELECT last("band_lo_c") AS lo, last("band_hi_c") AS hi, last("degree_hours") AS outside FROM "isotherm_zone" WHERE "building" = $building AND ${within} ${steps}, "zone" fill(none)`,
      own,
    ),
    query<Timed & { readonly zone: string; readonly value: number }>(
      `SELECT last("t_air_c") AS value FROM "isotherm_zone" WHERE "building" = $building AND ${within} ${steps}, "zone" fill(none)`,
      own,
    ),
    query<Timed & { readonly value: number }>(
      `SELECT last("price_per_kwh") AS value FROM "isotherm_meter" WHERE "building" = $building AND ${within} ${steps} fill(none)`,
      own,
    ),
  ]);
  const endOf = ({ time }: Timed): number => time.getTime() - 1 + stepMs;
  const bandAt = new Map(bands.map((row) => [`${row.zone} ${endOf(row)}`, row]));
  const airAt = new Map(temperatures.map((row) => [`${row.zone} ${endOf(row)}`, row.value]));
  const priceAt = new Map(prices.map((row) => [endOf(row), row.value]));
  const byTime = new Map<number, DecisionRow[]>();
  for (const row of rows) {
    const timeMs = row.time.getTime();
    const found = byTime.get(timeMs);
    if (found === undefined) byTime.set(timeMs, [row]);
    else found.push(row);
  }
  const comfortOf = (zone: string, stepEndMs: number): ZoneComfort | null => {
    for (let back = 0; back <= CARRIED_STEPS; back++) {
      const row = bandAt.get(`${zone} ${stepEndMs - back * stepMs}`);
      if (row?.lo == null || row.hi == null) continue;
      return { lowerC: [row.lo], upperC: [row.hi], occupied: [row.outside !== null] };
    }
    return null;
  };
  return [...byTime]
    .sort(([one], [other]) => one - other)
    .map(([timeMs, lines]) => decisionOf(timeMs, lines, { stepS, building, comfortOf, airAt, priceAt }));
}

interface Surroundings {
  readonly stepS: number;
  readonly building: string;
  readonly comfortOf: (zone: string, stepEndMs: number) => ZoneComfort | null;
  readonly airAt: ReadonlyMap<string, number>;
  readonly priceAt: ReadonlyMap<number, number>;
}

const decisionOf = (timeMs: number, lines: readonly DecisionRow[], { stepS, comfortOf, airAt, priceAt }: Surroundings): Decision => {
  const stepMs = stepS * 1000;
  const rowMs = Math.floor(timeMs / stepMs) * stepMs;
  const stepEndMs = rowMs + stepMs;
  const [first] = lines as readonly [DecisionRow, ...DecisionRow[]];
  const source = tagValue(first.source) as ControlSource;
  const command: Record<string, ZoneSetpoints> = {};
  const comfort: Record<string, ZoneComfort> = {};
  const values: Record<string, number> = {};
  const zones: Record<string, PredictedPlan["zones"][string]> = {};
  for (const line of lines) {
    const zone = tagValue(line.zone);
    const band = comfortOf(line.zone, stepEndMs);
    if (band !== null) comfort[zone] = band;
    const airC = airAt.get(`${line.zone} ${rowMs}`);
    if (airC !== undefined) values[zonePoint(zone, "zoneAirTempC")] = airC;
    if (line.heat_sp_c === null || line.cool_sp_c === null) continue;
    command[zone] = { heatingSetpointC: line.heat_sp_c, coolingSetpointC: line.cool_sp_c };
    zones[zone] = { heatingSetpointC: [line.heat_sp_c], coolingSetpointC: [line.cool_sp_c], meanC: [], stdDevK: [] };
  }
  const [energy, discomfort, uncertainty] = [first.cost_energy ?? 0, first.cost_comfort ?? 0, first.cost_uncert ?? 0];
  const price = priceAt.get(stepEndMs) ?? priceAt.get(rowMs);
  return {
    id: `influx-${timeMs}`,
    epoch: 0,
    seq: 0,
    timeMs,
    validUntilMs: timeMs + 2 * stepMs,
    modelVersion: null,
    observation: { timeMs: rowMs, values },
    plan: {
      schema: "1.0",
      issuedAtMs: timeMs,
      stepS,
      stepEndMs: [stepEndMs],
      source,
      chosen: {
        zones,
        powerW: [],
        cost: { comfort: discomfort, energy, uncertainty, movement: 0, total: energy + discomfort + uncertainty },
      },
      rule: null,
      comfort,
      outdoorAirTempC: [],
      pricePerKwh: price === undefined ? [] : [price],
      reason: first.reason ?? "",
      fallback: null,
      diagnostics: {
        numSamples: first.samples ?? 0,
        horizonSteps: 1,
        samplesDiscarded: 0,
        samplesNotFinite: 0,
        effectiveSampleSize: first.ess ?? 0,
        mppiTemperature: 0,
        spreadBoundK: 0,
        solveMs: first.solve_ms ?? 0,
        backend: "",
        seed: 0,
      },
    },
    command,
    source,
    envelopeChanges: [],
  };
};
