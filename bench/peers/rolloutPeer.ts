import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { PreparedRollout, RolloutRequest, RolloutResult } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { startGpytorch } from "./gpytorch.js";
import { clueRolloutCase, ROLLOUT_SAMPLES, ROLLOUT_STEPS, type RolloutCase } from "./rolloutCase.js";

const THREADS = 2;
/** Every side takes turns, so that what else the machine does meets all. */
const TURNS = 7;
const BUDGETS = [128, 192, 256, 320, 384, 448] as const;
/** What a budgeted posterior may err by: of the prior variance anywhere, and of the variance itself at the 95th percentile. */
const MOST_OF_PRIOR = 0.01;
const MOST_RELATIVE = 0.05;

interface RolloutErrors {
  /** K, largest difference of the temperatures. */
  readonly meanK: number;
  /** Largest difference of the variances: of the prior variance, and of the variance itself; the latter also at the 95th percentile. */
  readonly ofPrior: number;
  readonly relative: number;
  readonly relativeP95: number;
}

export interface RolloutSide {
  readonly side: string;
  readonly fastestMs: number;
  readonly medianMs: number;
  /** Of all threads together, the least of the turns. */
  readonly processorMs: number;
  /** Against float64 exact. */
  readonly errors: RolloutErrors;
  /** Multiply-adds and adds as if every variance took 2 n², n the training rows. */
  readonly denseGflops: number;
  /**
   * How many times faster than the peer by the fastest turn and by the median, and how much less of the processor than the peer on one thread, where
   * it waits for nothing; null: no peer.
   */
  readonly ratio: { readonly fastest: number; readonly median: number; readonly processor: number } | null;
  readonly limit: number | null;
}

interface PeerAnswer {
  readonly ms: readonly number[];
  readonly cpuMs: readonly number[];
  /** [step][sample]. */
  readonly meanC: readonly (readonly number[])[];
  readonly varianceK2: readonly (readonly number[])[];
}

type Trajectories = Pick<RolloutResult, "meanC" | "stdDevK">;

