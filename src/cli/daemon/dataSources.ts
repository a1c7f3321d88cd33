import type { SiteForecasts } from "#cli/daemon/forecasts";
import type { Telemetry } from "#cli/daemon/telemetry";
import type { SiteConfig } from "#config/siteConfig";
import type { DataSource } from "#dashboards/server/daemonStatus";
import { buildingPoint, type PointName, sitePoint, zonePoint } from "#domain/points";

/** Zones whose temperature has been silent for longer than its `maxAge`, and when it was last heard. One that never reported is not silent but unknown. */
export const silentZones = (
  config: Pick<SiteConfig, "zones">,
  telemetry: Pick<Telemetry, "intake" | "maxAgeS">,
  nowMs: number,
): Readonly<Record<string, number>> => {
  const lastMs = new Map(telemetry.intake.snapshot().points.map(({ point, lastTimeMs }) => [point, lastTimeMs]));
  return Object.fromEntries(
    config.zones.flatMap(({ id }): [string, number][] => {
      const point = zonePoint(id, "zoneAirTempC");
      const heardMs = lastMs.get(point) ?? null;
      const maxAgeS = telemetry.maxAgeS.get(point);
      return heardMs === null || maxAgeS === undefined || nowMs - heardMs <= 1000 * maxAgeS ? [] : [[id, heardMs]];
    }),
  );
};

/** What the daemon lives on, with its age: groups of points that come from one place, and the forecast. */
export const dataSources = ({
  config,
  telemetry,
  forecasts,
}: {
  readonly config: SiteConfig;
  readonly telemetry: Telemetry;
  /** null before there are any. */
  readonly forecasts: SiteForecasts | null;
}): readonly DataSource[] => {
  const statuses = new Map(telemetry.intake.snapshot().points.map((status) => [status.point, status]));
  const group = (name: string, members: readonly PointName[]): DataSource[] => {
    const known = members.filter((point) => statuses.has(point));
    if (known.length === 0) return [];
    const times = known.map((point) => statuses.get(point)!.lastTimeMs);
    return [
      {
        name,
        // The oldest counts: one silent sensor is not hidden behind the others.
        lastSeenMs: times.some((time) => time === null) ? null : Math.min(...times.map((time) => time!)),
        maxAgeS: Math.max(...known.map((point) => telemetry.maxAgeS.get(point)!)),
      },
    ];
  };
  return [
    ...group(
      "Zone temperatures",
      config.zones.map(({ id }) => zonePoint(id, "zoneAirTempC")),
    ),
    ...group("Outdoor temperature", [sitePoint("outdoorAirTempC")]),
    ...group("Building meter", [buildingPoint("powerW")]),
    ...group("HVAC meter", [buildingPoint("hvacPowerW")]),
    ...(forecasts === null
      ? []
      : [{ name: `Forecast (${forecasts.name})`, lastSeenMs: forecasts.lastMs, maxAgeS: config.forecast.maxAgeS }]),
  ];
};
