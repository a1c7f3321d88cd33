import type { Ground } from "#cli/daemon/ground";
import type { Past } from "#cli/daemon/past";
import { publishMeter, zoneStateOf } from "#cli/daemon/publishing";
import type { Screens } from "#cli/daemon/screens";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import type { Traffic } from "#cli/daemon/traffic";
import { zonePoint } from "#domain/points";
import { type Acknowledgement, createReadBack, notFollowedAlarm, reportedSetpoints } from "#loop/readBack";

/** What the daemon says of the zones and of itself, beside its setpoints. */
export interface StateReports {
  /** States of all zones and of the meter. */
  publishStates(): void;
  /** Compares what devices report with what they were sent. */
  checkReadBack(): Promise<void>;
  publishHealth(): void;
}

export const createStateReports = (
  ground: Ground,
  { alarms, telemetry, publisher, supervisor }: Traffic,
  { board, sources }: Screens,
  { outdoorMean, habits }: Past,
  tariff: SiteTariff,
): StateReports => {
  const { zones, nowMs } = ground;
  const { config } = ground.run;
  const readBack = createReadBack(zones, config.control.readBack);
  let acknowledged: ReadonlyMap<string, Acknowledgement> = new Map();
  return {
    checkReadBack: async () => {
      const atMs = nowMs();
      const { zones: states, late } = readBack.look(supervisor.inForce(atMs), reportedSetpoints(zones, telemetry.latest(atMs)), atMs);
      acknowledged = states;
      for (const zone of zones) await alarms.set(late.has(zone), notFollowedAlarm(zone), atMs);
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
