import type { KernelSpec } from "#domain/kernel";

/** A posterior in the form that prediction is cheapest in: mean(x) = k(x, X) α, variance(x) = k(x, x) − ‖W k(X, x)‖². */
export interface PredictorData {
  readonly kernel: KernelSpec;
  /** X, m×d row-major, standardised: training or inducing inputs. */
  readonly basisInputs: Float64Array;
  readonly m: number;
  readonly d: number;
  /** α, m. */
  readonly alpha: Float64Array;
  /** W, p×m row-major: L⁻¹ for an exact GP. A lower triangular square W costs half. */
  readonly varianceRoot: Float64Array;
  readonly p: number;
}

/** The inner loop of planning, with its buffers allocated once; not reentrant. */
export interface BatchPredictor {
  readonly maxBatch: number;
  /**
   * Mean and, where `variance` is given, variance (latent, never negative; NaN for inputs that are NaN) of the first `count` rows of `inputs` (count×d).
   * More rows than maxBatch are refused.
   */
  predict(inputs: Float64Array, count: number, mean: Float64Array, variance: Float64Array | null): void;
}
