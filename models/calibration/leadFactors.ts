import type { SpreadModel } from "#domain/model";

/** Where factors are told, hours. */
const LEADS_H = [1, 5, 24];
/** What a day of training calls for there; the more days, the less: see `believedFactor`. */
const AFTER_ONE_DAY = [1.3, 1.5, 1.8];
const LEAST = 0.8;
const MOST = 2.5;
const WANTED = 0.9;
const Z_WANTED = 1.6448536269514722;
/** Trajectories that share steps are one; so are those that begin within so many hours of each other. */
const ALIKE_H = 4;
/** Independent trajectories that weigh as much as what is believed without any. */
const BELIEF = 8;

/** Steps of the leads that factors are told for; the first step has `spreadScale`. */
export const calibratedLeads = (stepS: number): readonly number[] =>
  LEADS_H.map((hours) => Math.round((hours * 3600) / stepS)).filter((steps) => steps > 1);

/** f_1^(1/days), f_1 what one day of training called for on logged offices: weather that the training days did not show goes on to come. */
const believedFactor = (hours: number, days: number): number => {
  const at = LEADS_H.findIndex((lead) => lead >= hours);
  return AFTER_ONE_DAY[at < 0 ? AFTER_ONE_DAY.length - 1 : at]! ** (1 / Math.max(1, days));
};

/** How far trajectories that were held out erred after so many steps, in their own predictive standard deviations: |e| / s. */
export interface LeadErrors {
  readonly steps: number;
  readonly ratios: readonly number[];
}

/** The ⌈(n + 1) · 0.9⌉-th smallest (split conformal; Vovk et al. 2005), the largest where there are fewer. */
const conformalQuantile = (ratios: readonly number[]): number => {
  const sorted = Float64Array.from(ratios).sort();
  return sorted[Math.min(sorted.length, Math.ceil((sorted.length + 1) * WANTED)) - 1]!;
};

/**
 * Factors on the standard deviation by lead that put 90 % of held-out trajectories inside ±1.645 of it:
 *
 *   f = (q f_0(days) / f_0(days − left out))^w f_0(days)^(1−w)
 *
 * with q the conformal quantile of |e| / s over 1.645, f_0 what so many days of training call for (the model at hand has learned from the days, too, that were
 * left out for a trajectory), w = n / (n + 8) and n the number of trajectories that are not alike. Within [0.8, 2.5]; 1 for the first step.
 * @param startEvery steps between the trajectories' beginnings. @param days that the model has learned from. @param leftOutDays for each trajectory.
 */
export const leadFactors = (
  errors: readonly LeadErrors[],
  stepS: number,
  startEvery: number,
  days: number,
  leftOutDays: number,
): SpreadModel["leads"] => [
  { steps: 1, factor: 1 },
  ...errors.map(({ steps, ratios }) => {
    const hours = (steps * stepS) / 3600;
    const believed = believedFactor(hours, days);
    const apart = Math.max(steps, Math.round((ALIKE_H * 3600) / stepS));
    const independent = (ratios.length * startEvery) / apart;
    const weight = independent / (independent + BELIEF);
    const learned =
      ratios.length === 0 ? 1 : (conformalQuantile(ratios) / Z_WANTED) * (believed / believedFactor(hours, days - leftOutDays));
    return { steps, factor: Math.min(Math.max(learned ** weight * believed ** (1 - weight), LEAST), MOST) };
  }),
];
