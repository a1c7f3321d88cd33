import type { PointName } from "#domain/points";

/** All people in the building: what forecasts of people are judged by. */
export const PEOPLE_POINT: PointName = "building.occupancyCount";
/** Under this name errors of expected people are kept: they do not come from the weather's provider. */
export const PEOPLE_PROVIDER = "people";

/** Errors are those of a day and its night at least, at steps of a quarter of an hour. */
const TRUSTED_COUNT = 96;

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

/** Whether there are enough errors to plan by. */
export const isTrustedError = ({ count, bias, stdDev }: ForecastErrorAtLead): boolean =>
  count >= TRUSTED_COUNT && Number.isFinite(bias) && Number.isFinite(stdDev);
