import type { StateHistory } from "#domain/model";
import { type PointName, zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import { boundedSchedule, type ZoneQuality } from "#loop/safetyEnvelope";

/** A reading that went missing serves the planner for so many rows more. */
const CARRIED_ROWS = 4;

/**
 * The history as the planner may see it, so that one silent zone does not stop planning for the others. In the newest row only: a held zone's temperature is
 * its last one, a lost zone's the mean of the measured ones, missing setpoints are those in force, anything else carries its value for up to 4 rows.
 * Where no zone is measured the temperatures stay missing, and the planner refuses. What is learned from never sees these fillings.
 */
export function plannerView(
  history: StateHistory,
  zones: readonly string[],
  quality: ReadonlyMap<string, ZoneQuality>,
  inForce: ReadonlyMap<string, ZoneSetpoints>,
): StateHistory {
  const newest = history.rows - 1;
  if (newest < 0) return history;
  const columns = new Map<PointName, Float64Array>(history.columns);
  const fill = (point: PointName, value: number): void => {
    const column = columns.get(point)?.slice() ?? new Float64Array(history.rows).fill(Number.NaN);
    column[newest] = value;
    columns.set(point, column);
  };
  for (const [point, column] of history.columns) {
    if (Number.isFinite(column[newest])) continue;
    for (let back = 1; back <= CARRIED_ROWS && newest - back >= 0; back++)
      if (Number.isFinite(column[newest - back])) {
        fill(point, column[newest - back]!);
        break;
      }
  }
  const measured = zones
    .filter((zone) => quality.get(zone) === "good")
    .map((zone) => columns.get(zonePoint(zone, "zoneAirTempC"))?.[newest] ?? Number.NaN);
  const mean = measured.reduce((sum, value) => sum + value, 0) / measured.length;
  for (const zone of zones) {
    const temperature = zonePoint(zone, "zoneAirTempC");
    const isHeld = quality.get(zone) === "hold" && Number.isFinite(columns.get(temperature)?.[newest]);
    if (measured.length === 0 || (quality.get(zone) !== "good" && !isHeld)) fill(temperature, mean);
    const pair = inForce.get(zone) ?? boundedSchedule(false);
    for (const side of ["heatingSetpointC", "coolingSetpointC"] as const)
      if (!Number.isFinite(columns.get(zonePoint(zone, side))?.[newest])) fill(zonePoint(zone, side), pair[side]);
  }
  return { ...history, columns };
}
