import type { KernelSpec } from "#domain/kernel";
import type { PowerModel, ZoneModel } from "#domain/model";
import { buildingPoint, sitePoint, zonePoint } from "#domain/points";
import { createBatchPredictor } from "#math/batchPredictor";
import { boundedLeastSquares } from "#math/boundedLeastSquares";
import type { DatasetRows } from "#math/datasetRows";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { logHyperparameters, withLogHyperparameters } from "#math/kernels";
import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { coolingEffortK, POWER_DRIVERS, powerDrivers } from "#math/powerInputs";
import { mean, standardDeviation } from "#math/statistics";
import { driftedSource } from "#models/driftedSource";
import { budgetedPosterior } from "#models/posterior";
import { createStepPredictor, type StepPredictor } from "#models/stepPredictor";

const INDUCING = 160;
/** Scales of `powerDrivers`. */
const DRIVER_SCALES = [10, 0.7, 0.7, 0.5, 10];
/** Of the drivers, the last stands in no mean: how much the cold takes depends on whether ventilation runs. */
const MEAN_DRIVERS = POWER_DRIVERS - 1;

/** Columns: heating K of every zone, cooling effort K of every zone, `powerDrivers`. */
const inputScales = (zones: number): Float64Array => Float64Array.from([...Array<number>(2 * zones).fill(1), ...DRIVER_SCALES]);

/**
 * How far heating and cooling moved the zone from its free float, K: [max(0, T' − T_free), 0] where T_free < T_hea, [0, max(0, T_free − T')] where
 * T_free > T_coo, else [0, 0]. Anything missing: NaN.
 */
export const deliveredK = (
  freeC: number,
  reachedC: number,
  heatingSetpointC: number,
  coolingSetpointC: number,
): readonly [number, number] => {
  if (![freeC, reachedC, heatingSetpointC, coolingSetpointC].every(Number.isFinite)) return [Number.NaN, Number.NaN];
  if (freeC < heatingSetpointC) return [Math.max(0, reachedC - freeC), 0];
  return [0, freeC > coolingSetpointC ? Math.max(0, freeC - reachedC) : 0];
};

/**
 * Inputs of the power model without their scales, steps×(2nz + 5): `deliveredK` of every zone with the free float `freeC` and the temperature
 * `reachedC` of each step, cooling as `coolingEffortK` (of a zone with a `call` that call and no cooling), then `powerDrivers` of the step's end. What is missing is NaN.
 */
export const powerInputs = (
  data: DatasetRows,
  zones: readonly Pick<ZoneModel, "zone" | "call">[],
  steps: readonly number[],
  freeC: readonly Float64Array[],
  reachedC: readonly Float64Array[],
): Float64Array => {
  const nz = zones.length;
  const d = 2 * nz + POWER_DRIVERS;
  const x = new Float64Array(steps.length * d);
  const outdoor = data.column(sitePoint("outdoorAirTempC"));
  zones.forEach(({ zone, call }, z) => {
    if (call !== undefined) {
      const { calls } = data.effort(call, null);
      steps.forEach((row, k) => {
        x[k * d + z] = calls[row]!;
      });
      return;
    }
    const heating = data.column(zonePoint(zone, "heatingSetpointC"));
    const cooling = data.column(zonePoint(zone, "coolingSetpointC"));
    steps.forEach((row, k) => {
      const [heatingK, coolingK] = deliveredK(freeC[z]![k]!, reachedC[z]![k]!, heating[row + 1]!, cooling[row + 1]!);
      x[k * d + z] = heatingK;
      x[k * d + nz + z] = coolingEffortK(coolingK, reachedC[z]![k]!);
    });
  });
  steps.forEach((row, k) => {
    x.set(powerDrivers(outdoor[row + 1]!, data.localMs(row + 1)), k * d + 2 * nz);
  });
  return x;
};

/**
 * HVAC power one step ahead, W, for the steps that begin at rows `steps`: P = max(0, βᵀx + g(x)) with what the zones' models say the setpoints
 * in force will make the equipment deliver. NaN where an input is missing.
 */