const errorsOf = (actual: Trajectories, expected: Trajectories, prior: number): RolloutErrors => {
  let [meanK, ofPrior] = [0, 0];
  const relative = new Float64Array(expected.meanC.length);
  for (let i = 0; i < relative.length; i++) {
    const variance = expected.stdDevK[i]! ** 2;
    const difference = Math.abs(actual.stdDevK[i]! ** 2 - variance);
    meanK = Math.max(meanK, Math.abs(actual.meanC[i]! - expected.meanC[i]!));
    ofPrior = Math.max(ofPrior, difference / prior);
    relative[i] = difference / variance;
  }
  relative.sort();
  return { meanK, ofPrior, relative: relative.at(-1)!, relativeP95: relative[Math.floor(0.95 * relative.length)]! };
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Of every turn: by the clock, and of the processor in all threads, which what else the machine does touches less. */
interface Times {
  readonly ms: number[];
  readonly cpuMs: number[];
}

interface Contender {
  readonly side: string;
  readonly limit: number | null;
  readonly prepared: PreparedRollout;
  readonly times: Times;
  result: RolloutResult | null;
}

const prepare = async (backend: "blas" | "wasm", precision: Precision, model: BuildingModel): Promise<PreparedRollout> =>
  (await createRolloutBackend(backend, { threads: THREADS, precision })).prepare({
    model,
    maxSamples: ROLLOUT_SAMPLES,
    horizonSteps: ROLLOUT_STEPS,
  });

/** The smallest budget whose rollout errs by no more than the bounds, with its errors; the largest one where none does. */
const chooseBudget = async (one: RolloutCase, backend: "blas" | "wasm", request: RolloutRequest, exact: RolloutResult) => {
  let model = one.exact;
  let m = 0;
  for (m of BUDGETS) {
    model = one.budgeted(m);
    const prepared = await prepare(backend, "float64", model);
    const errors = errorsOf(await prepared.run(request), exact, one.outputScale);
    prepared.close();
    if (errors.ofPrior <= MOST_OF_PRIOR && errors.relativeP95 <= MOST_RELATIVE) break;
  }
  return { model, m };
};

const peerRequest = (one: RolloutCase, request: RolloutRequest, count: number, threads: number): object => {
  const { features } = one.exact.zones[0]!.posterior;
  const scale = features.slice(0, 3).map((feature) => feature.scale);
  const controls = Array.from({ length: ROLLOUT_STEPS }, (_, t) =>
    Array.from({ length: ROLLOUT_SAMPLES }, (_, k) => {
      const at = k * ROLLOUT_STEPS + t;
      return [request.heatingSetpointC[at]! / scale[1]!, request.coolingSetpointC[at]! / scale[2]!];
    }),
  );
  return { rows: one.rows(request), controls, scale, start: request.initial.temperaturesC[0]!.at(-1), threads, count };
};

const trajectoriesOf = ({ meanC, varianceK2 }: PeerAnswer): Trajectories => {
  const bySample = (values: readonly (readonly number[])[], map: (value: number) => number): Float64Array =>
    Float64Array.from({ length: ROLLOUT_SAMPLES * ROLLOUT_STEPS }, (_, i) =>
      map(values[i % ROLLOUT_STEPS]![Math.floor(i / ROLLOUT_STEPS)]!),
    );
  return { meanC: bySample(meanC, (value) => value), stdDevK: bySample(varianceK2, Math.sqrt) };
};

/**
 * CLUE's rollout (1 zone, 672 rows, K 1,000, T 20, the variance at each step) on every fast backend here and on GPyTorch, each with two threads, taking turns.
 * Every turn brings other weather, so that what a decision computes once is timed with it.
 */
export const benchRolloutPeer = async (print: (line: string) => void, turns = TURNS): Promise<readonly RolloutSide[]> => {
  const backends = (await availableBackends()).filter((name) => name === "blas" || name === "wasm");
  if (backends.length === 0) return [];
  const one = await clueRolloutCase(await createLinearAlgebra(backends[0]));
  const { problem, outputScale } = one;
  const judged = one.request(0);
  const reference = await prepare(backends[0]!, "float64", one.exact);
  const exact = await reference.run(judged);
  const { model, m } = await chooseBudget(one, backends[0]!, judged, exact);
  reference.close();
  const contenders: Contender[] = [];
  for (const backend of backends) {
    for (const [label, which] of [
      ["exact", one.exact],
      [`budgeted m ${m}`, model],
    ] as const) {
      for (const precision of ["float64", "float32"] as const) {
        const limit = precision === "float64" ? null : backend === "wasm" ? (which === model ? 4 : null) : which === model ? 10 : 2;
        const side = `${backend} ${precision} ${label}`;
        contenders.push({ side, limit, prepared: await prepare(backend, precision, which), times: { ms: [], cpuMs: [] }, result: null });
      }
    }
  }
  const peer = await startGpytorch("gpytorchRollout.py");
  const theirs: Times = { ms: [], cpuMs: [] };
  const alone: number[] = [];
  let answer: PeerAnswer | null = null;
  try {
    if (peer !== null) {
      const { x, n, d, residuals, noiseVariance } = problem;
      const rows = Array.from({ length: n }, (_, i) => Array.from(x.subarray(i * d, (i + 1) * d)));
      await peer.ask({ x: rows, y: Array.from(residuals), outputScale, lengthscales: one.lengthscales, noiseVariance });
    }
    for (const { prepared } of contenders) await prepared.run(judged);
    for (let turn = 0; turn < turns; turn++) {
      const request = turn === turns - 1 ? judged : one.request(1 + turn);
      if (peer !== null) {
        answer = await peer.ask<PeerAnswer>(peerRequest(one, request, 1, THREADS));
        theirs.ms.push(...answer.ms);
        theirs.cpuMs.push(...answer.cpuMs);
        alone.push(...(await peer.ask<PeerAnswer>(peerRequest(one, request, 1, 1))).cpuMs);
      }
      for (const contender of contenders) {
        const [begun, before] = [performance.now(), process.cpuUsage()];
        contender.result = await contender.prepared.run(request);
        const { user, system } = process.cpuUsage(before);
        contender.times.ms.push(performance.now() - begun);
        contender.times.cpuMs.push((user + system) / 1000);
      }
    }
  } finally {
    for (const { prepared } of contenders) prepared.close();
    await peer?.close();
  }
  const flops = 2 * problem.n ** 2 * ROLLOUT_SAMPLES * ROLLOUT_STEPS;
  const figure = (side: string, { ms, cpuMs }: Times, trajectories: Trajectories, limit: number | null): RolloutSide => {
    const [fastestMs, medianMs] = [Math.min(...ms), median(ms)];
    const processorMs = Math.min(...cpuMs);
    const ratio =
      alone.length === 0
        ? null
        : {
            fastest: Math.min(...theirs.ms) / fastestMs,
            median: median(theirs.ms) / medianMs,
            processor: Math.min(...alone) / processorMs,
          };
    return {
      side,
      fastestMs,
      medianMs,
      processorMs,
      errors: errorsOf(trajectories, exact, outputScale),
      denseGflops: flops / fastestMs / 1e6,
      ratio,
      limit,
    };
  };
  const figures = [
    ...(answer === null ? [] : [figure(`GPyTorch float32`, theirs, trajectoriesOf(answer), null)]),
    ...contenders.map(({ side, times, result, limit }) => figure(side, times, result!, limit)),
  ];
  print(
    peer === null
      ? "peer GPyTorch: not installed for python3 (pip install torch gpytorch), so not timed"
      : `peer ${peer.version}, float32, fast_pred_var`,
  );
  print(
    `CLUE's rollout: 1 zone, n ${problem.n}, ${problem.d} inputs, K ${ROLLOUT_SAMPLES}, T ${ROLLOUT_STEPS}, variance at each step, ${THREADS} threads, ${turns} turns; ` +
      `output scale ${outputScale.toPrecision(2)} K², noise ${problem.noiseVariance.toPrecision(2)} K²; errors against float64 exact; GFLOP/s as if 2 n² a variance`,
  );
  print(
    "side                         fastest ms  median ms  processor ms  GFLOP/s  faster by (fastest, median, processor; wanted)  mean K   var: of prior, relative max, p95",
  );
  for (const { side, fastestMs, medianMs, processorMs, errors, denseGflops, ratio, limit } of figures) {
    const ratios =
      ratio === null
        ? "-"
        : `${ratio.fastest.toFixed(1)}, ${ratio.median.toFixed(1)}, ${ratio.processor.toFixed(1)}${limit === null ? "" : `; ≥ ${limit}`}`;
    const [ofPrior, relative, p95] = [errors.ofPrior, errors.relative, errors.relativeP95].map(
      (value) => `${(100 * value).toPrecision(2)} %`,
    );
    print(
      [
        side.padEnd(27),
        fastestMs.toFixed(1).padStart(10),
        medianMs.toFixed(1).padStart(9),
        processorMs.toFixed(1).padStart(12),
        denseGflops.toFixed(0).padStart(7),
        ratios.padStart(46),
        errors.meanK.toExponential(1).padStart(8),
        `${ofPrior}, ${relative}, ${p95}`,
      ].join("  "),
    );
  }
  return figures;
};
