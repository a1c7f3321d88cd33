import type { ZoneModel } from "#domain/model";
import { createBatchPredictor } from "#math/batchPredictor";
import type { DatasetRows } from "#math/datasetRows";
import { type DriftStates, driftStates, stepErrors } from "#math/drift";
import { type FeatureSource, fillInputs, type SampleColumn } from "#math/features";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { normalCdf } from "#math/statistics";

/** Predictive distribution of the next temperature, one entry per sample. */
export interface StepPrediction {
  readonly meanC: Float64Array;
  /** Including noise and the calibrated scale; null where only means were asked for. */
  readonly stdDevK: Float64Array | null;
  /** T_free, °C. */
  readonly freeC: Float64Array;
  /** Under a thermostat: T_heat and T_cool, °C. */
  readonly full?: { readonly heatedC: Float64Array; readonly cooledC: Float64Array };
  /** Latent variance of the function that the mean follows, K²; only with a spread. Where a setpoint is held, that of the free float. */
  readonly latentK2?: Float64Array;
}

export interface StepPredictor {
  predict(source: FeatureSource, withSpread: boolean): StepPrediction;
  /** Where the model has a drift: its states before every step of the data, from the errors of the steps before. */
  driftStates?(data: DatasetRows): DriftStates;
}

const at = (column: SampleColumn, k: number): number => (typeof column === "number" ? column : column[k]!);

/**
 * One-step predictions of one zone for any samples (see `Transition` for the mean, T_heat below never under T_free). The spread of a thermostat zone is that of a mixture over its
 * regimes: with p_h = P(T_free < T_hea) and p_hl = p_h P(T_heat < T_hea) (likewise for cooling),
 * Var ≈ c² ((1 − p_h − p_c) s_free² + p_hl s_heat² + p_cl s_cool²) + (p_h − p_hl + p_c − p_cl) s_held² + ε² D², c the model's `spreadScale`
 * (the scatter on a setpoint is measured, so it needs none), D the kelvins that the thermostat asks for and ε the `demandDoubt`; s_heat and s_cool hold the `capacityDoubt`'s share ρ |T_full − T_free| too. A missing input, setpoints too, gives NaN for its sample.
 */
