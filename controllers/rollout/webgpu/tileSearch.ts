import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { GpuEngine } from "#controllers/rollout/webgpu/engine";
import type { GpuDevice } from "#controllers/rollout/webgpu/gpu";
import type { CovarianceTile } from "#controllers/rollout/webgpu/shaders/covarianceShader";
import { type ProductTile, threadsOf, workgroupBytesOf } from "#controllers/rollout/webgpu/shaders/productShader";
import { plainTiles, type Tiles } from "#controllers/rollout/webgpu/stages";

/** From small tiles, which fill a large device at few samples, to large ones, which read least. */
const PRODUCT_TILES: readonly ProductTile[] = [
  { rows: 64, samples: 64, depth: 16, threadRows: 4, threadSamples: 4 },
  { rows: 64, samples: 64, depth: 8, threadRows: 8, threadSamples: 8 },
  { rows: 128, samples: 64, depth: 16, threadRows: 8, threadSamples: 8 },
  { rows: 128, samples: 128, depth: 16, threadRows: 8, threadSamples: 8 },
  { rows: 32, samples: 32, depth: 8, threadRows: 4, threadSamples: 4 },
];

const COVARIANCE_TILES: readonly CovarianceTile[] = [
  { samples: 16, lanes: 16 },
  { samples: 32, lanes: 8 },
  { samples: 64, lanes: 4 },
];

/** Real time that a search may take; what has been tried by then decides. */
const BUDGET_MS = 2_000;
/** One measurement. */
const MEASURE_MS = 20;
const MOST_REPETITIONS = 64;

const fits = ({ limits }: GpuDevice, tile: ProductTile): boolean =>
  threadsOf(tile) <= limits.maxComputeInvocationsPerWorkgroup && workgroupBytesOf(tile) <= limits.maxComputeWorkgroupStorageSize;

/** What a choice of tiles depends on besides the device. */
const shapeOf = ({ layout }: GpuEngine): string =>
  [
    layout.dimensions.stride,
    ...layout.groups.map(({ plan, members }) => [plan.posterior.p, plan.rows, plan.linearColumns.length, members.length].join("×")),
  ].join(" ");

/** Choices by device and shape, kept in a file where one is named. A file that cannot be read or written costs a search, no more. */
export class TileChoices {
  readonly #file: string | null;
  readonly #known: Map<string, Tiles>;

  constructor(file: string | null) {
    this.#file = file;
    this.#known = new Map(file === null ? [] : readChoices(file));
  }
  get size(): number {
    return this.#known.size;
  }
  get(gpu: GpuDevice, engine: GpuEngine): Tiles | null {
    return this.#known.get(keyOf(gpu, engine)) ?? null;
  }
  set(gpu: GpuDevice, engine: GpuEngine, tiles: Tiles): void {
    this.#known.set(keyOf(gpu, engine), tiles);
    if (this.#file === null) return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      const half = `${this.#file}.${process.pid}.tmp`;
      writeFileSync(half, `${JSON.stringify(Object.fromEntries(this.#known), null, 1)}\n`);
      renameSync(half, this.#file);
    } catch {
      // The next start searches again.
    }
  }
}

const keyOf = (gpu: GpuDevice, engine: GpuEngine): string => `${gpu.name}: ${shapeOf(engine)}`;

/** Only tiles that a search could have chosen count: a file from elsewhere compiles nothing of its own. */
const readChoices = (file: string): [string, Tiles][] => {
  let stored: unknown;
  try {
    stored = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return [];
  }
  if (typeof stored !== "object" || stored === null) return [];
  return Object.entries(stored).flatMap(([key, value]: [string, { product?: unknown; covariance?: unknown } | null]) => {
    const product = PRODUCT_TILES.find((tile) => JSON.stringify(tile) === JSON.stringify(value?.product));
    const covariance = COVARIANCE_TILES.find((tile) => JSON.stringify(tile) === JSON.stringify(value?.covariance));
    return product === undefined || covariance === undefined
      ? []
      : [[key, { product, covariance, isSpecialised: true }] as [string, Tiles]];
  });
};

/** Milliseconds of one part of a step, by as many repetitions as a measurement lasts; the better of two. */
const measure = async (engine: GpuEngine, part: "product" | "covariance"): Promise<number> => {
  const once = await engine.time(part, 1);
  const repetitions = Math.min(MOST_REPETITIONS, Math.max(1, Math.floor(MEASURE_MS / Math.max(once, 0.05))));
  const times = [await engine.time(part, repetitions), await engine.time(part, repetitions)];
  return Math.min(...times) / repetitions;
};

/** Tries tiles of the product, then of the covariances, on the engine's own model, and leaves it with the fastest of each. */
export const searchTiles = async (gpu: GpuDevice, engine: GpuEngine, budgetMs = BUDGET_MS): Promise<Tiles> => {
  const endMs = performance.now() + budgetMs;
  let best: Tiles = plainTiles;
  const tryAll = async (part: "product" | "covariance", candidates: readonly Tiles[]): Promise<void> => {
    let bestMs = Number.POSITIVE_INFINITY;
    for (const tiles of candidates) {
      if (performance.now() > endMs && bestMs < Number.POSITIVE_INFINITY) break;
      await engine.use(tiles);
      const ms = await measure(engine, part);
      if (ms < bestMs) [best, bestMs] = [tiles, ms];
    }
  };
  const products = PRODUCT_TILES.filter((tile) => fits(gpu, tile));
  await tryAll(
    "product",
    products.map((product) => ({ ...best, product })),
  );
  await tryAll(
    "covariance",
    COVARIANCE_TILES.map((covariance) => ({ ...best, covariance })),
  );
  await engine.use(best);
  return best;
};
