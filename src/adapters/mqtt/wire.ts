import { z } from "zod";
import type { ZoneTrajectory } from "#domain/plan";
import { ID_PATTERN } from "#domain/points";
import type { ControlSource, ZoneSetpoints } from "#domain/setpoints";

// Every topic and key that isotherm puts on MQTT or reads from it stands in this file and nowhere else. Additions within schema 1.x are additive.

export const WIRE_SCHEMA = "1.0";

const id = (what: string, text: string): string => {
  if (!ID_PATTERN.test(text)) throw new RangeError(`Not an id for a ${what} on MQTT: "${text.slice(0, 40)}" (allowed: a-z A-Z 0-9 _ -)`);
  return text;
};
/** Alarm ids such as `sensor-stale:space1` as a topic level. */
export const alarmTopicId = (alarmId: string): string => alarmId.replaceAll(":", "__").replace(/[^a-zA-Z0-9_-]/g, "-");

/** Topics of one building. Throws `RangeError` for an id outside `[a-zA-Z0-9_-]`. */
export const topicsOf = (building: string) => {
  const base = `isotherm/${id("building", building)}`;
  const zone = (name: string): string => `${base}/zone/${name === "+" ? name : id("zone", name)}`;
  return {
    all: `${base}/#`,
    status: `${base}/status`,
    info: `${base}/info`,
    health: `${base}/health`,
    event: `${base}/event`,
    /** Who commands the building; retained. */
    lease: `${base}/lease`,
    alarm: (alarmId: string) => `${base}/alarm/${alarmTopicId(alarmId)}`,
    meterState: (meter: string) => `${base}/meter/${id("meter", meter)}/state`,
    zoneState: (name: string) => `${zone(name)}/state`,
    availability: (name: string) => `${zone(name)}/availability`,
    setpoint: (name: string) => `${zone(name)}/setpoint`,
    setpointProposed: (name: string) => `${zone(name)}/setpoint_proposed`,
    plan: (name: string) => `${zone(name)}/plan`,
    /** Orders for the mode of the whole building. */
    modeSet: `${base}/mode/set`,
    modeResult: `${base}/mode/result`,
    /** Orders for the model in force. */
    modelSet: `${base}/model/set`,
    modelResult: `${base}/model/result`,
    demandResponseSet: `${base}/demand_response/set`,
    demandResponseResult: `${base}/demand_response/result`,
    /** Retained; empty where there is no event. */
    demandResponse: `${base}/demand_response/state`,
    commandSet: (name: string, command: CommandName) => `${zone(name)}/${command}/set`,
    commandResult: (name: string, command: CommandName) => `${zone(name)}/${command}/result`,
    discoveryOfBuilding: `homeassistant/device/isotherm_${building}/config`,
    discovery: (name: string) => `homeassistant/device/isotherm_${building}_${id("zone", name)}/config`,
  };
};
export type Topics = ReturnType<typeof topicsOf>;
export type CommandName = "mode" | "override";

/** The zone in a zone topic of this building; null for any other topic. */
export const zoneOfTopic = (building: string, topic: string): string | null => {
  const [root, b, kind, zone] = topic.split("/");
  return root === "isotherm" && b === building && kind === "zone" && zone !== undefined && ID_PATTERN.test(zone) ? zone : null;
};

/** ISO-8601 in UTC, to the millisecond. */
export const toIso = (timeMs: number): string => new Date(timeMs).toISOString();

const LAST_TIME_MS = Date.UTC(2200, 0, 1);
const timeMs = z.iso
  .datetime({ offset: false })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= 0 && ms < LAST_TIME_MS, "a time outside 1970 to 2200");
const number = z.number();
const numberOrNull = number.nullable();
const wireId = z.string().regex(ID_PATTERN).max(64);
const text = z.string().max(2_000);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sources = ["mppi", "rule", "schedule", "hold", "override", "relinquish"] as const satisfies readonly ControlSource[];
const source = z.enum(sources);
/** Setpoints beyond these are a wrong unit, not a wish. */
const MIN_SETPOINT_C = -30;
const MAX_SETPOINT_C = 60;
const setpointC = z.number().min(MIN_SETPOINT_C).max(MAX_SETPOINT_C);

