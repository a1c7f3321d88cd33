import { rolloutRequirements } from "#controllers/rollout/requirements";
import { IsothermError } from "#domain/errors";
import type { BuildingModel, StateHistory } from "#domain/model";
import type { PlanRequest } from "#domain/planner";
import { type PointName, zonePoint } from "#domain/points";
import type { RolloutInitialState } from "#domain/rollout";
import { DatasetRows } from "#math/datasetRows";
import { driftPoint, meanOf, runningMean } from "#math/derivedPoints";
import { driftAfter } from "#math/drift";
import { effortHistory } from "#math/effort";
import { meteredDriftStates } from "#math/meterDrift";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";

const stale = (message: string, todo: string): IsothermError => new IsothermError("retryable", message, { todo });

/** The newest value of a point; a missing one means that planning has to wait. */
const newest = (history: StateHistory, point: PointName): number => {
  const value = history.columns.get(point)?.[history.rows - 1];
  if (value === undefined || !Number.isFinite(value)) {
    throw stale(
      `Stale data: ${point} has no value in the newest row (${new Date(history.nowMs).toISOString()}).`,
      "Check the sensor and its connection; planning goes on as soon as it reports again.",
    );
  }
  return value;
};

/** A column whose gaps hold the value before them (at the beginning, the first value there is). */
const withoutGaps = (column: Float64Array, rows: number): Float64Array => {
  let last = column.find((value) => Number.isFinite(value))!;
  return column.slice(0, rows).map((value) => {
    if (Number.isFinite(value)) last = value;
    return last;
  });
};

/**
 * What a rollout starts from: the last temperatures of every zone, the slow means M_i = M_{i−1} + (1 − exp(−stepS/τ)) (T_i − M_{i−1}) run over
 * all rows from M_0 = T_0, and the newest setpoints and disturbances. Gaps in older rows hold the value before them.
 * A value missing in the newest row, or fewer rows than the lags look back, is a retryable error that names the point.
 */
export const initialStateFromHistory = (model: BuildingModel, history: StateHistory): RolloutInitialState => {
  const needs = rolloutRequirements(model);
  if (history.stepS !== model.stepS) {
    throw new IsothermError("permanent", `The history has steps of ${history.stepS} s, the model of ${model.stepS} s.`, {
      todo: "Fit a model for this step, or set the step back.",
    });
  }
  if (history.rows < needs.temperatures) {
    throw stale(
      `Stale data: ${history.rows} rows of history; the model looks back ${needs.temperatures}.`,
      "Wait until enough rows are recorded.",
    );
  }
  const zoneNames = model.zones.map(({ zone }) => zone);
  const temperatures = model.zones.map(({ zone }) => {
    const point = zonePoint(zone, "zoneAirTempC");
    newest(history, point);
    return withoutGaps(history.columns.get(point)!, history.rows);
  });
  const slowMeans = new Map(
    needs.slowMeans.map(({ key, zone, rate }) => {
      const column = temperatures[zone]!;
      return [key, column.reduce((mean, value) => mean + rate * (value - mean), column[0]!)] as const;
    }),
  );
  const efforts = new Map(
    needs.efforts.flatMap((need) => {
      const past = effortHistory(
        need,
        temperatures[zoneNames.indexOf(need.law.zone)]!,
        history.columns.get(zonePoint(need.law.zone, "heatingSetpointC")) ?? new Float64Array(history.rows).fill(Number.NaN),
        history.stepS,
      );
      const last = history.rows - 1;
      const means = need.means.map(({ key, timeConstantS }) => [key, past.means.get(timeConstantS)![last]!] as const);
      return [[need.key, past.integral[last]!] as const, ...means];
    }),
  );
  const setpoints = (quantity: "heatingSetpointC" | "coolingSetpointC"): Float64Array =>
    Float64Array.from(model.zones, ({ zone }) => newest(history, zonePoint(zone, quantity)));
  return {
    temperaturesC: temperatures.map((column) => column.slice(-needs.temperatures)),
    slowMeans,
    ...(needs.efforts.length === 0 ? {} : { efforts }),
    heatingSetpointC: setpoints("heatingSetpointC"),
    coolingSetpointC: setpoints("coolingSetpointC"),
    disturbances: new Map(needs.laggedDisturbances.map((point) => [point, newest(history, point)])),
  };
};

/**
 * What is in force in the next `steps` steps for every point that the model names: the forecast's own columns; running means (`meanPoint`) that go on from
 * the history's; each zone's drift, estimated from the last day's errors and fading. A column that is missing or has a gap is a retryable error that
 * names it.
 */
export const rolloutDisturbances = (
  model: BuildingModel,
  { forecast, history, localMs }: Pick<PlanRequest, "forecast" | "history" | "localMs">,
  steps: number = forecast.stepEndMs.length,
  /** Of the same history along another forecast: drifts are taken from them. */
  known: ReadonlyMap<PointName, Float64Array> | null = null,
): ReadonlyMap<PointName, Float64Array> => {
  const offsetMs = localMs[0]! - forecast.stepEndMs[0]!;
  const drifting = new Set(model.zones.filter(({ drift }) => drift !== undefined).map(({ zone }) => driftPoint(zone)));
  const drifts = known ?? comingDrifts(model, history, (timeMs) => timeMs + offsetMs, steps);
  return new Map(
    rolloutRequirements(model).disturbances.map((point) => {
      const drift = drifting.has(point) ? drifts.get(point) : undefined;
      if (drift !== undefined) return [point, drift] as const;
      const mean = meanOf(point);
      if (mean !== null) {
        const past = history.columns.get(mean.point)?.subarray(0, history.rows) ?? new Float64Array(0);
        const before = runningMean(past, history.stepS, mean.timeConstantS);
        return [point, runningMean(measured(mean.point), history.stepS, mean.timeConstantS, before[before.length - 1])] as const;
      }
      return [point, measured(point)] as const;
    }),
  );
  function measured(point: PointName): Float64Array {
    const column = forecast.columns.get(point)?.subarray(0, steps);
    if (column === undefined || column.length < steps || !column.every(Number.isFinite)) {
      const what = column === undefined ? "does not hold it" : `has no value for every one of the next ${steps} steps`;
      throw stale(`Stale data: the model needs ${point}, but the forecast (${forecast.provider}) ${what}.`, "Check the forecast provider.");
    }
    return column;
  }
};

/** Errors of older steps have faded. */
const DRIFT_STEPS = 96;
const plain = createReferenceLinearAlgebra();

/** Every zone's coming drift, K a step, by `driftPoint`. */
const comingDrifts = (
  model: BuildingModel,
  history: StateHistory,
  toLocalMs: (timeMs: number) => number,
  steps: number,
): ReadonlyMap<PointName, Float64Array> => {
  const withDrift = model.zones.filter(({ drift }) => drift !== undefined);
  if (withDrift.length === 0) return new Map();
  const { rows, stepS, nowMs } = history;
  const timesMs = Float64Array.from({ length: rows }, (_, i) => nowMs - (rows - 1 - i) * stepS * 1000);
  const data = new DatasetRows({ stepS, timesMs, columns: history.columns }, toLocalMs);
  const states = meteredDriftStates(plain, model, data, DRIFT_STEPS);
  return new Map(
    model.zones.flatMap(({ zone, drift }, z) =>
      drift === undefined
        ? []
        : [[driftPoint(zone), Float64Array.from({ length: steps }, (_, step) => driftAfter(drift, states[z]!, step))] as const],
    ),
  );
};
