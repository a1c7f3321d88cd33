import { leavesOf, splitKernel } from "#controllers/rollout/batched/splitKernel";
import { COOLING, type ColumnRole, FREE, HEATING } from "#controllers/rollout/batched/stepPredictor";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { isLowerTriangular } from "#math/batchPredictorPlain";
import { type KernelLeaf, leafDimensions } from "#math/kernelInputs";

/** A leaf of the terms that differ between samples. */
export interface OwnLeaf {
  readonly index: number;
  readonly kind: KernelLeaf["kind"];
  /** Columns that differ between samples: `own` among the own columns, `column` among the inputs; 1/ℓ. */
  readonly own: readonly LeafColumn[];
  readonly shared: readonly LeafColumn[];
}

export interface LeafColumn {
  readonly own: number;
  readonly column: number;
  readonly inverse: number;
}

/** A kernel over `OwnLeaf`s; a scale stands in the model's parameters, so that the shader does not depend on its value. */
export type OwnTerm =
  | { readonly kind: "leaf"; readonly leaf: OwnLeaf }
  | { readonly kind: "scale"; readonly scale: number; readonly base: OwnTerm }
  | { readonly kind: "sum" | "product"; readonly parts: readonly OwnTerm[] };

/** Everything about one posterior that does not change between requests. */
export interface PosteriorPlan {
  readonly posterior: Omit<PosteriorData, "features">;
  /** 1: without gates; 3: free, heating, cooling. */
  readonly regimes: 1 | 3;
  /** For how many of them the own terms differ. */
  readonly ownRegimes: 1 | 3;
  /** Columns that differ between samples, by their index in the inputs, and the regime in which each counts (null: all). */
  readonly ownColumns: readonly number[];
  readonly gates: readonly (number | null)[];
  readonly terms: readonly OwnTerm[];
  readonly leaves: readonly OwnLeaf[];
  readonly scales: readonly number[];
  /** Λ by input column, and the own columns of which it is not 0. */
  readonly linear: Float64Array;
  readonly linearColumns: readonly number[];
  /** w by own column: what one unit of it adds to the mean through β and the linear terms. */
  readonly weights: Float64Array;
  /** Whether the own terms' k(x, x) is the same for all x. */
  readonly hasConstantPrior: boolean;
  readonly withVariance: boolean;
  /** Rows of the basis that own terms see: m, or 0 without own terms. */
  readonly rows: number;
  readonly isLower: boolean;
}

export interface PosteriorPlanOptions {
  readonly posterior: Omit<PosteriorData, "features">;
  readonly roles: readonly ColumnRole[];
  readonly regimes: 1 | 3;
  readonly withVariance: boolean;
}

/** Whether a gated column counts in a regime. */
export const isOpen = (gate: number | null, regime: number): boolean => gate === null || gate === regime;

export const REGIMES = [FREE, HEATING, COOLING] as const;

/** Splits a posterior's kernel as the batched backends do and indexes what differs between samples. */
export const planPosterior = ({ posterior, roles, regimes, withVariance }: PosteriorPlanOptions): PosteriorPlan => {
  const { kernel, d, m, p, basisInputs, alpha, meanCoefficients, varianceRoot } = posterior;
  const ownColumns = roles.flatMap(({ isShared }, c) => (isShared ? [] : [c]));
  const split = splitKernel(kernel, d, (c) => roles[c]!.isShared);
  const leaves: OwnLeaf[] = [];
  const scales: number[] = [];
  const compile = (spec: KernelSpec): OwnTerm => {
    if (spec.kind === "scale") {
      const scale = scales.push(spec.outputScale) - 1;
      return { kind: "scale", scale, base: compile(spec.base) };
    }
    if ("parts" in spec) return { kind: spec.kind, parts: spec.parts.map(compile) };
    const columns = leafDimensions(spec, d).map((column, i) => ({
      own: ownColumns.indexOf(column),
      column,
      inverse: 1 / spec.lengthscales[i]!,
    }));
    const leaf: OwnLeaf = {
      index: leaves.length,
      kind: spec.kind,
      own: columns.filter(({ own }) => own >= 0),
      shared: columns.filter(({ own }) => own < 0),
    };
    leaves.push(leaf);
    return { kind: "leaf", leaf };
  };
  const terms = split.own.map(compile);
  const seesGate = split.own.some((term) => leavesOf(term, d).some(({ dims }) => dims.some((c) => roles[c]!.gate !== null)));
  const rows = terms.length === 0 ? 0 : m;
  return {
    posterior,
    regimes,
    ownRegimes: seesGate ? regimes : 1,
    ownColumns,
    gates: ownColumns.map((c) => roles[c]!.gate),
    terms,
    leaves,
    scales,
    linear: split.linear,
    linearColumns: ownColumns.map((_, o) => o).filter((o) => split.linear[ownColumns[o]!] !== 0),
    weights: Float64Array.from(ownColumns, (c) => {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += basisInputs[i * d + c]! * alpha[i]!;
      return meanCoefficients[c]! + split.linear[c]! * sum;
    }),
    hasConstantPrior: leaves.every(({ kind }) => kind !== "linear"),
    withVariance,
    rows,
    isLower: rows > 0 && isLowerTriangular(varianceRoot, p, m),
  };
};