const setpointSchema = z
  .object({
    epoch: count,
    seq: count,
    issued_at: timeMs,
    valid_until: timeMs,
    heat: setpointC.nullable(),
    cool: setpointC.nullable(),
    unit: z.literal("degC"),
    source,
  })
  .refine((m) => m.valid_until > m.issued_at, "valid_until is not after issued_at")
  .refine((m) => (m.heat === null) === (m.cool === null), "heat without cool, or cool without heat")
  .refine((m) => m.heat !== null || m.source === "relinquish", "no setpoints although the source is not relinquish")
  .refine((m) => m.heat === null || m.cool === null || m.heat <= m.cool, "heat above cool")
  .transform((m) => ({
    epoch: m.epoch,
    seq: m.seq,
    issuedAtMs: m.issued_at,
    validUntilMs: m.valid_until,
    setpoints: m.heat === null || m.cool === null ? null : { heatingSetpointC: m.heat, coolingSetpointC: m.cool },
    source: m.source,
  }));
/** What one zone's device obeys until `validUntilMs`; `setpoints` null: its own schedule from now on. */
export interface SetpointMessage {
  readonly epoch: number;
  readonly seq: number;
  readonly issuedAtMs: number;
  readonly validUntilMs: number;
  readonly setpoints: ZoneSetpoints | null;
  readonly source: ControlSource;
}

const actions = ["off", "heating", "cooling", "idle", "fan"] as const;
const acknowledgements = ["followed", "differs", "silent"] as const;
const comforts = ["comfortable", "cold", "warm", "unoccupied", "unknown"] as const;
const zoneStateSchema = z
  .object({
    ts: timeMs,
    t_air: numberOrNull,
    t_op: numberOrNull,
    rh: numberOrNull,
    heat_sp: numberOrNull,
    cool_sp: numberOrNull,
    action: z.enum(actions).nullable(),
    source,
    mode: wireId,
    comfort: z.enum(comforts),
    confidence: z.number().min(0).max(1).nullable(),
    ack: z.enum(acknowledgements).optional(),
    alarms: count.optional(),
  })
  .transform((m) => ({
    timeMs: m.ts,
    airTempC: m.t_air,
    operativeTempC: m.t_op,
    relativeHumidityPct: m.rh,
    heatingSetpointC: m.heat_sp,
    coolingSetpointC: m.cool_sp,
    action: m.action,
    source: m.source,
    mode: m.mode,
    comfort: m.comfort,
    confidenceFraction: m.confidence,
    /** Whether the device reports what it was sent. */
    acknowledgement: m.ack ?? "silent",
    /** Alarms that stand in this zone. */
    alarms: m.alarms ?? 0,
  }));
/** A value that is not known is null, never 0. */
export type ZoneState = Readonly<z.output<typeof zoneStateSchema>>;

const meterStateSchema = z
  .object({ ts: timeMs, power_w: numberOrNull, energy_kwh: numberOrNull, price_per_kwh: numberOrNull, co2_g_per_kwh: numberOrNull })
  .transform((m) => ({
    timeMs: m.ts,
    powerW: m.power_w,
    energyKwh: m.energy_kwh,
    pricePerKwh: m.price_per_kwh,
    co2GPerKwh: m.co2_g_per_kwh,
  }));
export type MeterState = Readonly<z.output<typeof meterStateSchema>>;

const infoSchema = z
  .object({ version: text, schema: z.string().regex(/^1\.\d+$/), mode: wireId, started_at: timeMs })
  .transform((m) => ({ version: m.version, mode: m.mode, startedAtMs: m.started_at }));
export type Info = Readonly<z.output<typeof infoSchema>>;

const healthSchema = z
  .object({
    uptime_s: number,
    rss_mb: number,
    last_tick: timeMs.nullable(),
    last_solve_ms: numberOrNull,
    alarms: count.optional(),
    sources: z.record(z.string().max(128), z.object({ age_s: numberOrNull })),
  })
  .transform((m) => ({
    uptimeS: m.uptime_s,
    rssMb: m.rss_mb,
    lastTickMs: m.last_tick,
    lastSolveMs: m.last_solve_ms,
    /** Alarms that stand, those of zones included. */
    alarms: m.alarms ?? 0,
    /** Age of the newest value of each source; null where it never spoke. */
    sourceAgeS: Object.fromEntries(Object.entries(m.sources).map(([name, { age_s }]) => [name, age_s])),
  }));
export type Health = Readonly<z.output<typeof healthSchema>>;

