import { checkRequest, rolloutRequirements } from "#controllers/rollout/requirements";
import { GpuEngine } from "#controllers/rollout/webgpu/engine";
import { findAdapter, GpuDevice } from "#controllers/rollout/webgpu/gpu";
import { trajectoriesOf } from "#controllers/rollout/webgpu/results";
import { plainTiles } from "#controllers/rollout/webgpu/stages";
import type { RolloutBackend } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

export const createWebgpuBackend = async (): Promise<RolloutBackend | null> => {
  const adapter = await findAdapter();
  if (adapter === null) return null;
  const gpu = await GpuDevice.open(adapter);
  return {
    name: "webgpu",
    tolerance: { rtol: 1e-3, atol: 1e-4 },
    prepare: async (problem) => {
      const needs = rolloutRequirements(problem.model);
      const engine = await GpuEngine.create(gpu, await createLinearAlgebra(), problem, plainTiles);
      return {
        run: async (request) => {
          checkRequest(problem, needs, request);
          return trajectoriesOf(request, problem.model.zones.length, await engine.run(request, null));
        },
        close: () => engine.close(),
      };
    },
  };
};
