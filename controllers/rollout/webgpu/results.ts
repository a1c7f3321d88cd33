import type { RawResult } from "#controllers/rollout/webgpu/engine";
import type { RolloutRequest, RolloutResult } from "#domain/rollout";

/** First step of a sample that is not finite; the horizon where all are. */
const failsAt = (failed: Uint32Array, k: number, T: number): number => T - failed[k]!;

/** Trajectories in the contract's order; NaN from the first step on in which anything of a sample is not finite. */
export const trajectoriesOf = (request: RolloutRequest, nz: number, parts: readonly RawResult[]): RolloutResult => {
  const T = request.horizonSteps;
  const size = request.count * T;
  const meanC = new Float64Array(size * nz);
  const stdDevK = new Float64Array(size * nz);
  const powerW = new Float64Array(size);
  for (const { first, count, stride, numbers, failed } of parts) {
    for (let t = 0; t < T; t++) {
      const powerAt = (T * 2 * nz + t) * stride;
      for (let k = 0; k < count; k++) {
        const at = (first + k) * T + t;
        powerW[at] = t < failsAt(failed, k, T) ? numbers[powerAt + k]! : Number.NaN;
      }
      for (let z = 0; z < nz; z++) {
        const now = request.initial.temperaturesC[z]!.at(-1)!;
        const from = (t * nz + z) * 2 * stride;
        for (let k = 0; k < count; k++) {
          const at = ((first + k) * T + t) * nz + z;
          const isAlive = t < failsAt(failed, k, T);
          meanC[at] = isAlive ? now + numbers[from + k]! : Number.NaN;
          stdDevK[at] = isAlive ? numbers[from + stride + k]! : Number.NaN;
        }
      }
    }
  }
  return { meanC, stdDevK, powerW };
};
