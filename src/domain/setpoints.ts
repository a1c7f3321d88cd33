export interface ZoneSetpoints {
  readonly heatingSetpointC: number;
  readonly coolingSetpointC: number;
}

/** Who decided: the planner, the rule it falls back to, the building's own schedule, the last confirmed value, a person, or nobody (the device's own control). */
export type ControlSource = "mppi" | "rule" | "schedule" | "hold" | "override" | "relinquish";

/** One command for all zones. Ordered by (epoch, seq); after `validUntilMs` a device falls back to its own schedule. */
export interface SetpointCommand {
  readonly epoch: number;
  readonly seq: number;
  readonly issuedAtMs: number;
  readonly validUntilMs: number;
  readonly zones: ReadonlyMap<string, ZoneSetpoints>;
  readonly source: ControlSource;
}

/** What the equipment accepts. Heating stays below cooling by `deadbandK`; a setpoint moves at most `maxSlewKPerStep` in one control step. */
export interface SetpointLimits {
  readonly minHeatingSetpointC: number;
  readonly maxHeatingSetpointC: number;
  readonly minCoolingSetpointC: number;
  readonly maxCoolingSetpointC: number;
  readonly deadbandK: number;
  readonly maxSlewKPerStep: number;
}

/** Comfort wanted in one zone over the coming steps; arrays of horizon length. `occupied[t]` says whether step t counts for comfort. */
export interface ComfortSchedule {
  readonly lowerC: Float64Array;
  readonly upperC: Float64Array;
  readonly occupied: Uint8Array;
}
