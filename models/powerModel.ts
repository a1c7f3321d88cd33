import type { KernelSpec } from "#domain/kernel";
import type { PowerModel, ZoneModel } from "#domain/model";
import { buildingPoint, sitePoint, zonePoint } from "#domain/points";
import { isWorkday, localHour } from "#math/features";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { logHyperparameters, withLogHyperparameters } from "#math/kernels";
import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { mean, standardDeviation } from "#math/statistics";
import type { DatasetRows } from "#models/datasetRows";
import { budgetedPosterior } from "#models/posterior";
import { createStepPredictor } from "#models/stepPredictor";

/** Inputs after the heating and cooling of every zone. */
const OTHERS = 4;
const INDUCING = 160;

/** Columns: heating K of every zone, cooling K of every zone, outdoor °C, sin and cos of the local hour, workday. */
const inputScales = (zones: number): Float64Array =>
  Float64Array.from({ length: 2 * zones + OTHERS }, (_, c) => (c < 2 * zones ? 1 : c === 2 * zones ? 10 : c === 2 * zones + 3 ? 0.5 : 0.7));

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
 * Learns HVAC electric power from the data: P / scale = βᵀx + GP with a linear kernel over all inputs (each kelvin moved costs something, more in some
 * zones) and a Matérn-5/2 over all of them (efficiency by outdoor temperature and load, fans and basin heaters by the hour). Heating (cooling) K of a
 * logged step is `deliveredK` with T_free as the zone models see it. There is no constant column: the Matérn's variance around 0 carries the level too.
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
  const d = 2 * nz + OTHERS;
  const inputScale = inputScales(nz);
  const steps = Array.from({ length: data.length - 1 }, (_, i) => i);
  const source = data.source(steps);
  const outdoor = data.column(sitePoint("outdoorAirTempC"));
  const all = new Float64Array(steps.length * d);
  zones.forEach((zone, z) => {
    const { freeC } = createStepPredictor(la, zone).predict(source, false);
    const temperature = data.column(zonePoint(zone.zone, "zoneAirTempC"));
    const heating = data.column(zonePoint(zone.zone, "heatingSetpointC"));
    const cooling = data.column(zonePoint(zone.zone, "coolingSetpointC"));
    for (const i of steps) {
      const [heatingK, coolingK] = deliveredK(freeC[i]!, temperature[i + 1]!, heating[i + 1]!, cooling[i + 1]!);
      all[i * d + z] = heatingK;
      all[i * d + nz + z] = coolingK;
    }
  });
  for (const i of steps) {
    const local = data.localMs(i + 1);
    const angle = (2 * Math.PI * localHour(local)) / 24;
    all.set([outdoor[i + 1]!, Math.sin(angle), Math.cos(angle), isWorkday(local) ? 0.5 : -0.5], i * d + 2 * nz);
  }
  const usable = steps.filter((i) => Number.isFinite(power[i + 1]!) && all.subarray(i * d, (i + 1) * d).every(Number.isFinite));
  const n = usable.length;
  if (n < 48) return null;
  const x = new Float64Array(n * d);
  usable.forEach((row, i) => {
    for (let c = 0; c < d; c++) x[i * d + c] = all[row * d + c]! / inputScale[c]!;
  });
  const watts = Float64Array.from(usable, (i) => power[i + 1]!);
  const outputScaleW = Math.max(standardDeviation(watts), 1);
  const level = mean(watts) / outputScaleW;
  const y = watts.map((value) => value / outputScaleW);
  const dims = Array.from({ length: d }, (_, c) => c);
  let kernel: KernelSpec = {
    kind: "sum",
    parts: [
      { kind: "linear", lengthscales: dims.map(() => 2) },
      { kind: "scale", outputScale: 0.5 + level * level, base: { kind: "matern52", lengthscales: dims.map((c) => (c < 2 * nz ? 4 : 2)) } },
    ],
  };
  const start = Float64Array.from([...logHyperparameters(kernel), Math.log(0.05)]);
  // Hyperparameters from a third of the rows: as good for them, and nine times cheaper.
  const third = Array.from({ length: Math.ceil(n / 3) }, (_, i) => 3 * i);
  const xThird = new Float64Array(third.length * d);
  for (const [i, row] of third.entries()) xThird.set(x.subarray(row * d, (row + 1) * d), i * d);
  const yThird = Float64Array.from(third, (row) => y[row]!);
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
      meanCoefficients: new Float64Array(d),
      x,
      n,
      d,
      residuals: y,
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
