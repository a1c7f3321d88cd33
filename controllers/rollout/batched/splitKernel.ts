import type { KernelSpec } from "#domain/kernel";
import { type KernelLeaf, leafDimensions } from "#math/kernelInputs";

/**
 * A kernel as a sum of three kinds of terms: k(x, y) = shared(x, y) + Σ_c linear_c x_c y_c + Σ own(x, y), where `shared` sees only columns that
 * all samples of a step have in common, the linear sum runs over the other columns, and `own` is the rest.
 */
export interface KernelSplit {
  readonly shared: KernelSpec | null;
  /** d; 0 on shared columns. */
  readonly linear: Float64Array;
  readonly own: readonly KernelSpec[];
}

/** Leaves of a kernel with the dimensions they see. */
export const leavesOf = (spec: KernelSpec, d: number): readonly { readonly leaf: KernelLeaf; readonly dims: readonly number[] }[] => {
  if (spec.kind === "scale") return leavesOf(spec.base, d);
  if ("parts" in spec) return spec.parts.flatMap((part) => leavesOf(part, d));
  return [{ leaf: spec, dims: leafDimensions(spec, d) }];
};

const scaled = (outputScale: number, base: KernelSpec): KernelSpec => (outputScale === 1 ? base : { kind: "scale", outputScale, base });

/** Splits a kernel over d columns, of which `isShared` says which have one value for all samples. */
export const splitKernel = (kernel: KernelSpec, d: number, isShared: (column: number) => boolean): KernelSplit => {
  const shared: KernelSpec[] = [];
  const own: KernelSpec[] = [];
  const linear = new Float64Array(d);
  const add = (spec: KernelSpec, factor: number): void => {
    if (spec.kind === "scale") add(spec.base, factor * spec.outputScale);
    else if (spec.kind === "sum") for (const part of spec.parts) add(part, factor);
    else if (spec.kind === "product" && spec.parts.length === 1) add(spec.parts[0]!, factor);
    else if (spec.kind === "linear") addLinear(spec, factor);
    else (leavesOf(spec, d).every(({ dims }) => dims.every(isShared)) ? shared : own).push(scaled(factor, spec));
  };
  const addLinear = (leaf: KernelLeaf, factor: number): void => {
    const dims = leafDimensions(leaf, d);
    const kept = dims.map((_, i) => i).filter((i) => isShared(dims[i]!));
    if (kept.length > 0) {
      const lengthscales = kept.map((i) => leaf.lengthscales[i]!);
      shared.push(scaled(factor, { kind: "linear", lengthscales, dims: kept.map((i) => dims[i]!) }));
    }
    dims.forEach((c, i) => {
      if (!isShared(c)) linear[c]! += factor / leaf.lengthscales[i]! ** 2;
    });
  };
  add(kernel, 1);
  return { shared: shared.length === 0 ? null : { kind: "sum", parts: shared }, linear, own };
};
