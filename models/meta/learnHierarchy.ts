import type { LinearAlgebra } from "#math/linearAlgebra";
import { estimateHierarchy, type Hierarchy, logPredictive, type Quadratic, shrunkTowardsDiagonal } from "#models/meta/hierarchy";
import { isLearnt, LINEAR, SEARCH_SPREAD, type TaskSummary } from "#models/meta/taskSummary";
import type { Task, TaskSet } from "#models/meta/tasks";
import { MEAN, type NormalPrior, type PriorCovariance, type PriorScaling, type ZoneRatings } from "#models/prior";
import { predictorOf } from "#models/priorScaling";

export interface LearnedHierarchy {
  readonly logHyperparameters: Record<string, NormalPrior>;
  readonly meanCoefficients: Record<string, NormalPrior>;
  readonly covariance?: PriorCovariance;
  readonly scaling?: PriorScaling;
  /** log p of tasks of groups left out, per task, above the simplest hierarchy (independent entries, no scaling). */
  readonly leftOutLogLikelihood?: Record<string, number>;
}

/** What the hierarchy needs to know of tasks: their rows may be elsewhere. */
export interface HierarchyTasks extends Pick<TaskSet, "names" | "keys"> {
  readonly tasks: readonly Pick<Task, "name" | "ratings">[];
}

const ITERATIONS = 60;
const FOLD_ITERATIONS = 25;
const MAX_FOLDS = 14;
/** Off-diagonal entries are kept by so much at most: the rest makes the covariance positive definite whatever is rounded. */
const KEEP = [0, 0.25, 0.5, 0.75, 0.9] as const;
const predictors = ["logFloorAreaM2", "logDesignHeatingWm2", "logDesignCoolingWm2"] as const;
const variants: Readonly<Record<string, readonly (typeof predictors)[number][]>> = {
  none: [],
  size: ["logFloorAreaM2"],
  sizeAndRatings: predictors,
};
const SPREAD_LIMITS = [0.1, 1.5] as const;
const COEFFICIENT_SPREAD_FLOOR = 1e-3;
/** Of a linear lengthscale: it is the spread of a coefficient over buildings, known to about a third. */
const LINEAR_SPREAD = 0.3;

/**
 * Location, spread and covariance of log hyperparameters and mean coefficients from what the tasks say. Whether coefficients follow size and ratings, and how much of the covariance is
 * kept, is decided by the likelihood of groups (buildings) left out. A linear lengthscale is 1/spread of its coefficient. With fewer than `2` groups nothing
 * can be left out: no scaling, independent entries; so where the hierarchy is a step on the way (`isJudged` false).
 */
export const learnHierarchy = (
  la: LinearAlgebra,
  set: HierarchyTasks,
  summaries: readonly TaskSummary[],
  theta: Float64Array,
  beta: Float64Array,
  onProgress: (text: string) => void,
  isJudged = true,
): LearnedHierarchy => {
  const { names, keys } = set;
  const hyper = names.map((_, i) => i).filter((i) => isLearnt(names[i]!));
  const coefficientVariance = keys.map((key) => {
    const at = names.indexOf(`${LINEAR}${key}`);
    return Math.min(1, Math.max(COEFFICIENT_SPREAD_FLOOR, at < 0 ? 0.3 : Math.exp(-theta[at]!))) ** 2;
  });
  const tasks = new Map(set.tasks.map((task) => [task.name, task]));
  const centres = predictors.map((name) => centreOf(set.tasks.map(({ ratings }) => predictorOf(name, ratings))));
  const covariatesOf = (ratings: ZoneRatings, wanted: readonly (typeof predictors)[number][]): Float64Array =>
    Float64Array.from(wanted, (name) => {
      const value = predictorOf(name, ratings) - centres[predictors.indexOf(name)]!;
      return Number.isFinite(value) ? value : 0;
    });
  const block = (withHyper: boolean, wanted: readonly (typeof predictors)[number][]) => {
    const h = withHyper ? hyper : [];
    const d = h.length + keys.length;
    const quadratics = summaries.map(({ name, group, curvature, pull, information, right }): Quadratic => {
      const a = new Float64Array(d * d);
      const r = new Float64Array(d);
      h.forEach((from, i) => {
        a[i * d + i] = curvature[from]!;
        r[i] = pull[from]!;
      });
      for (let i = 0; i < keys.length; i++) {
        r[h.length + i] = right[i]!;
        for (let j = 0; j < keys.length; j++) a[(h.length + i) * d + h.length + j] = information[i * keys.length + j]!;
      }
      return { group, a, r, covariates: covariatesOf(tasks.get(name)!.ratings, wanted) };
    });
    return {
      h,
      d,
      quadratics,
      options: {
        location: Float64Array.from([...h.map((i) => theta[i]!), ...beta]),
        variance: Float64Array.from([...h.map(() => SEARCH_SPREAD ** 2), ...coefficientVariance]),
        isMoved: Array.from({ length: d }, (_, i) => i >= h.length),
      },
    };
  };
  const groups = [...new Set(summaries.map(({ group }) => group))].sort();
  const folds = Math.min(MAX_FOLDS, groups.length);
  const foldOf = new Map(groups.map((group, g) => [group, g % folds]));
  /** Left-out log likelihood per task for every share of the covariance that is kept. */
  const leftOut = ({ d, quadratics, options }: ReturnType<typeof block>): number[] => {
    const sums = KEEP.map(() => 0);
    for (let fold = 0; fold < folds; fold++) {
      const seen = quadratics.filter(({ group }) => foldOf.get(group) !== fold);
      const unseen = quadratics.filter(({ group }) => foldOf.get(group) === fold);
      const found = estimateHierarchy(la, seen, { ...options, iterations: FOLD_ITERATIONS });
      for (const [k, keep] of KEEP.entries())
        sums[k]! += logPredictive(la, unseen, { ...found, covariance: shrunkTowardsDiagonal(d, found.covariance, keep) });
    }
    return sums.map((sum) => sum / quadratics.length);
  };

  let scalingName = "none";
  let keep = 0;
  let figures: Record<string, number> | undefined;
  if (isJudged && groups.length >= 2) {
    figures = {};
    let best = Number.NEGATIVE_INFINITY;
    let base = Number.NaN;
    for (const [variant, wanted] of Object.entries(variants)) {
      onProgress(`buildings left out: scaling ${variant}`);
      if (wanted.some((name) => !Number.isFinite(centres[predictors.indexOf(name)]!))) continue;
      const scores = leftOut(block(false, wanted));
      if (variant === "none") base = scores[0]!;
      const score = Math.max(...scores);
      figures[`coefficients, scaling ${variant}, independent`] = scores[0]! - base;
      figures[`coefficients, scaling ${variant}, best covariance`] = score - base;
      if (score > best) [best, scalingName] = [score, variant];
    }
    onProgress("buildings left out: covariance");
    const scores = leftOut(block(true, variants[scalingName]!));
    keep = KEEP[scores.indexOf(Math.max(...scores))]!;
    for (const [k, share] of KEEP.entries()) figures[`all, scaling ${scalingName}, covariance kept ${share}`] = scores[k]! - scores[0]!;
  }
  onProgress("hierarchy of all buildings");
  const wanted = variants[scalingName]!;
  const whole = block(true, wanted);
  const found = estimateHierarchy(la, whole.quadratics, { ...whole.options, iterations: ITERATIONS });
  return {
    ...priorOf(found, whole.h, whole.d, keep, set, theta),
    ...(wanted.length === 0 ? {} : { scaling: scalingOf(found, whole.h.length, wanted, centres, keys) }),
    ...(figures === undefined
      ? {}
      : { leftOutLogLikelihood: Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, digits(value)])) }),
  };
};