export const predictPower = (
  la: LinearAlgebra,
  power: PowerModel,
  zones: readonly { readonly model: ZoneModel; readonly predictor: StepPredictor }[],
  data: DatasetRows,
  steps: readonly number[],
): Float64Array => {
  const predicted = zones.map(({ model, predictor }) => predictor.predict(driftedSource(predictor, model, data, steps, 0), false));
  const x = powerInputs(
    data,
    zones.map(({ model }) => model),
    steps,
    predicted.map(({ freeC }) => freeC),
    predicted.map(({ meanC }) => meanC),
  );
  const { posterior, inputScale, outputScaleW } = power;
  const { d, meanCoefficients } = posterior;
  for (let i = 0; i < x.length; i++) x[i]! /= inputScale[i % d]!;
  const f = new Float64Array(steps.length);
  createBatchPredictor(la, posterior, Math.max(1, steps.length)).predict(x, steps.length, f, null);
  return f.map((value, k) => {
    let sum = value;
    for (let c = 0; c < d; c++) sum += meanCoefficients[c]! * x[k * d + c]!;
    return Number.isNaN(sum) ? Number.NaN : Math.max(0, sum) * outputScaleW;
  });
};

/** g: k_52(outdoor, hour, workday) and, for what ventilation takes in the cold, cold · cold' · k_52(hour, workday): a slope with the cold for each hour. */
const startKernel = (nz: number, outputScale: number): KernelSpec => {
  const outdoorAndTime = Array.from({ length: MEAN_DRIVERS }, (_, c) => 2 * nz + c);
  const time = outdoorAndTime.slice(1);
  return {
    kind: "sum",
    parts: [
      { kind: "scale", outputScale, base: { kind: "matern52", dims: outdoorAndTime, lengthscales: outdoorAndTime.map(() => 1.5) } },
      {
        kind: "product",
        parts: [
          { kind: "linear", dims: [2 * nz + MEAN_DRIVERS], lengthscales: [1] },
          { kind: "matern52", dims: time, lengthscales: time.map(() => 1) },
        ],
      },
    ],
  };
};

/**
 * Learns HVAC electric power: P / scale = Σ_z a_z heatK_z + Σ_z c_z coolK_z + g(outdoor, hour, workday, cold), a_z, c_z ≥ 0.
 * What an action costs is linear with slopes that are not negative (ridge towards one slope that all zones share), so that no plan can look cheap by
 * moving a zone further; what runs by itself (fans by the hour, basin heaters by the weather, outdoor air to be warmed) is a GP over columns that no action
 * reaches, around a slope with the cold (never with the heat: that is what cooling costs), since the week ahead may be colder than the one before. Heating (cooling) K of a logged step is `deliveredK` with T_free as the zone models see it.
 * null where the data hold no power, or fewer than 48 whole rows.
 */