export const createStepPredictor = (la: LinearAlgebra, model: ZoneModel, maxBatch = 512): StepPredictor => {
  const { posterior } = model;
  const predictor = createBatchPredictor(la, posterior, maxBatch);
  const { d, meanCoefficients } = posterior;

  const evaluate = (inputs: Float64Array, count: number, withVariance: boolean): { f: Float64Array; variance: Float64Array | null } => {
    const f = new Float64Array(count);
    const variance = withVariance ? new Float64Array(count) : null;
    for (let start = 0; start < count; start += maxBatch) {
      const rows = Math.min(maxBatch, count - start);
      predictor.predict(
        inputs.subarray(start * d, (start + rows) * d),
        rows,
        f.subarray(start, start + rows),
        variance?.subarray(start, start + rows) ?? null,
      );
    }
    for (let k = 0; k < count; k++) for (let c = 0; c < d; c++) f[k]! += meanCoefficients[c]! * inputs[k * d + c]!;
    return { f, variance };
  };

  const { drift } = model;
  const doubt = model.spread?.demandDoubt ?? 0;
  // `spreadScale` multiplies the whole spread, this share is told unscaled.
  const capacityDoubt = (model.spread?.capacityDoubt ?? 0) / model.spreadScale;
  const driftsOf = new WeakMap<DatasetRows, DriftStates>();
  const statesOf = (data: DatasetRows): DriftStates => {
    let states = driftsOf.get(data);
    if (states === undefined) {
      states = driftStates(drift!, stepErrors(la, model, data));
      driftsOf.set(data, states);
    }
    return states;
  };
  return {
    ...(drift === undefined ? {} : { driftStates: statesOf }),
    predict: (source, withSpread) => {
      const { count } = source;
      const temperature = source.state(`${model.zone}.zoneAirTempC`, 0);
      const base = model.transition === "absolute" ? 0 : temperature;
      const run = (
        gate: "none" | "heating" | "cooling",
      ): { next: Float64Array; spread: Float64Array | null; latentK2: Float64Array | null } => {
        const ones = new Uint8Array(count).fill(1);
        const gates = { heating: gate === "heating" ? ones : null, cooling: gate === "cooling" ? ones : null };
        const { f, variance } = evaluate(fillInputs(posterior.features, source, gates), count, withSpread);
        return {
          next: f.map((value, k) => at(base, k) + value),
          spread: variance?.map((value) => Math.sqrt(value + model.noiseVarianceK2)) ?? null,
          latentK2: variance,
        };
      };
      const free = run("none");
      const scaled = (spread: Float64Array | null): Float64Array | null => spread?.map((value) => value * model.spreadScale) ?? null;
      const known = (latentK2: Float64Array | null): Pick<StepPrediction, "latentK2"> => (latentK2 === null ? {} : { latentK2 });
      if (model.transition !== "thermostat")
        return { meanC: free.next, stdDevK: scaled(free.spread), freeC: free.next, ...known(free.latentK2) };
      const heatingC = source.setpoint(model.zone, "heating", 0);
      const coolingC = source.setpoint(model.zone, "cooling", 0);
      const heat = run("heating");
      const cool = run("cooling");
      const meanC = new Float64Array(count);
      const variance = withSpread ? new Float64Array(count) : null;
      const latentK2 = free.latentK2;
      for (let k = 0; k < count; k++) {
        const tFree = free.next[k]!;
        const hea = at(heatingC, k);
        const coo = at(coolingC, k);
        // Heating takes nothing away: where it seems to, the free float is what comes.
        const gives = !(heat.next[k]! < tFree);
        const tHeat = gives ? heat.next[k]! : tFree;
        const tCool = cool.next[k]!;
        if (Number.isNaN(hea) || Number.isNaN(coo)) meanC[k] = Number.NaN;
        else if (tFree < hea) meanC[k] = tHeat < hea ? tHeat : hea + model.heldOffsetK;
        else if (tFree > coo) meanC[k] = tCool > coo ? tCool : coo + model.heldOffsetK;
        else meanC[k] = tFree;
        if (variance === null) continue;
        if (gives && meanC[k] === tHeat && tFree < hea) latentK2![k] = heat.latentK2![k]!;
        if (meanC[k] === tCool && tFree > coo) latentK2![k] = cool.latentK2![k]!;
        const sFree = free.spread![k]!;
        const sHeat = Math.hypot(gives ? heat.spread![k]! : sFree, capacityDoubt * Math.max(0, tHeat - tFree));
        const sCool = Math.hypot(cool.spread![k]!, capacityDoubt * Math.max(0, tFree - tCool));
        const pHeating = normalCdf((hea - tFree) / sFree);
        const pHeatLimited = pHeating * normalCdf((hea - tHeat) / sHeat);
        const pCooling = normalCdf((tFree - coo) / sFree);
        const pCoolLimited = pCooling * normalCdf((tCool - coo) / sCool);
        const pIdle = Math.max(0, 1 - pHeating - pCooling);
        const pHeld = pHeating - pHeatLimited + pCooling - pCoolLimited;
        variance[k] =
          model.spreadScale ** 2 * (pIdle * sFree ** 2 + pHeatLimited * sHeat ** 2 + pCoolLimited * sCool ** 2) +
          pHeld * model.heldStdDevK ** 2 +
          (doubt * Math.max(0, hea - tFree, tFree - coo)) ** 2;
      }
      const full = { heatedC: heat.next, cooledC: cool.next };
      return { meanC, stdDevK: variance?.map(Math.sqrt) ?? null, freeC: free.next, full, ...known(latentK2) };
    },
  };
};
