// Entry point of kernels.wasm: everything exported here is an export of the module.
export { gemm, gemmScratchBytes } from "./gemm";
export {
  addScaled,
  columnSquares,
  copyPanel,
  multiplyInto,
  packPanels,
  packRoot,
  panelDistances,
  panelProducts,
  rootSquares,
  squaredDistances,
  weightedColumnSums,
} from "./panels";
export {
  gatherSingle,
  packSingle,
  singleAddScaled,
  singleDifferences,
  singleDistances,
  singleMultiply,
  singleProducts,
  singleRootSquares,
  singleSquares,
  singleStationary,
} from "./single";
export { stationary } from "./stationary";
export { cholesky, inverseFromLowerInverse, inverseLower, solveLower } from "./triangular";

/** First address that the host may use. */
export function heapBase(): usize {
  return __heap_base;
}
