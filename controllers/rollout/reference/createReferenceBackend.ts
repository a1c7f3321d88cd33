import { posteriorMean } from "#controllers/rollout/reference/posterior";
import { SequenceState } from "#controllers/rollout/reference/sequence";
import { createSequenceSpread } from "#controllers/rollout/reference/sequenceSpread";
import { stepZone, type ZoneStep } from "#controllers/rollout/reference/zoneStep";
import { checkRequest, OUTDOOR, type RolloutRequirements, rolloutRequirements } from "#controllers/rollout/requirements";
import type { BuildingModel, PowerModel } from "#domain/model";
import type { PreparedRollout, RolloutBackend, RolloutRequest, RolloutResult } from "#domain/rollout";
import { slowMeansOf } from "#math/features";
import { coolingEffortK, powerDrivers } from "#math/powerInputs";

/** P = max(0, f(x)) W of one step. */
const powerOf = (power: PowerModel, zones: readonly string[], steps: readonly ZoneStep[], outdoorC: number, localMs: number): number => {
  const moved = power.zones.map((zone) => steps[zones.indexOf(zone)]!);
  const inputs = [
    ...moved.map(({ heatingK }) => heatingK),
    ...moved.map(({ coolingK, nextC }) => coolingEffortK(coolingK, nextC)),
    ...powerDrivers(outdoorC, localMs),
  ];
  const mean = posteriorMean(
    power.posterior,
    Float64Array.from(inputs, (value, c) => value / power.inputScale[c]!),
  );
  return Math.max(0, mean * power.outputScaleW);
};

/** One sequence from the first step to the last; from the first step with a number that is not finite on, NaN stays. */
const rollSequence = (
  model: BuildingModel,
  needs: RolloutRequirements,
  request: RolloutRequest,
  k: number,
  result: RolloutResult,
): void => {
  const zones = model.zones.map(({ zone }) => zone);
  const nz = zones.length;
  const T = request.horizonSteps;
  const slowMeans = new Map(
    model.zones.flatMap(({ posterior }) => slowMeansOf(posterior.features)).map((m) => [`${m.point}@${m.timeConstantS}`, m]),
  );
  const state = new SequenceState(request, zones, model.stepS, k);
  const spreads = model.zones.map(createSequenceSpread);
  for (let t = 0; t < T; t++) {
    const row = (k * T + t) * nz;
    const setpoints = [...request.heatingSetpointC.subarray(row, row + nz), ...request.coolingSetpointC.subarray(row, row + nz)];
    const steps = model.zones.map((zone, z) => stepZone(zone, state, spreads[z]!));
    const powerW = model.power === null ? 0 : powerOf(model.power, zones, steps, state.disturbance(OUTDOOR, 0), state.localMs());
    const numbers = [...setpoints, powerW, ...steps.flatMap(({ nextC, nextStdDevK }) => [nextC, nextStdDevK])];
    if (!numbers.every(Number.isFinite)) return;
    result.powerW[k * T + t] = powerW;
    steps.forEach(({ nextC, nextStdDevK }, z) => {
      result.meanC[row + z] = nextC;
      result.stdDevK[row + z] = nextStdDevK;
    });
    state.advance(
      steps.map(({ nextC }) => nextC),
      [...slowMeans.values()],
      needs.efforts,
    );
  }
};

/** One sequence at a time in scalar float64: slow and obviously right; what the others are compared with. */
export const createReferenceBackend = (): RolloutBackend => ({
  name: "reference",
  tolerance: { rtol: 0, atol: 0 },
  prepare: async (problem) => {
    const needs = rolloutRequirements(problem.model);
    const { model } = problem;
    let closed = false;
    const prepared: PreparedRollout = {
      run: async (request) => {
        if (closed) throw new Error("This rollout is closed.");
        checkRequest(problem, needs, request);
        const size = request.count * request.horizonSteps;
        const result: RolloutResult = {
          meanC: new Float64Array(size * model.zones.length).fill(Number.NaN),
          stdDevK: new Float64Array(size * model.zones.length).fill(Number.NaN),
          powerW: new Float64Array(size).fill(Number.NaN),
        };
        for (let k = 0; k < request.count; k++) rollSequence(model, needs, request, k, result);
        return result;
      },
      close: () => {
        closed = true;
      },
    };
    return prepared;
  },
});
