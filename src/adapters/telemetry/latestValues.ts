import type { Observation, PointName, TelemetryPoint } from "#domain/points";

export interface LatestValues {
  /** Takes points in; the newest of each name counts. */
  fold(points: readonly TelemetryPoint[], nowMs: number): void;
  /** All values that are usable at `timeMs`: finite, not older than their greatest age, not from the future, not suspect. Others are absent. */
  observe(timeMs: number): Observation;
}

/** Clocks may differ by this much before a value counts as one from the future. */
const FUTURE_TOLERANCE_MS = 60_000;

/**
 * Keeps the newest value of each point.
 *
 * @param maxAgeS greatest age of each point, seconds; a point that is not in it is never shown.
 * @param isSuspect points to leave out although they are fresh, e.g. stuck ones.
 */
export const createLatestValues = (
  maxAgeS: ReadonlyMap<PointName, number>,
  isSuspect: (point: PointName) => boolean = () => false,
): LatestValues => {
  const latest = new Map<PointName, TelemetryPoint>();
  return {
    fold: (points, nowMs) => {
      for (const point of points) {
        if (!maxAgeS.has(point.point) || !Number.isFinite(point.value) || !Number.isFinite(point.timeMs)) continue;
        const before = latest.get(point.point);
        // A remembered value from the future means that the clock was set back: it must not shadow what comes now.
        if (before === undefined || point.timeMs >= before.timeMs || before.timeMs > nowMs + FUTURE_TOLERANCE_MS)
          latest.set(point.point, point);
      }
    },
    observe: (timeMs) => {
      const values = new Map<PointName, number>();
      for (const [name, point] of latest) {
        const ageMs = timeMs - point.timeMs;
        if (ageMs <= (maxAgeS.get(name) ?? 0) * 1_000 && ageMs >= -FUTURE_TOLERANCE_MS && !isSuspect(name)) values.set(name, point.value);
      }
      return { timeMs, values };
    },
  };
};
