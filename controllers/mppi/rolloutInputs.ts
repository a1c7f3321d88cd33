import { permanentError } from "#controllers/permanentError";
import type { BuildingModel } from "#domain/model";
import type { PlanRequest } from "#domain/planner";
import { type PointName, zonePoint } from "#domain/points";
import { type RolloutInitialState, slowMeanKey } from "#domain/rollout";
import { disturbancesOf, slowMeanRate, slowMeansOf, stateLagSteps } from "#math/features";

/** What a rollout needs besides the setpoints, from history and forecast. */
export interface RolloutInputs {
  readonly initial: RolloutInitialState;
  readonly disturbances: ReadonlyMap<PointName, Float64Array>;
  readonly localMs: Float64Array;
}

/** The power model's only disturbance; also what a person wants to see beside a plan. */
const OUTDOOR: PointName = "site.outdoorAirTempC";

/** Last value that is finite; NaN for none. */
const latest = (column: Float64Array | undefined): number => {
  for (let row = (column?.length ?? 0) - 1; row >= 0; row--) if (Number.isFinite(column![row]!)) return column![row]!;
  return Number.NaN;
};

/** Last `count` values, newest last; a missing one is the value before it (the first one: the value after), NaN where none is known. */
const lastValues = (column: Float64Array | undefined, count: number): Float64Array => {
  const out = new Float64Array(count).fill(Number.NaN);
  if (column === undefined) return out;
  let known = latest(column.subarray(0, Math.max(0, column.length - count)));
  for (let i = 0; i < count; i++) {
    const value = column[column.length - count + i] ?? Number.NaN;
    if (Number.isFinite(value)) known = value;
    out[i] = known;
  }
  const first = out.findIndex(Number.isFinite);
  if (first > 0) out.fill(out[first]!, 0, first);
  return out;
};

/** M_i after the last row: M_i = M_{i−1} + rate (T_i − M_{i−1}), begun at the first known value; missing rows leave it. */
const slowMeanOf = (column: Float64Array | undefined, rate: number): number => {
  let slow = Number.NaN;
  for (const value of column ?? []) if (Number.isFinite(value)) slow = Number.isNaN(slow) ? value : slow + rate * (value - slow);
  return slow;
};

/**
 * Initial state and disturbances of the model's rollouts. Values that neither history nor forecast holds become NaN, which fails the sequences they
 * enter, never 0. A forecast shorter than the horizon throws `IsothermError`.
 */
export const rolloutInputs = (model: BuildingModel, request: PlanRequest): RolloutInputs => {
  const { history, forecast, horizonSteps } = request;
  const points = new Set<PointName>([OUTDOOR]);
  const slowMeans = new Map<string, number>();
  let lags = 0;
  for (const { posterior } of model.zones) {
    for (const point of disturbancesOf(posterior.features)) points.add(point);
    lags = Math.max(lags, stateLagSteps(posterior.features));
    for (const { point, timeConstantS } of slowMeansOf(posterior.features)) {
      const key = slowMeanKey(point, timeConstantS);
      if (!slowMeans.has(key)) slowMeans.set(key, slowMeanOf(history.columns.get(point), slowMeanRate(history.stepS, timeConstantS)));
    }
  }
  const disturbances = new Map<PointName, Float64Array>();
  const newest = new Map<PointName, number>();
  for (const point of points) {
    const column = forecast.columns.get(point);
    if (column !== undefined && column.length < horizonSteps)
      throw permanentError(
        `The forecast of ${point} has ${column.length} rows and the horizon ${horizonSteps} steps.`,
        "Ask the provider for at least as many steps as the horizon has.",
      );
    disturbances.set(point, column?.slice(0, horizonSteps) ?? new Float64Array(horizonSteps).fill(Number.NaN));
    newest.set(point, latest(history.columns.get(point)));
  }
  const setpointsNow = (side: "heatingSetpointC" | "coolingSetpointC"): Float64Array =>
    Float64Array.from(request.zones, (zone) => {
      const measured = latest(history.columns.get(zonePoint(zone, side)));
      return Number.isFinite(measured) ? measured : (request.inForce.get(zone)?.[side] ?? Number.NaN);
    });
  return {
    initial: {
      temperaturesC: request.zones.map((zone) => lastValues(history.columns.get(zonePoint(zone, "zoneAirTempC")), lags + 1)),
      slowMeans,
      heatingSetpointC: setpointsNow("heatingSetpointC"),
      coolingSetpointC: setpointsNow("coolingSetpointC"),
      disturbances: newest,
    },
    disturbances,
    localMs: request.localMs.slice(0, horizonSteps),
  };
};
