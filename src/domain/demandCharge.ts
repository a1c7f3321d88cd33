import type { PointName } from "#domain/points";

/** What the billing period's highest mean power over one step costs. */
export interface DemandCharge {
  readonly pricePerKw: number;
  /** Highest power of the period so far; power up to it costs nothing more. A caller that knows a higher peak to be inevitable gives that one. */
  readonly peakSoFarW: number;
  /** What the building draws beside HVAC in each coming step, where the peak is that of the whole building; absent: the peak is that of HVAC. */
  readonly otherLoadW?: readonly number[];
  /** Where the peak so far comes from, for the record. */
  readonly counted?: PeakCounted;
}

/** How a peak so far was found out. */
export interface PeakCounted {
  /** The point that counts: `building.powerW`, or `building.hvacPowerW` where nothing measures the whole building. */
  readonly point: PointName;
  /** meter: measured; derived: computed from other points; predicted: by the plan, where nothing was measured; contract: the floor that is paid for in any case; none: no step yet. */
  readonly basis: "meter" | "derived" | "predicted" | "contract" | "none";
  /** End of the window with the peak; absent for a contract's floor and before the first window. */
  readonly windowEndMs?: number;
  readonly periodStartMs: number;
}
