/** A measured, forecast or commanded quantity: `<entity>.<quantity><unit suffix>`, e.g. `space1.zoneAirTempC`. */
export type PointName = `${string}.${string}`;

/** Zone ids and building ids on the wire and in configuration. */
export const ID_PATTERN = /^[a-zA-Z0-9_-]+$/;

/** Quantities a zone may have. The suffix is the unit: C temperature, K difference, W, Kwh, Pct, Count. */
export const zoneQuantities = ["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount", "relativeHumidityPct"] as const;
export type ZoneQuantity = (typeof zoneQuantities)[number];

/** Quantities of the site's weather; their entity is `site`. */
export const siteQuantities = [
  "outdoorAirTempC",
  "outdoorRelativeHumidityPct",
  "windSpeedMps",
  "globalHorizontalIrradianceWm2",
  "directNormalIrradianceWm2",
  "diffuseHorizontalIrradianceWm2",
] as const;
export type SiteQuantity = (typeof siteQuantities)[number];

/** Quantities of the whole building; their entity is `building`. `powerW` is everything behind its electricity meter, of which HVAC is a part. */
export const buildingQuantities = ["hvacPowerW", "hvacEnergyKwh", "powerW", "fuelPowerW"] as const;
export type BuildingQuantity = (typeof buildingQuantities)[number];

export const zonePoint = (zone: string, quantity: ZoneQuantity): PointName => `${zone}.${quantity}`;
export const sitePoint = (quantity: SiteQuantity): PointName => `site.${quantity}`;
export const buildingPoint = (quantity: BuildingQuantity): PointName => `building.${quantity}`;

/** One value of one point; its unit is the point's suffix. `timeMs`: Unix epoch, UTC. */
export interface TelemetryPoint {
  readonly timeMs: number;
  readonly point: PointName;
  readonly value: number;
}

/** The latest known value of every point at `timeMs`. A point that is missing, stale or refused is absent: never 0, never NaN. */
export interface Observation {
  readonly timeMs: number;
  readonly values: ReadonlyMap<PointName, number>;
}
