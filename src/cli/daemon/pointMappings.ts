import type { PointMapping } from "#adapters/telemetry/pointMapping";
import type { PointSource, SiteConfig } from "#config/siteConfig";
import { configurationError } from "#domain/errors";
import { buildingPoint, type PointName, sitePoint, siteQuantities, zonePoint, zoneQuantities } from "#domain/points";
import { compileExpression } from "#math/expressions";

/** A configured source as the telemetry intake wants it. Throws a configuration error where a name inside the message cannot be followed. */
export const mappingOf = (source: PointSource): PointMapping => {
  if (source.path.some((step) => String(step).includes(".")))
    throw configurationError(`${source.point}: the path into its message has a name with a dot in it.`, {
      todo: "Let the sensor use another name, or read it with a topic of its own.",
    });
  const expression = source.expression === null ? null : compileExpression(source.expression, ["value"]);
  const { factor, offset } = source.conversion;
  return {
    point: source.point,
    topic: source.topic,
    ...(source.path.length === 0 ? {} : { path: source.path.join(".") }),
    // Presence and motion are counted as one or none.
    ...(source.suffix === "Count" ? { acceptBoolean: true } : {}),
    convert: (value) => (expression === null ? value : (expression.evaluate({ value }) ?? Number.NaN)) * factor + offset,
    expectedIntervalS: source.expectedIntervalS,
    maxAgeS: source.maxAgeS,
    minValue: source.min,
    maxValue: source.max,
    ...(source.maxJump === null ? {} : { maxChangePerMinute: source.maxJump }),
    ...(source.stuckAfterS === null ? {} : { stuckAfterS: source.stuckAfterS }),
  };
};

/** Where the embedded building speaks: its own topics, as those of any building would be. */
export const demoTopics = (siteId: string) => ({
  all: `building/${siteId}/#`,
  zone: (zone: string) => `building/${siteId}/zone/${zone}`,
  weather: `building/${siteId}/weather`,
  meter: `building/${siteId}/meter`,
});

const MINUTE_S = 60;
/** Twice a control step: one lost message changes nothing. */
const DEMO_MAX_AGE_S = 1_800;
const demoRanges: Readonly<Record<string, readonly [number, number]>> = {
  zoneAirTempC: [2, 50],
  heatingSetpointC: [0, 50],
  coolingSetpointC: [0, 60],
  occupancyCount: [0, 10_000],
  relativeHumidityPct: [0, 100],
  outdoorAirTempC: [-60, 60],
  outdoorRelativeHumidityPct: [0, 110],
  windSpeedMps: [0, 90],
  globalHorizontalIrradianceWm2: [0, 1_600],
  directNormalIrradianceWm2: [0, 1_600],
  diffuseHorizontalIrradianceWm2: [0, 1_600],
  hvacPowerW: [0, 1e7],
  hvacEnergyKwh: [0, 1e10],
};

/** The embedded building's sensors: every message is a JSON object of quantities with its time. */
export const demoMappings = (siteId: string, zones: readonly string[]): readonly PointMapping[] => {
  const topics = demoTopics(siteId);
  const mapping = (point: PointName, topic: string): PointMapping => {
    const quantity = point.slice(point.lastIndexOf(".") + 1);
    const [minValue, maxValue] = demoRanges[quantity]!;
    return {
      point,
      topic,
      path: quantity,
      timestampPath: "time",
      expectedIntervalS: MINUTE_S,
      maxAgeS: DEMO_MAX_AGE_S,
      minValue,
      maxValue,
    };
  };
  // The simulated office measures no indoor humidity.
  const measured = zoneQuantities.filter((quantity) => quantity !== "relativeHumidityPct");
  return [
    ...zones.flatMap((zone) => measured.map((quantity) => mapping(zonePoint(zone, quantity), topics.zone(zone)))),
    ...siteQuantities.map((quantity) => mapping(sitePoint(quantity), topics.weather)),
    ...(["hvacPowerW", "hvacEnergyKwh"] as const).map((quantity) => mapping(buildingPoint(quantity), topics.meter)),
  ];
};

export const mappingsOf = (config: SiteConfig): readonly PointMapping[] =>
  config.building.kind === "embedded"
    ? demoMappings(
        config.site.id,
        config.zones.map(({ id }) => id),
      )
    : config.points.map(mappingOf);
