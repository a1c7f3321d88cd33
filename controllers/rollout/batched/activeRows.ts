import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { leafDimensions } from "#math/kernelInputs";
import { stationaryInPlainTypeScript } from "#math/stationary";

/** What a row left out can move a prediction by at most, in the unit of the posterior's mean. */
const NEGLIGIBLE = 1e-6;

const squared = new Float64Array(1);
const value = new Float64Array(1);

export interface ActiveRowOptions {
  readonly posterior: Omit<PosteriorData, "features">;
  /** Terms of splitKernel that differ between samples. */
  readonly terms: readonly KernelSpec[];
  readonly isShared: (column: number) => boolean;
  readonly withVariance: boolean;
}

/**
 * The basis rows that samples with the shared columns of `row` (d) can be near to. Row i is left out where max(|α_i|, ‖W e_i‖) · sup own(X_i, x) ≤ 10⁻⁶ over
 * all x with these shared columns: a stationary leaf is largest where the other columns agree, so one short lengthscale on a shared column (people who are
 * not there) is enough. Rising.
 */
export const createActiveRows = ({ posterior, terms, isShared, withVariance }: ActiveRowOptions): ((row: Float64Array) => Int32Array) => {
  const { basisInputs, m, d, alpha, varianceRoot, p } = posterior;
  const weight = Float64Array.from(alpha, Math.abs);
  if (withVariance) {
    const squares = new Float64Array(m);
    for (let i = 0; i < p; i++) for (let j = 0; j < m; j++) squares[j]! += varianceRoot[i * m + j]! ** 2;
    for (let j = 0; j < m; j++) weight[j] = Math.max(weight[j]!, Math.sqrt(squares[j]!));
  }
  type Largest = (i: number, row: Float64Array) => number;
  const compile = (spec: KernelSpec): Largest => {
    switch (spec.kind) {
      case "scale": {
        const base = compile(spec.base);
        return (i, row) => spec.outputScale * base(i, row);
      }
      case "sum": {
        const parts = spec.parts.map(compile);
        return (i, row) => parts.reduce((sum, part) => sum + part(i, row), 0);
      }
      case "product": {
        const parts = spec.parts.map(compile);
        // A factor of 0 wins over one that has no bound.
        return (i, row) => parts.reduce((product, part) => (product === 0 ? 0 : product * part(i, row) || 0), 1);
      }
      default: {
        const columns = leafDimensions(spec, d).map((c, at) => ({ c, inverse: 1 / spec.lengthscales[at]! }));
        const shared = columns.filter(({ c }) => isShared(c));
        if (spec.kind === "linear") {
          if (shared.length < columns.length) return () => Number.POSITIVE_INFINITY;
          return (i, row) => Math.abs(shared.reduce((sum, { c, inverse }) => sum + basisInputs[i * d + c]! * row[c]! * inverse ** 2, 0));
        }
        const { kind } = spec;
        return (i, row) => {
          let distance = 0;
          for (const { c, inverse } of shared) distance += ((basisInputs[i * d + c]! - row[c]!) * inverse) ** 2;
          squared[0] = distance;
          stationaryInPlainTypeScript(kind, 1, squared, value, null);
          return value[0]!;
        };
      }
    }
  };
  const largest = compile({ kind: "sum", parts: terms });
  return (row) => {
    const found: number[] = [];
    for (let i = 0; i < m; i++) if (weight[i]! * largest(i, row) > NEGLIGIBLE) found.push(i);
    return Int32Array.from(found);
  };
};
