import type { Forecast } from "#domain/dataset";
import type { Observation } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";

/** Anything that can be measured and commanded: a live building over MQTT, or a simulator. */
export interface Plant {
  observe(signal?: AbortSignal): Promise<Observation>;
  actuate(command: SetpointCommand): Promise<void>;
}

/**
 * A plant that runs as fast as it can (RC network, EnergyPlus, BOPTEST, replay). Timing: after `advance` returned the row that ended at time t,
 * `actuate` sets what is in force during the next step and shows in its row. Without a command the building's own schedule is in force.
 */
export interface SimulatedPlant extends Plant {
  readonly zones: readonly string[];
  /** Brings the plant to `startTimeMs`, after `warmupS` seconds of its own schedule that end there. */
  initialize(startTimeMs: number, warmupS: number): Promise<Observation>;
  /** One step under what is in force; the observation carries zone temperatures, setpoints in force, occupancy, weather (means over the step) and `building.hvacPowerW` (mean over the step). */
  advance(stepS: number): Promise<Observation>;
  /** Gives the zones back to the building's own schedule. */
  relinquish(): Promise<void>;
  /** The building's own schedule at the step ending at `timeMs`. */
  scheduleAt(stepEndMs: number): ReadonlyMap<string, ZoneSetpoints>;
  /** The true coming weather and occupancy (a perfect forecast). */
  forecast(fromMs: number, stepS: number, steps: number): Promise<Forecast>;
  close(): Promise<void>;
}
