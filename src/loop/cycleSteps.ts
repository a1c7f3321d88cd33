import type { Forecast } from "#domain/dataset";
import { isTrustedError, PEOPLE_PROVIDER } from "#domain/forecastError";
import type { StateHistory } from "#domain/model";
import type { Decision, Plan } from "#domain/plan";
import type { ControlSequence, PlanRequest } from "#domain/planner";
import { type Observation, type PointName, zonePoint } from "#domain/points";
import type { ComfortSchedule, ControlSource, SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import type { ControlSite, CycleMemory, CycleParts } from "#loop/cycleParts";
import { assessZones, type ZoneAssessment } from "#loop/dataQuality";
import { plannerView } from "#loop/plannerView";
import { boundedSchedule, type ZoneQuality } from "#loop/safetyEnvelope";
import type { ControlMode, Override } from "#loop/supervisor";
import { unmeasuredAlarms } from "#loop/unmeasuredZones";

/** What one look at the plant gave. */
export interface Seen {
  /** End of the newest row: the step to plan for begins here. */
  readonly rowMs: number;
  readonly trusted: Observation;
  readonly zones: ReadonlyMap<string, ZoneAssessment>;
  /** Setpoints in force now: of the last confirmed command, else as the devices report them. */
  readonly inForce: ReadonlyMap<string, ZoneSetpoints>;
}

const setpointsIn = (observation: Observation, zone: string): ZoneSetpoints | null => {
  const heatingSetpointC = observation.values.get(zonePoint(zone, "heatingSetpointC"));
  const coolingSetpointC = observation.values.get(zonePoint(zone, "coolingSetpointC"));
  return heatingSetpointC === undefined || coolingSetpointC === undefined ? null : { heatingSetpointC, coolingSetpointC };
};

/** Reads the plant, judges the zones' temperatures, raises or clears their alarms and writes the row. A plant that does not answer is one without any values. */
export async function observe(parts: CycleParts, memory: CycleMemory, nowMs: number, signal?: AbortSignal): Promise<Seen> {
  const { site, history, supervisor, alarms } = parts;
  let observation: Observation = { timeMs: nowMs, values: new Map() };
  let silent = false;
  try {
    const answer = await parts.plant.observe(signal);
    // An answer from another interval says nothing about this one.
    if (history.gridMs(answer.timeMs) === history.gridMs(nowMs)) observation = answer;
    else silent = true;
  } catch (error) {
    signal?.throwIfAborted();
    parts.onError(error);
    silent = true;
  }
  await alarms.set(
    silent,
    {
      id: "building-silent",
      level: "critical",
      text: "The building does not answer.",
      action: "Check its connection; the zones follow the bounded schedule.",
    },
    nowMs,
  );
  const confirmed = supervisor.inForce(nowMs);
  const assessed = assessZones(site.zones, observation, memory.quality, site.quality);
  memory.quality = assessed.memory;
  const row = new Map(assessed.trusted.values);
  const inForce = new Map<string, ZoneSetpoints>();
  for (const zone of site.zones) {
    const reported = setpointsIn(observation, zone);
    const pair = confirmed.get(zone) ?? reported;
    if (pair !== null) inForce.set(zone, pair);
    // Devices that do not report their setpoints: what was sent for certain was in force during the step that ends now.
    if (reported === null && pair !== null)
      row.set(zonePoint(zone, "heatingSetpointC"), pair.heatingSetpointC).set(zonePoint(zone, "coolingSetpointC"), pair.coolingSetpointC);
    await unmeasuredAlarms(parts, zone, assessed.zones.get(zone)!, nowMs);
  }
  const rowMs = history.gridMs(nowMs);
  history.add({ timeMs: rowMs, values: row });
  return { rowMs, trusted: assessed.trusted, zones: assessed.zones, inForce };
}

/** Everything the planner decides from. Where no forecast can be had its columns are empty, and a planner that needs them fails into the rule. */
export async function planRequest(parts: CycleParts, memory: CycleMemory, seen: Seen): Promise<PlanRequest> {
  const { site, history } = parts;
  const { stepS, horizonSteps, zones } = site;
  const stepEndMs = Float64Array.from({ length: horizonSteps }, (_, t) => seen.rowMs + (t + 1) * stepS * 1000);
  let forecast: Forecast = { issuedAtMs: seen.rowMs, provider: "none", stepEndMs, columns: new Map() };
  let failed = false;
  try {
    forecast = await parts.forecasts.forecast(seen.rowMs, stepS, horizonSteps);
  } catch (error) {
    failed = true;
    parts.onError(error);
  }
  await parts.alarms.set(
    failed,
    {
      id: "forecast-missing",
      level: "warning",
      text: "There is no forecast; the rule decides.",
      action: "Check the weather provider and the outdoor sensor.",
    },
    parts.clock.nowMs(),
  );
  const outlook = { nowMs: seen.rowMs, stepEndMs, forecast };
  const failures: unknown[] = [];
  const attempt = <T>(make: () => T, otherwise: T): T => {
    try {
      return make();
    } catch (error) {
      failures.push(error);
      parts.onError(error);
      return otherwise;
    }
  };
  const comfort = attempt(() => site.comfort(outlook), new Map());
  const candidates = attempt(() => site.candidates(outlook), { rulePlans: [], otherPlans: [] });
  const bounded = boundedSequence(site, comfort);
  const pricePerKwh = attempt(() => site.pricePerKwh(stepEndMs), new Float64Array(horizonSteps));
  const demandCharge = attempt(() => site.demandCharge?.(seen.rowMs, stepEndMs) ?? null, null);
  await parts.alarms.set(
    failures.length > 0,
    {
      id: "site-schedules",
      level: "critical",
      text: "Comfort, rule or tariff cannot be computed; the bounded schedule stands in.",
      action: "See the log, and check the site file.",
    },
    parts.clock.nowMs(),
  );
  return {
    nowMs: seen.rowMs,
    stepS,
    horizonSteps,
    zones,
    history: viewOf(site, history.stateHistory(site.historyRows), seen),
    forecast,
    localMs: stepEndMs.map(site.toLocalMs),
    comfort,
    limits: site.limits,
    inForce: seen.inForce,
    pricePerKwh,
    ...(demandCharge === null ? {} : { demandCharge }),
    ...(site.equipment === undefined ? {} : { equipment: site.equipment }),
    ...forecastErrors(parts, forecast),
    rulePlans: candidates.rulePlans.length > 0 ? candidates.rulePlans : [bounded],
    otherPlans: candidates.otherPlans,
    previousPlan: memory.previousPlan,
    ...(await leftToRule(parts, seen.rowMs)),
    ...probing(parts, seen),
    seed: site.seed,
    tick: Math.round(seen.rowMs / (stepS * 1000)),
  };
}

/** What is known of the errors of the provider in use, and of people's. */
const forecastErrors = (parts: CycleParts, { provider }: Forecast): Pick<PlanRequest, "forecastErrors"> => {
  const known = (parts.forecastErrors?.() ?? []).filter(
    (one) => (one.provider === provider || one.provider === PEOPLE_PROVIDER) && isTrustedError(one),
  );
  return known.length === 0 ? {} : { forecastErrors: known };
};

/** What may be tried in order to learn: nothing in zones that somebody else decides for or whose sensor is doubted. */
const probing = ({ site, supervisor, probes, clock }: CycleParts, seen: Seen): Pick<PlanRequest, "probing"> => {
  const allowance = probes?.allowance(seen.rowMs) ?? null;
  if (allowance === null) return {};
  const overridden = supervisor.overrides(clock.nowMs());
  const isOthers = (zone: string): boolean =>
    supervisor.modeOf(zone) !== "auto" || overridden.has(zone) || seen.zones.get(zone)?.quality !== "good";
  return { probing: { ...allowance, excludedZones: [...new Set([...allowance.excludedZones, ...site.zones.filter(isOthers)])] } };
};

/** Zones in which the loop knows better than to plan, and why. */
const leftToRule = async (
  { site, monitor, regret, commissioning, alarms }: CycleParts,
  nowMs: number,
): Promise<Pick<PlanRequest, "leftToRule">> => {
  const rests = regret?.resting(nowMs) ?? null;
  await alarms.set(
    rests !== null,
    {
      id: "planning-loses",
      level: "warning",
      text: `The rule acts for now: ${rests ?? "planning pays again"}.`,
      action: "Nothing is unsafe. Look at the model's alarms and at what changed in the building; the planner takes over again by itself.",
    },
    nowMs,
  );
  if (rests !== null) return { leftToRule: new Map(site.zones.map((zone) => [zone, rests])) };
  const doubted = monitor?.doubted() ?? [];
  const heldBack = commissioning?.heldBack() ?? new Map<string, string>();
  if (doubted.length === 0 && heldBack.size === 0) return {};
  const why = ({ rmsZ, steps }: (typeof doubted)[number]): string =>
    `the last ${steps} steps ended ${rmsZ.toFixed(1)} times as far from the model's predictions as they should`;
  return { leftToRule: new Map([...heldBack, ...doubted.map((one) => [one.zone, why(one)] as const)]) };
};

/** The bounded schedule along the horizon: the rule of last resort. */
function boundedSequence(site: ControlSite, comfort: ReadonlyMap<string, ComfortSchedule>): ControlSequence {
  const nz = site.zones.length;
  const heatingSetpointC = new Float64Array(site.horizonSteps * nz);
  const coolingSetpointC = new Float64Array(site.horizonSteps * nz);
  for (let t = 0; t < site.horizonSteps; t++)
    site.zones.forEach((zone, z) => {
      const pair = boundedSchedule(comfort.get(zone)?.occupied[t] === 1);
      heatingSetpointC[t * nz + z] = pair.heatingSetpointC;
      coolingSetpointC[t * nz + z] = pair.coolingSetpointC;
    });
  return { name: "bounded schedule", heatingSetpointC, coolingSetpointC };
}

const viewOf = (site: ControlSite, history: StateHistory, seen: Seen): StateHistory =>
  plannerView(history, site.zones, new Map([...seen.zones].map(([zone, { quality }]) => [zone, quality])), seen.inForce);

/** The pairs of a plan's coming step; zones without one are left out. */
export const firstPairs = (plan: Plan): ReadonlyMap<string, ZoneSetpoints> =>
  new Map(
    Object.entries(plan.chosen.zones).map(([zone, { heatingSetpointC, coolingSetpointC }]) => [
      zone,
      { heatingSetpointC: heatingSetpointC[0]!, coolingSetpointC: coolingSetpointC[0]! },
    ]),
  );

export interface ZoneDuties {
  readonly quality: ReadonlyMap<string, ZoneQuality>;
  readonly bounded: ReadonlyMap<string, ZoneSetpoints>;
  readonly overridden: ReadonlyMap<string, ZoneSetpoints>;
  /** Zones for which somebody other than the plan decides. */
  readonly zoneSources: Readonly<Record<string, ControlSource>>;
  /** Source of the whole command: the plan's, unless it decides for no zone. */
  sourceOf(planSource: ControlSource): ControlSource;
}

/** Who decides for each zone: a person, else the plan where the zone is measured, else what is in force, else the bounded schedule, else nobody here. */
export function zoneDuties(site: ControlSite, seen: Seen, request: PlanRequest, overrides: ReadonlyMap<string, Override>): ZoneDuties {
  const quality = new Map<string, ZoneQuality>();
  const zoneSources: Record<string, ControlSource> = {};
  for (const zone of site.zones) {
    const measured = seen.zones.get(zone)!.quality;
    // A person's pair needs no measurement.
    quality.set(zone, overrides.has(zone) ? "good" : measured);
    if (overrides.has(zone)) zoneSources[zone] = "override";
    else if (measured === "hold") zoneSources[zone] = "hold";
    else if (measured === "lost") zoneSources[zone] = "schedule";
    else if (measured === "away") zoneSources[zone] = "relinquish";
  }
  const others = site.zones.map((zone) => zoneSources[zone]);
  return {
    quality,
    bounded: new Map(site.zones.map((zone) => [zone, boundedSchedule(request.comfort.get(zone)?.occupied[0] === 1)])),
    overridden: new Map([...overrides].map(([zone, { setpoints }]) => [zone, setpoints])),
    zoneSources,
    sourceOf: (planSource) =>
      others.every((source) => source !== undefined && source === others[0]) ? (others[0] ?? planSource) : planSource,
  };
}

/** Sends the command; one that cannot be sent is an alarm, and what was in force before stays until the device's own expiry. */
export async function send(
  parts: CycleParts,
  zones: ReadonlyMap<string, ZoneSetpoints>,
  source: ControlSource,
  nowMs: number,
): Promise<SetpointCommand> {
  const { command, sent } = parts.supervisor.command(zones, source, nowMs);
  let failed = false;
  try {
    await sent;
  } catch (error) {
    failed = true;
    parts.onError(error);
  }
  await parts.alarms.set(
    failed,
    {
      id: "command-not-sent",
      level: "critical",
      text: "The setpoints could not be sent.",
      action: "Check the connection to the building; devices fall back to their own schedule when the last command expires.",
    },
    nowMs,
  );
  return command;
}

/** Zones that the planner left to the rule. */
const ruleIn = ({ source, fallbackZones = [] }: Plan): Record<string, ControlSource> =>
  source === "rule" ? {} : Object.fromEntries(fallbackZones.map((zone) => [zone, "rule" as const]));

export function decisionRecord(from: {
  readonly command: SetpointCommand;
  readonly plan: Plan;
  readonly modelVersion: string | null;
  readonly seen: Seen;
  readonly changes: readonly string[];
  readonly zoneSources: Readonly<Record<string, ControlSource>>;
  readonly mode: Exclude<ControlMode, "off">;
  readonly modeOf: (zone: string) => ControlMode;
  readonly forecast: Pick<Forecast, "provider" | "issuedAtMs">;
}): Decision {
  const { command, seen } = from;
  const otherModes = [...command.zones.keys()].map((zone) => [zone, from.modeOf(zone)] as const).filter(([, mode]) => mode !== from.mode);
  return {
    id: `${command.epoch}-${command.seq}`,
    epoch: command.epoch,
    seq: command.seq,
    timeMs: command.issuedAtMs,
    validUntilMs: command.validUntilMs,
    modelVersion: from.modelVersion,
    observation: { timeMs: seen.rowMs, values: Object.fromEntries(seen.trusted.values) as Record<PointName, number> },
    plan: from.plan,
    command: Object.fromEntries(command.zones),
    source: command.source,
    envelopeChanges: from.changes,
    zoneSources: { ...ruleIn(from.plan), ...from.zoneSources },
    mode: from.mode,
    ...(otherModes.length === 0 ? {} : { zoneModes: Object.fromEntries(otherModes) }),
    forecast: { provider: from.forecast.provider, issuedAtMs: from.forecast.issuedAtMs },
  };
}

const failing: ReadonlySet<Plan["fallback"]> = new Set(["late", "not-finite", "planner-failed", "stale-data"]);

/** Stores the decision, and tells people when the planner does not do its work. A store that fails stops nothing. */
export async function append(parts: CycleParts, decision: Decision, nowMs: number): Promise<void> {
  await parts.alarms.set(
    failing.has(decision.plan.fallback),
    {
      id: "planner",
      level: "warning",
      text: decision.plan.reason,
      action: "The rule decides meanwhile. See the log for what the planner said.",
    },
    nowMs,
  );
  let failed = false;
  try {
    await parts.decisions.appendDecision(decision);
  } catch (error) {
    failed = true;
    parts.onError(error);
  }
  await parts.alarms.set(
    failed,
    {
      id: "store",
      level: "critical",
      text: "Decisions cannot be stored; control goes on.",
      action: "Free space on the disk of the store, or check it.",
    },
    nowMs,
  );
}