const series = z.array(number).max(2_000);
/** Null where there was no model to predict it. */
const predicted = z.array(numberOrNull).max(2_000);
const planSchema = z
  .object({
    schema: z.string().regex(/^1\.\d+$/),
    issued_at: timeMs,
    step_s: z.number().positive(),
    t: z.array(timeMs).max(2_000),
    heat: series,
    cool: series.optional(),
    mean: predicted,
    p10: predicted,
    p90: predicted,
    price: series,
    reasons: z.array(text),
  })
  .refine((m) => [m.heat, m.cool ?? m.t, m.mean, m.p10, m.p90, m.price].every((s) => s.length === m.t.length), "arrays of unequal length")
  .transform((m) => ({
    issuedAtMs: m.issued_at,
    stepS: m.step_s,
    stepEndMs: m.t,
    heatingSetpointC: m.heat,
    coolingSetpointC: m.cool ?? [],
    meanC: m.mean,
    p10C: m.p10,
    p90C: m.p90,
    pricePerKwh: m.price,
    reasons: m.reasons,
  }));
export type ZonePlan = Readonly<z.output<typeof planSchema>>;

const MAX_OVERRIDE_MINUTES = 7 * 24 * 60;
const author = { id: wireId, by: z.string().min(1).max(120), reason: text.default("") };
const overrideReleaseSchema = z
  .strictObject({ ...author, release: z.literal(true) })
  .transform((m) => ({ ...m, kind: "release" as const }));
const overrideSetSchema = z
  .strictObject({
    ...author,
    heat: setpointC.optional(),
    cool: setpointC.optional(),
    /** What is in force now is kept. */
    hold: z.literal(true).optional(),
    until: z.union([timeMs, z.literal("next")], "neither a time in UTC nor next").optional(),
    minutes: z.number().positive().max(MAX_OVERRIDE_MINUTES).optional(),
  })
  .refine((m) => m.heat !== undefined || m.cool !== undefined || m.hold !== undefined, "neither heat nor cool nor hold")
  .refine(
    (m) => m.hold === undefined || (m.heat === undefined && m.cool === undefined),
    "hold keeps what is in force: give no heat or cool",
  )
  .refine((m) => m.heat === undefined || m.cool === undefined || m.heat <= m.cool, "heat above cool")
  .refine((m) => (m.until === undefined) !== (m.minutes === undefined), "give either until or minutes")
  .transform((m) => ({
    kind: "set" as const,
    id: m.id,
    by: m.by,
    reason: m.reason,
    heatingSetpointC: m.heat ?? null,
    coolingSetpointC: m.cool ?? null,
    hold: m.hold === true,
    /** When it ends: at the next entry of the zone's schedule, at a time, or after `minutes` from the arrival. */
    until:
      m.until === undefined
        ? ({ kind: "duration", ms: (m.minutes ?? 0) * 60_000 } as const)
        : m.until === "next"
          ? ({ kind: "next" } as const)
          : ({ kind: "time", ms: m.until } as const),
  }));
export type OverrideSet = Readonly<z.output<typeof overrideSetSchema>> | Readonly<z.output<typeof overrideReleaseSchema>>;

const demandResponseSetSchema = z
  .strictObject({
    ...author,
    release: z.literal(true).optional(),
    limit_kw: z.number().min(0).max(1e6).optional(),
    price_per_kwh: z.number().min(-1e3).max(1e3).optional(),
    from: timeMs.optional(),
    until: timeMs.optional(),
    minutes: z.number().positive().max(MAX_OVERRIDE_MINUTES).optional(),
  })
  .refine((m) => m.release === true || m.limit_kw !== undefined || m.price_per_kwh !== undefined, "neither limit_kw nor price_per_kwh")
  .refine((m) => m.release === true || (m.until === undefined) !== (m.minutes === undefined), "give either until or minutes")
  .transform((m) => ({
    id: m.id,
    by: m.by,
    reason: m.reason,
    release: m.release === true,
    limitKw: m.limit_kw ?? null,
    pricePerKwh: m.price_per_kwh ?? null,
    /** null: at once. */
    fromMs: m.from ?? null,
    untilMs: m.until ?? null,
    /** From its beginning. */
    durationMs: m.minutes === undefined ? null : m.minutes * 60_000,
  }));
export type DemandResponseSet = Readonly<z.output<typeof demandResponseSetSchema>>;
/** The event that is announced or under way. */
export interface DemandResponseState {
  readonly id: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly limitKw: number | null;
  readonly pricePerKwh: number | null;
  readonly by: string;
  readonly reason: string;
}

const modeSetSchema = z.strictObject({ ...author, mode: wireId });
export type ModeSet = Readonly<z.output<typeof modeSetSchema>>;

const modelOrderSchema = z
  .discriminatedUnion("action", [
    z.strictObject({ ...author, action: z.literal("promote"), version: z.string().min(1).max(128) }),
    z.strictObject({ ...author, action: z.literal("rollback") }),
  ])
  .transform((m) => ({ id: m.id, by: m.by, reason: m.reason, version: m.action === "promote" ? m.version : null }));
