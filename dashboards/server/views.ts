import { comfortState, comfortView } from "#dashboards/server/comfort";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import type { DecisionHistory } from "#dashboards/server/decisionHistory";
import { energyView } from "#dashboards/server/energy";
import type { LocalCalendar } from "#dashboards/server/localTime";
import type { AlarmLevel, BandView, DecisionSummary, OverviewView, ZonePlanView, ZoneTileView, ZoneView } from "#dashboards/server/wire";
import type { SiteInfo, ZoneInfo } from "#domain/building";
import type { Decision } from "#domain/plan";
import { buildingPoint, type PointName, sitePoint, type TelemetryPoint, zonePoint } from "#domain/points";
import type { SeriesBucket, StoreReader } from "#domain/store";

const hourMs = 3_600_000;
/** A measurement older than this no longer says how a zone is, where the site does not say how old it may be, ms. */
const staleMs = hourMs;
const recentHours = 6;
const recentBuckets = 24;
const recentDecisionHours = 3;

export interface ViewContext {
  readonly reader: StoreReader;
  readonly site: SiteInfo;
  readonly history: DecisionHistory;
  readonly calendar: LocalCalendar;
  readonly status: () => DaemonStatus;
  readonly nowMs: () => number;
}

export const summariseDecision = (decision: Decision): DecisionSummary => ({
  id: decision.id,
  timeMs: decision.timeMs,
  validUntilMs: decision.validUntilMs,
  source: decision.source,
  reason: decision.plan.reason,
  fallback: decision.plan.fallback,
  modelVersion: decision.modelVersion,
  command: decision.command,
  envelopeChanges: decision.envelopeChanges,
  cost: decision.plan.chosen.cost,
  effectiveSampleSize: decision.plan.diagnostics.effectiveSampleSize,
  samplesDiscarded: decision.plan.diagnostics.samplesDiscarded,
});

/** The band of the step that `nowMs` lies in; null once the plan has run out. */
export const bandNow = (decision: Decision | null, zone: string, nowMs: number): BandView | null => {
  const comfort = decision?.plan.comfort[zone];
  const t = decision?.plan.stepEndMs.findIndex((endMs) => endMs >= nowMs) ?? -1;
  if (comfort === undefined || t < 0) return null;
  const lowerC = comfort.lowerC[t];
  const upperC = comfort.upperC[t];
  if (lowerC === undefined || upperC === undefined || !Number.isFinite(lowerC) || !Number.isFinite(upperC)) return null;
  return { lowerC, upperC, occupied: comfort.occupied[t] === true };
};

const zoneTile = (
  zone: ZoneInfo,
  latest: ReadonlyMap<PointName, TelemetryPoint>,
  decision: Decision | null,
  status: DaemonStatus,
  recent: readonly SeriesBucket[],
  nowMs: number,
): ZoneTileView => {
  const measured = latest.get(zonePoint(zone.id, "zoneAirTempC"));
  const band = bandNow(decision, zone.id, nowMs);
  const isOld = measured !== undefined && (nowMs - measured.timeMs > staleMs || status.silentZones?.[zone.id] !== undefined);
  const command = decision !== null && decision.validUntilMs > nowMs ? decision.command[zone.id] : undefined;
  const claim = status.inCharge[zone.id];
  // What has run out no longer says who is in charge.
  const inCharge = claim === undefined || (claim.untilMs !== null && claim.untilMs <= nowMs) ? undefined : claim;
  return {
    id: zone.id,
    label: zone.label,
    floorAreaM2: zone.floorAreaM2,
    zoneAirTempC: measured?.value ?? null,
    measuredMs: measured?.timeMs ?? null,
    isOld,
    state: comfortState(isOld ? null : (measured?.value ?? null), band),
    band,
    // Without a command in force, what the building reports of its own schedule.
    heatingSetpointC: command?.heatingSetpointC ?? latest.get(zonePoint(zone.id, "heatingSetpointC"))?.value ?? null,
    coolingSetpointC: command?.coolingSetpointC ?? latest.get(zonePoint(zone.id, "coolingSetpointC"))?.value ?? null,
    untilMs: inCharge === undefined ? (command === undefined ? null : decision!.validUntilMs) : inCharge.untilMs,
    source: inCharge?.source ?? (command === undefined ? null : decision!.source),
    reason: inCharge?.reason ?? (command === undefined ? "" : (decision!.plan.zoneReasons?.[zone.id] ?? decision!.plan.reason)),
    recent: recent.map(({ timeMs, mean }) => ({ timeMs, meanC: mean })),
  };
};

