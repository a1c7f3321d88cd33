import { GpuEngine } from "#controllers/rollout/webgpu/engine";
import { findAdapter, GpuDevice, mayHaveAdapter } from "#controllers/rollout/webgpu/gpu";
import { costNumbers, costsOf } from "#controllers/rollout/webgpu/results";
import { fixedTiles, softwareTiles, type Tiles } from "#controllers/rollout/webgpu/stages";
import { searchTiles } from "#controllers/rollout/webgpu/tileSearch";
import type { CostProblem } from "#domain/cost";
import type { RolloutRequest } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { measurePeakGflops } from "./gpuPeak.js";
import { benchModel, benchRequest } from "./rolloutModel.js";

interface Cell {
  readonly zones: number;
  readonly m: number;
  readonly count: number;
  readonly horizonSteps: number;
  /** On a data-centre GPU. */
  readonly limitMs: number | null;
}

const cell = (zones: number, m: number, count: number, horizonSteps: number, limitMs: number | null = null): Cell => ({
  zones,
  m,
  count,
  horizonSteps,
  limitMs,
});

/** From the cheapest to the dearest. */
const GRID: readonly Cell[] = [
  cell(1, 200, 128, 5),
  cell(1, 200, 1024, 20, 3),
  cell(1, 672, 1024, 20, 3),
  cell(5, 200, 1024, 20),
  cell(1, 672, 1024, 96),
  cell(5, 672, 1024, 20),
  cell(5, 672, 4096, 20),
  cell(5, 672, 16_384, 20, 40),
  cell(5, 672, 16_384, 96),
];

/** A cell that would take longer is named and left out. */
const LONGEST_MS = 60_000;
const REPETITIONS = 5;

export interface GpuRolloutFigure extends Cell {
  /** Costs of one request, median of the repetitions; null: left out, because it would have taken `predictedMs`. */
  readonly elapsedMs: number | null;
  readonly predictedMs: number;
  /** Of the variance's product alone, GFLOP/s: with the tiles found, and as a shader that is the same for every model and device. */
  readonly productGflops: number;
  readonly fixedGflops: number;
  readonly peakGflops: number;
  readonly tiles: Tiles;
}

/** W k is m (m + 1) / 2 multiply-adds for every sample, step and zone. */
const flopsOf = ({ zones, m, count, horizonSteps }: Cell): number => zones * count * horizonSteps * m * (m + 1);

const costProblem = ({ horizonSteps, initial }: RolloutRequest, nz: number): CostProblem => ({
  horizonSteps,
  nz,
  stepS: 900,
  lowerC: new Float64Array(horizonSteps * nz).fill(20),
  upperC: new Float64Array(horizonSteps * nz).fill(24),
  occupied: new Uint8Array(horizonSteps * nz).fill(1),
  pricePerKwh: new Float64Array(horizonSteps).fill(0.3),
  demandCharge: null,
  inForceHeatingC: initial.heatingSetpointC,
  inForceCoolingC: initial.coolingSetpointC,
  weights: { comfortPerKh: 30, uncertaintyPerK: 0.3, movementPerK: 0.01 },
  toleranceK: 0.05,
  terminal: null,
});

const productGflops = async (engine: GpuEngine, { zones, m }: Cell, tiles: Tiles): Promise<number> => {
  await engine.use(tiles);
  await engine.time("product", 1);
  const once = await engine.time("product", 1);
  const repetitions = Math.max(1, Math.min(100, Math.floor(100 / once)));
  const ms = await engine.time("product", repetitions);
  return (zones * engine.layout.dimensions.stride * m * (m + 1) * repetitions) / ms / 1e6;
};

