import type { DriftModel, ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { createBatchPredictor } from "#math/batchPredictor";
import type { DatasetRows } from "#math/datasetRows";
import { fillInputs } from "#math/features";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { gatesOf, regimes, rowRegimes, zoneToleranceK } from "#math/regimes";

/** Disturbance states before every step: `states[i]` for the step that begins at row i; one entry more than there are errors. */
export type DriftStates = readonly (readonly number[])[];

/** The filter's next states: the innovation within the limit, b' = ρ (b + g ν); an error that is not finite leaves them to fade. */
export const nextDriftStates = ({ decay, gain, limitK }: DriftModel, states: readonly number[], errorK: number): readonly number[] => {
  const innovation = Number.isFinite(errorK)
    ? Math.min(Math.max(errorK - states.reduce((sum, value) => sum + value, 0), -limitK), limitK)
    : 0;
  return states.map((value, j) => decay[j]! * (value + gain[j]! * innovation));
};

/** Runs the filter of `DriftModel` over one-step errors (K; NaN on a setpoint or where something is missing). */
export const driftStates = (drift: DriftModel, errorsK: ArrayLike<number>): DriftStates => {
  let states: readonly number[] = drift.decay.map(() => 0);
  const all = [states];
  for (let i = 0; i < errorsK.length; i++) {
    states = nextDriftStates(drift, states, errorsK[i]!);
    all.push(states);
  }
  return all;
};

/** Σ_j ρ_j^steps b_j, K: the drift of the step that begins `steps` steps later. */
export const driftAfter = ({ decay }: DriftModel, states: readonly number[], steps: number): number =>
  states.reduce((sum, value, j) => sum + value * decay[j]! ** steps, 0);

const BATCH = 256;

/** T̂' − T, K, of a zone's model without drift for the steps that begin at rows `steps`, under the gates given: βᵀx + f(x). */
export const increment = (
  la: LinearAlgebra,
  { posterior }: ZoneModel,
  data: DatasetRows,
  steps: readonly number[],
  gates: ReturnType<typeof gatesOf>,
): Float64Array => {
  const { features, meanCoefficients, d } = posterior;
  const x = fillInputs(features, data.source(steps), gates);
  const predictor = createBatchPredictor(la, posterior, BATCH);
  const f = new Float64Array(steps.length);
  for (let from = 0; from < steps.length; from += BATCH) {
    const to = Math.min(steps.length, from + BATCH);
    predictor.predict(x.subarray(from * d, to * d), to - from, f.subarray(from, to), null);
  }
  return f.map((value, k) => {
    let sum = value;
    for (let c = 0; c < d; c++) sum += meanCoefficients[c]! * x[k * d + c]!;
    return sum;
  });
};

/**
 * One-step errors T' − T̂' of a zone's model without drift, K, entry i for the step from row i to row i+1 of the data: against the free float where the
 * equipment idled, against full heating or cooling where it was at its limit. NaN where a setpoint was held, a value is missing, or the step begins
 * before `firstStep`.
 */
export const stepErrors = (la: LinearAlgebra, model: ZoneModel, data: DatasetRows, firstStep = 0): Float64Array => {
  const errors = new Float64Array(Math.max(0, data.length - 1)).fill(Number.NaN);
  const temperature = data.column(zonePoint(model.zone, "zoneAirTempC"));
  // Without a thermostat's clamp every step is free float.
  const regime =
    model.transition === "thermostat"
      ? rowRegimes(data, model.zone, zoneToleranceK(data, model.zone), false)
      : new Uint8Array(data.length).fill(regimes.idle);
  const steps = Array.from(errors, (_, i) => i).filter(
    (i) =>
      i >= firstStep && Number.isFinite(temperature[i]!) && Number.isFinite(temperature[i + 1]!) && regime[i + 1]! < regimes.heldHeating,
  );
  const increments = increment(la, model, data, steps, gatesOf(steps.map((i) => regime[i + 1]!)));
  steps.forEach((i, k) => {
    errors[i] = temperature[i + 1]! - temperature[i]! - increments[k]!;
  });
  return errors;
};
