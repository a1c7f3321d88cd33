import { isLowerTriangular, subtractFromPrior } from "#math/batchPredictorPlain";
import { compileCrossCovariance, PANEL, panelsOf } from "#math/crossCovariance";
import { kernelDiagonal } from "#math/kernels";
import type { BatchPredictor, PredictorData } from "#math/predictorData";
import type { WasmKernels } from "#math/wasmKernels";

/** Queries whose covariances are held at once: with the W panel in use they should fit the second-level cache. */
const BLOCK_BYTES = 352 * 1024;

/**
 * The predictor fused in WebAssembly: basis, α and W stay in its memory, covariances live only in a block of query panels,
 * and ‖W k‖² is summed as the product's tiles appear.
 */
export const createWasmBatchPredictor = (kernels: WasmKernels, data: PredictorData): BatchPredictor["predict"] => {
  const { kernel, basisInputs, m, d, alpha, varianceRoot, p } = data;
  const workspace = kernels.createWorkspace();
  const { exports } = workspace;
  const lower = isLowerTriangular(varianceRoot, p, m) ? 1 : 0;
  const blockPanels = Math.max(4, Math.floor(BLOCK_BYTES / (panelsOf(m) * PANEL * PANEL * 8)));
  const blockRows = blockPanels * PANEL;
  const alphaAt = workspace.store(alpha, m);
  const inputsAt = workspace.allocate(blockRows * d);
  const cross = compileCrossCovariance(workspace, kernel, basisInputs, m, d, blockRows);
  const panelBytes = cross.panelRows * PANEL * 8;
  const covariancesAt = workspace.allocate(blockPanels * cross.panelRows * PANEL);
  const meanAt = workspace.allocate(blockRows);
  const squaresAt = workspace.allocate(blockRows);
  const rootAt = workspace.allocate(panelsOf(p) * PANEL * (m + PANEL));
  exports.packRoot(p, m, workspace.store(varianceRoot, p * m), lower, rootAt);
  const explained = new Float64Array(blockRows);

  return (inputs, count, mean, variance) => {
    for (let start = 0; start < count; start += blockRows) {
      const rows = Math.min(blockRows, count - start);
      const panels = panelsOf(rows);
      const block = inputs.subarray(start * d, (start + rows) * d);
      workspace.write(inputsAt, block, rows * d);
      cross.prepare(inputsAt, rows);
      for (let panel = 0; panel < panels; panel++) {
        const to = covariancesAt + panel * panelBytes;
        cross.evaluate(panel, to);
        exports.weightedColumnSums(m, alphaAt, to, PANEL, meanAt + panel * PANEL * 8);
      }
      mean.set(workspace.view.subarray(meanAt / 8, meanAt / 8 + rows), start);
      if (variance === null) continue;
      exports.rootSquares(p, m, rootAt, lower, panels, cross.panelRows, covariancesAt, squaresAt);
      workspace.read(squaresAt, explained, rows);
      subtractFromPrior(kernelDiagonal(kernel, block, rows, d), explained, rows, variance.subarray(start, start + rows));
    }
  };
};