const measureCell = async (gpu: GpuDevice, one: Cell, peakGflops: number, predictedMs: number): Promise<GpuRolloutFigure> => {
  const { zones, m, count, horizonSteps } = one;
  const la = await createLinearAlgebra();
  const model = benchModel(la, zones, m);
  const request = benchRequest(model, count, horizonSteps, "floating");
  const engine = await GpuEngine.create(gpu, la, { model, maxSamples: count, horizonSteps }, softwareTiles);
  try {
    const tiles = gpu.isSoftware ? softwareTiles : await searchTiles(gpu, engine);
    const fixedGflops = await productGflops(engine, one, fixedTiles);
    const found = await productGflops(engine, one, tiles);
    const problem = costProblem(request, zones);
    const times: number[] = [];
    for (let i = 0; i <= (gpu.isSoftware ? 1 : REPETITIONS); i++) {
      const began = performance.now();
      costsOf(request, problem, await engine.run(request, costNumbers(request, problem)));
      // The first one compiles.
      if (i > 0) times.push(performance.now() - began);
    }
    const elapsedMs = times.sort((a, b) => a - b)[times.length >> 1]!;
    return { ...one, elapsedMs, predictedMs, productGflops: found, fixedGflops, peakGflops, tiles };
  } finally {
    engine.close();
  }
};

/** Rollouts on the graphics adapter over a grid of K × T × zones × n; none without an adapter. A cell predicted to take more than a minute is left out. */
export const measureGpuRollouts = async (
  onFigure: (figure: GpuRolloutFigure) => void,
): Promise<{ readonly adapter: string; readonly peakGflops: number } | null> => {
  const adapter = mayHaveAdapter() ? await findAdapter() : null;
  if (adapter === null) return null;
  const gpu = await GpuDevice.open(adapter);
  try {
    const peakGflops = await measurePeakGflops(gpu);
    // Operations a millisecond of the cell before.
    let rate = peakGflops * 1e6 * 0.01;
    for (const one of GRID) {
      const predictedMs = flopsOf(one) / rate;
      if (predictedMs > LONGEST_MS) {
        onFigure({ ...one, elapsedMs: null, predictedMs, productGflops: 0, fixedGflops: 0, peakGflops, tiles: fixedTiles });
        continue;
      }
      const figure = await measureCell(gpu, one, peakGflops, predictedMs);
      rate = flopsOf(one) / figure.elapsedMs!;
      onFigure(figure);
    }
    return { adapter: adapter.name, peakGflops };
  } finally {
    gpu.destroy();
  }
};

const figureLine = ({ zones, m, count, horizonSteps, elapsedMs, predictedMs, limitMs, ...figure }: GpuRolloutFigure): string => {
  const shape = [zones, m, count, horizonSteps].map((value) => String(value).padStart(6)).join("  ");
  if (elapsedMs === null) return `${shape}  left out: about ${(predictedMs / 1000).toFixed(0)} s`;
  const total = flopsOf({ zones, m, count, horizonSteps, limitMs }) / elapsedMs / 1e6;
  const { productGflops: found, fixedGflops, peakGflops, tiles } = figure;
  const { rows, samples, depth, threadRows, threadSamples } = tiles.product;
  return [
    shape,
    elapsedMs.toFixed(1).padStart(9),
    total.toFixed(1).padStart(8),
    found.toFixed(1).padStart(8),
    `${((100 * found) / peakGflops).toFixed(0)} %`.padStart(6),
    `${(found / fixedGflops).toFixed(2)} ×`.padStart(8),
    String(limitMs ?? "-").padStart(8),
    ` ${rows}×${samples}×${depth}, ${threadRows}×${threadSamples}`,
  ].join("  ");
};

/**
 * Prints one line a cell: milliseconds for the costs of one request, GFLOP/s of its products at that time, GFLOP/s of the product alone with its share of
 * the peak measured on the same device, and how many times as fast it is as the fixed shader.
 */
export const benchGpuRollouts = async (print: (line: string) => void): Promise<void> => {
  print("Rollouts on a graphics adapter (webgpu): costs of one request, spread at every step, no setpoint acts");
  print(" zones       n       K       T         ms   GFLOP/s  product   peak  vs fixed  limit ms   tile, registers");
  const found = await measureGpuRollouts((figure) => print(figureLine(figure)));
  print(
    found === null
      ? "No graphics adapter was found here."
      : `${found.adapter}; measured peak of multiply-adds ${found.peakGflops.toFixed(0)} GFLOP/s; limits are for a data-centre GPU`,
  );
};
