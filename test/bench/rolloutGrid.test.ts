import { describe, expect, it } from "vitest";
import { flopsOf, type GridFigure, gridCells, growthExponents, measureGrid } from "../../bench/rolloutGrid.js";

const figure = (cell: Partial<GridFigure>, elapsedMs: number | null): GridFigure => ({
  backend: "wasm",
  precision: "float64",
  posterior: "exact",
  count: 256,
  horizonSteps: 20,
  zones: 1,
  m: 672,
  predictedMs: 1,
  why: elapsedMs === null ? "too long" : null,
  shareOfPeak: null,
  ...cell,
  elapsedMs,
});

describe("the grid of rollout sizes", () => {
  it("holds every combination once, from the cheapest to the dearest", () => {
    const cells = gridCells();
    expect(new Set(cells.map((cell) => JSON.stringify(cell))).size).toBe(5 * 2 * 3 * 3);
    const flops = cells.map(flopsOf);
    expect(flops).toEqual(flops.toSorted((a, b) => a - b));
  });

  it("finds the exponents that times were made with, and none for a size that never changes", () => {
    const figures = [256, 1024, 4096].flatMap((count) =>
      [20, 96].flatMap((horizonSteps) =>
        [672, 2016].map((m) => figure({ count, horizonSteps, m }, 1e-6 * count ** 0.9 * horizonSteps ** 1.1 * m ** 1.8)),
      ),
    );
    const found = growthExponents([...figures, figure({ zones: 5 }, null)]);
    expect(found.count).toBeCloseTo(0.9, 9);
    expect(found.horizonSteps).toBeCloseTo(1.1, 9);
    expect(found.m).toBeCloseTo(1.8, 9);
    expect(found.zones).toBeNull();
    expect(growthExponents(figures.slice(0, 1))).toEqual({ count: null, horizonSteps: null, zones: null, m: null });
  });

  it("names what it leaves out with a prediction, where there is no time", async () => {
    const seen: GridFigure[] = [];
    const figures = await measureGrid((one) => seen.push(one), 0);
    expect(seen).toEqual(figures);
    expect(figures.every(({ elapsedMs, why, predictedMs }) => elapsedMs === null && why !== null && predictedMs > 0)).toBe(true);
    expect(figures.some(({ why }) => why === "no time left")).toBe(true);
    expect(new Set(figures.map(({ backend }) => backend)).has("reference")).toBe(true);
  });
});
