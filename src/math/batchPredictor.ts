import { createBlasBatchPredictor } from "#math/batchPredictorBlas";
import { createPlainBatchPredictor } from "#math/batchPredictorPlain";
import { createWasmBatchPredictor } from "#math/batchPredictorWasm";
import type { BlasLinearAlgebra } from "#math/blasLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { BatchPredictor, PredictorData } from "#math/predictorData";
import type { WasmLinearAlgebra } from "#math/wasmLinearAlgebra";

export type { BatchPredictor, PredictorData } from "#math/predictorData";

/** The fastest predictor that the provider has: fused WebAssembly, BLAS products on WebAssembly covariances, or plain. */
export const createBatchPredictor = (la: LinearAlgebra, data: PredictorData, maxBatch: number): BatchPredictor => {
  checkShapes(data, maxBatch);
  const predictor = choose(la, data, maxBatch);
  return {
    maxBatch,
    predict: (inputs, count, mean, variance) => {
      if (!Number.isInteger(count) || count < 0 || count > maxBatch)
        throw new RangeError(`A batch of ${count} rows; this predictor takes 0 to ${maxBatch}.`);
      const shortest = Math.min(mean.length, variance?.length ?? count, Math.floor(inputs.length / Math.max(1, data.d)));
      if (shortest < count) throw new RangeError(`An array is too short for a batch of ${count} rows.`);
      if (count > 0) predictor(inputs, count, mean, variance);
    },
  };
};

const choose = (la: LinearAlgebra, data: PredictorData, maxBatch: number): BatchPredictor["predict"] => {
  if (la.name === "wasm") return createWasmBatchPredictor((la as WasmLinearAlgebra).kernels, data);
  if (la.name === "blas") {
    const { blas, kernels } = la as BlasLinearAlgebra;
    if (kernels !== null) return createBlasBatchPredictor(blas, kernels, data, maxBatch);
  }
  return createPlainBatchPredictor(la, data);
};

const checkShapes = ({ basisInputs, m, d, alpha, varianceRoot, p }: PredictorData, maxBatch: number): void => {
  const wrong = [
    basisInputs.length === m * d ? "" : `basisInputs has ${basisInputs.length} values, not ${m}×${d}`,
    alpha.length === m ? "" : `alpha has ${alpha.length} values, not ${m}`,
    varianceRoot.length === p * m ? "" : `varianceRoot has ${varianceRoot.length} values, not ${p}×${m}`,
    Number.isInteger(maxBatch) && maxBatch > 0 ? "" : `maxBatch is ${maxBatch}`,
  ].filter((text) => text !== "");
  if (wrong.length > 0) throw new RangeError(`A predictor's arrays do not fit: ${wrong.join("; ")}.`);
};
