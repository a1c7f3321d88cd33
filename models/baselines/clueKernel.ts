import type { PlainTerm } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import type { Objective } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { type BaselineRows, baselineDisturbances, baselineRows, rawFeatures } from "#models/baselines/rows";

/** All that CLUE's kernel has: k(x, x') = outputScale · exp(−‖x − x'‖² / 2 lengthscale²) on raw inputs, mean zero, one noise variance (K²). */
export interface ClueKernel {
  readonly outputScale: number;
  readonly lengthscale: number;
  readonly noiseVariance: number;
}

/** published: as its scripts have it. mended: with the slips that `trainClue` lists put right. */
export type ClueVariant = "published" | "mended";

/**
 * Inputs in raw units: zone temperature, weather, occupancy, both setpoints. The published data sets pair row i's observation, which is what was in
 * force in the step before, with T_{i+1} (columns of train_x_*.csv against train_y_*.csv): everything but the temperature is one step late.
 */
export const clueTerms = (data: DatasetRows, zone: string, variant: ClueVariant): readonly PlainTerm[] => {
  const lagSteps = variant === "published" ? 1 : 0;
  return [
    { kind: "state", point: zonePoint(zone, "zoneAirTempC"), lagSteps: 0 },
    ...baselineDisturbances(data, zone).map((point): PlainTerm => ({ kind: "disturbance", point, lagSteps })),
    { kind: "setpoint", zone, side: "heating", lagSteps },
    { kind: "setpoint", zone, side: "cooling", lagSteps },
  ];
};

export const clueFeatures = (data: DatasetRows, zone: string, variant: ClueVariant) => rawFeatures(clueTerms(data, zone, variant));

export const clueRows = (data: DatasetRows, zone: string, variant: ClueVariant): BaselineRows =>
  baselineRows(data, zone, clueFeatures(data, zone, variant), "absolute");

export const clueKernelSpec = ({ outputScale, lengthscale }: ClueKernel, d: number): KernelSpec => ({
  kind: "scale",
  outputScale,
  base: { kind: "rbf", lengthscales: new Array<number>(d).fill(lengthscale) },
});

/** GPyTorch's lower bound on a Gaussian likelihood's noise variance. */
export const NOISE_FLOOR = 1e-4;

const softplus = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)));
const softplusInverse = (y: number): number => (y > 30 ? y : Math.log(Math.expm1(y)));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** GPyTorch's unconstrained parameters ρ = [outputScale, lengthscale, noise], each θ = softplus(ρ), the noise plus its floor 1e-4. */
export const kernelOfRaw = (raw: ArrayLike<number>): ClueKernel => ({
  outputScale: softplus(raw[0]!),
  lengthscale: softplus(raw[1]!),
  noiseVariance: NOISE_FLOOR + softplus(raw[2]!),
});

export const rawOfKernel = ({ outputScale, lengthscale, noiseVariance }: ClueKernel): Float64Array =>
  Float64Array.of(
    softplusInverse(outputScale),
    softplusInverse(lengthscale),
    softplusInverse(Math.max(noiseVariance - NOISE_FLOOR, 1e-12)),
  );

/** What GPyTorch starts from: ρ = 0, so ln 2 for all three. */
export const UNTRAINED_CLUE_KERNEL: ClueKernel = kernelOfRaw([0, 0, 0]);

interface Likelihood {
  readonly value: number;
  /** ∂/∂ log outputScale, log lengthscale, log noiseVariance. */
  readonly gradient: readonly [number, number, number];
}

/** Log marginal likelihood of the rows and its derivatives by the logarithms of the three hyperparameters. */
export const clueLikelihood = (la: LinearAlgebra, rows: BaselineRows, kernel: ClueKernel, pool: MatrixPool): Likelihood => {
  const { x, n, d, y } = rows;
  const { logMarginalLikelihood, kernelGradient, noiseGradient } = logMarginalLikelihoodAndGradient({
    la,
    kernel: clueKernelSpec(kernel, d),
    x,
    n,
    d,
    y,
    logNoiseVariance: Float64Array.of(Math.log(kernel.noiseVariance)),
    noiseGroup: new Uint8Array(n),
    onWarning: () => undefined,
    pool,
  });
  let byLengthscale = 0;
  for (let c = 0; c < d; c++) byLengthscale += kernelGradient[1 + c]!;
  return { value: logMarginalLikelihood, gradient: [kernelGradient[0]!, byLengthscale, noiseGradient[0]!] };
};

/** −log p(y) / n over ρ, as GPyTorch's ExactMarginalLogLikelihood has it: ∂θ/∂ρ = sigmoid(ρ). */
export const rawObjective =
  (la: LinearAlgebra, rows: BaselineRows, pool = new MatrixPool()): Objective =>
  (raw, gradient) => {
    const kernel = kernelOfRaw(raw);
    const { value, gradient: byLog } = clueLikelihood(la, rows, kernel, pool);
    const theta = [kernel.outputScale, kernel.lengthscale, kernel.noiseVariance];
    for (let i = 0; i < 3; i++) gradient[i] = (-byLog[i]! * sigmoid(raw[i]!)) / (theta[i]! * rows.n);
    return -value / rows.n;
  };
