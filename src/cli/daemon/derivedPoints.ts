import type { DerivedPoint } from "#config/siteConfig";
import type { Observation, PointName, TelemetryPoint } from "#domain/points";
import { compileExpression } from "#math/expressions";

export interface DerivedPoints {
  /** Values of all derived points that depend on `fresh`, from `observation`, which holds the values usable now. The time is that of the newest input. */
  derive(fresh: readonly TelemetryPoint[], observation: Observation): readonly TelemetryPoint[];
  /** How often a formula gave nothing usable, by reason. */
  refused(): Readonly<Record<string, number>>;
}

/** Evaluates the site's formulas, each in the order of its needs; a missing or stale input, or a result out of range, gives no value and is counted. */
export const createDerivedPoints = (points: readonly DerivedPoint[]): DerivedPoints => {
  const compiled = points.map((point) => ({ ...point, formula: compileExpression(point.expression, point.inputs) }));
  const counts: Record<string, number> = {};
  const count = (reason: string): void => {
    counts[reason] = (counts[reason] ?? 0) + 1;
  };
  return {
    derive: (fresh, observation) => {
      const times = new Map<PointName, number>(fresh.map(({ point, timeMs }) => [point, timeMs]));
      const values = new Map(observation.values);
      const derived: TelemetryPoint[] = [];
      for (const { point, inputs, formula, min, max } of compiled) {
        const newest = Math.max(...inputs.map((input) => times.get(input) ?? Number.NEGATIVE_INFINITY));
        if (newest === Number.NEGATIVE_INFINITY) continue;
        if (inputs.some((input) => !values.has(input))) {
          count("derived-input-missing");
          continue;
        }
        const value = formula.evaluate(Object.fromEntries(inputs.map((input) => [input, values.get(input)!])));
        if (value === null) count("derived-not-finite");
        else if (value < min || value > max) count("derived-out-of-range");
        else {
          derived.push({ point, timeMs: newest, value });
          times.set(point, newest);
          values.set(point, value);
        }
      }
      return derived;
    },
    refused: () => ({ ...counts }),
  };
};
