import type { NormalPrior, Prior, PriorScaling, ZoneRatings } from "#models/prior";

type PredictorName = PriorScaling["predictors"][number]["name"];

const ratio = (valueW: number | undefined, areaM2: number | undefined): number =>
  valueW === undefined || areaM2 === undefined ? Number.NaN : valueW / areaM2;

/** A predictor of a zone's ratings; NaN where they do not tell it, or tell nonsense (0, negative). */
export const predictorOf = (name: PredictorName, { floorAreaM2, designHeatingW, designCoolingW }: ZoneRatings): number => {
  const value =
    name === "logFloorAreaM2"
      ? (floorAreaM2 ?? Number.NaN)
      : ratio(name === "logDesignHeatingWm2" ? designHeatingW : designCoolingW, floorAreaM2);
  const log = Math.log(value);
  return Number.isFinite(log) ? log : Number.NaN;
};

/** Ratings beyond the sources' own range say no more than its ends: this far from the centre, in logarithms. */
const FARTHEST = Math.log(5);

/**
 * The prior of a zone of this size and these ratings: mean coefficients at location + Σ effect × (predictor − centre), everything else as it is. Unknown
 * ratings move nothing; null ratings, and a prior without scaling, give the prior itself.
 */
export const priorFor = (prior: Prior, ratings: ZoneRatings | null): Prior => {
  const { scaling } = prior;
  if (ratings === null || scaling === undefined) return prior;
  const away = scaling.predictors.map(({ name, centre }) => {
    const value = predictorOf(name, ratings) - centre;
    return Number.isFinite(value) ? Math.min(Math.max(value, -FARTHEST), FARTHEST) : 0;
  });
  if (away.every((value) => value === 0)) return prior;
  const meanCoefficients = Object.fromEntries(
    Object.entries(prior.meanCoefficients).map(([key, normal]): [string, NormalPrior] => {
      const shift = (scaling.meanCoefficients[key] ?? []).reduce((sum, effect, p) => sum + effect * (away[p] ?? 0), 0);
      return [key, { ...normal, location: normal.location + shift }];
    }),
  );
  return { ...prior, meanCoefficients };
};
