import { type ConfigPath, shownValue } from "#config/problem";
import type { Report } from "#config/report";
import type { SiteFile, SiteFileSensor } from "#config/schema";
import type { DerivedPoint, PointSource } from "#config/siteConfig";
import { readQuantity, type UnitSuffix, unitConversion, unitSuffixOf } from "#config/units";
import { IsothermError } from "#domain/errors";
import { buildingQuantities, ID_PATTERN, type PointName, siteQuantities, zoneQuantities } from "#domain/points";
import { closestName } from "#math/closestName";
import { compileExpression } from "#math/expressions";

/** What is believed of a point that says nothing itself. Indoor air at 0 °C is a broken sensor or a missing value far more often than a frozen room. */
const PLAUSIBLE: Readonly<Record<string, readonly [number, number]>> = {
  zoneAirTempC: [2, 50],
  heatingSetpointC: [2, 45],
  coolingSetpointC: [2, 60],
  relativeHumidityPct: [0, 100],
  occupancyCount: [0, 10_000],
  outdoorAirTempC: [-60, 60],
  outdoorRelativeHumidityPct: [0, 100],
  windSpeedMps: [0, 75],
  globalHorizontalIrradianceWm2: [-10, 1500],
  directNormalIrradianceWm2: [-10, 1500],
  diffuseHorizontalIrradianceWm2: [-10, 1500],
};
const PLAUSIBLE_BY_SUFFIX: Readonly<Partial<Record<UnitSuffix, readonly [number, number]>>> = {
  C: [-60, 150],
  Pct: [0, 100],
  Fraction: [0, 1],
  Count: [0, 1e9],
  Ppm: [0, 1e6],
};
/** Beyond float32 and any building; keeps a value such as 1e300 out of sums. */
const ANYTHING: readonly [number, number] = [-1e12, 1e12];
const DEFAULT_JUMP: Readonly<Record<string, number>> = { zoneAirTempC: 8, outdoorAirTempC: 20 };

const quantityOf = (name: string): string => name.slice(name.indexOf(".") + 1);
const plausible = (name: string, suffix: UnitSuffix): readonly [number, number] =>
  PLAUSIBLE[quantityOf(name)] ?? PLAUSIBLE_BY_SUFFIX[suffix] ?? ANYTHING;

/** Refuses names that are not `<entity>.<quantity><unit suffix>`, and quantities that only resemble a known one of the site or the building. */
function checkPointName(name: string, at: ConfigPath, report: Report): UnitSuffix | null {
  const [entity, quantity, more] = name.split(".");
  if (quantity === undefined || more !== undefined || !ID_PATTERN.test(entity) || !/^[a-zA-Z][a-zA-Z0-9_]*$/.test(quantity)) {
    report(at, `${shownValue(name)} is not the name of a point`, "Write <entity>.<quantity><unit suffix>, such as site.outdoorAirTempC.");
    return null;
  }
  const known: readonly string[] | null = entity === "site" ? siteQuantities : entity === "building" ? buildingQuantities : null;
  if (known !== null && !known.includes(quantity)) {
    const guess = closestName(quantity, known);
    report(
      at,
      `${entity} has no quantity ${shownValue(quantity)}`,
      guess === null ? `Known: ${known.join(", ")}.` : `Did you mean "${entity}.${guess}"?`,
    );
    return null;
  }
  const suffix = unitSuffixOf(name);
  if (suffix === null)
    report(
      at,
      `${shownValue(name)} does not end in a unit`,
      "End its name in its unit: C, K, W, Kw, Kwh, Pct, Fraction, Count, Ppm, Wm2, Mps, Pa, …",
    );
  return suffix;
}

