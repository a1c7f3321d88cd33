import { BLOCK_SAMPLES, BlockEngine } from "#controllers/rollout/batched/blockEngine";
import type { FastLinearAlgebra } from "#controllers/rollout/batched/stepPredictor";
import { checkRequest, rolloutRequirements } from "#controllers/rollout/requirements";
import type { PreparedRollout, RolloutBackend, RolloutProblem, RolloutRequest, RolloutResult } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

export const createBatchedBackend = (name: "wasm" | "blas", _options: { readonly threads?: number } = {}): RolloutBackend => ({
  name,
  tolerance: { rtol: 1e-9, atol: 1e-7 },
  prepare: (problem) => prepareHere(name, problem),
});

/** In this thread. */
const prepareHere = async (name: "wasm" | "blas", problem: RolloutProblem): Promise<PreparedRollout> => {
  const needs = rolloutRequirements(problem.model);
  const la = (await createLinearAlgebra(name)) as FastLinearAlgebra;
  const engine = new BlockEngine(problem, la);
  return {
    run: async (request: RolloutRequest) => {
      checkRequest(problem, needs, request);
      const size = request.count * request.horizonSteps;
      const nz = problem.model.zones.length;
      const result: RolloutResult = {
        meanC: new Float64Array(size * nz),
        stdDevK: new Float64Array(size * nz),
        powerW: new Float64Array(size),
      };
      engine.begin(request);
      for (let block = 0; block * BLOCK_SAMPLES < request.count; block++) engine.roll(request, block, result);
      return result;
    },
    close: () => {},
  };
};
