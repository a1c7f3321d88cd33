import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { BatchPredictor, PredictorData } from "#math/predictorData";

/** The predictor in the contract's operations, step by step: what the fused ones are compared with. */
export const createPlainBatchPredictor = (la: LinearAlgebra, data: PredictorData): BatchPredictor["predict"] => {
  const { kernel, basisInputs, m, d, alpha, varianceRoot, p } = data;
  return (inputs, count, mean, variance) => {
    const cross = kernelMatrix(la, kernel, basisInputs, m, inputs, count, d);
    la.gemm(true, false, count, 1, m, 1, cross, alpha, 0, mean);
    if (variance === null) return;
    const projected = new Float64Array(p * count);
    la.gemm(false, false, p, count, m, 1, varianceRoot, cross, 0, projected);
    const explained = new Float64Array(count);
    for (let i = 0; i < p; i++) for (let q = 0; q < count; q++) explained[q]! += projected[i * count + q]! ** 2;
    subtractFromPrior(kernelDiagonal(kernel, inputs, count, d), explained, count, variance);
  };
};

/** variance ← max(0, prior − explained). */
export const subtractFromPrior = (prior: Float64Array, explained: ArrayLike<number>, count: number, variance: Float64Array): void => {
  for (let q = 0; q < count; q++) variance[q] = Math.max(0, prior[q]! - explained[q]!);
};

/** True for a square W (p×m) with nothing above its diagonal. */
export const isLowerTriangular = (w: Float64Array, p: number, m: number): boolean => {
  if (p !== m) return false;
  for (let i = 0; i < p; i++) for (let j = i + 1; j < m; j++) if (w[i * m + j] !== 0) return false;
  return true;
};
