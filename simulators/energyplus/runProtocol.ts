/** What both sides of a run's shared memory agree on (engineRun.ts and engineWorker.ts). */

/** Int32 cells. */
export const cell = { turn: 0, stop: 1, lifeSigns: 2 } as const;
export const cellCount = 4;
/** Whose turn it is. */
export const turn = { engine: 0, plant: 1, ended: 2 } as const;

export interface OutputVariable {
  readonly name: string;
  readonly key: string;
  /** NaN where the model has none; otherwise a missing one ends the run. */
  readonly isOptional?: boolean;
}
/** A pair of actuators; `key` is EnergyPlus's name of the zone. */
export interface Actuated {
  readonly key: string;
}

/** What a worker is told when it starts. */
export interface RunOrder {
  readonly library: string;
  readonly engineFolder: string;
  readonly args: readonly string[];
  /** Read after every zone time step of the run period, in this order, after the row's time. */
  readonly variables: readonly OutputVariable[];
  /** Each the sum of those meters among them that the model has, J per time step. */
  readonly meters: readonly (readonly string[])[];
  readonly actuated: readonly Actuated[];
  /** EnergyPlus's names of the zones whose floor area is wanted. */
  readonly measured: readonly string[];
  /** Steps that pass before the plant gets its turn, with the row they end in (row 0 is the state after warm-up); Infinity: it never does. */
  readonly freeSteps: number;
  /** Setpoints in force during the free steps: steps × zones × (heating, cooling), NaN the building's own; null: all are its own. */
  readonly tape: Float64Array | null;
  /** Whether the rows are kept and come back when it ends. */
  readonly keepsRows: boolean;
  readonly control: SharedArrayBuffer;
  /** The row: `rowWidth` numbers, then the pairs for the next step. */
  readonly exchange: SharedArrayBuffer;
}

/** Month, day of the month, hour (0–23) and zone time step of the hour (from 1) come before a row's values. */
export const rowHeader = 4;
export const rowWidth = (order: Pick<RunOrder, "variables" | "meters">): number => rowHeader + order.variables.length + order.meters.length;

export interface RunEnd {
  /** The engine's exit code; 0 is well. */
  readonly code: number;
  /** What the coupling itself found wrong; null when nothing. */
  readonly failure: string | null;
  /** Kept rows, one after another. */
  readonly rows: Float64Array;
  readonly rowCount: number;
  /** Floor area of the `measured` zones with their multipliers, m²; NaN where the engine does not tell or no row was reached. */
  readonly floorAreaM2: number;
  /** The last lines that the engine would have printed. */
  readonly messages: readonly string[];
}
