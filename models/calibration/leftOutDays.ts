import type { SpreadModel, ZoneModel } from "#domain/model";
import { zonePoint } from "#domain/points";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import type { DatasetRows } from "#math/datasetRows";
import type { DriftStates } from "#math/drift";
import { fillInputs } from "#math/features";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { gatesOf, rowRegimes } from "#math/regimes";
import { mean } from "#math/statistics";
import type { LeadErrors } from "#models/calibration/leadFactors";
import { openLoop } from "#models/evaluation/openLoop";
import { createStepPredictor, type StepPredictor } from "#models/stepPredictor";

/** A zone's exact posterior with the days of its rows; rows beyond `day` (imputed ones) are never left out. */
export interface LeftOutProblem {
  readonly la: LinearAlgebra;
  /** Exact, with the drift as an input; its α and W are not read. */
  readonly model: ZoneModel;
  /** L Lᵀ = K + σ²I and α, n. */
  readonly n: number;
  readonly choleskyLower: Float64Array;
  readonly alpha: Float64Array;
  readonly day: readonly number[];
  /** Drift before every step of the data, from errors on days left out. */
  readonly driftStates: DriftStates;
}

/** The day that a trajectory begins on and the next, which it reaches into. */
export const LEFT_OUT_DAYS = 2;
/** Fewer rows than this say nothing. */
const FEWEST_ROWS = 48;
const NOTHING = new Float64Array(0);
const DAY_MS = 86_400_000;

/** A posterior without some of its rows b, by the inverse Q = (K + σ²I)⁻¹ of all. */
export interface Without {
  /** α − Q_·b Q_bb⁻¹ α_b, n; 0 on b. */
  readonly alpha: Float64Array;
  /** Latent variances of inputs (count×d): k(x, x) − kᵀ Q k + (Q k)_bᵀ Q_bb⁻¹ (Q k)_b with k = k(X, x). */
  latentK2(inputs: Float64Array, count: number): Float64Array;
}

export const withoutRows = ({ la, model, n, alpha }: LeftOutProblem, inverse: Float64Array, rows: readonly number[]): Without => {
  const b = rows.length;
  const block = new Float64Array(b * b);
  for (let i = 0; i < b; i++) for (let j = 0; j < b; j++) block[i * b + j] = inverse[rows[i]! * n + rows[j]!]!;
  const { lower } = choleskyWithJitter(la, b, block, () => undefined);
  const solved = Float64Array.from(rows, (row) => alpha[row]!);
  la.solveLower(b, 1, lower, solved, false);
  la.solveLower(b, 1, lower, solved, true);
  const without = alpha.map((value, i) => {
    let sum = value;
    for (let j = 0; j < b; j++) sum -= inverse[i * n + rows[j]!]! * solved[j]!;
    return sum;
  });
  for (const row of rows) without[row] = 0;
  return {
    alpha: without,
    latentK2: (inputs, count) => {
      const { kernel, basisInputs, d } = model.posterior;
      const k = kernelMatrix(la, kernel, basisInputs, n, inputs, count, d);
      const u = new Float64Array(n * count);
      la.gemm(false, false, n, count, n, 1, inverse, k, 0, u);
      const left = new Float64Array(b * count);
      rows.forEach((row, i) => {
        left.set(u.subarray(row * count, (row + 1) * count), i * count);
      });
      la.solveLower(b, count, lower, left, false);
      return kernelDiagonal(kernel, inputs, count, d).map((own, c) => {
        let variance = own;
        for (let i = 0; i < n; i++) variance -= k[i * count + c]! * u[i * count + c]!;
        for (let i = 0; i < b; i++) variance += left[i * count + c]! ** 2;
        return Math.max(0, variance);
      });
    },
  };
};

/** Predicts means as `predictor` does, with one latent variance (K²) for all and drifts from days left out. */
const withUsualSpread = (predictor: StepPredictor, usualK2: number, states: DriftStates): StepPredictor => ({
  driftStates: () => states,
  predict: (source) => ({ ...predictor.predict(source, false), latentK2: new Float64Array(source.count).fill(usualK2) }),
});

/** A day, and the zone as it is known without it and the day after. */
export interface LeftOutDay {
  /** Rows that the day's steps begin at. */
  readonly steps: readonly number[];
  /** Every so many-th of them: where trajectories begin. */
  readonly starts: readonly number[];
  readonly zone: ZoneModel;
  /** Its latent variance, which hardly differs from row to row, is that of the rows `starts`, averaged. */
  readonly predictor: StepPredictor;
}

/**
 * Every day of the training data that rows were learned from; none where what is left of the data is too little. No refit: days leave the posterior by
 * one inverse. @param startEvery rows between the beginnings of trajectories.
 */
export const leftOutDays = (problem: LeftOutProblem, data: DatasetRows, startEvery: number): readonly LeftOutDay[] => {
  const { la, model, n, choleskyLower, day, driftStates } = problem;
  const parts = [...new Set(day)].flatMap((first) => {
    const rows = day.flatMap((one, row) => (one >= first && one < first + LEFT_OUT_DAYS ? [row] : []));
    const steps: number[] = [];
    for (let row = 0; row + 1 < data.length; row++) if (Math.floor((data.localMs(row + 1) - 1) / DAY_MS) === first) steps.push(row);
    const starts = steps.filter((row) => row % startEvery === 0);
    return day.length - rows.length < FEWEST_ROWS || starts.length === 0 ? [] : [{ rows, steps, starts }];
  });
  if (parts.length === 0) return [];
  const inverse = la.inverseFromCholesky(n, choleskyLower);
  const regime = rowRegimes(data, model.zone);
  return parts.map(({ rows, steps, starts }) => {
    const without = withoutRows(problem, inverse, rows);
    const gates = gatesOf(starts.map((row) => regime[row + 1]!));
    const latent = without
      .latentK2(fillInputs(model.posterior.features, data.source(starts), gates), starts.length)
      .filter(Number.isFinite);
    const zone = { ...model, posterior: { ...model.posterior, alpha: without.alpha, varianceRoot: NOTHING, p: 0 } };
    const predictor = withUsualSpread(createStepPredictor(la, zone), latent.length === 0 ? 0 : mean(latent), driftStates);
    return { steps, starts, zone, predictor };
  });
};

/** |e| / s after each of `leads` (steps) for open-loop trajectories over the training data, carried with `spread`. */
export const leftOutTrajectories = (
  days: readonly LeftOutDay[],
  spread: SpreadModel,
  data: DatasetRows,
  leads: readonly number[],
): readonly LeadErrors[] => {
  const ratios = leads.map((): number[] => []);
  for (const { starts, zone, predictor } of days) {
    const temperature = data.column(zonePoint(zone.zone, "zoneAirTempC"));
    const { meanC, stdDevK } = openLoop(predictor, { ...zone, spread }, data, starts, leads[leads.length - 1]!, true);
    leads.forEach((steps, i) => {
      starts.forEach((row, k) => {
        const ratio = Math.abs(temperature[row + steps]! - meanC[steps - 1]![k]!) / stdDevK[steps - 1]![k]!;
        if (Number.isFinite(ratio)) ratios[i]!.push(ratio);
      });
    });
  }
  return leads.map((steps, i) => ({ steps, ratios: ratios[i]! }));
};
