/**
 * A covariance function as data: the same value is fitted, saved as a meta-learned prior and sent to the GPU.
 *
 * With r² = Σ_d (x_d − y_d)² / ℓ_d² over the leaf's input dimensions:
 * rbf exp(−r²/2); matern32 (1 + √3 r) exp(−√3 r); matern52 (1 + √5 r + 5r²/3) exp(−√5 r); linear Σ_d x_d y_d / ℓ_d²;
 * scale: outputScale (a variance) times its base. (Rasmussen & Williams 2006, ch. 4.)
 */
export type KernelSpec =
  | {
      readonly kind: "rbf" | "matern32" | "matern52" | "linear";
      /** One per input dimension in `dims` (ARD), in units of the standardised inputs. */
      readonly lengthscales: readonly number[];
      /** Input dimensions this leaf sees; all of them in order when absent. */
      readonly dims?: readonly number[];
    }
  | { readonly kind: "scale"; readonly outputScale: number; readonly base: KernelSpec }
  | { readonly kind: "sum" | "product"; readonly parts: readonly KernelSpec[] };
