import { isLowerTriangular, subtractFromPrior } from "#math/batchPredictorPlain";
import type { BlasLibrary } from "#math/blasLinearAlgebra";
import { compileCrossCovariance, PANEL, panelsOf } from "#math/crossCovariance";
import { kernelDiagonal } from "#math/kernels";
import type { BatchPredictor, PredictorData } from "#math/predictorData";
import type { WasmKernels } from "#math/wasmKernels";

/** Queries a product takes at once: enough for BLAS to be near its peak, few enough for the covariances to stay in cache. */
const BLOCK_ROWS = 512;

/**
 * The predictor with covariances from the WebAssembly kernels and products from BLAS, which works on WebAssembly's memory in place.
 * A panel of four queries is evaluated in cache and then copied to its columns of the m×block matrix that BLAS sees.
 */
export const createBlasBatchPredictor = (
  blas: BlasLibrary,
  kernels: WasmKernels,
  data: PredictorData,
  maxBatch: number,
): BatchPredictor["predict"] => {
  const { kernel, basisInputs, m, d, alpha, varianceRoot, p } = data;
  const workspace = kernels.createWorkspace();
  const { exports } = workspace;
  const blockRows = Math.min(BLOCK_ROWS, panelsOf(maxBatch) * PANEL);
  const lower = isLowerTriangular(varianceRoot, p, m);
  const alphaAt = workspace.store(alpha, m);
  const inputsAt = workspace.allocate(blockRows * d);
  const cross = compileCrossCovariance(workspace, kernel, basisInputs, m, d, blockRows);
  const panelAt = workspace.allocate(cross.panelRows * PANEL);
  const covariancesAt = workspace.allocate(cross.panelRows * blockRows);
  const projectedAt = lower ? covariancesAt : workspace.allocate((p + PANEL) * blockRows);
  const sumsAt = workspace.allocate(blockRows);
  const explained = new Float64Array(blockRows);
  // The memory no longer grows, so views of it stay valid.
  const covariances = workspace.view.subarray(covariancesAt / 8, covariancesAt / 8 + cross.panelRows * blockRows);
  const projected = workspace.view.subarray(projectedAt / 8, projectedAt / 8 + p * blockRows);

  return (inputs, count, mean, variance) => {
    for (let start = 0; start < count; start += blockRows) {
      const rows = Math.min(blockRows, count - start);
      const panels = panelsOf(rows);
      const block = inputs.subarray(start * d, (start + rows) * d);
      workspace.write(inputsAt, block, rows * d);
      cross.prepare(inputsAt, rows);
      for (let panel = 0; panel < panels; panel++) {
        cross.evaluate(panel, panelAt);
        exports.weightedColumnSums(m, alphaAt, panelAt, PANEL, sumsAt + panel * PANEL * 8);
        if (variance !== null) exports.copyPanel(m, panelAt, covariancesAt + panel * PANEL * 8, blockRows);
      }
      workspace.read(sumsAt, explained, rows);
      mean.set(explained.subarray(0, rows), start);
      if (variance === null) continue;
      const columns = panels * PANEL;
      if (lower) blas.dtrmmLower(m, columns, varianceRoot, covariances, blockRows);
      else if (p > 0) blas.dgemm(false, false, p, columns, m, 1, varianceRoot, m, covariances, blockRows, 0, projected, blockRows);
      for (let panel = 0; panel < panels; panel++) {
        exports.columnSquares(p, projectedAt + panel * PANEL * 8, blockRows, sumsAt + panel * PANEL * 8);
      }
      workspace.read(sumsAt, explained, rows);
      subtractFromPrior(kernelDiagonal(kernel, block, rows, d), explained, rows, variance.subarray(start, start + rows));
    }
  };
};
