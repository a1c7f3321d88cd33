import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import { mean } from "#math/statistics";
import { baselineRows, checkEnoughRows } from "#models/baselines/rows";

/** A random walk keeps all of its variance; a rollout's gain has to stay below 1. */
const GAIN = 0.999;

/**
 * T' = T, with the root mean square of the training increments as its spread: N(T, mean (T_{i+1} − T_i)²).
 * As a GP: the zero function on one constant input, known without doubt. Too few usable steps throw an IsothermError.
 */
export const fitPersistence = (data: DatasetRows, zone: string): ZoneModel => {
  const features = [{ term: { kind: "constant" }, scale: 1 }] as const;
  const { n, y } = baselineRows(data, zone, features, "increment");
  checkEnoughRows("persistence", zone, n);
  return {
    zone,
    transition: "increment",
    posterior: {
      features,
      kernel: { kind: "linear", lengthscales: [1] },
      meanCoefficients: Float64Array.of(0),
      basisInputs: Float64Array.of(1),
      m: 1,
      d: 1,
      alpha: Float64Array.of(0),
      varianceRoot: Float64Array.of(1),
      p: 1,
    },
    noiseVarianceK2: mean(y.map((value) => value * value)),
    heldOffsetK: 0,
    heldStdDevK: 0,
    stateGain: GAIN,
    spreadScale: 1,
  };
};
