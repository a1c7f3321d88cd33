import { configurationError, IsothermError } from "#domain/errors";
import type { Feature, FeatureSpec, PlainTerm } from "#domain/features";
import type { Transition } from "#domain/model";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import { fillInputs } from "#math/features";

/** Fewer steps than half a day of quarter hours teach nothing. */
export const MIN_BASELINE_ROWS = 48;

/** Steps of one zone that a baseline learns from. */
export interface BaselineRows {
  /** n×d, row-major. */
  readonly x: Float64Array;
  readonly n: number;
  readonly d: number;
  /** T' (absolute) or T' − T (increment), n. */
  readonly y: Float64Array;
  /** Row of each step's beginning. */
  readonly rows: readonly number[];
}

/** Weather and occupancy that a baseline takes in, as far as the data hold any value of them: temperature, humidity, wind, solar, occupancy. */
export const baselineDisturbances = (data: DatasetRows, zone: string): readonly PointName[] => {
  const measured = (point: PointName): boolean => data.column(point).some(Number.isFinite);
  const solar = [sitePoint("directNormalIrradianceWm2"), sitePoint("globalHorizontalIrradianceWm2")].find(measured);
  return [
    sitePoint("outdoorAirTempC"),
    sitePoint("outdoorRelativeHumidityPct"),
    sitePoint("windSpeedMps"),
    ...(solar === undefined ? [] : [solar]),
    zonePoint(zone, "occupancyCount"),
  ].filter(measured);
};

/** Terms divided by nothing: the raw inputs. */
export const rawFeatures = (terms: readonly PlainTerm[]): FeatureSpec => terms.map((term): Feature => ({ term, scale: 1 }));

/** Every step with a known beginning, end and inputs. A zone without temperature or setpoints is refused (exit code 78). */
export const baselineRows = (data: DatasetRows, zone: string, features: FeatureSpec, transition: Transition): BaselineRows => {
  for (const quantity of ["zoneAirTempC", "heatingSetpointC", "coolingSetpointC"] as const) {
    if (!data.dataset.columns.has(zonePoint(zone, quantity))) {
      throw configurationError(`The data have no column ${zonePoint(zone, quantity)}.`, {
        todo: "Give the zone's temperature and both setpoints.",
      });
    }
  }
  const temperature = data.column(zonePoint(zone, "zoneAirTempC"));
  const candidates: number[] = [];
  for (let i = 0; i + 1 < data.length; i++)
    if (Number.isFinite(temperature[i]!) && Number.isFinite(temperature[i + 1]!)) candidates.push(i);
  const d = features.length;
  const all = fillInputs(features, data.source(candidates), { heating: null, cooling: null });
  const kept = candidates.map((_, k) => k).filter((k) => all.subarray(k * d, (k + 1) * d).every(Number.isFinite));
  const rows = kept.map((k) => candidates[k]!);
  const x = new Float64Array(rows.length * d);
  for (const [i, k] of kept.entries()) x.set(all.subarray(k * d, (k + 1) * d), i * d);
  const y = Float64Array.from(rows, (row) => temperature[row + 1]! - (transition === "absolute" ? 0 : temperature[row]!));
  return { x, n: rows.length, d, y, rows };
};

/** Refuses to learn from next to nothing. */
export const checkEnoughRows = (baseline: string, zone: string, n: number): void => {
  if (n >= MIN_BASELINE_ROWS) return;
  throw new IsothermError("permanent", `Zone ${zone} has ${n} usable steps of training data, ${baseline} needs ${MIN_BASELINE_ROWS}.`, {
    todo: "Collect more data, 7 days are wanted, or check the sensors that are missing.",
    exitCode: 78,
  });
};
