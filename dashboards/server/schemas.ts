import { z } from "zod";
import { fraction, number, numberOrNull, numbers, of, setpoints, source, text, timeMs, timeOrNull } from "#dashboards/server/schemaParts";
import { viewAnswers } from "#dashboards/server/viewSchemas";
import type * as wire from "#dashboards/server/wire";
import type { Decision } from "#domain/plan";

export const roleSchema = z.enum(["viewer", "operator", "admin"]).meta({ id: "Role" });
const level = z.enum(["info", "warning", "critical"]).meta({ id: "AlarmLevel" });
const bucket = z.object({ timeMs, mean: number, min: number, max: number }).meta({ id: "SeriesBucket" });
const buckets = z.array(bucket);

export const problemSchema = of<wire.Problem>()(
  z
    .object({
      error: text.describe("What was wrong"),
      where: text.describe("Which parameter, header or part"),
      todo: text.describe("What to do"),
    })
    .meta({ id: "Problem" }),
);

const site = of<wire.SiteInfo>()(
  z
    .object({
      id: text,
      label: text,
      zones: z.array(z.object({ id: text, label: text, floorAreaM2: numberOrNull })),
      timeZone: text,
      latitudeDeg: number,
      longitudeDeg: number,
      currency: text,
    })
    .meta({ id: "SiteInfo" }),
);

const status = of<wire.StatusView>()(
  z
    .object({
      phase: z.enum(["starting", "simulating-history", "learning", "controlling", "degraded"]),
      progressText: text,
      progressFraction: numberOrNull,
      mode: z.enum(["auto", "shadow", "off"]),
      inCharge: z.record(text, z.object({ source, reason: text, untilMs: timeOrNull })).describe("By zone id"),
      controller: text,
      backend: text.nullable(),
      modelVersion: text.nullable(),
      clock: z.object({ kind: z.enum(["live", "simulated"]), timeMs, speedFactor: number }),
      lastTickMs: timeOrNull,
      tickIntervalS: number,
      sources: z.array(z.object({ name: text, lastSeenMs: timeOrNull, maxAgeS: number })),
      refusedCounts: z.record(text, number),
      silentZones: z.record(text, number).optional(),
      brokerConnected: z.boolean(),
      influx: z.object({ state: z.enum(["off", "delivering", "catching-up", "unreachable"]), backlogRows: number }),
      forecast: z
        .object({
          provider: text.nullable(),
          issuedAtMs: timeOrNull,
          licence: text.nullable(),
          sources: z.array(z.object({ name: text, state: z.enum(["in-use", "stand-by", "failed"]), trouble: text.nullable() })),
        })
        .nullable()
        .optional(),
      nowMs: timeMs,
      newestDataMs: timeOrNull,
    })
    .meta({ id: "StatusView" }),
);

const cost = z
  .object({
    comfort: number,
    energy: number,
    uncertainty: number,
    movement: number,
    demand: number.optional(),
    terminal: number.optional(),
    total: number,
  })
  .meta({ id: "CostTerms" });
const diagnostics = z
  .object({
    numSamples: number,
    horizonSteps: number,
    samplesDiscarded: number,
    samplesNotFinite: number,
    effectiveSampleSize: number,
    mppiTemperature: number,
    spreadBoundK: numberOrNull,
    solveMs: number,
    backend: text,
    adapter: text.optional(),
    backendTrouble: text.optional(),
    seed: number,
  })
  .meta({ id: "PlanDiagnostics" });

const decisionSummary = of<wire.DecisionSummary>()(
  z
    .object({
      id: text,
      timeMs,
      validUntilMs: timeMs,
      source,
      reason: text,
      fallback: text.nullable(),
      modelVersion: text.nullable(),
      command: z.record(text, setpoints),
      envelopeChanges: z.array(text),
      cost,
      effectiveSampleSize: number,
      samplesDiscarded: number,
    })
    .meta({ id: "DecisionSummary" }),
);

const predicted = z
  .object({
    zones: z.record(text, z.object({ heatingSetpointC: numbers, coolingSetpointC: numbers, meanC: numbers, stdDevK: numbers })),
    powerW: numbers,
    cost,
  })
  .meta({ id: "PredictedPlan" });
