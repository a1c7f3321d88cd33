import { configurationError } from "#domain/errors";
import { createAdam } from "#math/adam";
import type { DatasetRows } from "#math/datasetRows";
import { minimiseAsync } from "#math/lbfgs";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { MatrixPool } from "#math/matrixPool";
import {
  type ClueKernel,
  type ClueVariant,
  clueLikelihood,
  clueRows,
  kernelOfRaw,
  NOISE_FLOOR,
  rawObjective,
  rawOfKernel,
  UNTRAINED_CLUE_KERNEL,
} from "#models/baselines/clueKernel";
import type { BaselineRows } from "#models/baselines/rows";

/** A building that a meta-kernel is learned from. */
export interface BaselineSource {
  readonly name: string;
  readonly data: DatasetRows;
  readonly zone: string;
}

export interface ClueMetaOptions {
  /** Adam steps per segment (published) or L-BFGS iterations at most (mended). */
  readonly maxIterations?: number;
  readonly onProgress?: (fraction: number, text: string) => void;
  readonly signal?: AbortSignal;
}

/** Rows per segment (CLUE repository, agent/MKL.py, `meta_kernel_learning`). */
export const SEGMENT_ROWS = 1000;
/** Adam steps on each segment (agent/MKL.py, `epochs=1`). */
export const STEPS_PER_SEGMENT = 1;
/** Adam step size of meta-kernel learning (agent/MKL.py, `lr=1e-3`). */
export const META_LEARNING_RATE = 1e-3;
/** First row of a year's "summer" (data/data_manager.py, `[17472:]`). */
export const SUMMER_FROM_ROW = 17_472;
/** Segments that the converged meta-kernel is learned from, evenly over all sources; the published number of parameters is three. */
export const MENDED_SEGMENTS = 16;

const cut = (rows: BaselineRows, from: number, to: number): BaselineRows => ({
  x: rows.x.subarray(from * rows.d, to * rows.d),
  n: to - from,
  d: rows.d,
  y: rows.y.subarray(from, to),
  rows: rows.rows.slice(from, to),
});

const joined = (parts: readonly BaselineRows[]): BaselineRows => {
  const d = parts[0]!.d;
  const n = parts.reduce((sum, part) => sum + part.n, 0);
  const x = new Float64Array(n * d);
  const y = new Float64Array(n);
  let at = 0;
  for (const part of parts) {
    x.set(part.x, at * d);
    y.set(part.y, at);
    at += part.n;
  }
  return { x, n, d, y, rows: parts.flatMap((part) => part.rows) };
};

/** Segments of 1,000 rows; what is left over is dropped, as is one whole last segment (`range(0, n − 1000, 1000)`). */
const segmentsOf = (rows: BaselineRows): BaselineRows[] => {
  const out: BaselineRows[] = [];
  for (let from = 0; from + SEGMENT_ROWS < rows.n; from += SEGMENT_ROWS) out.push(cut(rows, from, from + SEGMENT_ROWS));
  return out.length > 0 ? out : [rows];
};

/**
 * CLUE's meta-kernel learning. published: each source counts as "summer" (from row 17,472), "winter" and the whole year, and the last two are the same
 * rows (data/data_manager.py); one after the other, a fresh Adam takes one step on every segment of 1,000 rows. mended: every source once, and the
 * kernel that maximises Σ_s log p(y_s) over up to 16 segments spread evenly over the sources, by L-BFGS until it converges.
 * Sources whose inputs differ from one another are refused.
 */
export const clueMetaKernel = async (
  la: LinearAlgebra,
  sources: readonly BaselineSource[],
  variant: ClueVariant,
  options: ClueMetaOptions = {},
): Promise<ClueKernel> => {
  const each = sources.map(({ data, zone }) => clueRows(data, zone, variant));
  if (each.length === 0) throw configurationError("A meta-kernel needs at least one source.", { todo: "Name a source building." });
  const odd = each.findIndex(({ d }) => d !== each[0]!.d);
  if (odd >= 0) {
    throw configurationError(`The sources ${sources[0]!.name} and ${sources[odd]!.name} do not hold the same weather and occupancy.`, {
      todo: "Use sources that measure the same quantities.",
    });
  }
  return variant === "published" ? sequentialAdam(la, each, options) : converged(la, each, options);
};

