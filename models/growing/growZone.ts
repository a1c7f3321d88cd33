import type { ZoneModel } from "#domain/model";
import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { leaveDayOut, spreadScaleFrom } from "#models/calibration";
import { rowsUnder, type SelectedRows, type SelectionOptions, selectTrainingRows } from "#models/growing/selectTrainingRows";
import { exactPosterior, factoriseRows, type PosteriorProblem } from "#models/posterior";
import type { Prior } from "#models/prior";
import { boundedPosterior } from "#models/thermostat/boundedPosterior";
import { remainingErrors, withDriftInput } from "#models/thermostat/driftFit";
import type { ZoneFit } from "#models/thermostat/fitZone";
import { hyperparameterSpace, residualsOf } from "#models/thermostat/hyperparameters";
import type { ThermostatStructure } from "#models/thermostat/structure";
import { trainingRows } from "#models/thermostat/trainingRows";

export interface GrownZone {
  readonly model: ZoneModel;
  readonly selected: SelectedRows;
}

const DAY_MS = 86_400_000;
const PRESENT_DAYS = 7;

/**
 * A zone's model of the present, learned from its last week by `fitZone`, with the whole history behind it at a fixed budget: the same hyperparameters and mean, the
 * posterior over the rows that `selectTrainingRows` keeps, exact, with old rows' drift as extra noise; the spread is calibrated on the last week's rows, each
 * predicted without its own day. @param week the model's structure: of the rows it was learned from. @param history everything up to now.
 */
export const growZone = (
  la: LinearAlgebra,
  week: Pick<ZoneFit, "model" | "logHyperparameters"> & { readonly structure: ThermostatStructure },
  history: DatasetRows,
  neighbours: readonly string[],
  prior: Prior | null,
  options: SelectionOptions & { readonly onWarning?: (text: string) => void } = {},
): GrownZone => {
  const { model, structure, logHyperparameters } = week;
  const all = rowsUnder(structure, trainingRows(history, model.zone, neighbours), history);
  const selected = selectTrainingRows(la, all, history, prior, options);
  const { rows, extraNoiseVariance } = selected;
  const { features } = structure;
  // The last input of the model is its drift, which no row of the past has.
  const meanCoefficients = model.posterior.meanCoefficients.slice(0, rows.d);
  const space = hyperparameterSpace(structure, prior);
  // Not the posterior's own kernel: that may have been tightened for want of the data that are here now. (Neighbours share one lengthscale by name.)
  const { kernel, noiseVariance } = space.at(space.names.map((name) => logHyperparameters[name]!));
  const problem: PosteriorProblem = {
    la,
    features,
    kernel,
    meanCoefficients,
    x: rows.x,
    n: rows.n,
    d: rows.d,
    residuals: residualsOf(rows, meanCoefficients),
    noiseVariance,
    extraNoiseVariance,
    onWarning: options.onWarning ?? (() => undefined),
  };
  const first = factoriseRows(problem);
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
  const bounded = boundedPosterior(problem, first, rows, history);
  const posterior = withDriftInput(exactPosterior(bounded.problem, bounded.factorisation), model.zone);
  return { model: { ...model, spreadScale, posterior }, selected };
};
