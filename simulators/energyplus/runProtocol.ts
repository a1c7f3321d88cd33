/** What both sides of a run's shared memory agree on (engineRun.ts and engineWorker.ts). */

/** Int32 cells. */
export const cell = { turn: 0, stop: 1, lifeSigns: 2 } as const;
export const cellCount = 4;
/** Whose turn it is. */
export const turn = { engine: 0, plant: 1, ended: 2 } as const;

export interface OutputVariable {
  readonly name: string;
  readonly key: string;
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
  /** Read after every zone time step of the run period, in this order, after month, day of the month and time. */
  readonly variables: readonly OutputVariable[];
  /** Each the sum of those meters among them that the model has, J per time step. */
  readonly meters: readonly (readonly string[])[];
  readonly actuated: readonly Actuated[];
  /** Steps that pass before the plant gets its turn; Infinity: it never does. */
  readonly freeSteps: number;
  /** Setpoints in force during the first steps: steps × zones × (heating, cooling), NaN the building's own. */
  readonly tape: Float64Array | null;
  /** Whether the rows of the free steps are kept and come back when it ends. */
  readonly keepsRows: boolean;
  readonly control: SharedArrayBuffer;
  /** The row: `rowWidth` numbers, then the pairs for the next step. */
  readonly exchange: SharedArrayBuffer;
}

/** Month, day of the month and hours since midnight come before a row's values. */
export const rowHeader = 3;
export const rowWidth = (order: Pick<RunOrder, "variables" | "meters">): number => rowHeader + order.variables.length + order.meters.length;

export interface RunEnd {
  /** The engine's exit code; 0 is well. */
  readonly code: number;
  /** What the coupling itself found wrong; null when nothing. */
  readonly failure: string | null;
  /** Kept rows, one after another. */
  readonly rows: Float64Array;
  readonly steps: number;
  /** The last lines that the engine would have printed. */
  readonly messages: readonly string[];
}