/** Puts a version to work; null: goes back to the one before. */
export type ModelOrderSet = Readonly<z.output<typeof modelOrderSchema>>;

const resultSchema = z.object({ id: wireId, ok: z.boolean(), error: text.nullable() });
export type CommandResult = Readonly<z.output<typeof resultSchema>>;

const alarmSchema = z
  .object({
    id: text.optional(),
    level: z.enum(["info", "warning", "critical"]),
    since: timeMs,
    zone: wireId.nullable(),
    text,
    action: text.optional(),
    ack: z.boolean(),
  })
  .transform((m) => ({
    id: m.id ?? null,
    level: m.level,
    sinceMs: m.since,
    zone: m.zone,
    text: m.text,
    action: m.action ?? "",
    acknowledged: m.ack,
  }));
export type AlarmMessage = Readonly<z.output<typeof alarmSchema>>;

const eventSchema = z
  .object({ ts: timeMs, kind: wireId, id: text, zone: wireId.nullable(), source: source.nullable(), text })
  .transform((m) => ({ timeMs: m.ts, kind: m.kind, id: m.id, zone: m.zone, source: m.source, text: m.text }));
export type EventMessage = Readonly<z.output<typeof eventSchema>>;

const leaseSchema = z
  .object({
    kind: z.enum(["claim", "held", "free"]),
    instance: wireId,
    session: wireId,
    epoch: count,
    n: count,
    issued_at: timeMs,
    lease_s: z.number().positive().max(86_400),
  })
  .transform(({ issued_at, lease_s, ...rest }) => ({ ...rest, issuedAtMs: issued_at, leaseS: lease_s }));
/** A daemon asks for the lease on the building, says that it still holds it, or gives it up; `n` counts its messages. */
export type LeaseMessage = Readonly<z.output<typeof leaseSchema>>;

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

