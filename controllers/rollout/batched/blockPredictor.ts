/** One posterior for all samples of a step, in every regime at once. */
export interface BlockPredictor {
  /** Columns that differ between samples, by their index in the posterior's inputs; `inputs` holds them in this order, and may hold more columns after. */
  readonly ownColumns: readonly number[];
  readonly inputColumns: number;
  /** maxBatch × inputColumns: to be filled before `mean`, gated columns as if every gate were open. */
  readonly inputs: Float64Array;
  /**
   * Takes the coming steps: rows (steps · regimes)×d, gated columns 0 where their gate is closed. Own columns are those of the reference path (standing
   * still) where `needsReference`, else anything finite. The runs of one decision bring the same rows: what follows from them is computed once.
   */
  begin(rows: Float64Array, steps: number): void;
  readonly needsReference: boolean;
  /** out[regime][k] = f of the first `count` rows of `inputs` at step t, for every regime. */
  mean(t: number, count: number, out: readonly Float64Array[]): void;
  /** out[j] = latent variance of the sample rows[j] (rising) in the regime regimeOf[j] at step t, j < count, for inputs that `mean` has just seen. */
  variance(t: number, rows: Int32Array, regimeOf: Uint8Array, count: number, out: Float64Array): void;
}
