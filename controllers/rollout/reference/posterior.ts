import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";

/** k(x, y) by plain recursion over the specification. (Rasmussen & Williams 2006, ch. 4.) */
export const covariance = (spec: KernelSpec, x: ArrayLike<number>, y: ArrayLike<number>): number => {
  switch (spec.kind) {
    case "scale":
      return spec.outputScale * covariance(spec.base, x, y);
    case "sum":
      return spec.parts.reduce((sum, part) => sum + covariance(part, x, y), 0);
    case "product":
      return spec.parts.reduce((product, part) => product * covariance(part, x, y), 1);
    default: {
      let products = 0;
      let r2 = 0;
      spec.lengthscales.forEach((lengthscale, i) => {
        const c = spec.dims === undefined ? i : spec.dims[i]!;
        products += (x[c]! / lengthscale) * (y[c]! / lengthscale);
        r2 += (x[c]! / lengthscale - y[c]! / lengthscale) ** 2;
      });
      const r = Math.sqrt(r2);
      switch (spec.kind) {
        case "linear":
          return products;
        case "rbf":
          return Math.exp(-r2 / 2);
        case "matern32":
          return (1 + Math.sqrt(3) * r) * Math.exp(-Math.sqrt(3) * r);
        case "matern52":
          return (1 + Math.sqrt(5) * r + (5 * r2) / 3) * Math.exp(-Math.sqrt(5) * r);
      }
    }
  }
};

type Posterior = Omit<PosteriorData, "features">;

/** k(X, x), m. */
const covariances = ({ kernel, basisInputs, m, d }: Posterior, x: Float64Array): Float64Array =>
  Float64Array.from({ length: m }, (_, i) => covariance(kernel, basisInputs.subarray(i * d, (i + 1) * d), x));

/** f(x) = βᵀx + k(x, X) α for one x (d). */
export const posteriorMean = (posterior: Posterior, x: Float64Array): number => {
  let mean = 0;
  posterior.meanCoefficients.forEach((beta, c) => {
    mean += beta * x[c]!;
  });
  covariances(posterior, x).forEach((k, i) => {
    mean += k * posterior.alpha[i]!;
  });
  return mean;
};

/** max(0, k(x, x) − ‖W k(X, x)‖²) for one x (d). */
export const posteriorVariance = (posterior: Posterior, x: Float64Array): number => {
  const { kernel, varianceRoot, p, m } = posterior;
  const k = covariances(posterior, x);
  let explained = 0;
  for (let i = 0; i < p; i++) {
    let projected = 0;
    for (let j = 0; j < m; j++) projected += varianceRoot[i * m + j]! * k[j]!;
    explained += projected * projected;
  }
  return Math.max(0, covariance(kernel, x, x) - explained);
};
