import type { PointName } from "#domain/points";
import { slowMeanRate } from "#math/features";

/**
 * The running mean of a weather point as a point of its own: M_i = M_{i−1} + (1 − exp(−stepS/τ)) (v_i − M_{i−1}), in the point's unit.
 * Nobody measures it: data sets and forecasts give it from the point itself.
 */
export const meanPoint = (point: PointName, timeConstantS: number): PointName => `${point}~${timeConstantS}`;

/** The point and time constant behind a `meanPoint`; null for a point that is measured. */
export const meanOf = (point: PointName): { readonly point: PointName; readonly timeConstantS: number } | null => {
  const at = point.lastIndexOf("~");
  return at < 0 ? null : { point: point.slice(0, at) as PointName, timeConstantS: Number(point.slice(at + 1)) };
};

/** Running mean of a column, from `start` or, without it, the first finite value; a missing value changes nothing. NaN before the first value. */
export const runningMean = (values: Float64Array, stepS: number, timeConstantS: number, start = Number.NaN): Float64Array => {
  const rate = slowMeanRate(stepS, timeConstantS);
  let mean = start;
  return values.map((value) => {
    if (Number.isFinite(value)) mean = Number.isFinite(mean) ? mean + rate * (value - mean) : value;
    return mean;
  });
};

/** What a zone's model has been off by of late, K a step: a coming disturbance that `estimateDrift` gives. */
export const driftPoint = (zone: string): PointName => `${zone}.modelDriftK`;

export const isDriftPoint = (point: PointName): boolean => point.endsWith(".modelDriftK");
