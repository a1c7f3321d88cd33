import type { Dataset } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { findingAt, type GateFinding, type Span, spansWhere } from "#models/trainingGate/report";

/** What a working sensor may read, by quantity; wide, because what is merely odd is for the other detectors. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  zoneAirTempC: [-20, 55],
  heatingSetpointC: [-60, 60],
  // "Off" is often written as a large number.
  coolingSetpointC: [0, 1000],
  occupancyCount: [0, 100_000],
  outdoorAirTempC: [-60, 60],
  outdoorRelativeHumidityPct: [0, 110],
  relativeHumidityPct: [0, 110],
  windSpeedMps: [0, 100],
  // Pyranometers read a few watts below zero at night.
  globalHorizontalIrradianceWm2: [-20, 1600],
  directNormalIrradianceWm2: [-20, 1600],
  diffuseHorizontalIrradianceWm2: [-20, 1200],
};

const quantityOf = (point: PointName): string => point.slice(point.lastIndexOf(".") + 1);

/** Spans of values that no working sensor gives, and of setpoints that cross (heating above cooling): a thermostat cannot have both. */
export const impossibleValues = (
  dataset: Dataset,
  zones: readonly string[],
): readonly { readonly points: readonly PointName[]; readonly span: Span; readonly finding: GateFinding }[] => {
  const found: { points: readonly PointName[]; span: Span; finding: GateFinding }[] = [];
  for (const [point, values] of dataset.columns) {
    const range = ranges[quantityOf(point)];
    if (range === undefined) continue;
    const [low, high] = range;
    for (const span of spansWhere(values.length, (row) => values[row]! < low || values[row]! > high)) {
      const worst = values.subarray(span.from, span.to).reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
      const what = `${Number(worst.toPrecision(6))} is outside what it can read (${low} to ${high})`;
      found.push({ points: [point], span, finding: findingAt(dataset, span, { reason: "outOfRange", action: "leftOut", point, what }) });
    }
  }
  for (const zone of zones) {
    const points = [`${zone}.heatingSetpointC`, `${zone}.coolingSetpointC`] as const;
    const [heating, cooling] = points.map((point) => dataset.columns.get(point));
    if (heating === undefined || cooling === undefined) continue;
    for (const span of spansWhere(heating.length, (row) => heating[row]! > cooling[row]! + 1e-6)) {
      const what = `the heating setpoint (${heating[span.from]}) lies above the cooling setpoint (${cooling[span.from]})`;
      found.push({
        points,
        span,
        finding: findingAt(dataset, span, { reason: "crossedSetpoints", action: "leftOut", point: points[0], what }),
      });
    }
  }
  return found;
};
