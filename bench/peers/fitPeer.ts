import type { Dataset } from "#domain/dataset";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { DatasetRows } from "#math/datasetRows";
import { logMarginalLikelihoodAndGradient } from "#math/gaussianProcess";
import { logHyperparameters } from "#math/kernels";
import { MatrixPool } from "#math/matrixPool";
import type { Prior } from "#models/prior";
import { hyperparameterSpace, meanCoefficients, residualsOf } from "#models/thermostat/hyperparameters";
import { trainingRows } from "#models/thermostat/trainingRows";
import { seededRandom } from "../seededRandom.js";
import { type LikelihoodCase, openGpytorch, type PeerRun } from "./gpytorch.js";

const WEEK = 672;
const PLAIN_INPUTS = 16;
/** Both sides take turns, so that what else the machine does meets both. */
const TURNS = 5;
const EVALUATIONS_PER_TURN = 4;

/** The likelihood that the fit of this week maximises, at the hyperparameters that it starts from. */
const weekCase = (week: Dataset, prior: Prior): LikelihoodCase => {
  const rows = trainingRows(new DatasetRows(week), "zone", []);
  const space = hyperparameterSpace(rows.structure, prior);
  const { n, d, x } = rows;
  return { name: "week", ...space.at(space.start), x, n, d, y: residualsOf(rows, meanCoefficients(rows.structure, prior, week.stepS)) };
};

/** 672 rows of 16 inputs under one Matérn-5/2 kernel with a lengthscale for each input. */
const plainCase = (): LikelihoodCase => {
  const random = seededRandom(7);
  const x = Float64Array.from({ length: WEEK * PLAIN_INPUTS }, () => 2 * random() - 1);
  const y = Float64Array.from({ length: WEEK }, (_, i) => Math.sin(3 * x[i * PLAIN_INPUTS]!) + 0.1 * (random() - 0.5));
  const base = { kind: "matern52", lengthscales: Array.from({ length: PLAIN_INPUTS }, (_, c) => 1 + 0.1 * c) } as const;
  return {
    name: `${WEEK} × ${PLAIN_INPUTS}`,
    kernel: { kind: "scale", outputScale: 1.2, base },
    noiseVariance: 0.01,
    x,
    n: WEEK,
    d: PLAIN_INPUTS,
    y,
  };
};

/** `count` evaluations of value and gradient on BLAS with `threads` threads. */
const evaluateHere = async (one: LikelihoodCase, threads: number, count: number, pool: MatrixPool): Promise<PeerRun> => {
  const la = await createLinearAlgebra("blas", { threads });
  const ms: number[] = [];
  let result: ReturnType<typeof logMarginalLikelihoodAndGradient> | null = null;
  for (let k = 0; k <= count; k++) {
    const begun = performance.now();
    result = logMarginalLikelihoodAndGradient({
      ...one,
      la,
      logNoiseVariance: Float64Array.of(Math.log(one.noiseVariance)),
      noiseGroup: new Uint8Array(one.n),
      onWarning: () => undefined,
      pool,
    });
    // The first one warms up.
    if (k > 0) ms.push(performance.now() - begun);
  }
  const { logMarginalLikelihood, kernelGradient, noiseGradient } = result!;
  return { ms, logMarginalLikelihood, gradient: [...kernelGradient, ...noiseGradient] };
};

/** What the machine does beside only adds. */
const fastest = (ms: readonly number[]): number => Math.min(...ms);

/** Largest difference of two gradients beside the largest entry. */
const gradientDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / Math.max(...a.map(Math.abs));

const settings = [
  { dtype: "float64", threads: 1 },
  { dtype: "float64", threads: 2 },
  { dtype: "float32", threads: 1 },
  { dtype: "float32", threads: 2 },
] as const;

/** GPyTorch beside isotherm: the same likelihood with its gradient, value and gradient compared, times the fastest of turns taken in this run. */
export const benchFitPeer = async (week: Dataset, prior: Prior, print: (line: string) => void): Promise<void> => {
  const blas = await createLinearAlgebra("blas").catch(() => null);
  const peer = blas === null ? null : await openGpytorch();
  if (peer === null) {
    print(
      blas === null
        ? "peer GPyTorch: not timed, OpenBLAS is not on this machine"
        : "peer GPyTorch: not installed for python3 (pip install torch gpytorch), so not timed",
    );
    return;
  }
  try {
    print(
      `peer ${peer.version}: one likelihood with gradient (exact, Cholesky), fastest of ${TURNS * EVALUATIONS_PER_TURN} taken in turns`,
    );
    print(
      "case      rows x inputs, hyperparameters  side                  ms  isotherm (float64, as many threads) is faster by  gradient differs by",
    );
    for (const one of [weekCase(week, prior), plainCase()]) {
      await peer.remember(one);
      const pool = new MatrixPool();
      const here = new Map<number, PeerRun & { ms: number[] }>();
      const there = settings.map(() => [] as number[]);
      const last: PeerRun[] = [];
      for (let turn = 0; turn < TURNS; turn++) {
        for (const threads of [1, 2]) {
          const run = await evaluateHere(one, threads, EVALUATIONS_PER_TURN, pool);
          here.set(threads, { ...run, ms: [...(here.get(threads)?.ms ?? []), ...run.ms] });
        }
        for (const [i, { dtype, threads }] of settings.entries()) {
          last[i] = await peer.run(one.name, dtype, threads, EVALUATIONS_PER_TURN);
          there[i]!.push(...last[i].ms);
        }
      }
      const size = `${one.n} x ${one.d}, ${logHyperparameters(one.kernel).length + 1}`.padStart(30);
      const line = (side: string, ms: number, rest: string): void =>
        print(`${one.name.padEnd(8)}  ${size}  ${side.padEnd(18)}  ${ms.toFixed(1).padStart(6)}${rest}`);
      for (const [threads, { ms }] of here) line(`isotherm, ${threads} thread${threads === 1 ? "" : "s"}`, fastest(ms), "");
      for (const [i, { dtype, threads }] of settings.entries()) {
        const ours = here.get(threads)!;
        const ms = fastest(there[i]!);
        const ratio = (ms / fastest(ours.ms)).toFixed(1);
        line(
          `${dtype}, ${threads} thread${threads === 1 ? "" : "s"}`,
          ms,
          `  ${ratio.padStart(48)}  ${gradientDifference(ours.gradient, last[i]!.gradient).toExponential(0).padStart(19)}`,
        );
      }
    }
  } finally {
    await peer.close();
  }
};