const decision = of<Decision>()(
  z
    .object({
      id: text.describe("<epoch>-<seq>"),
      epoch: number,
      seq: number,
      timeMs,
      validUntilMs: timeMs,
      modelVersion: text.nullable(),
      observation: z.object({ timeMs, values: z.record(text, number) }),
      plan: z.object({
        schema: z.literal("1.0"),
        issuedAtMs: timeMs,
        stepS: number,
        stepEndMs: numbers,
        source,
        chosen: predicted,
        rule: predicted.nullable(),
        comfort: z.record(text, z.object({ lowerC: numbers, upperC: numbers, occupied: z.array(z.boolean()) })),
        outdoorAirTempC: numbers,
        globalHorizontalIrradianceWm2: numbers.optional(),
        pricePerKwh: numbers,
        weighedPerKwh: numbers.optional().describe("What the planner weighed a kWh with, where that is not its price"),
        carbonKgPerKwh: numbers.optional(),
        demandCharge: z
          .object({
            pricePerKw: number,
            peakSoFarW: number,
            otherLoadW: numbers.optional(),
            counted: z.object({ point: text, basis: text, windowEndMs: timeMs.optional(), periodStartMs: timeMs }).optional(),
          })
          .optional()
          .describe("Absent: a peak costs nothing"),
        notes: z.array(text).optional(),
        reason: text,
        zoneReasons: z.record(text, text).optional(),
        fallback: text.nullable(),
        fallbackZones: z.array(text).optional(),
        probe: z
          .object({ zone: text, mode: z.enum(["heating", "cooling"]), setpointC: number, plannedC: number, cost: number, stdDevK: number })
          .optional(),
        forecastScenarios: z
          .object({ count: number, expectedCost: number, worstCost: number, insteadOfCost: number.optional() })
          .optional(),
        diagnostics,
      }),
      command: z.record(text, setpoints),
      source,
      envelopeChanges: z.array(text),
      zoneSources: z.record(text, source).optional(),
      mode: z.enum(["auto", "shadow"]).optional(),
      forecast: z.object({ provider: text, issuedAtMs: timeMs }).optional(),
    })
    .meta({ id: "Decision" }),
);

const band = z.object({ lowerC: number, upperC: number, occupied: z.boolean() });
const tile = of<wire.ZoneTileView>()(
  z
    .object({
      id: text,
      label: text,
      floorAreaM2: numberOrNull,
      zoneAirTempC: numberOrNull,
      measuredMs: timeOrNull,
      isOld: z.boolean(),
      state: z.enum(["in-band", "too-warm", "too-cold", "empty", "unknown"]),
      band: band.nullable(),
      heatingSetpointC: numberOrNull,
      coolingSetpointC: numberOrNull,
      untilMs: timeOrNull,
      source: source.nullable(),
      reason: text,
      recent: z.array(z.object({ timeMs, meanC: number })),
    })
    .meta({ id: "ZoneTileView" }),
);

const overview = of<wire.OverviewView>()(
  z
    .object({
      nowMs: timeMs,
      zones: z.array(tile),
      today: z.object({
        fromMs: timeMs,
        inBandPct: numberOrNull,
        scoredZoneSteps: number,
        energyKwh: numberOrNull,
        cost: numberOrNull,
        costCoverageFraction: fraction.nullable(),
        peakKw: numberOrNull,
      }),
      hvacPowerW: numberOrNull,
      outdoorAirTempC: numberOrNull,
      alarmCounts: z.object({ info: number, warning: number, critical: number }),
      newestDataMs: timeOrNull,
      decision: decisionSummary.nullable(),
      recentDecisions: z.array(decisionSummary).describe("Newest first"),
    })
    .meta({ id: "OverviewView" }),
);

