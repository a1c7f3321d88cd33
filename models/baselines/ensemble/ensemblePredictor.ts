import { zonePoint } from "#domain/points";
import type { PreparedRollout, RolloutRequest, RolloutResult } from "#domain/rollout";
import { type FeatureSource, fillInputs } from "#math/features";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { predictIncrement, type ZoneEnsemble } from "#models/baselines/ensemble/network";
import type { StepPrediction, StepPredictor } from "#models/stepPredictor";

const noGates = { heating: null, cooling: null } as const;

/**
 * Next temperatures of one zone: T' = T + mean over the members. `spread` says what the standard deviation speaks of: members (what they do not agree
 * on, K) or measured (their variance and the noise together, so that it speaks of measured temperatures).
 */
export const createEnsemblePredictor = (la: LinearAlgebra, ensemble: ZoneEnsemble, spread: "members" | "measured"): StepPredictor => ({
  predict: (source, withSpread): StepPrediction => {
    const { count } = source;
    const { meanK, spreadK } = predictIncrement(la, ensemble, fillInputs(ensemble.features, source, noGates), count);
    const temperature = source.state(zonePoint(ensemble.zone, "zoneAirTempC"), 0);
    const meanC = meanK.map((value, k) => (typeof temperature === "number" ? temperature : temperature[k]!) + value);
    const noise = spread === "members" ? 0 : ensemble.noiseVarianceK2;
    return { meanC, stdDevK: withSpread ? spreadK.map((value) => Math.sqrt(value ** 2 + noise)) : null, freeC: meanC };
  },
});

/**
 * The ensemble as a rollout: every step goes on from the mean over the members, its spread is what the members do not agree on in that step. There is
 * no power model: power is 0. A missing forecast or temperature makes its sequences NaN.
 */
export const createEnsembleRollout = (la: LinearAlgebra, ensembles: readonly ZoneEnsemble[]): PreparedRollout => {
  const predictors = ensembles.map((ensemble) => createEnsemblePredictor(la, ensemble, "members"));
  return {
    run: async (request: RolloutRequest): Promise<RolloutResult> => {
      const { count, horizonSteps } = request;
      const nz = ensembles.length;
      const meanC = new Float64Array(count * horizonSteps * nz);
      const stdDevK = new Float64Array(meanC.length);
      for (const [z, predictor] of predictors.entries()) {
        const now = request.initial.temperaturesC[z]!;
        let temperature = new Float64Array(count).fill(now[now.length - 1]!);
        for (let t = 0; t < horizonSteps; t++) {
          const prediction = predictor.predict(sourceAt(request, ensembles[z]!.zone, z, nz, t, temperature), true);
          temperature = Float64Array.from(prediction.meanC);
          for (let k = 0; k < count; k++) {
            meanC[(k * horizonSteps + t) * nz + z] = temperature[k]!;
            stdDevK[(k * horizonSteps + t) * nz + z] = prediction.stdDevK![k]!;
          }
        }
      }
      return { meanC, stdDevK, powerW: new Float64Array(count * horizonSteps) };
    },
    close: () => undefined,
  };
};

/** Step t of all sequences, zone z; inputs reach no further back than the newest row. */
const sourceAt = (request: RolloutRequest, zone: string, z: number, nz: number, t: number, temperature: Float64Array): FeatureSource => {
  const { count, horizonSteps, disturbances, localMs } = request;
  const own = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: count }, (_, k) => values[(k * horizonSteps + t) * nz + z]!);
  return {
    count,
    state: (point, lagSteps) => (point === zonePoint(zone, "zoneAirTempC") && lagSteps === 0 ? temperature : Number.NaN),
    slowMean: () => Number.NaN,
    effort: () => Number.NaN,
    disturbance: (point, lagSteps) => (lagSteps === 0 ? (disturbances.get(point)?.[t] ?? Number.NaN) : Number.NaN),
    setpoint: (name, side, lagSteps) =>
      name === zone && lagSteps === 0 ? own(side === "heating" ? request.heatingSetpointC : request.coolingSetpointC) : Number.NaN,
    localMs: () => localMs[t]!,
  };
};
