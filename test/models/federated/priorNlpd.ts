import { MatrixPool } from "#math/matrixPool";
import type { Prior } from "#models/prior";
import { hyperparameterSpace, meanCoefficients, negativeLogLikelihood, residualsOf } from "#models/thermostat/hyperparameters";
import type { TrainingRows } from "#models/thermostat/trainingRows";
import { la } from "../support.js";

/** −log p(y | θ, β) a row, of rows that a prior has not seen, under its locations. */
export const priorNlpd = (rows: TrainingRows, learned: Pick<Prior, "logHyperparameters" | "meanCoefficients">): number => {
  const prior = learned as Prior;
  const space = hyperparameterSpace(rows.structure, prior);
  const residuals = residualsOf(rows, meanCoefficients(rows.structure, prior, 900));
  return negativeLogLikelihood(la, rows, residuals, space, space.start, new Float64Array(space.names.length), new MatrixPool()) / rows.n;
};