function readRange(
  pair: readonly [unknown, unknown] | undefined,
  name: string,
  suffix: UnitSuffix,
  at: ConfigPath,
  report: Report,
): readonly [number, number] {
  if (pair === undefined) return plausible(name, suffix);
  const [low, high] = pair.map((value, index) => {
    const reading = readQuantity(value, suffix);
    if (!reading.ok) report([...at, index], reading.problem, reading.todo);
    return reading.ok ? reading.value : null;
  });
  if (low == null || high == null) return plausible(name, suffix);
  if (low >= high) report(at, `${shownValue(pair[0])} is not below ${shownValue(pair[1])}`, "Write [lowest, highest].");
  return [low, high];
}

/** The expression's problem goes to the report; a formula that cannot be compiled needs no names. */
function checkExpression(expression: string, symbols: readonly string[], at: ConfigPath, report: Report): readonly string[] {
  try {
    return compileExpression(expression, symbols).symbols;
  } catch (error) {
    if (!(error instanceof IsothermError)) throw error;
    report(at, error.message, error.todo);
    return [];
  }
}

function readSource(name: string, sensor: SiteFileSensor, at: ConfigPath, file: SiteFile, report: Report): PointSource | null {
  const suffix = checkPointName(name, at, report);
  if (suffix === null) return null;
  const conversion = sensor.unit === undefined ? { factor: 1, offset: 0 } : unitConversion(sensor.unit, suffix);
  if (conversion === null)
    report(
      [...at, "unit"],
      `${shownValue(sensor.unit)} cannot be converted to the unit of ${name}`,
      "Write a unit such as degC, degF, K, kW, Wh or %.",
    );
  if (sensor.expression !== undefined) checkExpression(sensor.expression, ["value"], [...at, "expression"], report);
  const [min, max] = readRange(sensor.range, name, suffix, [...at, "range"], report);
  let maxJump = DEFAULT_JUMP[quantityOf(name)] ?? null;
  if (sensor.maxJump !== undefined) {
    const reading = readQuantity(sensor.maxJump, suffix === "C" ? "K" : suffix);
    if (reading.ok && reading.value > 0) maxJump = reading.value;
    else
      report(
        [...at, "maxJump"],
        reading.ok ? `${shownValue(sensor.maxJump)} is not above 0` : reading.problem,
        reading.ok ? "Write a positive change." : reading.todo,
      );
  }
  const defaults = file.building.mqtt;
  const maxAgeS = sensor.maxAge ?? defaults?.maxAge ?? 1800;
  const expectedIntervalS = sensor.expectedInterval ?? defaults?.expectedInterval ?? 300;
  if (maxAgeS < expectedIntervalS) {
    const place = sensor.maxAge !== undefined ? "maxAge" : "expectedInterval";
    report(
      [...at, ...(sensor.maxAge === undefined && sensor.expectedInterval === undefined ? [] : [place])],
      `values would be too old after ${maxAgeS} s, before the next one comes after ${expectedIntervalS} s`,
      "Let maxAge be at least expectedInterval, better three times it.",
      [["building", "mqtt"]],
    );
  }
  const stuckDefault = quantityOf(name) === "zoneAirTempC" ? (defaults?.stuckAfter ?? 86_400) : null;
  return {
    point: name as PointName,
    suffix,
    topic: sensor.topic,
    path: sensor.path ?? [],
    expression: sensor.expression ?? null,
    conversion: conversion ?? { factor: 1, offset: 0 },
    expectedIntervalS,
    maxAgeS,
    stuckAfterS: sensor.stuckAfter ?? stuckDefault,
    min,
    max,
    maxJump,
  };
}

interface NamedSensor {
  readonly name: string;
  readonly sensor: SiteFileSensor;
  readonly at: ConfigPath;
}
const namedSensors = (file: SiteFile): readonly NamedSensor[] => [
  ...file.zones.flatMap((zone, index) =>
    zoneQuantities.flatMap((quantity) => {
      const sensor = zone.sensors[quantity];
      return sensor === undefined ? [] : [{ name: `${zone.id}.${quantity}`, sensor, at: ["zones", index, "sensors", quantity] }];
    }),
  ),
  ...Object.entries(file.points).map(([name, sensor]) => ({ name, sensor, at: ["points", name] })),
];