const zone = of<wire.ZoneView>()(
  z
    .object({
      zone: tile,
      nowMs: timeMs,
      fromMs: timeMs,
      measured: buckets,
      heatingSetpoints: buckets,
      coolingSetpoints: buckets,
      occupancyCount: buckets,
      hvacPowerW: buckets,
      sunWm2: buckets,
      history: z.array(z.object({ stepEndMs: timeMs, lowerC: number, upperC: number, occupied: z.boolean(), pricePerKwh: numberOrNull })),
      plan: z
        .object({
          decisionId: text,
          issuedAtMs: timeMs,
          stepS: number,
          stepEndMs: numbers,
          meanC: numbers,
          stdDevK: numbers,
          heatingSetpointC: numbers,
          coolingSetpointC: numbers,
          ruleHeatingSetpointC: numbers.nullable(),
          ruleCoolingSetpointC: numbers.nullable(),
          ruleMeanC: numbers.nullable(),
          lowerC: numbers,
          upperC: numbers,
          occupied: z.array(z.boolean()),
          powerW: numbers,
          pricePerKwh: numbers,
          outdoorAirTempC: numbers,
          sunWm2: numbers.nullable(),
        })
        .nullable(),
      why: z
        .object({
          source,
          reason: text,
          zoneReason: text.nullable(),
          fallback: text.nullable(),
          chosenCost: cost,
          ruleCost: cost.nullable(),
          diagnostics,
          modelVersion: text.nullable(),
          envelopeChanges: z.array(text),
        })
        .nullable(),
    })
    .meta({ id: "ZoneView" }),
);

const comfort = of<wire.ComfortView>()(
  z
    .object({
      fromMs: timeMs,
      toMs: timeMs,
      toleranceK: number,
      inBandPct: numberOrNull,
      discomfortKh: number,
      zones: z.array(
        z.object({ id: text, label: text, scoredSteps: number, inBandPct: numberOrNull, tooWarmKh: number, tooColdKh: number }),
      ),
      days: z.array(z.object({ day: text, startMs: timeMs, discomfortKhByZone: z.record(text, number) })),
      hours: z.array(z.object({ day: text, hour: number, discomfortKh: number, inBandPct: number })),
      overrides: z.array(z.object({ zone: text, fromMs: timeMs, toMs: timeMs, setpoints })).describe("Newest first"),
    })
    .meta({ id: "ComfortView" }),
);

const period = { startMs: timeMs, energyKwh: number, cost: numberOrNull, coverageFraction: fraction };
const energy = of<wire.EnergyView>()(
  z
    .object({
      fromMs: timeMs,
      toMs: timeMs,
      stepS: number,
      currency: text,
      energyKwh: number,
      cost: numberOrNull,
      costCoverageFraction: fraction.nullable(),
      peakKw: numberOrNull,
      peakMs: timeOrNull,
      emissionsKg: numberOrNull,
      emissionsCoverageFraction: fraction.nullable(),
      wholeKwh: numberOrNull.describe("Of building.powerW; null where nothing reads it"),
      fuelKwh: numberOrNull.describe("Of building.fuelPowerW; null where nothing reads it"),
      meanOutdoorC: numberOrNull,
      tariff: z
        .object({
          timeMs,
          pricePerKwh: numberOrNull,
          next: z.object({ timeMs, pricePerKwh: number }).nullable(),
          carbonKgPerKwh: numberOrNull,
          demandCharge: z
            .object({ pricePerKw: number, peakKw: number, cost: number, peakEndMs: timeOrNull, periodStartMs: timeOrNull })
            .nullable(),
        })
        .nullable()
        .describe("By the newest decision"),
      hours: z.array(z.object(period)),
      days: z.array(z.object({ ...period, day: text })),
      power: z.array(z.object({ startMs: timeMs, meanKw: number, pricePerKwh: numberOrNull })),
    })
    .meta({ id: "EnergyView" }),
);

const models = of<wire.ModelsView>()(
  z
    .object({
      inForce: text.nullable(),
      rollbackTo: text.nullable(),
      versions: z.array(
        z.object({
          version: text,
          createdMs: timeMs,
          state: z.enum(["in-force", "was-in-force", "refused", "saved"]),
          inForceSinceMs: timeOrNull,
          reason: text,
          summary: z.record(text, z.union([number, text])),
        }),
      ),
      changes: z.array(
        z.object({
          timeMs,
          kind: z.enum(["installed", "refused", "promoted", "rolled-back", "forgotten"]),
          version: text,
          before: text.nullable(),
          by: text,
          reason: text,
        }),
      ),
      accuracy: z.array(
        z.object({
          zone: text,
          samples: number,
          coverage90Fraction: fraction.nullable(),
          rmseK: numberOrNull,
          heldOutRmseK: numberOrNull,
        }),
      ),
    })
    .meta({ id: "ModelsView" }),
);

