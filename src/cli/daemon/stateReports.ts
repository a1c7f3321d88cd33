import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import type { Past } from "#cli/daemon/past";
import { publishMeter, zoneStateOf } from "#cli/daemon/publishing";
import type { Screens } from "#cli/daemon/screens";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import type { Traffic } from "#cli/daemon/traffic";
import { comfortAt } from "#config/comfort";
import { zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import { type Acknowledgement, createReadBack, notFollowedAlarm, reportedSetpoints } from "#loop/readBack";
import { createZoneResponse, zoneResponseAlarm } from "#loop/zoneResponse";
import { createZoneTemperatureAlarms, zoneTemperatureAlarmText } from "#loop/zoneTemperatureAlarms";

/** A setpoint this close to the setback is the setback, K. */
const SETBACK_K = 0.1;

/** A device that reports one side only says too little. */
const wholePair = (reported: Partial<ZoneSetpoints> | undefined): ZoneSetpoints | undefined =>
  reported?.heatingSetpointC === undefined || reported.coolingSetpointC === undefined
    ? undefined
    : { heatingSetpointC: reported.heatingSetpointC, coolingSetpointC: reported.coolingSetpointC };

/** What the daemon says of the zones and of itself, beside its setpoints. */
export interface StateReports {
  /** States of all zones and of the meter. */
  publishStates(): void;
  /** Compares what devices report with what they were sent, and temperatures with what devices obey. */
  checkZones(): Promise<void>;
  publishHealth(): void;
}

export const createStateReports = (
  ground: Ground,
  { alarms, telemetry, publisher, supervisor }: Traffic,
  knowledge: Pick<Knowledge, "rounds">,
  { board, sources }: Screens,
  { outdoorMean, habits }: Past,
  tariff: SiteTariff,
): StateReports => {
  const { zones, nowMs } = ground;
  const { config } = ground.run;
  const readBack = createReadBack(zones, config.control.readBack);
  const temperatureAlarms = createZoneTemperatureAlarms();
  const response = createZoneResponse();
  /** Warm-up and cool-down: nobody is there yet, and more is asked than while nobody is there. */
  const isBeingReadied = (zone: string, setpoints: ZoneSetpoints | undefined, atMs: number): boolean => {
    const { setback } = config.control;
    return (
      setpoints !== undefined &&
      !comfortAt(config, zone, atMs, outdoorMean(atMs)).occupied &&
      (setpoints.heatingSetpointC > setback.heatingSetpointC + SETBACK_K ||
        setpoints.coolingSetpointC < setback.coolingSetpointC - SETBACK_K)
    );
  };
  let acknowledged: ReadonlyMap<string, Acknowledgement> = new Map();
  return {
    checkZones: async () => {
      const atMs = nowMs();
      const latest = telemetry.latest(atMs);
      const inForce = supervisor.inForce(atMs);
      const reported = reportedSetpoints(zones, latest);
      const { zones: states, late } = readBack.look(inForce, reported, atMs);
      acknowledged = states;
      const looks = new Map(
        zones.map((zone) => {
          const temperatureC = latest.values.get(zonePoint(zone, "zoneAirTempC"));
          const setpoints = inForce.get(zone) ?? wholePair(reported.get(zone));
          const isSlow = knowledge.rounds?.model?.zones.some((model) => model.zone === zone && model.call !== undefined) ?? false;
          return [
            zone,
            { temperatureC, setpoints, isSlow, beingReadied: isBeingReadied(zone, setpoints, atMs), state: supervisor.modeOf(zone) },
          ];
        }),
      );
      const beyond = temperatureAlarms.look(looks, atMs);
      const unmoved = response.look(looks, atMs);
      for (const zone of zones) {
        await alarms.set(late.has(zone), notFollowedAlarm(zone), atMs);
        await alarms.set(unmoved.has(zone), zoneResponseAlarm(zone, unmoved.get(zone), atMs), atMs);
        await alarms.set(beyond.has(zone), zoneTemperatureAlarmText(zone, beyond.get(zone)), atMs);
      }
    },
    publishStates: () => {
      const atMs = nowMs();
      const latest = telemetry.latest(atMs);
      const status = board.status();
      for (const zone of zones) {
        publisher.publishZoneState(
          zone,
          zoneStateOf(config, {
            zone,
            nowMs: atMs,
            latest,
            decision: board.decision,
            source: status.inCharge[zone]?.source ?? "relinquish",
            acknowledgement: acknowledged.get(zone) ?? "silent",
            alarms: alarms.active().filter((alarm) => alarm.zone === zone).length,
            mode: supervisor.modeOf(zone),
            runningMeanC: outdoorMean(atMs),
            presence: habits.presence,
          }),
        );
        publisher.publishAvailability(zone, latest.values.has(zonePoint(zone, "zoneAirTempC")));
      }
      publishMeter(tariff, publisher, atMs, latest);
    },
    publishHealth: () => {
      const atMs = nowMs();
      publisher.publishHealth({
        uptimeS: process.uptime(),
        rssMb: process.memoryUsage.rss() / 1e6,
        lastTickMs: board.decision?.timeMs ?? null,
        lastSolveMs: board.decision?.plan.diagnostics.solveMs ?? null,
        alarms: alarms.active().length,
        sourceAgeS: Object.fromEntries(
          sources().map(({ name, lastSeenMs }) => [name, lastSeenMs === null ? null : (atMs - lastSeenMs) / 1_000]),
        ),
      });
    },
  };
};
