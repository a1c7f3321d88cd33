import { type Admission, admit } from "#controllers/admission";
import { permanentError } from "#controllers/permanentError";
import type { ControlSequence } from "#domain/planner";
import { type PointName, zonePoint } from "#domain/points";
import type { SetpointLimits } from "#domain/setpoints";

/** Where the building's own schedule stands: setpoint columns on the time grid, one row per step. */
export interface ScheduleColumns {
  readonly zones: readonly string[];
  /** `<zone>.heatingSetpointC` and `<zone>.coolingSetpointC` of every zone. */
  readonly columns: ReadonlyMap<PointName, Float64Array>;
  /** Row of the step that begins now. */
  readonly offset: number;
  readonly horizonSteps: number;
  readonly limits: SetpointLimits;
}

/**
 * The building's own schedule over the horizon, [t][z], clamped to the limits (a schedule may hold e.g. 40 °C for "off").
 * A row that is missing or not finite keeps the pair before it; without any the limits' widest pair. A zone without columns throws `IsothermError`.
 */
export const scheduleSequence = ({ zones, columns, offset, horizonSteps, limits }: ScheduleColumns): ControlSequence => {
  const nz = zones.length;
  const sides = (["heatingSetpointC", "coolingSetpointC"] as const).map((quantity) => {
    const out = new Float64Array(horizonSteps * nz).fill(Number.NaN);
    zones.forEach((zone, z) => {
      const point = zonePoint(zone, quantity);
      const column = columns.get(point);
      if (column === undefined)
        throw permanentError(`The building's schedule holds no ${point}.`, "Give heating and cooling setpoints of every zone.");
      let latest = Number.NaN;
      for (let t = 0; t < horizonSteps; t++) {
        const value = column[offset + t] ?? Number.NaN;
        if (Number.isFinite(value)) latest = value;
        out[t * nz + z] = latest;
      }
    });
    return out;
  });
  const [heatingSetpointC, coolingSetpointC] = [sides[0]!, sides[1]!];
  const admission: Admission = {
    limits: { ...limits, maxSlewKPerStep: Number.POSITIVE_INFINITY },
    inForceHeatingC: new Float64Array(nz).fill(Number.NaN),
    inForceCoolingC: new Float64Array(nz).fill(Number.NaN),
    gridK: 0,
  };
  admit(heatingSetpointC, coolingSetpointC, 0, horizonSteps, nz, admission);
  return { name: "schedule", heatingSetpointC, coolingSetpointC };
};
