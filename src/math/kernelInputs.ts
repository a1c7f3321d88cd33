import { IsothermError } from "#domain/errors";
import type { KernelSpec } from "#domain/kernel";

/** A kernel without parts: it sees inputs directly. */
export type KernelLeaf = Extract<KernelSpec, { readonly lengthscales: readonly number[] }>;

/** Input dimensions that a leaf sees, in the order of its lengthscales; a leaf that does not fit d inputs is refused. */
export const leafDimensions = (leaf: KernelLeaf, d: number): readonly number[] => {
  const dims = leaf.dims ?? Array.from({ length: d }, (_, i) => i);
  if (dims.length !== leaf.lengthscales.length) {
    throw refused(leaf, `has ${leaf.lengthscales.length} lengthscales for ${dims.length} input dimensions`);
  }
  if (dims.some((dim) => !Number.isInteger(dim) || dim < 0 || dim >= d)) throw refused(leaf, `names a dimension outside the ${d} inputs`);
  if (leaf.lengthscales.some((lengthscale) => !(lengthscale > 0))) throw refused(leaf, "has a lengthscale that is not above 0");
  return dims;
};

const refused = (leaf: KernelLeaf, what: string): IsothermError =>
  new IsothermError("permanent", `A ${leaf.kind} kernel ${what}.`, { todo: "Refit the model that holds this kernel." });

/** Z (count × leaf dimensions) = the leaf's columns of the row-major count×d inputs, each divided by its lengthscale. */
export const leafInputs = (leaf: KernelLeaf, inputs: Float64Array, count: number, d: number): Float64Array => {
  const dims = leafDimensions(leaf, d);
  const size = dims.length;
  const out = new Float64Array(count * size);
  for (let c = 0; c < size; c++) {
    const column = dims[c]!;
    const inverse = 1 / leaf.lengthscales[c]!;
    for (let i = 0; i < count; i++) out[i * size + c] = inputs[i * d + column]! * inverse;
  }
  return out;
};
