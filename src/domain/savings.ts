/** A change of the building that the baseline does not know of (IPMVP: non-routine adjustment): more use, longer hours, another tenant. Withdrawn ones stay on record. */
export interface SavingsAdjustment {
  readonly id: string;
  /** Local days, both included, YYYY-MM-DD. */
  readonly first: string;
  readonly last: string;
  /** Added to the baseline of each of these days. */
  readonly kwhPerDay: number;
  readonly reason: string;
  readonly by: string;
  /** Wall clock. */
  readonly timeMs: number;
  readonly withdrawn: { readonly by: string; readonly timeMs: number } | null;
}

/** Where they are kept. `save` resolves once they are safe on disk. */
export interface AdjustmentStore {
  load(): Promise<readonly SavingsAdjustment[]>;
  save(adjustments: readonly SavingsAdjustment[]): Promise<void>;
}
