import { availableParallelism } from "node:os";
import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { BackendName } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { benchRolloutPeer } from "./peers/rolloutPeer.js";
import { benchGpuRollouts } from "./rolloutGpu.js";
import { benchGrid } from "./rolloutGrid.js";
import { benchModel, benchRequest } from "./rolloutModel.js";

const NUM_ZONES = 5;
const NUM_SAMPLES = 1000;
const HORIZON_STEPS = 20;

/** `limitMs`: what one decision may take on two cores. */
const MODELS = [
  { label: "exact m = 600", m: 600, isBudgeted: false, limitMs: { blas: 2000, wasm: null } },
  { label: "budgeted m = 200", m: 200, isBudgeted: true, limitMs: { blas: 250, wasm: 250 } },
] as const;

export interface RolloutFigure {
  readonly backend: BackendName;
  readonly precision: Precision;
  readonly model: string;
  readonly scenario: "floating" | "controlled";
  readonly threads: number;
  /** Median of the repetitions. */
  readonly elapsedMs: number;
  /** 95th percentile; the repetitions are few where a decision is slow. */
  readonly p95Ms: number;
  /** Floating-point operations of the root's products alone, at the elapsed time; only where every zone needs its variance in every step. */
  readonly gflops: number | null;
  /** The same number of operations as plain products of the same provider, all cores for blas, one for wasm. */
  readonly productMs: number | null;
  /** What a decision may take on two cores; null where none is set. */
  readonly limitMs: number | null;
}

/** A cell that would take longer is named and left out. */
const LONGEST_MS = 60_000;
/** Decisions that the 95th percentile comes from. */
const DECISIONS = 20;

const timesOf = async (repetitions: number, run: () => unknown): Promise<readonly number[]> => {
  const times: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b);
};

const medianMs = async (repetitions: number, run: () => unknown): Promise<number> => (await timesOf(repetitions, run))[repetitions >> 1]!;

/** Counted dense: ‖W k‖² as 2 m² operations for every sample, step and zone, though a triangular W takes half of them. */
const productFlops = (m: number): number => NUM_ZONES * NUM_SAMPLES * HORIZON_STEPS * 2 * m * m;

/** Milliseconds that `flops` take as one product after another of m×m and m×1,000. */
const plainProductMs = async (la: LinearAlgebra, m: number, flops: number, repetitions: number): Promise<number> => {
  const a = new Float64Array(m * m).fill(0.5);
  const b = new Float64Array(m * NUM_SAMPLES).fill(0.25);
  const c = new Float64Array(m * NUM_SAMPLES);
  const product = (): void => la.gemm(false, false, m, NUM_SAMPLES, m, 1, a, b, 0, c);
  product();
  return ((await medianMs(repetitions, product)) * flops) / (2 * m * m * NUM_SAMPLES);
};

const measure = async (
  backend: BackendName,
  precision: Precision,
  threads: number,
  model: BuildingModel,
  scenario: "floating" | "controlled",
  repetitions: number,
): Promise<{ readonly elapsedMs: number; readonly p95Ms: number }> => {
  const rollout = await createRolloutBackend(backend, { threads, precision });
  const prepared = await rollout.prepare({ model, maxSamples: NUM_SAMPLES, horizonSteps: HORIZON_STEPS });
  try {
    const request = benchRequest(model, NUM_SAMPLES, HORIZON_STEPS, scenario);
    await prepared.run(request);
    const times = await timesOf(repetitions, () => prepared.run(request));
    return { elapsedMs: times[times.length >> 1]!, p95Ms: times[Math.ceil(0.95 * times.length) - 1]! };
  } finally {
    prepared.close();
  }
};

/**
 * Measures one decision's rollouts (5 zones, K 1,000, T 20, the variance at every step) on every fast backend here; `onSkipped`: a cell that is predicted to
 * take more than a minute.
 */
export const measureRollouts = async (
  repetitions = 3,
  onSkipped: (cell: string, predictedMs: number) => void = () => {},
): Promise<readonly RolloutFigure[]> => {
  const backends = (await availableBackends()).filter((name) => name === "wasm" || name === "blas");
  const cores = Math.min(availableParallelism(), 4);
  const figures: RolloutFigure[] = [];
  for (const { label, m, isBudgeted, limitMs } of MODELS) {
    const model = benchModel(await createLinearAlgebra(), NUM_ZONES, m);
    const flops = productFlops(m);
    for (const backend of backends) {
      const productMs = await plainProductMs(await createLinearAlgebra(backend), m, flops, repetitions);
      const cells = (["float64", "float32"] as const).flatMap((precision) => [
        { precision, threads: 1, scenario: "floating" as const },
        ...(cores > 1 ? [{ precision, threads: cores, scenario: "floating" as const }] : []),
        { precision, threads: cores, scenario: "controlled" as const },
      ]);
      for (const { precision, threads, scenario } of cells) {
        const count = isBudgeted && scenario === "controlled" ? Math.max(repetitions, DECISIONS) : repetitions;
        const predictedMs = (count + 1) * productMs;
        if (predictedMs > LONGEST_MS) {
          onSkipped(`${backend} ${precision} ${label} ${scenario}, ${threads} threads`, predictedMs);
          continue;
        }
        const times = await measure(backend, precision, threads, model, scenario, count);
        const isFloating = scenario === "floating";
        figures.push({
          backend,
          precision,
          model: label,
          scenario,
          threads,
          ...times,
          gflops: isFloating ? flops / times.elapsedMs / 1e6 : null,
          productMs: isFloating ? productMs : null,
          limitMs: limitMs[backend],
        });
      }
    }
  }
  return figures;
};

/**
 * CLUE's rollout beside GPyTorch's; then one line per backend, precision, model, thread count and scenario: milliseconds for one decision's rollouts,
 * GFLOP/s of their products, and the ratio to plain products of as many operations, measured in the same run. `floating`: no setpoint acts, so that every variance is computed;
 * `controlled`: random setpoints around 21 °C. Then the graphics adapter, where there is one, and the grid of sizes.
 */
export const benchRollout = async (print: (line: string) => void = console.log, repetitions = 3): Promise<readonly RolloutFigure[]> => {
  await benchRolloutPeer(print);
  const figures = await measureRollouts(repetitions, (cell, predictedMs) =>
    print(`left out: ${cell}, about ${(predictedMs / 1000).toFixed(0)} s`),
  );
  print(
    `Rollouts of one decision: ${NUM_ZONES} zones, K ${NUM_SAMPLES}, T ${HORIZON_STEPS}, spread at every step; float64 products beside`,
  );
  print("backend  precision  model             scenario    threads       ms   p95 ms  GFLOP/s  plain products ms  ratio  limit ms");
  for (const { backend, precision, model, scenario, threads, elapsedMs, p95Ms, gflops, productMs, limitMs } of figures) {
    const peer = productMs === null ? ["-", "-"] : [productMs.toFixed(0), (elapsedMs / productMs).toFixed(2)];
    print(
      [
        backend.padEnd(7),
        precision.padEnd(9),
        model.padEnd(16),
        scenario.padEnd(10),
        String(threads).padStart(7),
        elapsedMs.toFixed(0).padStart(7),
        p95Ms.toFixed(0).padStart(7),
        (gflops === null ? "-" : gflops.toFixed(1)).padStart(7),
        peer[0]!.padStart(17),
        peer[1]!.padStart(5),
        String(limitMs ?? "-").padStart(8),
      ].join("  "),
    );
  }
  await benchGpuRollouts(print);
  await benchGrid(print);
  return figures;
};
