import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { leaveDayOut, spreadScaleFrom } from "#models/calibration";
import { rowsUnder, type SelectedRows, type SelectionOptions, selectTrainingRows } from "#models/growing/selectTrainingRows";
import { budgetedPosterior, exactPosterior, factoriseRows, type PosteriorProblem } from "#models/posterior";
import type { Prior } from "#models/prior";
import { boundedPosterior } from "#models/thermostat/boundedPosterior";
import { remainingErrors, withDriftInput } from "#models/thermostat/driftFit";
import type { ZoneFit } from "#models/thermostat/fitZone";
import { withHeavyTails } from "#models/thermostat/heavyTails";
import { hyperparameterSpace, meanCoefficients, residualsOf } from "#models/thermostat/hyperparameters";
import { type TrainingRows, trainingRows } from "#models/thermostat/trainingRows";

export interface GrownZone {
  readonly model: ZoneModel;
  readonly selected: SelectedRows;
}

const DAY_MS = 86_400_000;
const PRESENT_DAYS = 7;

/**
 * A zone's model of the present, learned from its last week by `fitZone`, with the whole history behind it at a fixed budget: the same hyperparameters and prior mean, the
 * posterior over the rows that `selectTrainingRows` keeps, exact, with old rows' drift as extra noise; the spread is calibrated on the last week's rows, each
 * predicted without its own day. @param week structure and tolerance: of the rows it was learned from, since other tolerances make other steps free float, and a
 * step on a setpoint that counts as free float spoils every morning. @param history everything up to now.
 */
export const growZone = (
  la: LinearAlgebra,
  week: Pick<ZoneFit, "model" | "logHyperparameters"> & Pick<TrainingRows, "structure" | "toleranceK">,
  history: DatasetRows,
  neighbours: readonly string[],
  prior: Prior | null,
  options: SelectionOptions & {
    /** Inducing inputs of the posterior at most, as in `fitZone`; null: all rows that are kept. Default null. */
    readonly posteriorBudget?: number | null;
    readonly onWarning?: (text: string) => void;
  } = {},
): GrownZone => {
  const { model, structure, toleranceK, logHyperparameters } = week;
  // What a prior knows is of heating that acts at once.
  const heard = model.call === undefined ? prior : null;
  const all = rowsUnder(structure, trainingRows(history, model.zone, neighbours, toleranceK, model.call ?? null), history);
  const selected = selectTrainingRows(la, all, history, heard, options);
  const { rows, extraNoiseVariance } = selected;
  const { features } = structure;
  // Not the posterior's own mean and kernel: the week's data have moved them.
  const beta = meanCoefficients(structure, heard, history.dataset.stepS);
  const space = hyperparameterSpace(structure, heard);
  // Neighbours share one lengthscale by name.
  const { kernel, noiseVariance } = space.at(space.names.map((name) => logHyperparameters[name]!));
  const problem: PosteriorProblem = {
    la,
    features,
    kernel,
    meanCoefficients: beta,
    x: rows.x,
    n: rows.n,
    d: rows.d,
    residuals: residualsOf(rows, beta),
    noiseVariance,
    extraNoiseVariance,
    onWarning: options.onWarning ?? (() => undefined),
  };
  const { problem: robust, factorisation: first } = withHeavyTails(problem, factoriseRows(problem));
  const endOf = rows.rows.map((row) => history.localMs(row + 1));
  const { errors, variances } = leaveDayOut(
    la,
    rows.n,
    first.choleskyLower,
    first.alpha,
    endOf.map((ms) => Math.floor((ms - 1) / DAY_MS)),
  );
  const present = endOf.flatMap((ms, i) => (history.localMs(history.length - 1) - ms < PRESENT_DAYS * DAY_MS ? [i] : []));
  const remaining = remainingErrors(rows.rows, errors, history.length - 1, model.drift);
  const spreadScale = spreadScaleFrom(
    Float64Array.from(present, (i) => remaining[i]!),
    Float64Array.from(present, (i) => variances[i]!),
  );
  const bounded = boundedPosterior(robust, first, rows, history);
  const { posteriorBudget = null } = options;
  const posterior =
    posteriorBudget !== null && posteriorBudget < bounded.problem.n
      ? budgetedPosterior(bounded.problem, posteriorBudget)
      : exactPosterior(bounded.problem, bounded.factorisation);
  return { model: { ...model, spreadScale, posterior: withDriftInput(posterior, model.zone) }, selected };
};
