import fc from "fast-check";
import type { KernelSpec } from "#domain/kernel";

/** Random kernels over d inputs: leaves with all or some dimensions, scaled, summed and multiplied. */
export const randomKernel = (d: number): fc.Arbitrary<KernelSpec> => {
  const lengthscale = fc.double({ min: 0.3, max: 4, noNaN: true });
  const kind = fc.constantFrom("rbf" as const, "matern32" as const, "matern52" as const, "linear" as const);
  const everyDimension = fc.record({ kind, lengthscales: fc.array(lengthscale, { minLength: d, maxLength: d }) });
  const someDimensions = fc
    .subarray(
      Array.from({ length: d }, (_, i) => i),
      { minLength: 1 },
    )
    .chain((dims) =>
      fc.record({ kind, dims: fc.constant(dims), lengthscales: fc.array(lengthscale, { minLength: dims.length, maxLength: dims.length }) }),
    );
  const { tree } = fc.letrec<{ tree: KernelSpec }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      everyDimension,
      someDimensions,
      fc.record({ kind: fc.constant("scale" as const), outputScale: fc.double({ min: 0.1, max: 5, noNaN: true }), base: tie("tree") }),
      fc.record({
        kind: fc.constantFrom("sum" as const, "product" as const),
        parts: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
      }),
    ),
  }));
  return tree;
};