const tilePoints = (zone: string): PointName[] => [
  zonePoint(zone, "zoneAirTempC"),
  zonePoint(zone, "heatingSetpointC"),
  zonePoint(zone, "coolingSetpointC"),
];

export const newestOf = (points: Iterable<TelemetryPoint>): number | null => {
  let newestMs: number | null = null;
  for (const { timeMs } of points) newestMs = Math.max(newestMs ?? timeMs, timeMs);
  return newestMs;
};

/** Points whose age says whether data still comes in. */
export const watchedPoints = (site: SiteInfo): PointName[] => [
  ...site.zones.map((zone) => zonePoint(zone.id, "zoneAirTempC")),
  buildingPoint("hvacPowerW"),
  sitePoint("outdoorAirTempC"),
];

export const overviewView = async (context: ViewContext): Promise<OverviewView> => {
  const { reader, site, history, calendar } = context;
  const nowMs = context.nowMs();
  const status = context.status();
  const dayStartMs = calendar.dayStartMs(nowMs);
  const zoneTemps = site.zones.map((zone) => zonePoint(zone.id, "zoneAirTempC"));
  const stepS = status.tickIntervalS;
  const recentDecisions: DecisionSummary[] = [];
  const readRecent = async (): Promise<void> => {
    for await (const decision of reader.decisions(nowMs - recentDecisionHours * hourMs, nowMs + 1))
      recentDecisions.push(summariseDecision(decision));
  };
  const [latest, decision, recent, steps, energy, alarms] = await Promise.all([
    reader.latest([...site.zones.flatMap((zone) => tilePoints(zone.id)), buildingPoint("hvacPowerW"), sitePoint("outdoorAirTempC")]),
    reader.latestDecision(),
    reader.series(zoneTemps, nowMs - recentHours * hourMs, nowMs + 1, recentBuckets),
    // One step more at the front: the decision before midnight decided the first step of the day.
    history.range(dayStartMs - 2 * stepS * 1000, nowMs + 1),
    energyView(reader, history, calendar, site.currency, { fromMs: dayStartMs, toMs: Math.max(nowMs, dayStartMs + 1) }, stepS),
    reader.alarms(nowMs),
    readRecent(),
  ]);
  const comfort = comfortView(steps, site.zones, calendar, dayStartMs, nowMs);
  const alarmCounts: Record<AlarmLevel, number> = { info: 0, warning: 0, critical: 0 };
  for (const alarm of alarms) if (alarm.clearedMs === null) alarmCounts[alarm.level]++;
  const power = latest.get(buildingPoint("hvacPowerW"));
  const outdoor = latest.get(sitePoint("outdoorAirTempC"));
  const measured = energy.power.length > 0;
  return {
    nowMs,
    zones: site.zones.map((zone) => zoneTile(zone, latest, decision, status, recent.get(zonePoint(zone.id, "zoneAirTempC")) ?? [], nowMs)),
    today: {
      fromMs: dayStartMs,
      inBandPct: comfort.inBandPct,
      scoredZoneSteps: comfort.zones.reduce((total, zone) => total + zone.scoredSteps, 0),
      energyKwh: measured ? energy.energyKwh : null,
      cost: energy.cost,
      costCoverageFraction: energy.costCoverageFraction,
      peakKw: energy.peakKw,
    },
    hvacPowerW: power !== undefined && nowMs - power.timeMs <= staleMs ? power.value : null,
    outdoorAirTempC: outdoor !== undefined && nowMs - outdoor.timeMs <= staleMs ? outdoor.value : null,
    alarmCounts,
    newestDataMs: newestOf(latest.values()),
    decision: decision === null ? null : summariseDecision(decision),
    recentDecisions: recentDecisions.reverse().slice(0, 6),
  };
};

