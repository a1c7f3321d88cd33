import { type CostSums, composeTerms } from "#controllers/mppi/cost";
import type { RawResult } from "#controllers/rollout/webgpu/engine";
import { costPlaces, costSums } from "#controllers/rollout/webgpu/shaders/finishShader";
import type { CostProblem, SampleCosts } from "#domain/cost";
import type { CostTerms } from "#domain/plan";
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

/** No setpoint is in force: the first step moves nothing. */
const UNKNOWN = -1e32;
const finite = (value: number, instead: number): number => (Number.isFinite(value) ? value : instead);

/** A cost problem's numbers (`costPlaces`), temperatures in kelvin from each zone's now. */
export const costNumbers = (request: RolloutRequest, problem: CostProblem): Float32Array<ArrayBuffer> => {
  const { nz, toleranceK, terminal } = problem;
  const T = request.horizonSteps;
  const places = costPlaces(nz);
  const out = new Float32Array(places.steps + T * places.perStep);
  for (let z = 0; z < nz; z++) {
    const now = request.initial.temperaturesC[z]!.at(-1)!;
    out[places.inForce + 2 * z] = finite(problem.inForceHeatingC[z]!, UNKNOWN);
    out[places.inForce + 2 * z + 1] = finite(problem.inForceCoolingC[z]!, UNKNOWN);
    out[places.heatTo + z] = Math.max(UNKNOWN, (terminal?.heatToC[z] ?? Number.NEGATIVE_INFINITY) - now);
    out[places.coolTo + z] = Math.min(-UNKNOWN, (terminal?.coolToC[z] ?? Number.POSITIVE_INFINITY) - now);
    for (let t = 0; t < T; t++) {
      const at = places.steps + t * places.perStep + 3 * z;
      out[at] = Math.max(UNKNOWN, problem.lowerC[t * nz + z]! - toleranceK - now);
      out[at + 1] = Math.min(-UNKNOWN, problem.upperC[t * nz + z]! + toleranceK - now);
      out[at + 2] = problem.occupied[t * nz + z] === 1 ? 1 : 0;
    }
  }
  for (let t = 0; t < T; t++) {
    const at = places.steps + t * places.perStep + 3 * nz;
    out[at] = problem.pricePerKwh[t]!;
    out[at + 1] = problem.demandCharge?.otherLoadW?.[t] ?? 0;
  }
  return out;
};

/** Where each sum stands. */
const AT = Object.fromEntries(costSums.map((name, i) => [name, i])) as Record<(typeof costSums)[number], number>;

/** Costs of every sample from its sums; NaN where it is not finite up to the end. */
export const costsOf = (request: RolloutRequest, problem: CostProblem, parts: readonly RawResult[]): SampleCosts => {
  const { nz } = problem;
  const T = request.horizonSteps;
  const occupiedSteps = Array.from({ length: nz }, (_, z) => {
    let count = 0;
    for (let t = 0; t < T; t++) if (problem.occupied[t * nz + z] === 1) count++;
    return count;
  });
  const occupiedCount = occupiedSteps.reduce((sum, count) => sum + count, 0);
  const totals = new Float64Array(request.count);
  const spreadsK = new Float64Array(request.count);
  const terms: CostTerms[] = [];
  for (const { first, count, stride, numbers, failed } of parts) {
    for (let k = 0; k < count; k++) {
      let [spreadK, judgedK] = [0, 0];
      for (let z = 0; z < nz; z++) {
        const zoneK = numbers[(costSums.length + z) * stride + k]!;
        spreadK += zoneK;
        if (occupiedSteps[z]! > 0) judgedK = Math.max(judgedK, zoneK / occupiedSteps[z]!);
      }
      const isWhole = failed[k] === 0;
      const wholeSums: CostSums = {
        outsideK: numbers[AT.outsideK * stride + k]!,
        spreadK,
        movedK: numbers[AT.movedK * stride + k]!,
        pricedW: numbers[AT.pricedW * stride + k]!,
        peakW: numbers[AT.peakW * stride + k]!,
        owedK: numbers[AT.owedK * stride + k]!,
      };
      const term = composeTerms(problem, isWhole ? wholeSums : NOTHING, occupiedCount);
      terms.push(term);
      totals[first + k] = isWhole ? term.total : Number.NaN;
      spreadsK[first + k] = isWhole ? judgedK : Number.NaN;
    }
  }
  return { terms, totals, spreadsK };
};

const NOTHING: CostSums = {
  outsideK: Number.NaN,
  spreadK: Number.NaN,
  movedK: Number.NaN,
  pricedW: Number.NaN,
  peakW: Number.NaN,
  owedK: Number.NaN,
};
