import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import type { Prior } from "#models/prior";
import { hyperparameterSpace, meanCoefficients } from "#models/thermostat/hyperparameters";
import { trainingRows } from "#models/thermostat/trainingRows";

/** Scatter around a setpoint that is assumed where none has been seen, K. */
const HELD_STD_DEV_K = 0.05;
const STATE_GAIN = 0.95;

/**
 * A zone's model before its first day: mean βᵀx and covariance k at the prior's own location, no observation. The data decide only which inputs there are
 * (columns, the largest occupant count), none of their temperatures is looked at. One row of weight zero stands for the empty posterior, because rollout
 * backends expect one.
 */
export const priorAlone = (data: DatasetRows, zone: string, neighbours: readonly string[], prior: Prior | null): ZoneModel => {
  const { structure, d } = trainingRows(data, zone, neighbours);
  const space = hyperparameterSpace(structure, prior);
  const { kernel, noiseVariance } = space.at(space.start);
  return {
    zone,
    transition: "thermostat",
    posterior: {
      features: structure.features,
      kernel,
      meanCoefficients: meanCoefficients(structure, prior, data.dataset.stepS),
      basisInputs: new Float64Array(d),
      m: 1,
      d,
      alpha: new Float64Array(1),
      varianceRoot: new Float64Array(1),
      p: 1,
    },
    noiseVarianceK2: noiseVariance,
    heldOffsetK: 0,
    heldStdDevK: HELD_STD_DEV_K,
    stateGain: STATE_GAIN,
    spreadScale: 1,
  };
};