const zonePlan = (decision: Decision, zone: string): ZonePlanView | null => {
  const { plan } = decision;
  const chosen = plan.chosen.zones[zone];
  const comfort = plan.comfort[zone];
  if (chosen === undefined || comfort === undefined) return null;
  const rule = plan.rule?.zones[zone] ?? null;
  return {
    decisionId: decision.id,
    issuedAtMs: plan.issuedAtMs,
    stepS: plan.stepS,
    stepEndMs: plan.stepEndMs,
    meanC: chosen.meanC,
    stdDevK: chosen.stdDevK,
    heatingSetpointC: chosen.heatingSetpointC,
    coolingSetpointC: chosen.coolingSetpointC,
    ruleHeatingSetpointC: rule?.heatingSetpointC ?? null,
    ruleCoolingSetpointC: rule?.coolingSetpointC ?? null,
    ruleMeanC: rule?.meanC ?? null,
    lowerC: comfort.lowerC,
    upperC: comfort.upperC,
    occupied: comfort.occupied,
    powerW: plan.chosen.powerW,
    pricePerKwh: plan.pricePerKwh,
    outdoorAirTempC: plan.outdoorAirTempC,
    sunWm2: plan.globalHorizontalIrradianceWm2 ?? null,
  };
};

export const zoneView = async (context: ViewContext, zone: ZoneInfo, hours: number): Promise<ZoneView> => {
  const { reader, history } = context;
  const nowMs = context.nowMs();
  const status = context.status();
  const stepMs = status.tickIntervalS * 1000;
  // Buckets on the control grid: a row of that grid then keeps its own time.
  const lastStepMs = Math.floor(nowMs / stepMs) * stepMs;
  const fromMs = lastStepMs - hours * hourMs;
  const bucketMs = hours <= 24 ? stepMs / 3 : stepMs;
  const points = {
    temp: zonePoint(zone.id, "zoneAirTempC"),
    heating: zonePoint(zone.id, "heatingSetpointC"),
    cooling: zonePoint(zone.id, "coolingSetpointC"),
    occupancy: zonePoint(zone.id, "occupancyCount"),
    power: buildingPoint("hvacPowerW"),
    sun: sitePoint("globalHorizontalIrradianceWm2"),
  };
  const buckets = Math.round((lastStepMs + stepMs - fromMs) / bucketMs);
  const [latest, decision, series, steps] = await Promise.all([
    reader.latest(tilePoints(zone.id)),
    reader.latestDecision(),
    reader.series(Object.values(points), fromMs, lastStepMs + stepMs, buckets),
    history.range(fromMs - 2 * stepMs, nowMs + 1),
  ]);
  const temps = series.get(points.temp) ?? [];
  return {
    zone: zoneTile(zone, latest, decision, status, temps, nowMs),
    nowMs,
    fromMs,
    measured: temps,
    heatingSetpoints: series.get(points.heating) ?? [],
    coolingSetpoints: series.get(points.cooling) ?? [],
    occupancyCount: series.get(points.occupancy) ?? [],
    hvacPowerW: series.get(points.power) ?? [],
    sunWm2: series.get(points.sun) ?? [],
    history: steps.flatMap((step) => {
      const band = step.bands.get(zone.id);
      if (band === undefined || step.stepEndMs <= fromMs || step.stepEndMs > nowMs) return [];
      return [{ stepEndMs: step.stepEndMs, ...band, pricePerKwh: step.pricePerKwh }];
    }),
    plan: decision === null ? null : zonePlan(decision, zone.id),
    why:
      decision === null
        ? null
        : {
            source: decision.source,
            reason: decision.plan.reason,
            zoneReason: decision.plan.zoneReasons?.[zone.id] ?? null,
            fallback: decision.plan.fallback,
            chosenCost: decision.plan.chosen.cost,
            ruleCost: decision.plan.rule?.cost ?? null,
            diagnostics: decision.plan.diagnostics,
            modelVersion: decision.modelVersion,
            envelopeChanges: decision.envelopeChanges,
          },
  };
};
