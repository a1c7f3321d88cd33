import type { LinearAlgebra } from "#math/linearAlgebra";

const SQRT3 = Math.sqrt(3);
const SQRT5 = Math.sqrt(5);

/**
 * Stationary covariances of squared scaled distances and their derivatives ∂k/∂(r²):
 * rbf exp(−r²/2), −k/2; matern32 (1 + √3 r) e, −3e/2 with e = exp(−√3 r); matern52 (1 + √5 r + 5r²/3) e, −5(1 + √5 r) e / 6 with e = exp(−√5 r).
 * (Rasmussen & Williams 2006, eqs. 4.9, 4.17.)
 */
export const stationaryInPlainTypeScript: LinearAlgebra["stationary"] = (kind, length, r2, k, dk) => {
  switch (kind) {
    case "rbf":
      for (let i = 0; i < length; i++) {
        const e = Math.exp(-0.5 * r2[i]!);
        k[i] = e;
        if (dk !== null) dk[i] = -0.5 * e;
      }
      return;
    case "matern32":
      for (let i = 0; i < length; i++) {
        const s = SQRT3 * Math.sqrt(r2[i]!);
        const e = Math.exp(-s);
        k[i] = (1 + s) * e;
        if (dk !== null) dk[i] = -1.5 * e;
      }
      return;
    case "matern52":
      for (let i = 0; i < length; i++) {
        const s = SQRT5 * Math.sqrt(r2[i]!);
        const e = Math.exp(-s);
        k[i] = (1 + s + (s * s) / 3) * e;
        if (dk !== null) dk[i] = (-5 / 6) * (1 + s) * e;
      }
      return;
  }
};
