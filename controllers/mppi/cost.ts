import { shortRunsOf } from "#controllers/mppi/shortRuns";
import type { CostProblem, CostWeights, SampleCosts, TerminalValue } from "#domain/cost";
import type { CostTerms } from "#domain/plan";
import type { RolloutResult } from "#domain/rollout";
import { normalCdf, normalPdf } from "#math/statistics";

/** kWh that may be spent to spare one zone one kelvin-hour. */
const COMFORT_KWH_PER_KH = 20;
/** kW of peak that may be added to spare one zone one kelvin-hour. */
const COMFORT_KW_PER_KH = 0.5;
const UNCERTAINTY_KWH_PER_K = 0.1;
const MOVEMENT_KWH_PER_K = 0.002;

/**
 * Weights where nobody chose any: comfort comes first, and the weights scale with the price so that the choice is the same in any currency.
 * A kelvin-hour outside the band weighs as much as 20 kWh at the horizon's highest price: 0.1 K in one zone for one 15-minute step weighs 0.5 kWh,
 * while being 0.1 K colder in one zone of an office saves some 0.03 kWh. With a demand charge a kelvin-hour also weighs half a kW of the month's peak. The
 * expected kelvin outside the band already hold the spread: a plan pays for being unsure when people come, and heavier weights bought hours of
 * heating ahead of them instead of comfort. A kelvin of mean spread weighs 0.1 kWh and a setpoint moved by a kelvin 2 Wh: they only decide between plans that
 * are otherwise alike. Prices that are all 0 count as 1.
 */
export const defaultWeights = (pricePerKwh: Float64Array, demandPricePerKw = 0): CostWeights => {
  const reference = referencePrice(pricePerKwh);
  return {
    comfortPerKh: COMFORT_KWH_PER_KH * reference + COMFORT_KW_PER_KH * Math.max(0, demandPricePerKw),
    uncertaintyPerK: UNCERTAINTY_KWH_PER_K * reference,
    movementPerK: MOVEMENT_KWH_PER_K * reference,
  };
};

/** Highest magnitude of the prices; 1 where all are 0 or none is finite. */
export const referencePrice = (pricePerKwh: Float64Array): number => {
  let reference = 0;
  for (const price of pricePerKwh) if (Number.isFinite(price)) reference = Math.max(reference, Math.abs(price));
  return reference > 0 ? reference : 1;
};

/** Beyond so many standard deviations the expectation is one of its asymptotes to 1e-16. */
const FAR = 8;

/**
 * Expected positive part of a normal number: E[(X)₊] = d Φ(d/σ) + σ φ(d/σ) for X ~ N(d, σ²); max(0, d) for σ = 0.
 * With d = lower − T̄ it is the expected kelvin below the band, with d = T̄ − upper above it.
 */
export const expectedExcessK = (distanceK: number, stdDevK: number): number => {
  if (!(stdDevK > 0) || distanceK > FAR * stdDevK) return Math.max(0, distanceK);
  if (distanceK < -FAR * stdDevK) return 0;
  const z = distanceK / stdDevK;
  return Math.max(0, distanceK * normalCdf(z) + stdDevK * normalPdf(z));
};

/** [k][t][z] setpoints of K sequences. */
export interface SetpointBatch {
  readonly count: number;
  readonly heatingSetpointC: Float64Array;
  readonly coolingSetpointC: Float64Array;
}

/**
 * Cost of every sequence k of a batch, with h = stepS/3600 hours and T̄, σ the prediction at the end of step t:
 *   comfort     = comfortPerKh · h · Σ_{t,z occupied} E[(lower − tol − T)₊] + E[(T − upper − tol)₊],   T ~ N(T̄, σ²)
 *   energy      = Σ_t price_t · P_t/1000 · h
 *   demand      = pricePerKw · max(0, max_t (P_t + otherLoad_t) − peakSoFar)/1000
 *   uncertainty = uncertaintyPerK · mean of σ over occupied zone-steps (0 where none is occupied)
 *   movement    = movementPerK · Σ_{t,z} |T_hea,t − T_hea,t−1| + |T_coo,t − T_coo,t−1|, beginning from the setpoints in force
 *   terminal    = pricePerK · Σ_z max(0, heatTo − T̄_end) + max(0, T̄_end − coolTo)
 *   wear        = pricePerShortRun · Σ of short runs and pauses (`shortRunsOf`), where the problem names equipment
 * A sequence with any prediction that is not finite, or a negative σ, gets the total NaN.
 */
export const evaluateCosts = (problem: CostProblem, batch: SetpointBatch, result: RolloutResult): SampleCosts => {
  const totals = new Float64Array(batch.count);
  const spreadsK = new Float64Array(batch.count);
  const terms: CostTerms[] = [];
  for (let k = 0; k < batch.count; k++) {
    const term = costTerms(problem, batch, result, k);
    terms.push(term);
    totals[k] = isFinitePrediction(problem, result, k) ? term.total : Number.NaN;
    spreadsK[k] = sampleSpreadK(problem, result, k);
  }
  return { terms, totals, spreadsK };
};

const isFinitePrediction = ({ horizonSteps, nz }: CostProblem, { meanC, stdDevK, powerW }: RolloutResult, k: number): boolean => {
  const size = horizonSteps * nz;
  for (let i = k * size; i < (k + 1) * size; i++)
    if (!Number.isFinite(meanC[i]!) || !(stdDevK[i]! >= 0 && stdDevK[i]! < Infinity)) return false;
  for (let t = k * horizonSteps; t < (k + 1) * horizonSteps; t++) if (!Number.isFinite(powerW[t]!)) return false;
  return true;
};

