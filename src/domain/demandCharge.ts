/** What the billing period's highest mean power over one step costs. */
export interface DemandCharge {
  readonly pricePerKw: number;
  /** Highest power of the period so far; power up to it costs nothing more. A caller that knows a higher peak to be inevitable gives that one. */
  readonly peakSoFarW: number;
}
