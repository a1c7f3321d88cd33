import type { MppiOptions } from "#controllers/mppi/mppiPlanner";
import type { ErrorKind } from "#domain/errors";
import type { BuildingModel } from "#domain/model";
import type { Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import type { BackendName } from "#domain/rollout";

/** What the planner's thread is started with. */
export interface PlannerWorkerData {
  readonly backend: BackendName | "auto";
  /** Threads of the backend; its own default where absent. */
  readonly backendThreads?: number;
  /** Where the webgpu backend keeps the tile sizes that it found. */
  readonly tilesFile?: string;
  readonly horizonSteps: number;
  readonly options: Omit<Partial<MppiOptions>, "clockMs">;
}

/**
 * To the planner: its start where it has no other way to it (a process), a model once per version, then requests. `stop`: one 32-bit word, shared, where
 * memory is; not 0 ends the search with the best plan so far, as the message `stop` does.
 */
export type ToPlannerWorker =
  | { readonly kind: "start"; readonly data: PlannerWorkerData }
  | { readonly kind: "model"; readonly model: BuildingModel }
  | { readonly kind: "plan"; readonly id: number; readonly request: PlanRequest; readonly stop: SharedArrayBuffer | null }
  | { readonly kind: "stop"; readonly id: number };

/** An error as plain data: classes do not survive the way between threads. */
export interface PlainError {
  readonly message: string;
  readonly errorKind: ErrorKind | null;
  readonly todo: string;
  readonly stack: string;
}

export type FromPlannerWorker =
  | { readonly kind: "done"; readonly id: number; readonly plan: Plan }
  | { readonly kind: "failed"; readonly id: number; readonly error: PlainError };