/** What a sequence's costs are made of, without weights and prices of their own. */
export interface CostSums {
  /** Σ over occupied zone-steps of the expected kelvins outside the band. */
  readonly outsideK: number;
  /** Σ over occupied zone-steps of the standard deviation. */
  readonly spreadK: number;
  /** Σ over setpoints of how far they move from step to step. */
  readonly movedK: number;
  /** Σ_t price_t P_t. */
  readonly pricedW: number;
  /** max_t of the power that the peak counts. */
  readonly peakW: number;
  /** Σ over zones of the kelvins owed at the end. */
  readonly owedK: number;
  /** Short runs and pauses (`shortRunsOf`); absent where they cost nothing. */
  readonly shortRuns?: number;
}

/** The terms of `evaluateCosts` from their sums, `occupiedCount` of the problem's zone-steps being occupied. */
export const composeTerms = (
  { stepS, weights, demandCharge, terminal, equipment }: CostProblem,
  sums: CostSums,
  occupiedCount: number,
): CostTerms => {
  const hours = stepS / 3600;
  const comfort = weights.comfortPerKh * hours * sums.outsideK;
  const energy = (sums.pricedW * hours) / 1000;
  const uncertainty = occupiedCount > 0 ? (weights.uncertaintyPerK * sums.spreadK) / occupiedCount : 0;
  const movement = weights.movementPerK * sums.movedK;
  const demand = demandCharge === null ? 0 : (demandCharge.pricePerKw * Math.max(0, sums.peakW - demandCharge.peakSoFarW)) / 1000;
  const owed = terminal === null ? 0 : terminal.pricePerK * sums.owedK;
  const total = comfort + energy + uncertainty + movement + demand + owed;
  const terms = { comfort, energy, uncertainty, movement, demand, terminal: owed, total };
  if (equipment === undefined || sums.shortRuns === undefined) return terms;
  const wear = equipment.pricePerShortRun * sums.shortRuns;
  return { ...terms, wear, total: total + wear };
};

const costTerms = (problem: CostProblem, batch: SetpointBatch, result: RolloutResult, k: number): CostTerms => {
  const { horizonSteps, nz, toleranceK } = problem;
  const size = horizonSteps * nz;
  const from = k * size;
  let outsideK = 0;
  let spreadK = 0;
  let occupiedCount = 0;
  let movedK = 0;
  for (let i = 0; i < size; i++) {
    if (problem.occupied[i] === 1) {
      const mean = result.meanC[from + i]!;
      const stdDev = result.stdDevK[from + i]!;
      outsideK +=
        expectedExcessK(problem.lowerC[i]! - toleranceK - mean, stdDev) + expectedExcessK(mean - toleranceK - problem.upperC[i]!, stdDev);
      spreadK += stdDev;
      occupiedCount++;
    }
    const heatingBefore = i < nz ? problem.inForceHeatingC[i]! : batch.heatingSetpointC[from + i - nz]!;
    const coolingBefore = i < nz ? problem.inForceCoolingC[i]! : batch.coolingSetpointC[from + i - nz]!;
    if (Number.isFinite(heatingBefore)) movedK += Math.abs(batch.heatingSetpointC[from + i]! - heatingBefore);
    if (Number.isFinite(coolingBefore)) movedK += Math.abs(batch.coolingSetpointC[from + i]! - coolingBefore);
  }
  let pricedW = 0;
  let peakW = 0;
  const otherLoadW = problem.demandCharge?.otherLoadW;
  for (let t = 0; t < horizonSteps; t++) {
    const power = result.powerW[k * horizonSteps + t]!;
    pricedW += problem.pricePerKwh[t]! * power;
    peakW = Math.max(peakW, power + (otherLoadW?.[t] ?? 0));
  }
  const owedK = problem.terminal === null ? 0 : owedAtEndK(problem.terminal, result.meanC, from + size - nz);
  const sums = { outsideK, spreadK, movedK, pricedW, peakW, owedK };
  const { equipment } = problem;
  if (equipment === undefined) return composeTerms(problem, sums, occupiedCount);
  return composeTerms(problem, { ...sums, shortRuns: shortRunsOf(problem, equipment, batch, result, k) }, occupiedCount);
};

const owedAtEndK = ({ heatToC, coolToC }: TerminalValue, meanC: Float64Array, from: number): number => {
  let owedK = 0;
  for (let z = 0; z < heatToC.length; z++) {
    const end = meanC[from + z]!;
    owedK += Math.max(0, heatToC[z]! - end) + Math.max(0, end - coolToC[z]!);
  }
  return owedK;
};

/**
 * Spread by which sequence k is judged against the model's bound, K: the largest over zones of the zone's mean predictive standard deviation over
 * its occupied steps; 0 for a zone that nobody uses within the horizon, where being wrong harms nobody. The mean, because one doubtful step is no reason to drop five good hours; the largest
 * over zones, because four well-known zones say nothing about the fifth.
 */
export const sampleSpreadK = (problem: CostProblem, result: RolloutResult, k: number): number => {
  let largest = 0;
  for (let z = 0; z < problem.nz; z++) {
    const spread = zoneSpreadK(problem, result, k, z);
    if (!(spread <= largest)) largest = spread;
  }
  return largest;
};

/** Mean predictive standard deviation of zone z over its occupied steps along sequence k, K; 0 where nobody uses it within the horizon. */
export const zoneSpreadK = ({ horizonSteps, nz, occupied }: CostProblem, { stdDevK }: RolloutResult, k: number, z: number): number => {
  let [sum, count] = [0, 0];
  for (let t = 0; t < horizonSteps; t++) {
    if (occupied[t * nz + z] !== 1) continue;
    sum += stdDevK[(k * horizonSteps + t) * nz + z]!;
    count++;
  }
  return count > 0 ? sum / count : 0;
};
