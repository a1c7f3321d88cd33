import type { Feature, FeatureSpec, PlainTerm } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import type { DatasetRows } from "#math/datasetRows";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { mean, standardDeviation } from "#math/statistics";
import { baselineDisturbances, baselineRows, checkEnoughRows, rawFeatures } from "#models/baselines/rows";
import { budgetedPosterior } from "#models/posterior";

/** Temperature changes over the last 1, 2, 3 and 4 steps: with the temperature itself, five lags. */
export const ARX_LAGS = [1, 2, 3, 4] as const;
/** The intercept's prior is this many times as wide as a standardised coefficient's, so that inputs need no centring. */
const INTERCEPT_WIDTH = 10;

/** s² and σ², K². */
export interface ArxHyperparameters {
  readonly outputScale: number;
  readonly noiseVariance: number;
}

export interface ArxOptions {
  /** L-BFGS iterations at most; default 60. */
  readonly maxIterations?: number;
  /** Take these and learn only the coefficients. */
  readonly hyperparameters?: ArxHyperparameters;
  readonly onProgress?: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

export interface ArxFit {
  readonly model: ZoneModel;
  readonly hyperparameters: ArxHyperparameters;
}

/** Temperature, its changes, weather, occupancy and setpoints in force, and the setpoints of the step before. */
const arxTerms = (data: DatasetRows, zone: string): readonly PlainTerm[] => {
  const point = zonePoint(zone, "zoneAirTempC");
  return [
    { kind: "state", point, lagSteps: 0 },
    ...ARX_LAGS.map((steps): PlainTerm => ({ kind: "difference", point, steps })),
    ...baselineDisturbances(data, zone).map((name): PlainTerm => ({ kind: "disturbance", point: name, lagSteps: 0 })),
    ...([0, 1] as const).flatMap((lagSteps): PlainTerm[] => [
      { kind: "setpoint", zone, side: "heating", lagSteps },
      { kind: "setpoint", zone, side: "cooling", lagSteps },
    ]),
  ];
};

/** Every input in units of its standard deviation over the training steps; one that never changes says nothing and is left out. */
const standardised = (data: DatasetRows, zone: string): FeatureSpec => {
  const raw = rawFeatures(arxTerms(data, zone));
  const { x, n, d } = baselineRows(data, zone, raw, "increment");
  checkEnoughRows("arx", zone, n);
  const scaled = raw.flatMap(({ term }, c): Feature[] => {
    const scale = standardDeviation(Float64Array.from({ length: n }, (_, i) => x[i * d + c]!));
    return scale > 1e-9 ? [{ term, scale }] : [];
  });
  return [...scaled, { term: { kind: "constant" }, scale: 1 / INTERCEPT_WIDTH }];
};

const ridgeKernel = (outputScale: number, d: number): KernelSpec => ({
  kind: "scale",
  outputScale,
  base: { kind: "linear", lengthscales: new Array<number>(d).fill(1) },
});

/**
 * Ridge autoregression with exogenous inputs as a Bayesian linear model: T' − T = wᵀx + ε, w ~ N(0, s² I), ε ~ N(0, σ²), a GP with the kernel s² xᵀx'
 * (Rasmussen & Williams 2006, section 2.1). s² and σ² (ridge λ = σ²/s²) maximise the marginal likelihood. With d inputs the posterior needs no more
 * than d basis rows. Too few usable steps throw an IsothermError.
 */
export const fitArx = async (la: LinearAlgebra, data: DatasetRows, zone: string, options: ArxOptions = {}): Promise<ArxFit> => {
  const features = standardised(data, zone);
  const { x, n, d, y } = baselineRows(data, zone, features, "increment");
  const maxIterations = options.maxIterations ?? 60;
  const { outputScale, noiseVariance } = options.hyperparameters ?? (await mostLikely(la, { x, n, d, y }, maxIterations, options));
  const posterior = budgetedPosterior(
    {
      la,
      features,
      kernel: ridgeKernel(outputScale, d),
      meanCoefficients: new Float64Array(d),
      x,
      n,
      d,
      residuals: y,
      noiseVariance,
      onWarning: () => undefined,
    },
    d,
  );
  const model: ZoneModel = {
    zone,
    transition: "increment",
    posterior,
    noiseVarianceK2: noiseVariance,
    heldOffsetK: 0,
    heldStdDevK: 0,
    stateGain: levelGain(posterior.alpha, posterior.basisInputs, posterior.m, features, outputScale),
    spreadScale: 1,
  };
  return { model, hyperparameters: { outputScale, noiseVariance } };
};

const mostLikely = async (
  la: LinearAlgebra,
  { x, n, d, y }: { x: Float64Array; n: number; d: number; y: Float64Array },
  maxIterations: number,
  options: ArxOptions,
): Promise<ArxHyperparameters> => {
  const pool = new MatrixPool();
  const meanSquare = Math.max(mean(y.map((value) => value * value)), 1e-6);
  const start = Float64Array.of(Math.log(meanSquare / d), Math.log(meanSquare / 2));
  const { x: theta } = await minimiseAsync(
    (at, gradient) => {
      const result = logMarginalLikelihoodAndGradient({
        la,
        kernel: ridgeKernel(Math.exp(at[0]!), d),
        x,
        n,
        d,
        y,
        logNoiseVariance: at.slice(1),
        noiseGroup: new Uint8Array(n),
        onWarning: () => undefined,
        pool,
      });
      gradient[0] = -result.kernelGradient[0]! / n;
      gradient[1] = -result.noiseGradient[0]! / n;
      return -result.logMarginalLikelihood / n;
    },
    start,
    {
      lower: start.map((value, i) => value - (i === 0 ? 12 : 8)),
      upper: start.map((value) => value + 8),
      maxIterations,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onIteration: ({ iteration }) => options.onProgress?.(Math.min(1, iteration / maxIterations), `ridge: iteration ${iteration}`),
    },
  );
  options.signal?.throwIfAborted();
  return { outputScale: Math.exp(theta[0]!), noiseVariance: Math.exp(theta[1]!) };
};

/**
 * ∂T'/∂T when all lags move together, from w = s² Zᵀα: what is left of a shift after a step, for carrying variances over many steps.
 * Within [0, 0.999]: more would make every spread grow without end.
 */
const levelGain = (alpha: Float64Array, basis: Float64Array, m: number, features: FeatureSpec, outputScale: number): number => {
  const d = features.length;
  const at = features.findIndex(({ term }) => term.kind === "state");
  if (at < 0) return 0.999;
  let weight = 0;
  for (let i = 0; i < m; i++) weight += outputScale * basis[i * d + at]! * alpha[i]!;
  return Math.min(Math.max(1 + weight / features[at]!.scale, 0), 0.999);
};