const MAX_PAYLOAD_CHARS = 262_144;
const decoder =
  <T>(schema: z.ZodType<T>) =>
  (payload: string): Decoded<T> => {
    if (payload.length > MAX_PAYLOAD_CHARS) return { ok: false, reason: `${payload.length} characters, the limit is ${MAX_PAYLOAD_CHARS}` };
    let json: unknown;
    try {
      json = JSON.parse(payload);
    } catch {
      return { ok: false, reason: "not JSON" };
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return { ok: true, value: parsed.data };
    const reason = parsed.error.issues.map((issue) => [issue.path.join("."), issue.message].filter((part) => part !== "").join(": "));
    return { ok: false, reason: reason.join("; ").slice(0, 500) };
  };

/** Decoders never throw; a refusal says in words what is wrong. */
export const decode = {
  status: (payload: string): Decoded<"online" | "offline"> =>
    payload === "online" || payload === "offline" ? { ok: true, value: payload } : { ok: false, reason: "neither online nor offline" },
  info: decoder<Info>(infoSchema),
  health: decoder<Health>(healthSchema),
  zoneState: decoder<ZoneState>(zoneStateSchema),
  meterState: decoder<MeterState>(meterStateSchema),
  setpoint: decoder<SetpointMessage>(setpointSchema),
  plan: decoder<ZonePlan>(planSchema),
  overrideSet: (payload: string): Decoded<OverrideSet> => {
    const release = decoder<OverrideSet>(overrideReleaseSchema)(payload);
    // Two shapes tried as one would only say "invalid input"; so the one that was meant says what is wrong.
    return release.ok || payload.slice(0, MAX_PAYLOAD_CHARS).includes('"release"')
      ? release
      : decoder<OverrideSet>(overrideSetSchema)(payload);
  },
  modeSet: decoder<ModeSet>(modeSetSchema),
  modelOrder: decoder<ModelOrderSet>(modelOrderSchema),
  demandResponseSet: decoder<DemandResponseSet>(demandResponseSetSchema),
  result: decoder<CommandResult>(resultSchema),
  alarm: decoder<AlarmMessage>(alarmSchema),
  event: decoder<EventMessage>(eventSchema),
  lease: decoder<LeaseMessage>(leaseSchema),
};

/** Encoders; a number that is not finite goes out as null, because JSON has no other word for it. */
export const encode = {
  status: (online: boolean): string => (online ? "online" : "offline"),
  info: (m: Info): string => JSON.stringify({ version: m.version, schema: WIRE_SCHEMA, mode: m.mode, started_at: toIso(m.startedAtMs) }),
  health: (m: Health): string =>
    JSON.stringify({
      uptime_s: m.uptimeS,
      rss_mb: m.rssMb,
      last_tick: m.lastTickMs === null ? null : toIso(m.lastTickMs),
      last_solve_ms: m.lastSolveMs,
      alarms: m.alarms,
      sources: Object.fromEntries(Object.entries(m.sourceAgeS).map(([name, age_s]) => [name, { age_s }])),
    }),
  zoneState: (m: ZoneState): string =>
    JSON.stringify({
      ts: toIso(m.timeMs),
      t_air: m.airTempC,
      t_op: m.operativeTempC,
      rh: m.relativeHumidityPct,
      heat_sp: m.heatingSetpointC,
      cool_sp: m.coolingSetpointC,
      action: m.action,
      source: m.source,
      mode: m.mode,
      comfort: m.comfort,
      confidence: m.confidenceFraction,
      ack: m.acknowledgement,
      alarms: m.alarms,
    }),
  meterState: (m: MeterState): string =>
    JSON.stringify({
      ts: toIso(m.timeMs),
      power_w: m.powerW,
      energy_kwh: m.energyKwh,
      price_per_kwh: m.pricePerKwh,
      co2_g_per_kwh: m.co2GPerKwh,
    }),
  setpoint: (m: SetpointMessage): string =>
    JSON.stringify({
      epoch: m.epoch,
      seq: m.seq,
      issued_at: toIso(m.issuedAtMs),
      valid_until: toIso(m.validUntilMs),
      heat: m.setpoints?.heatingSetpointC ?? null,
      cool: m.setpoints?.coolingSetpointC ?? null,
      unit: "degC",
      source: m.source,
    }),
  plan: (m: ZonePlan): string =>
    JSON.stringify({
      schema: WIRE_SCHEMA,
      issued_at: toIso(m.issuedAtMs),
      step_s: m.stepS,
      t: m.stepEndMs.map(toIso),
      heat: m.heatingSetpointC,
      cool: m.coolingSetpointC,
      mean: m.meanC,
      p10: m.p10C,
      p90: m.p90C,
      price: m.pricePerKwh,
      reasons: m.reasons,
    }),
  result: (m: CommandResult): string => JSON.stringify({ id: m.id, ok: m.ok, error: m.error }),
  demandResponse: (m: DemandResponseState): string =>
    JSON.stringify({
      id: m.id,
      from: toIso(m.fromMs),
      until: toIso(m.untilMs),
      limit_kw: m.limitKw,
      price_per_kwh: m.pricePerKwh,
      by: m.by,
      reason: m.reason,
    }),
  alarm: (m: AlarmMessage): string =>
    JSON.stringify({
      id: m.id ?? undefined,
      level: m.level,
      since: toIso(m.sinceMs),
      zone: m.zone,
      text: m.text,
      action: m.action,
      ack: m.acknowledged,
    }),
  lease: ({ issuedAtMs, leaseS, ...rest }: LeaseMessage): string =>
    JSON.stringify({ ...rest, issued_at: toIso(issuedAtMs), lease_s: leaseS }),
  event: (m: EventMessage): string =>
    JSON.stringify({ ts: toIso(m.timeMs), kind: m.kind, id: m.id, zone: m.zone, source: m.source, text: m.text }),
};

/** Standard normal quantile of 0.9: p10 and p90 of N(m, s²) are m ∓ 1.2816 s. */
const Z90 = 1.2815515655446004;
const mK = (value: number): number => Math.round(value * 1_000) / 1_000;
const known = (value: number): number | null => (Number.isFinite(value) ? mK(value) : null);

/** One zone of a plan as it goes on the wire, rounded to millikelvin. */
export const zonePlanOf = (
  plan: {
    readonly issuedAtMs: number;
    readonly stepS: number;
    readonly stepEndMs: readonly number[];
    readonly pricePerKwh: readonly number[];
  },
  trajectory: ZoneTrajectory,
  reasons: readonly string[],
): ZonePlan => ({
  issuedAtMs: plan.issuedAtMs,
  stepS: plan.stepS,
  stepEndMs: [...plan.stepEndMs],
  heatingSetpointC: trajectory.heatingSetpointC.map(mK),
  coolingSetpointC: trajectory.coolingSetpointC.map(mK),
  meanC: trajectory.meanC.map(known),
  p10C: trajectory.meanC.map((mean, t) => known(mean - Z90 * trajectory.stdDevK[t])),
  p90C: trajectory.meanC.map((mean, t) => known(mean + Z90 * trajectory.stdDevK[t])),
  pricePerKwh: [...plan.pricePerKwh],
  reasons: [...reasons],
});
