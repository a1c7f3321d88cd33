import { availableParallelism } from "node:os";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BuildingModel } from "#domain/model";
import type { BackendName } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { benchGpuRollouts } from "./rolloutGpu.js";
import { benchModel, benchRequest } from "./rolloutModel.js";

const NUM_ZONES = 5;
const NUM_SAMPLES = 1000;
const HORIZON_STEPS = 20;

/** `limitMs`: what one decision may take on two cores. */
const MODELS = [
  { label: "exact m = 600", m: 600, isBudgeted: false, limitMs: { blas: 2000, wasm: null } },
  { label: "budgeted m = 200", m: 200, isBudgeted: true, limitMs: { blas: 3000, wasm: 3000 } },
] as const;

export interface RolloutFigure {
  readonly backend: BackendName;
  readonly model: string;
  readonly scenario: "floating" | "controlled";
  readonly threads: number;
  /** Median of the repetitions. */
  readonly elapsedMs: number;
  /** Floating-point operations of the root's products alone, at the elapsed time; only where every zone needs its variance in every step. */
  readonly gflops: number | null;
  /** The same number of operations as plain products of the same provider, all cores for blas, one for wasm. */
  readonly productMs: number | null;
  /** What a decision may take on two cores; null where none is set. */
  readonly limitMs: number | null;
}

const medianMs = async (repetitions: number, run: () => unknown): Promise<number> => {
  const times: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[repetitions >> 1]!;
};

/** W k is m(m+1)/2 multiply-adds for a triangular W, m² for a full one, for every sample, step and zone. */
const productFlops = (m: number, isBudgeted: boolean): number =>
  NUM_ZONES * NUM_SAMPLES * HORIZON_STEPS * (isBudgeted ? 2 * m * m : m * (m + 1));

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
  threads: number,
  model: BuildingModel,
  scenario: "floating" | "controlled",
  repetitions: number,
): Promise<number> => {
  const rollout = await createRolloutBackend(backend, { threads });
  const prepared = await rollout.prepare({ model, maxSamples: NUM_SAMPLES, horizonSteps: HORIZON_STEPS });
  try {
    const request = benchRequest(model, NUM_SAMPLES, HORIZON_STEPS, scenario);
    await prepared.run(request);
    return await medianMs(repetitions, () => prepared.run(request));
  } finally {
    prepared.close();
  }
};

/** Measures one decision's rollouts (5 zones, K 1,000, T 20, the variance at every step) on every fast backend here. */
export const measureRollouts = async (repetitions = 3): Promise<readonly RolloutFigure[]> => {
  const backends = (await availableBackends()).filter((name) => name === "wasm" || name === "blas");
  const cores = Math.min(availableParallelism(), 4);
  const figures: RolloutFigure[] = [];
  for (const { label, m, isBudgeted, limitMs } of MODELS) {
    const model = benchModel(await createLinearAlgebra(), NUM_ZONES, m, isBudgeted);
    const flops = productFlops(m, isBudgeted);
    for (const backend of backends) {
      const productMs = await plainProductMs(await createLinearAlgebra(backend), m, flops, repetitions);
      for (const threads of new Set([1, cores])) {
        for (const scenario of threads === cores ? (["floating", "controlled"] as const) : (["floating"] as const)) {
          const elapsedMs = await measure(backend, threads, model, scenario, repetitions);
          const isFloating = scenario === "floating";
          figures.push({
            backend,
            model: label,
            scenario,
            threads,
            elapsedMs,
            gflops: isFloating ? flops / elapsedMs / 1e6 : null,
            productMs: isFloating ? productMs : null,
            limitMs: limitMs[backend],
          });
        }
      }
    }
  }
  return figures;
};

/**
 * Prints one line per backend, model, thread count and scenario: milliseconds for one decision's rollouts, GFLOP/s of their products, and the
 * ratio to plain products of as many operations, measured in the same run. `floating`: no setpoint acts, so that every variance is computed;
 * `controlled`: random setpoints around 21 °C. Then the graphics adapter, where there is one.
 */
export const benchRollout = async (print: (line: string) => void = console.log, repetitions = 3): Promise<readonly RolloutFigure[]> => {
  const figures = await measureRollouts(repetitions);
  print(`Rollouts of one decision: ${NUM_ZONES} zones, K ${NUM_SAMPLES}, T ${HORIZON_STEPS}, spread at every step`);
  print("backend  model             scenario    threads       ms  GFLOP/s  plain products ms  ratio  limit ms");
  for (const { backend, model, scenario, threads, elapsedMs, gflops, productMs, limitMs } of figures) {
    const peer = productMs === null ? ["-", "-"] : [productMs.toFixed(0), (elapsedMs / productMs).toFixed(2)];
    print(
      [
        backend.padEnd(7),
        model.padEnd(16),
        scenario.padEnd(10),
        String(threads).padStart(7),
        elapsedMs.toFixed(0).padStart(7),
        (gflops === null ? "-" : gflops.toFixed(1)).padStart(7),
        peer[0]!.padStart(17),
        peer[1]!.padStart(5),
        String(limitMs ?? "-").padStart(8),
      ].join("  "),
    );
  }
  await benchGpuRollouts(print);
  return figures;
};
