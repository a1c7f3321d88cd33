import type { DatasetRows } from "#math/datasetRows";
import { fillInputs } from "#math/features";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { gatesOf, rowRegimes } from "#math/regimes";
import { type DictionaryState, RowDictionary } from "#models/growing/rowDictionary";
import type { Prior } from "#models/prior";
import { hyperparameterSpace } from "#models/thermostat/hyperparameters";
import type { ThermostatStructure } from "#models/thermostat/structure";
import type { TrainingRows } from "#models/thermostat/trainingRows";

export interface SelectionOptions {
  /** Rows at most. Default 1000. */
  readonly budget?: number;
  /** Of these, the newest stay whatever they say; at least 1. Default two thirds of the budget: of 1000 rows a week. */
  readonly newest?: number;
  /** Days in which what an old row says loses value by a factor of e. Default 10. */
  readonly forgettingDays?: number;
  /** Scale of how far a building drifts in `forgettingDays`, K in one step. Default 0.3. */
  readonly driftStdDevK?: number;
  readonly seed?: number;
  /** What an earlier selection over the first rows of these data knew: only rows after it are offered. */
  readonly from?: DictionaryState;
}

/** Rows kept of a long history, for `fitZone`'s steps in place of all rows. */
export interface SelectedRows {
  readonly rows: TrainingRows;
  /** K², one a row, on top of the noise: `PosteriorProblem.extraNoiseVariance`. */
  readonly extraNoiseVariance: Float64Array;
  readonly offered: number;
  /** Σ τ_i over everything offered at the γ that the budget allows, and √γ. */
  readonly effectiveDimension: number;
  readonly regularisationStdDevK: number;
  /** To go on from when more rows have come. */
  readonly state: DictionaryState;
}

const DAY_MS = 86_400_000;
/** Rows younger than this are the present: they carry no drift, and their held steps are the bounds. */
const PRESENT_DAYS = 7;
/** Rows offered at once: with the budget, the size of the matrices. */
const BATCH = 480;
/** What single rows scatter by at least, K: finer than this no row is told from its neighbours. */
const FINEST_K = 0.05;
const OVERSAMPLING = 1.5;
/** Rows older than so many times `forgettingDays` are not offered: nothing stands out e^12 times as far. */
const FORGOTTEN = 12;

/** e² = s² (exp((age − 7 d)/τ) − 1): how much less an observation of the past says of today's building, K². Rows younger than 7 days: 0. */
export const driftVariance = (ageDays: number, forgettingDays: number, driftStdDevK: number): number =>
  driftStdDevK ** 2 * Math.expm1(Math.max(0, ageDays - PRESENT_DAYS) / forgettingDays);

/** The rows with the inputs of this structure; those that it cannot describe are left out. */
export const rowsUnder = (structure: ThermostatStructure, all: TrainingRows, data: DatasetRows): TrainingRows => {
  const d = structure.features.length;
  const regime = rowRegimes(data, structureZone(structure), all.toleranceK);
  const x = fillInputs(structure.features, data.source(all.rows), gatesOf(all.rows.map((row) => regime[row + 1]!)));
  const usable = all.rows.flatMap((_, i) => (x.subarray(i * d, (i + 1) * d).every(Number.isFinite) ? [i] : []));
  return { ...all, structure, d, ...picked(x, d, all, usable) };
};

const structureZone = (structure: ThermostatStructure): string => {
  const own = structure.features.map(({ term }) => term).find((term) => term.kind === "difference");
  if (own?.kind !== "difference") throw new RangeError("A thermostat structure has the zone's own trend.");
  return own.point.slice(0, own.point.lastIndexOf("."));
};

const picked = (x: Float64Array, d: number, { y, rows }: TrainingRows, chosen: readonly number[]) => {
  const out = new Float64Array(chosen.length * d);
  for (const [at, i] of chosen.entries()) out.set(x.subarray(i * d, (i + 1) * d), at * d);
  return { x: out, n: chosen.length, y: Float64Array.from(chosen, (i) => y[i]!), rows: chosen.map((i) => rows[i]!) };
};

/**
 * Keeps at most `budget` of a zone's training rows, however long its history: the newest ones, and of the others those that stand out of the prior's kernel and of
 * the rows kept (`RowDictionary`: online ridge leverage scores), where γ grows by a factor of e in `forgettingDays` of age. Old rows that are kept carry the
 * drift's variance as extra noise (see `driftVariance`). Steps on a setpoint count as bounds while they are younger than 7 days.
 */
export const selectTrainingRows = (
  la: LinearAlgebra,
  all: TrainingRows,
  data: DatasetRows,
  prior: Prior | null,
  options: SelectionOptions = {},
): SelectedRows => {
  const { budget = 1000, forgettingDays = 10, driftStdDevK = 0.3, seed = 1, from } = options;
  const newest = Math.max(1, options.newest ?? Math.floor((2 / 3) * budget));
  const { n, d, x } = all;
  const last = data.localMs(data.length - 1);
  const ageDays = (i: number): number => (last - data.localMs(all.rows[i]! + 1)) / DAY_MS;
  const space = hyperparameterSpace(all.structure, prior);
  const { kernel, noiseVariance } = space.at(space.start);
  const dictionary = new RowDictionary({
    la,
    kernel,
    d,
    budget,
    newest,
    seed,
    regularisation: Math.max(noiseVariance, FINEST_K ** 2),
    oversampling: OVERSAMPLING,
    // Rows on a setpoint are no training rows: what counts is how many there are a day.
    forgettingRows: (forgettingDays * n) / Math.max(1, ageDays(0)),
    ...(from === undefined ? {} : { from }),
  });
  const begin = from === undefined ? all.rows.findIndex((_, i) => ageDays(i) < FORGOTTEN * forgettingDays) : from.ids.at(-1)! + 1;
  for (let first = Math.max(0, begin); first < n; first += BATCH) {
    const end = Math.min(n, first + BATCH);
    dictionary.offer(
      Array.from({ length: end - first }, (_, i) => first + i),
      x.subarray(first * d, end * d),
    );
  }
  const chosen = dictionary.rows.ids;
  const kept = { ...all, ...picked(x, d, all, chosen) };
  return {
    rows: { ...kept, held: all.held.filter(({ row }) => last - data.localMs(row + 1) < PRESENT_DAYS * DAY_MS) },
    extraNoiseVariance: Float64Array.from(chosen, (i) => driftVariance(ageDays(i), forgettingDays, driftStdDevK)),
    offered: dictionary.offered,
    effectiveDimension: dictionary.effectiveDimension,
    regularisationStdDevK: Math.sqrt(dictionary.regularisation),
    state: dictionary.state,
  };
};
