import type { CostProblem, SampleCosts } from "#domain/cost";
import type { BuildingModel } from "#domain/model";
import type { PointName } from "#domain/points";

export type BackendName = "reference" | "wasm" | "blas" | "webgpu";

/**
 * K control sequences over T steps for nz zones (in the model's order). All arrays row-major [k][t][z].
 * `initial` carries what features need of the past; `disturbances` what is in force in the coming steps.
 */
export interface RolloutRequest {
  readonly count: number;
  readonly horizonSteps: number;
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
  readonly initial: RolloutInitialState;
  /** T values each, entry t for step t; points the model's features name. */
  readonly disturbances: ReadonlyMap<PointName, Float64Array>;
  /** Local wall-clock time of each step's end, written as if it were UTC, ms; T. */
  readonly localMs: Float64Array;
}

export interface RolloutInitialState {
  /** Last `lags` zone temperatures, °C, newest last, per zone. */
  readonly temperaturesC: readonly Float64Array[];
  /** Slow means M_i by zone point and time constant: key `slowMeanKey(point, timeConstantS)`. */
  readonly slowMeans: ReadonlyMap<string, number>;
  /** Integral parts and running means of thermostats' calls, by `integralKey` and `effortKey`; absent: the model names none. */
  readonly efforts?: ReadonlyMap<string, number>;
  /** Setpoints in force in the newest row, per zone. */
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
  /** Disturbances of the newest row. */
  readonly disturbances: ReadonlyMap<PointName, number>;
}

/** Row-major [k][t][z]; power [k][t]. A value that is not finite marks a failed sequence. */
export interface RolloutResult {
  readonly meanC: Float64Array;
  readonly stdDevK: Float64Array;
  /** Mean HVAC electric power, W; all 0 where the model has no power model. */
  readonly powerW: Float64Array;
}

export interface RolloutBackend {
  readonly name: BackendName;
  /** Parity with `reference` on costs. */
  readonly tolerance: { readonly rtol: number; readonly atol: number };
  /** Compiles and uploads once per model, not per tick. */
  prepare(problem: RolloutProblem): Promise<PreparedRollout>;
  /** What it computes on, where that has a name: a graphics adapter. */
  readonly adapter?: string;
  /** Gives devices back; rollouts that it prepared are closed before. */
  close?(): void;
}

export interface RolloutProblem {
  readonly model: BuildingModel;
  readonly maxSamples: number;
  readonly horizonSteps: number;
}

/** What computes a rollout. */
export interface ComputedBy {
  readonly backend: BackendName;
  /** The graphics adapter, its name and its driver's; null where none is involved. */
  readonly adapter: string | null;
  /** Why it is not the backend that was chosen; null where it is. */
  readonly trouble: string | null;
}

export interface PreparedRollout {
  run(request: RolloutRequest): Promise<RolloutResult>;
  /**
   * What the sequences cost, without their trajectories: where these stay on a device. Absent: costs are computed from `run`'s result. The same as
   * `evaluateCosts` of that within the backend's tolerance.
   */
  costs?(request: RolloutRequest, problem: CostProblem): Promise<SampleCosts>;
  /** What computed the last request; absent: the backend that prepared it. */
  computedBy?(): ComputedBy;
  close(): void;
}

/** null: this machine has no such device. Throws: the device is there and broken. */
export type RolloutBackendFactory = () => Promise<RolloutBackend | null>;

export const slowMeanKey = (point: PointName, timeConstantS: number): string => `${point}@${timeConstantS}`;