const alarm = of<wire.Alarm>()(
  z
    .object({
      id: text,
      level,
      zone: text.nullable(),
      text,
      action: text.describe("What a person should do"),
      sinceMs: timeMs,
      clearedMs: timeOrNull,
      acknowledged: z.object({ by: text, timeMs, note: text }).optional(),
    })
    .meta({ id: "Alarm" }),
);

const health = of<wire.HealthView>()(
  z
    .object({
      status: z.enum(["ok", "failing"]),
      phase: text,
      store: z.enum(["ok", "failing"]),
      control: z.enum(["ok", "late"]),
      lastTickMs: timeOrNull,
    })
    .meta({ id: "HealthView" }),
);

const session = of<wire.SessionView>()(
  z
    .object({
      user: z.object({ id: text, name: text, role: roleSchema }).nullable(),
      role: roleSchema.nullable(),
      csrfToken: text.nullable().describe("To be sent as X-CSRF-Token with every change"),
      needsSetup: z.boolean(),
      canLogIn: z.boolean(),
    })
    .meta({ id: "SessionView" }),
);
const user = of<wire.UserView>()(
  z.object({ id: text, name: text, role: roleSchema, disabled: z.boolean(), createdMs: timeMs }).meta({ id: "UserView" }),
);
const tokenKeys = { id: text, label: text, role: roleSchema, createdMs: timeMs, createdBy: text, expiresMs: timeOrNull };
const token = of<wire.TokenView>()(z.object(tokenKeys).meta({ id: "TokenView" }));
const audit = of<wire.AuditView>()(
  z
    .object({
      entries: z
        .array(
          z.object({
            seq: number,
            timeMs,
            who: text,
            action: text,
            target: text,
            outcome: z.enum(["done", "refused", "failed"]),
            address: text,
            detail: text,
          }),
        )
        .describe("Newest first"),
      nextBefore: numberOrNull,
    })
    .meta({ id: "AuditView" }),
);
const doctor = of<wire.DoctorView>()(
  z
    .object({
      atMs: timeMs,
      findings: z.array(z.object({ check: text, state: z.enum(["ok", "warning", "failed"]), text, todo: text })),
    })
    .meta({ id: "DoctorView" }),
);

const backups = of<wire.BackupsView>()(
  z
    .object({
      folder: text.nullable(),
      backups: z.array(z.object({ path: text, createdMs: timeMs, bytes: number, files: number })).describe("Newest first"),
      running: z.boolean(),
      failure: text.nullable(),
    })
    .meta({ id: "BackupsView" }),
);

/** What every address answers. */
export const answers = {
  site,
  status,
  overview,
  zone,
  decision,
  decisions: of<wire.DecisionListView>()(
    z
      .object({ fromMs: timeMs, toMs: timeMs, decisions: z.array(decisionSummary), nextFromMs: timeOrNull })
      .meta({ id: "DecisionListView" }),
  ),
  series: of<wire.SeriesView>()(z.object({ fromMs: timeMs, toMs: timeMs, series: z.record(text, buckets) }).meta({ id: "SeriesView" })),
  comfort,
  energy,
  models,
  forecastErrors: of<wire.ForecastErrorsView>()(
    z
      .object({
        errors: z.array(z.object({ provider: text, point: text, leadS: number, count: number, bias: number, stdDev: numberOrNull })),
      })
      .meta({ id: "ForecastErrorsView" }),
  ),
  alarm,
  alarms: z.object({ alarms: z.array(alarm).describe("Active ones first") }).meta({ id: "AlarmsView" }),
  health,
  session,
  user,
  users: z.object({ users: z.array(user) }).meta({ id: "UsersView" }),
  tokens: z.object({ tokens: z.array(token) }).meta({ id: "TokensView" }),
  newToken: of<wire.NewTokenView>()(z.object({ ...tokenKeys, secret: text }).meta({ id: "NewTokenView" })),
  audit,
  doctor,
  backups,
  ordered: z.object({ text }).meta({ id: "Ordered" }),
  ...viewAnswers,
} as const;
