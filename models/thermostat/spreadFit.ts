import type { SpreadModel, ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import { driftStates } from "#math/drift";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { mean } from "#math/statistics";
import { leaveDayOut } from "#models/calibration";
import { demandSteps, likeliestDoubt } from "#models/calibration/demandDoubt";
import { calibratedLeads, leadFactors } from "#models/calibration/leadFactors";
import { LEFT_OUT_DAYS, type LeftOutDay, leftOutDays, leftOutTrajectories } from "#models/calibration/leftOutDays";
import type { BoundedPosterior as Fitted } from "#models/thermostat/boundedPosterior";
import { errorsByStep, withDriftInput } from "#models/thermostat/driftFit";

/** Trajectories begin this often. */
const START_EVERY = 8;
/**
 * ρ of `SpreadModel.capacityDoubt`. Measured: heating that begins when people come leaves zones 0.2 to 0.5 K (of 4.7 K) colder than a model says that was taught by heating hours
 * before them; days left out of the same history do not show it, so no week of it can tell this share.
 */
const CAPACITY_DOUBT = 0.1;
const DAY_S = 86_400;
const SIX_HOURS_MS = 6 * 3_600_000;

/** Rows that taught the model, each predicted without its own day: errors (K) and variances (K²). */
export interface HeldOutRows {
  readonly rows: readonly number[];
  readonly day: readonly number[];
  readonly errors: Float64Array;
  readonly variances: Float64Array;
}

/** c² · mean variance of rows predicted without their own day; without their own six hours where there is but one day to leave out. */
const usualInnovation = (
  la: LinearAlgebra,
  model: ZoneModel,
  { problem, factorisation }: Fitted,
  heldOut: HeldOutRows,
  data: DatasetRows,
): number => {
  const severalDays = new Set(heldOut.day).size > 1;
  const { variances } = severalDays
    ? heldOut
    : leaveDayOut(
        la,
        problem.n,
        factorisation.choleskyLower,
        factorisation.alpha,
        heldOut.rows.map((row) => Math.floor((data.localMs(row + 1) - 1) / SIX_HOURS_MS)),
      );
  return model.spreadScale ** 2 * mean(variances);
};

/**
 * The days that were left out, and what carries a zone's spread: the usual innovation, the doubt of its equipment, and factors by lead from trajectories over the training
 * data that their days had no part in. `first` holds the rows of `heldOut` alone, the other posterior imputed ones too. `model` is the zone's without `spread`; its drift and `spreadScale` are those of `heldOut`.
 */
export const fitSpread = (
  la: LinearAlgebra,
  model: ZoneModel,
  first: Fitted,
  { problem, factorisation }: Fitted,
  heldOut: HeldOutRows,
  data: DatasetRows,
): { readonly spread: SpreadModel; readonly days: readonly LeftOutDay[] } => {
  const { stepS } = data.dataset;
  const usual = { innovationVarianceK2: usualInnovation(la, model, first, heldOut, data), leads: [] };
  const { features, kernel, meanCoefficients, x, n, d } = problem;
  const { alpha, choleskyLower } = factorisation;
  const exact = { features, kernel, meanCoefficients, basisInputs: x, m: n, d, alpha, varianceRoot: new Float64Array(0), p: 0 };
  const { drift } = model;
  const states = drift === undefined ? [] : driftStates(drift, errorsByStep(heldOut.rows, heldOut.errors, data.length - 1));
  const zone = { ...model, posterior: drift === undefined ? exact : withDriftInput(exact, model.zone) };
  const days = leftOutDays({ la, model: zone, n, choleskyLower, alpha, day: heldOut.day, driftStates: states }, data, START_EVERY);
  const known = { ...usual, capacityDoubt: CAPACITY_DOUBT };
  const spread = { ...known, demandDoubt: likeliestDoubt(demandSteps(days, zone, known, data)) };
  const errors = leftOutTrajectories(days, spread, data, calibratedLeads(stepS));
  const leads = leadFactors(errors, stepS, START_EVERY, (data.length * stepS) / DAY_S, LEFT_OUT_DAYS);
  return { spread: { ...spread, leads }, days };
};