export const fitPowerModel = async (
  la: LinearAlgebra,
  data: DatasetRows,
  zones: readonly ZoneModel[],
  options: { readonly maxIterations?: number; readonly signal?: AbortSignal; readonly onWarning?: (text: string) => void },
): Promise<{ readonly model: PowerModel; readonly trainRows: number; readonly rmseW: number } | null> => {
  const power = data.dataset.columns.get(buildingPoint("hvacPowerW"));
  if (power === undefined) return null;
  const nz = zones.length;
  const d = 2 * nz + POWER_DRIVERS;
  const inputScale = inputScales(nz);
  const steps = Array.from({ length: data.length - 1 }, (_, i) => i);
  const temperatures = zones.map(({ zone }) => data.column(zonePoint(zone, "zoneAirTempC")));
  const all = powerInputs(
    data,
    zones,
    steps,
    zones.map((zone) => createStepPredictor(la, zone).predict(data.source(steps), false).freeC),
    temperatures.map((column) => column.subarray(1)),
  );
  const usable = steps.filter((i) => Number.isFinite(power[i + 1]!) && all.subarray(i * d, (i + 1) * d).every(Number.isFinite));
  const n = usable.length;
  if (n < 48) return null;
  const x = new Float64Array(n * d);
  usable.forEach((row, i) => {
    for (let c = 0; c < d; c++) x[i * d + c] = all[row * d + c]! / inputScale[c]!;
  });
  const watts = Float64Array.from(usable, (i) => power[i + 1]!);
  const outputScaleW = Math.max(standardDeviation(watts), 1);
  const y = watts.map((value) => value / outputScaleW);
  const beta = actionSlopes(x, y, n, d, nz);
  const residuals = y.map((value, i) => {
    let explained = 0;
    for (let c = 0; c < d; c++) explained += beta[c]! * x[i * d + c]!;
    return value - explained;
  });
  const level = mean(residuals);
  let kernel = startKernel(nz, 0.2 + level * level);
  const start = Float64Array.from([...logHyperparameters(kernel), Math.log(0.05)]);
  // Hyperparameters from a third of the rows: as good for them, and nine times cheaper.
  const third = Array.from({ length: Math.ceil(n / 3) }, (_, i) => 3 * i);
  const xThird = new Float64Array(third.length * d);
  for (const [i, row] of third.entries()) xThird.set(x.subarray(row * d, (row + 1) * d), i * d);
  const yThird = Float64Array.from(third, (row) => residuals[row]!);
  const pool = new MatrixPool();
  const { x: theta } = await minimiseAsync(
    (at, gradient) => {
      let value: number;
      try {
        const result = logMarginalLikelihoodAndGradient({
          la,
          kernel: withLogHyperparameters(kernel, at.slice(0, -1)),
          x: xThird,
          n: third.length,
          d,
          y: yThird,
          logNoiseVariance: at.slice(-1),
          noiseGroup: new Uint8Array(third.length),
          onWarning: () => undefined,
          pool,
        });
        value = -result.logMarginalLikelihood;
        result.kernelGradient.forEach((g, i) => {
          gradient[i] = -g;
        });
        gradient[gradient.length - 1] = -result.noiseGradient[0]!;
      } catch {
        return Number.POSITIVE_INFINITY;
      }
      for (let i = 0; i < at.length; i++) {
        // A normal prior of spread 1 on every log hyperparameter.
        const z = at[i]! - start[i]!;
        value += 0.5 * z * z;
        gradient[i]! += z;
      }
      return value;
    },
    start,
    {
      lower: start.map((value) => value - 5),
      upper: start.map((value) => value + 5),
      maxIterations: options.maxIterations ?? 30,
      relativeFunctionTolerance: 1e-5,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  options.signal?.throwIfAborted();
  kernel = withLogHyperparameters(kernel, theta.slice(0, -1));
  const noiseVariance = Math.exp(theta[theta.length - 1]!);
  const { features: _none, ...posterior } = budgetedPosterior(
    {
      la,
      features: [],
      kernel,
      meanCoefficients: beta,
      x,
      n,
      d,
      residuals,
      noiseVariance,
      onWarning: options.onWarning ?? (() => undefined),
    },
    INDUCING,
  );
  const model: PowerModel = {
    posterior,
    zones: zones.map(({ zone }) => zone),
    inputScale,
    outputScaleW,
    noiseStdDevW: Math.sqrt(noiseVariance) * outputScaleW,
  };
  return { model, trainRows: n, rmseW: model.noiseStdDevW };
};

/** A zone's kelvin costs at least this share of the shared slope: in a week all zones warm up together, so the data hardly tell them apart. */
const LEAST_SHARE = 0.5;
/** Weight of the shared slope beside the data, per row. */
const RIDGE_SHARE = 0.2;

/** Slopes of the heating and cooling columns, d (0 for the others): first one for each mode, then one per zone near it. */
const actionSlopes = (x: Float64Array, y: Float64Array, n: number, d: number, nz: number): Float64Array => {
  // What runs by itself stands in for g here: a level, weather and hour, free in sign.
  const solve = (
    columns: (row: number) => readonly number[],
    count: number,
    centre: Float64Array,
    ridge: number,
    share: number,
  ): Float64Array => {
    const width = count + 1 + MEAN_DRIVERS;
    const a = new Float64Array(n * width);
    for (let i = 0; i < n; i++) a.set([...columns(i), 1, ...x.subarray(i * d + 2 * nz, i * d + 2 * nz + MEAN_DRIVERS)], i * width);
    const own = (value: number, other: number): Float64Array => Float64Array.from({ length: width }, (_, c) => (c < count ? value : other));
    const full = own(0, 0);
    full.set(centre);
    const lower = own(0, Number.NEGATIVE_INFINITY);
    centre.forEach((slope, c) => {
      lower[c] = share * slope;
    });
    return boundedLeastSquares({
      a,
      b: y,
      n,
      d: width,
      ridge: own(ridge, 1e-6 * n),
      centre: full,
      lower: own(0, Number.NEGATIVE_INFINITY),
    });
  };
  const sum = (row: number, from: number): number => {
    let total = 0;
    for (let c = from; c < from + nz; c++) total += x[row * d + c]!;
    return total;
  };
  const shared = solve((row) => [sum(row, 0), sum(row, nz)], 2, new Float64Array(2), 1e-6 * n, 0);
  const centre = Float64Array.from({ length: 2 * nz }, (_, c) => (c < nz ? shared[0]! : shared[1]!));
  const slopes = solve((row) => [...x.subarray(row * d, row * d + 2 * nz)], 2 * nz, centre, RIDGE_SHARE * n, LEAST_SHARE);
  const beta = new Float64Array(d);
  beta.set(slopes.subarray(0, 2 * nz));
  // Behind the actions' slopes stand the level and the weather's slope.
  beta[2 * nz] = Math.min(0, slopes[2 * nz + 1]!);
  return beta;
};
