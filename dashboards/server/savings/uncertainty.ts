import { mean, studentQuantile } from "#math/statistics";

/** How far predictions are from measured energy, hour by hour. */
export interface FitFigures {
  readonly hours: number;
  readonly cvRmsePct: number;
  readonly nmbePct: number;
  readonly r2: number;
  readonly autocorrelation: number;
  /** s: root of the residuals' squares over their degrees of freedom, kWh. */
  readonly rmseKwh: number;
}

/** r_1 = Σ e_i e_{i−1} / Σ e_i², over hours that follow one another. */
const lagOne = (residuals: readonly number[], startsMs: readonly number[]): number => {
  let products = 0;
  let squares = 0;
  for (const [i, e] of residuals.entries()) {
    squares += e * e;
    if (i > 0 && startsMs[i]! - startsMs[i - 1]! === 3_600_000) products += e * residuals[i - 1]!;
  }
  return squares === 0 ? 0 : products / squares;
};

/**
 * ASHRAE Guideline 14-2014: CV(RMSE) = 100 · √(Σ e² / (n − p)) / ȳ, NMBE = 100 · Σ e / ((n − p) ȳ), e = measured − predicted (kWh per hour), p parameters.
 * Needs n > p.
 */
export const fitFigures = (
  measuredKwh: readonly number[],
  predictedKwh: readonly number[],
  startsMs: readonly number[],
  parameters: number,
): FitFigures => {
  const n = measuredKwh.length;
  const meanKwh = mean(measuredKwh);
  const residuals = measuredKwh.map((value, i) => value - predictedKwh[i]!);
  const squares = residuals.reduce((sum, e) => sum + e * e, 0);
  const spread = measuredKwh.reduce((sum, value) => sum + (value - meanKwh) ** 2, 0);
  const rmseKwh = Math.sqrt(squares / (n - parameters));
  return {
    hours: n,
    cvRmsePct: (100 * rmseKwh) / meanKwh,
    nmbePct: (100 * residuals.reduce((sum, e) => sum + e, 0)) / ((n - parameters) * meanKwh),
    r2: spread === 0 ? 0 : 1 - squares / spread,
    autocorrelation: lagOne(residuals, startsMs),
    rmseKwh,
  };
};

/** n' = n (1 − ρ)/(1 + ρ): how many independent hours so many hours are worth; ρ below 0 counts as 0. */
export const effectiveHours = (n: number, autocorrelation: number): number => {
  const rho = Math.min(0.99, Math.max(0, autocorrelation));
  return (n * (1 - rho)) / (1 + rho);
};

/**
 * Half the width of the interval around a saving against a regression of the time before (ASHRAE Guideline 14-2014, annex B; Reddy & Claridge 2000):
 *   ΔE = t · 1.26 · E_base · CV · √( (n/n') (1 + 2/n') / m ),  CV = s/ȳ,
 * n hours of baseline, n' = effectiveHours(n, ρ), m hours counted, E_base what the baseline says of them (kWh), t Student's quantile with n' − p degrees of freedom (at least 1).
 */
export const regressionHalfWidthKwh = (fit: {
  readonly cvFraction: number;
  readonly hours: number;
  readonly autocorrelation: number;
  readonly parameters: number;
  readonly countedHours: number;
  readonly baselineKwh: number;
  readonly confidence: number;
}): number => {
  const effective = effectiveHours(fit.hours, fit.autocorrelation);
  const t = studentQuantile(0.5 + fit.confidence / 2, Math.max(1, effective - fit.parameters));
  const variance = ((fit.hours / effective) * (1 + 2 / effective)) / fit.countedHours;
  return t * 1.26 * Math.abs(fit.baselineKwh) * fit.cvFraction * Math.sqrt(variance);
};

/**
 * Half the width of the interval around a sum of m predicted differences whose errors (standard deviation s kWh each) are correlated from hour to hour:
 *   ΔE = t · s · m / √m',  m' = effectiveHours(m, ρ).
 */
export const sumHalfWidthKwh = (rmseKwh: number, hours: number, autocorrelation: number, confidence: number): number => {
  const effective = Math.max(1, effectiveHours(hours, autocorrelation));
  return (studentQuantile(0.5 + confidence / 2, Math.max(1, effective - 1)) * rmseKwh * hours) / Math.sqrt(effective);
};