const sequentialAdam = async (la: LinearAlgebra, sources: readonly BaselineRows[], options: ClueMetaOptions): Promise<ClueKernel> => {
  const sets = sources.flatMap((rows) => [...(rows.n > SUMMER_FROM_ROW ? [cut(rows, SUMMER_FROM_ROW, rows.n)] : []), rows, rows]);
  const segments = segmentsOf(joined(sets));
  const raw = rawOfKernel(UNTRAINED_CLUE_KERNEL);
  const gradient = new Float64Array(raw.length);
  const pool = new MatrixPool();
  const steps = options.maxIterations ?? STEPS_PER_SEGMENT;
  for (const [s, segment] of segments.entries()) {
    const objective = rawObjective(la, segment, pool);
    const adam = createAdam(raw.length, { learningRate: META_LEARNING_RATE });
    let value = Number.NaN;
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      value = objective(raw, gradient);
      adam.step(raw, gradient);
      await new Promise((resolve) => setImmediate(resolve));
    }
    options.onProgress?.((s + 1) / segments.length, `segment ${s + 1} of ${segments.length}: −log likelihood ${value.toFixed(3)} per row`);
  }
  return kernelOfRaw(raw);
};

/** Bounds on log outputScale, log lengthscale, log noiseVariance: wide, but inside what float64 can factorise. */
const LOWER = [Math.log(1e-2), Math.log(1e-1), Math.log(2 * NOISE_FLOOR)];
const UPPER = [Math.log(1e6), Math.log(1e4), Math.log(1e2)];
/** Where L-BFGS starts: the untrained kernel lies on a plateau from which the likelihood shows no way out. */
const START_LENGTHSCALE = 30;
const START_NOISE_VARIANCE = 0.1;

const converged = async (la: LinearAlgebra, sources: readonly BaselineRows[], options: ClueMetaOptions): Promise<ClueKernel> => {
  const all = sources.flatMap(segmentsOf);
  const count = Math.min(MENDED_SEGMENTS, all.length);
  const segments = Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]!);
  const totalRows = segments.reduce((sum, { n }) => sum + n, 0);
  const meanSquare = segments.reduce((sum, { y }) => sum + y.reduce((a, b) => a + b * b, 0), 0) / totalRows;
  const maxIterations = options.maxIterations ?? 60;
  const pool = new MatrixPool();
  const { x } = await minimiseAsync(
    (theta, gradient) => {
      const [outputScale, lengthscale, noiseVariance] = Array.from(theta, Math.exp) as [number, number, number];
      gradient.fill(0);
      let sum = 0;
      for (const segment of segments) {
        const { value, gradient: g } = clueLikelihood(la, segment, { outputScale, lengthscale, noiseVariance }, pool);
        sum -= value / totalRows;
        for (let i = 0; i < 3; i++) gradient[i]! -= g[i]! / totalRows;
      }
      return sum;
    },
    Float64Array.of(Math.log(meanSquare), Math.log(START_LENGTHSCALE), Math.log(START_NOISE_VARIANCE)),
    {
      lower: LOWER,
      upper: UPPER,
      maxIterations,
      gradientTolerance: 1e-4,
      relativeFunctionTolerance: 1e-7,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onIteration: ({ iteration, value }) =>
        options.onProgress?.(iteration / maxIterations, `iteration ${iteration}: −log likelihood ${value.toFixed(4)} per row`),
    },
  );
  options.signal?.throwIfAborted();
  const [outputScale, lengthscale, noiseVariance] = Array.from(x, Math.exp) as [number, number, number];
  return { outputScale, lengthscale, noiseVariance };
};
