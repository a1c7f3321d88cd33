import type { DatasetRows } from "#math/datasetRows";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import { thinned } from "#models/meta/tasks";
import type { Prior } from "#models/prior";
import { MIN_ROWS } from "#models/thermostat/fitZone";
import { hyperparameterSpace, meanCoefficients, negativeLogLikelihood, residualsOf } from "#models/thermostat/hyperparameters";
import { trainingRows } from "#models/thermostat/trainingRows";

export interface EvidenceOptions {
  /** Zones looked at, and rows of each, at most. */
  readonly maxZones?: number;
  readonly maxRows?: number;
}

/**
 * log p(rows | prior) per row at the prior's own location, mean over zones: how well it foretells this building before anything is fitted. Coefficients
 * count with their whole spread, so that a vague prior is not preferred. −Infinity where no zone has enough rows.
 */
export const priorEvidence = (
  la: LinearAlgebra,
  prior: Prior | null,
  data: DatasetRows,
  zones: readonly string[],
  { maxZones = 4, maxRows = 200 }: EvidenceOptions = {},
): number => {
  const pool = new MatrixPool();
  const values: number[] = [];
  for (const zone of zones) {
    if (values.length >= maxZones) break;
    const all = trainingRows(
      data,
      zone,
      zones.filter((other) => other !== zone),
    );
    if (all.n < MIN_ROWS) continue;
    const rows = thinned(all, maxRows);
    const space = hyperparameterSpace(rows.structure, prior);
    const residuals = residualsOf(rows, meanCoefficients(rows.structure, prior, data.dataset.stepS));
    const gradient = new Float64Array(space.names.length);
    values.push(-negativeLogLikelihood(la, rows, residuals, space, space.start, gradient, pool) / rows.n);
  }
  return values.length === 0 ? Number.NEGATIVE_INFINITY : values.reduce((sum, value) => sum + value, 0) / values.length;
};

/** The candidate under which the data are likeliest, by `priorEvidence`; the first where none can be told apart. Null without candidates. */
export const likeliestPrior = <C extends { readonly prior: Prior }>(
  la: LinearAlgebra,
  candidates: readonly C[],
  data: DatasetRows,
  zones: readonly string[],
  options: EvidenceOptions = {},
): C | null => {
  if (candidates.length < 2) return candidates[0] ?? null;
  const evidence = candidates.map(({ prior }) => priorEvidence(la, prior, data, zones, options));
  return candidates[Math.max(0, evidence.indexOf(Math.max(...evidence)))]!;
};
