import { availableParallelism } from "node:os";
import { Matrix, solve } from "ml-matrix";
import type { Precision } from "#controllers/rollout/batched/createBlockPredictor";
import { availableBackends, createRolloutBackend } from "#controllers/rollout/createBackend";
import type { BackendName } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { benchModel, benchRequest } from "./rolloutModel.js";

/** One size of rollout: K samples × T steps × zones, posteriors with m basis rows: all n training rows, or a budget of them, whose cost n does not touch. */
export interface GridCell {
  readonly count: number;
  readonly horizonSteps: number;
  readonly zones: number;
  readonly m: number;
  readonly posterior: "exact" | "budgeted";
}

/** Who computes. */
export interface GridSide {
  readonly backend: BackendName;
  readonly precision: Precision;
}

export interface GridFigure extends GridCell, GridSide {
  /** Median, or the one run there was time for; null: left out, because `why`. */
  readonly elapsedMs: number | null;
  readonly predictedMs: number;
  readonly why: "too long" | "no time left" | null;
  /** Of products of as many operations by the same provider, which do nothing else. */
  readonly shareOfPeak: number | null;
}

const COUNTS = [256, 1024, 4096, 16_384, 65_536];
const HORIZONS = [20, 96];
const ZONES = [1, 5, 15];
const ROWS = [672, 2016];
const BUDGET = 256;

/** A cell that is predicted to take longer is named and left out. */
const LONGEST_MS = 60_000;
/** Cells are measured from the cheapest to the dearest until this is over. */
const DEFAULT_TOTAL_MS = 600_000;
const REPETITIONS = 3;
const ONCE_BEYOND_MS = 2000;

/** Counted dense: ‖W k‖² as 2 m² operations for every sample, step and zone. */
export const flopsOf = ({ count, horizonSteps, zones, m }: GridCell): number => 2 * count * horizonSteps * zones * m * m;

export const gridCells = (): readonly GridCell[] =>
  COUNTS.flatMap((count) =>
    HORIZONS.flatMap((horizonSteps) =>
      ZONES.flatMap((zones) => [
        ...ROWS.map((m) => ({ count, horizonSteps, zones, m, posterior: "exact" as const })),
        { count, horizonSteps, zones, m: BUDGET, posterior: "budgeted" as const },
      ]),
    ),
  ).toSorted((a, b) => flopsOf(a) - flopsOf(b));

/**
 * Exponents b of ms ≈ c · Π size^b, by least squares on logarithms over the measured cells; a size that has one value only has none (null). Fewer cells than
 * unknowns: all null.
 */
export const growthExponents = (
  figures: readonly GridFigure[],
): Readonly<Record<"count" | "horizonSteps" | "zones" | "m", number | null>> => {
  const measured = figures.filter(({ elapsedMs }) => elapsedMs !== null);
  const sizes = (["count", "horizonSteps", "zones", "m"] as const).filter((size) => new Set(measured.map((one) => one[size])).size > 1);
  const none = { count: null, horizonSteps: null, zones: null, m: null };
  if (measured.length <= sizes.length) return none;
  const a = new Matrix(measured.map((one) => [1, ...sizes.map((size) => Math.log(one[size]))]));
  const b = Matrix.columnVector(measured.map(({ elapsedMs }) => Math.log(elapsedMs!)));
  const x = solve(a, b, true);
  return { ...none, ...Object.fromEntries(sizes.map((size, i) => [size, x.get(i + 1, 0)])) };
};

const sidesHere = async (): Promise<readonly GridSide[]> =>
  (await availableBackends()).flatMap((backend): GridSide[] =>
    backend === "blas" || backend === "wasm"
      ? [
          { backend, precision: "float64" },
          { backend, precision: "float32" },
        ]
      : [{ backend, precision: backend === "webgpu" ? "float32" : "float64" }],
  );

/** Operations a millisecond of plain float64 products by the backend's own provider in one thread, times the threads; null: a graphics adapter. */
const plainRate = async (backend: BackendName, threads: number): Promise<number | null> => {
  if (backend === "webgpu") return null;
  const la = await createLinearAlgebra(backend);
  const n = backend === "reference" ? 256 : 512;
  const [a, b, c] = [0.5, 0.25, 0].map((value) => new Float64Array(n * n).fill(value)) as [Float64Array, Float64Array, Float64Array];
  la.gemm(false, false, n, n, n, 1, a, b, 0, c);
  const began = performance.now();
  la.gemm(false, false, n, n, n, 1, a, b, 0, c);
  // OpenBLAS takes all cores by itself.
  return ((2 * n ** 3) / (performance.now() - began)) * (backend === "blas" || backend === "reference" ? 1 : threads);
};

