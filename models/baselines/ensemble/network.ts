import type { FeatureSpec } from "#domain/features";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** One fully connected layer, y = W x + b: W is outputs×inputs, row-major. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** A feed-forward network with one output; every layer but the last is followed by max(0, ·). */
export type Network = readonly DenseLayer[];

/** Networks that predict one zone's temperature increment T' − T, K, each learned from its own bootstrap sample of the same rows. */
export interface ZoneEnsemble {
  readonly zone: string;
  readonly features: FeatureSpec;
  /** Of the training inputs, d values each: networks see (x − mean) / stdDev. */
  readonly inputMean: Float64Array;
  readonly inputStdDev: Float64Array;
  /** Of the training targets, K: networks give (T' − T − mean) / stdDev. */
  readonly targetMeanK: number;
  readonly targetStdDevK: number;
  readonly members: readonly Network[];
  /** Mean square error over rows that the predicting members were not shown, K². */
  readonly noiseVarianceK2: number;
}

export interface EnsembleIncrement {
  /** Mean over the members, K. */
  readonly meanK: Float64Array;
  /** Standard deviation over the members, K: what they do not agree on. */
  readonly spreadK: Float64Array;
}

/** Outputs (n) of one network for standardised inputs x (n×d). */
export const forward = (la: LinearAlgebra, network: Network, x: Float64Array, n: number): Float64Array => {
  let values = x;
  for (const [l, { inputs, outputs, weights, biases }] of network.entries()) {
    const next = new Float64Array(n * outputs);
    for (let i = 0; i < n; i++) next.set(biases, i * outputs);
    la.gemm(false, true, n, outputs, inputs, 1, values, weights, 1, next);
    if (l < network.length - 1) for (let i = 0; i < next.length; i++) if (next[i]! < 0) next[i] = 0;
    values = next;
  }
  return values;
};

/**
 * Mean and standard deviation over the E members of the increment for raw inputs x (n×d, as the features give them):
 * mean = Σ_e f_e(x) / E, spread² = Σ_e (f_e(x) − mean)² / (E − 1). An input that is not finite gives NaN for its row; one member alone has no spread.
 */
export const predictIncrement = (la: LinearAlgebra, ensemble: ZoneEnsemble, x: Float64Array, n: number): EnsembleIncrement => {
  const { inputMean, inputStdDev, targetMeanK, targetStdDevK, members } = ensemble;
  const d = inputMean.length;
  const standardised = new Float64Array(n * d);
  for (let i = 0; i < n; i++) for (let c = 0; c < d; c++) standardised[i * d + c] = (x[i * d + c]! - inputMean[c]!) / inputStdDev[c]!;
  const sum = new Float64Array(n);
  const squares = new Float64Array(n);
  const outputs = members.map((network) => forward(la, network, standardised, n));
  for (const output of outputs) for (let i = 0; i < n; i++) sum[i]! += output[i]!;
  const meanK = sum.map((value) => value / members.length);
  for (const output of outputs) for (let i = 0; i < n; i++) squares[i]! += (output[i]! - meanK[i]!) ** 2;
  const others = Math.max(1, members.length - 1);
  // max(0, ·) turns NaN into 0, so a row with a missing input is marked here.
  for (let i = 0; i < n; i++) {
    if (!standardised.subarray(i * d, (i + 1) * d).every(Number.isFinite)) meanK[i] = Number.NaN;
    else meanK[i] = targetMeanK + targetStdDevK * meanK[i]!;
  }
  return { meanK, spreadK: squares.map((value) => targetStdDevK * Math.sqrt(value / others)) };
};
