import type { PointName } from "#domain/points";

/** How wrong one provider's forecasts of one point were so far ahead: e = measured − forecast, in the point's unit. */
export interface ForecastErrorAtLead {
  readonly provider: string;
  readonly point: PointName;
  /** End of the step that was forecast minus the moment of issue, s. */
  readonly leadS: number;
  /** Errors seen, all of them. */
  readonly count: number;
  /** Mean error, recent ones weighing more. */
  readonly bias: number;
  /** Standard deviation of the error about the bias; NaN before the second. */
  readonly stdDev: number;
}
