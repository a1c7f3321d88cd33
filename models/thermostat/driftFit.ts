import type { DriftModel, PosteriorData } from "#domain/model";
import { driftPoint } from "#math/derivedPoints";
import { driftAfter, driftStates } from "#math/drift";

/** A slow state forgets within about a day. */
const SLOW_S = 25 * 3600;
const FAST_S = [3600, 5500, 9000, 18_000];
const FAST_GAINS = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
const SLOW_GAINS = [0, 0.02, 0.04];
const LIMIT_K = 0.4;
const HORIZONS = [1, 4, 20];
/** A step's error is felt less and less in the steps after it. */
const KEPT_PER_STEP = 0.98;

/** Used where too little was held out to choose by. */
export const defaultDrift = (stepS: number): DriftModel => drift(stepS, 5500, 0.3, 0.02);

const drift = (stepS: number, fastS: number, fastGain: number, slowGain: number): DriftModel => ({
  decay: [Math.exp(-stepS / fastS), Math.exp(-stepS / SLOW_S)],
  gain: [fastGain, slowGain],
  limitK: LIMIT_K,
});

/**
 * The drift that would have served best on days left out: of a grid of time constants and gains the one with the least Σ_H S_H / S_H(no drift), where
 * S_H = Σ_i (Σ_{h<H} 0.98^{H−1−h} (e_{i+h} − d_{i,h}))² is the squared error that accumulates over H = 1, 4 and 20 steps when d_{i,h} is the drift known
 * before step i, faded h steps. A missing error (a held setpoint) ends what has accumulated. `errorsK`: one per step of the data, NaN where held or missing.
 */
export const chooseDrift = (errorsK: Float64Array, stepS: number): DriftModel => {
  if (errorsK.reduce((count, error) => count + Number(Number.isFinite(error)), 0) < 96) return defaultDrift(stepS);
  const without = accumulatedErrors(errorsK, drift(stepS, FAST_S[0]!, 0, 0));
  let best = drift(stepS, FAST_S[0]!, 0, 0);
  let least = HORIZONS.length;
  for (const fastS of FAST_S) {
    for (const fastGain of FAST_GAINS) {
      for (const slowGain of SLOW_GAINS) {
        const candidate = drift(stepS, fastS, fastGain, slowGain);
        const score = accumulatedErrors(errorsK, candidate).reduce((sum, value, h) => sum + value / Math.max(without[h]!, 1e-12), 0);
        if (score < least) {
          least = score;
          best = candidate;
        }
      }
    }
  }
  return best;
};

/** S_H of `chooseDrift` for H = 1, 4 and 20 steps, K². */
export const accumulatedErrors = (errorsK: Float64Array, model: DriftModel): readonly number[] => {
  const states = driftStates(model, errorsK);
  const sums = HORIZONS.map(() => 0);
  const longest = HORIZONS[HORIZONS.length - 1]!;
  for (let i = 0; i + longest <= errorsK.length; i++) {
    let error = 0;
    for (let h = 0; h < longest; h++) {
      const one = errorsK[i + h]!;
      error = Number.isFinite(one) ? KEPT_PER_STEP * error + one - driftAfter(model, states[i]!, h) : 0;
      const at = HORIZONS.indexOf(h + 1);
      if (at >= 0) sums[at]! += error * error;
    }
  }
  return sums;
};

/** Errors of single rows in the order of the data's `steps` steps, NaN where there is none. `rows`: where each one's step begins. */
export const errorsByStep = (rows: readonly number[], errorsK: Float64Array, steps: number): Float64Array => {
  const byStep = new Float64Array(steps).fill(Number.NaN);
  rows.forEach((row, i) => {
    byStep[row] = errorsK[i]!;
  });
  return byStep;
};

/** What remains of one-step errors once the drift before each step is known, K. */
export const errorsAfterDrift = (errorsK: Float64Array, model: DriftModel): Float64Array => {
  const states = driftStates(model, errorsK);
  return errorsK.map((error, i) => error - driftAfter(model, states[i]!, 0));
};

/** The same for errors of single rows; the errors themselves without a drift. */
export const remainingErrors = (
  rows: readonly number[],
  errorsK: Float64Array,
  steps: number,
  model: DriftModel | undefined,
): Float64Array => {
  if (model === undefined) return errorsK;
  const remaining = errorsAfterDrift(errorsByStep(rows, errorsK, steps), model);
  return Float64Array.from(rows, (row) => remaining[row]!);
};

/** The same posterior with the zone's drift as one more input: mean coefficient 1, seen by no kernel. */
export const withDriftInput = (posterior: PosteriorData, zone: string): PosteriorData => {
  const { features, meanCoefficients, basisInputs, m, d } = posterior;
  const widened = new Float64Array(m * (d + 1));
  for (let i = 0; i < m; i++) widened.set(basisInputs.subarray(i * d, (i + 1) * d), i * (d + 1));
  return {
    ...posterior,
    features: [...features, { term: { kind: "disturbance", point: driftPoint(zone), lagSteps: 0 }, scale: 1 }],
    meanCoefficients: Float64Array.from([...meanCoefficients, 1]),
    basisInputs: widened,
    d: d + 1,
  };
};