/** Every point that arrives over MQTT; problems of names, units, expressions, ranges, doubled names and topics go to the report. */
export function readPointSources(file: SiteFile, report: Report): readonly PointSource[] {
  const sensors = namedSensors(file);
  const sources: PointSource[] = [];
  const placeOfName = new Map<string, ConfigPath>();
  const nameOfTopic = new Map<string, { name: string; at: ConfigPath }>();
  const ownTopics = `${file.mqtt.baseTopic}/${file.site.id}/`;
  for (const { name, sensor, at } of sensors) {
    const earlier = placeOfName.get(name);
    if (earlier !== undefined) report(at, `${name} has a source already`, "Give every point one source.", [earlier]);
    placeOfName.set(name, at);
    const key = JSON.stringify([sensor.topic, sensor.path ?? []]);
    const sharer = nameOfTopic.get(key);
    if (sharer !== undefined)
      report(
        [...at, "topic"],
        `${shownValue(sensor.topic)} feeds ${sharer.name} already`,
        "Give every point its own topic, or its own path in the message.",
        [sharer.at],
      );
    nameOfTopic.set(key, { name, at });
    if (sensor.topic.startsWith(ownTopics))
      report(
        [...at, "topic"],
        `${shownValue(sensor.topic)} is among the topics that isotherm itself publishes`,
        "Read the sensor's own topic.",
        [["mqtt"], ["site", "id"]],
      );
    const source = readSource(name, sensor, at, file, report);
    if (source !== null) sources.push(source);
  }
  return sources;
}

/** What an embedded building measures of itself. */
const embeddedPoints = (file: SiteFile): readonly string[] =>
  file.building.embedded === undefined
    ? []
    : [
        ...file.zones.flatMap(({ id }) => zoneQuantities.map((quantity) => `${id}.${quantity}`)),
        ...siteQuantities.map((quantity) => `site.${quantity}`),
        ...buildingQuantities
          .filter((quantity) => quantity !== "powerW" && quantity !== "fuelPowerW")
          .map((quantity) => `building.${quantity}`),
      ];

/** Orders derived points so that each needs only earlier ones; a circle goes to the report. */
function inOrder(points: readonly DerivedPoint[], report: Report): readonly DerivedPoint[] {
  const byName = new Map(points.map((point) => [point.point, point]));
  const ordered = new Set<DerivedPoint>();
  const visit = (point: DerivedPoint, trail: readonly PointName[]): void => {
    if (ordered.has(point)) return;
    if (trail.includes(point.point)) {
      const circle = [...trail.slice(trail.indexOf(point.point)), point.point];
      if (circle[0] === [...circle].sort()[0])
        report(["derived", point.point, "expression"], `it needs itself: ${circle.join(" → ")}`, "Break the circle.");
      return;
    }
    for (const input of point.inputs) {
      const needed = byName.get(input);
      if (needed !== undefined) visit(needed, [...trail, point.point]);
    }
    ordered.add(point);
  };
  for (const point of [...points].sort((a, b) => (a.point < b.point ? -1 : 1))) visit(point, []);
  return [...ordered];
}

/** Points computed from others, in computable order. */
export function readDerivedPoints(file: SiteFile, report: Report): readonly DerivedPoint[] {
  const measured = [...namedSensors(file).map(({ name }) => name), ...embeddedPoints(file)];
  const symbols = [...new Set([...measured, ...Object.keys(file.derived)])];
  const derived: DerivedPoint[] = [];
  for (const [name, { expression, range }] of Object.entries(file.derived)) {
    const at = ["derived", name];
    if (measured.includes(name)) report(at, `${name} is measured already`, "Give every point one source.");
    const suffix = checkPointName(name, at, report);
    const inputs = checkExpression(expression, symbols, [...at, "expression"], report) as readonly PointName[];
    if (suffix === null) continue;
    const [min, max] = readRange(range, name, suffix, [...at, "range"], report);
    derived.push({ point: name as PointName, expression, inputs, min, max });
  }
  return inOrder(derived, report);
}