const measureCell = async ({ backend, precision }: GridSide, cell: GridCell, threads: number): Promise<number> => {
  const { count, horizonSteps, zones, m } = cell;
  const model = benchModel(await createLinearAlgebra(), zones, m);
  const prepared = await (await createRolloutBackend(backend, { threads, precision })).prepare({ model, maxSamples: count, horizonSteps });
  try {
    const request = benchRequest(model, count, horizonSteps, "floating");
    const times: number[] = [];
    for (let i = 0; i <= REPETITIONS; i++) {
      const began = performance.now();
      await prepared.run(request);
      times.push(performance.now() - began);
      if (times[i]! > ONCE_BEYOND_MS) return times[i]!;
    }
    // The first one compiles.
    return times.slice(1).toSorted((a, b) => a - b)[REPETITIONS >> 1]!;
  } finally {
    prepared.close();
  }
};

/**
 * Times rollouts over K × T × zones × n, exact and budgeted, on every backend here, from the cheapest cell to the dearest. What a cell takes is predicted from the last one
 * that the same backend computed; one predicted beyond a minute is left out, and so is what comes after `totalMs` (a share of it for every backend).
 */
export const measureGrid = async (onFigure: (figure: GridFigure) => void, totalMs = DEFAULT_TOTAL_MS): Promise<readonly GridFigure[]> => {
  const sides = await sidesHere();
  const threads = Math.min(availableParallelism(), 4);
  const figures: GridFigure[] = [];
  for (const side of sides) {
    const peak = await plainRate(side.backend, threads);
    const began = performance.now();
    let rate = (peak ?? 1e6) / 3;
    for (const cell of gridCells()) {
      const predictedMs = flopsOf(cell) / rate;
      const isLate = performance.now() - began + predictedMs > totalMs / sides.length;
      const why = predictedMs > LONGEST_MS ? "too long" : isLate ? "no time left" : null;
      const elapsedMs = why === null ? await measureCell(side, cell, threads) : null;
      if (elapsedMs !== null) rate = flopsOf(cell) / elapsedMs;
      const shareOfPeak = elapsedMs === null || peak === null ? null : flopsOf(cell) / elapsedMs / peak;
      const figure: GridFigure = { ...cell, ...side, elapsedMs, predictedMs, why, shareOfPeak };
      figures.push(figure);
      onFigure(figure);
    }
  }
  return figures;
};

const line = (figure: GridFigure): string => {
  const { backend, precision, posterior, zones, m, count, horizonSteps, elapsedMs, predictedMs, why, shareOfPeak } = figure;
  const shape = [
    backend.padEnd(9),
    precision,
    posterior.padEnd(8),
    ...[zones, m, count, horizonSteps].map((value) => String(value).padStart(6)),
  ];
  if (elapsedMs === null) return `${shape.join(" ")}  left out (${why}): about ${(predictedMs / 1000).toPrecision(2)} s`;
  const trajectories = (count * zones * 1000) / elapsedMs;
  const share = shareOfPeak === null ? "-" : `${(100 * shareOfPeak).toFixed(0)} %`;
  const numbers = [elapsedMs.toFixed(1), trajectories.toFixed(0), (flopsOf(figure) / elapsedMs / 1e6).toFixed(1), share];
  return [...shape, ...numbers.map((text) => text.padStart(11))].join(" ");
};

/** Prints one line a cell and the growth exponents of every backend. */
export const benchGrid = async (print: (line: string) => void, totalMs?: number): Promise<void> => {
  print(
    "Rollouts over a grid: the variance at every step, no setpoint acts; trajectories are a zone's; FLOPs are counted dense (2 m² a variance)",
  );
  print("backend   precis. posterior  zones      m      K      T          ms      traj./s     GFLOP/s  of products");
  const figures = await measureGrid((figure) => print(line(figure)), totalMs);
  const sides = new Set(figures.map(({ backend, precision }) => `${backend} ${precision}`));
  for (const side of sides) {
    const { count, horizonSteps, zones, m } = growthExponents(
      figures.filter(({ backend, precision }) => `${backend} ${precision}` === side),
    );
    const text = (value: number | null): string => (value === null ? "-" : value.toFixed(2));
    print(`${side}: time grows with K^${text(count)} T^${text(horizonSteps)} zones^${text(zones)} m^${text(m)}`);
  }
};