const priorOf = (
  { location, covariance }: Hierarchy,
  hyper: readonly number[],
  d: number,
  keep: number,
  set: HierarchyTasks,
  theta: Float64Array,
) => {
  const { names, keys } = set;
  const spreadOf = (i: number): number => Math.sqrt(covariance[i * d + i]!);
  const coefficientSpread = keys.map((_, c) => Math.max(COEFFICIENT_SPREAD_FLOOR, spreadOf(hyper.length + c)));
  const logHyperparameters = Object.fromEntries(
    names.map((name, i): [string, NormalPrior] => {
      if (name.startsWith(LINEAR)) {
        const c = keys.indexOf(name.slice(LINEAR.length));
        return [name, { location: c < 0 ? theta[i]! : -Math.log(coefficientSpread[c]!), spread: LINEAR_SPREAD }];
      }
      const at = hyper.indexOf(i);
      if (at < 0) return [name, { location: theta[i]!, spread: SPREAD_LIMITS[0] }];
      return [name, { location: location[at]!, spread: Math.min(Math.max(spreadOf(at), SPREAD_LIMITS[0]), SPREAD_LIMITS[1]) }];
    }),
  );
  const meanCoefficients = Object.fromEntries(
    keys.map((key, c): [string, NormalPrior] => [key, { location: location[hyper.length + c]!, spread: coefficientSpread[c]! }]),
  );
  if (keep === 0) return { logHyperparameters, meanCoefficients };
  const correlations: number[] = [];
  for (let i = 1; i < d; i++)
    for (let j = 0; j < i; j++) correlations.push(digits((keep * covariance[i * d + j]!) / (spreadOf(i) * spreadOf(j))));
  return {
    logHyperparameters,
    meanCoefficients,
    covariance: { names: [...hyper.map((i) => names[i]!), ...keys.map((key) => `${MEAN}${key}`)], correlations },
  };
};

const scalingOf = (
  { effects }: Hierarchy,
  first: number,
  wanted: readonly (typeof predictors)[number][],
  centres: readonly number[],
  keys: readonly string[],
): PriorScaling => ({
  predictors: wanted.map((name) => ({ name, centre: centres[predictors.indexOf(name)]! })),
  meanCoefficients: Object.fromEntries(
    keys.map((key, c) => [key, Array.from(effects.subarray((first + c) * wanted.length, (first + c + 1) * wanted.length))]),
  ),
});

const centreOf = (values: readonly number[]): number => {
  const known = values.filter(Number.isFinite);
  // Fewer say nothing about a slope.
  return known.length * 2 < values.length ? Number.NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
};

const digits = (value: number): number => Math.round(value * 1e4) / 1e4;
