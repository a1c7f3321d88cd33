import { genericHyperparameterPrior } from "#models/prior";
import { FIXED_HYPERPARAMETER } from "#models/thermostat/structure";

/** Limits of log hyperparameters, ±6 around the generic prior, noise not below 1 mK, the fixed one fixed. A name that no prior knows throws RangeError. */
export const hyperparameterBox = (
  names: readonly string[],
): { readonly start: Float64Array; readonly lower: Float64Array; readonly upper: Float64Array } => {
  const start = Float64Array.from(names, (name) => genericHyperparameterPrior(name).location);
  return {
    start,
    lower: start.map((location, i) =>
      names[i] === FIXED_HYPERPARAMETER ? location : names[i] === "noiseVariance" ? 2 * Math.log(1e-3) : location - 6,
    ),
    upper: start.map((location, i) => (names[i] === FIXED_HYPERPARAMETER ? location : location + 6)),
  };
};
