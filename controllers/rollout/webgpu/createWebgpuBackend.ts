import { DeviceKeeper } from "#controllers/rollout/webgpu/deviceKeeper";
import type { GpuEngine } from "#controllers/rollout/webgpu/engine";
import { findAdapter, type GpuAdapter, type GpuDevice } from "#controllers/rollout/webgpu/gpu";
import { RecoveringRollout } from "#controllers/rollout/webgpu/recoveringRollout";
import type { Tiles } from "#controllers/rollout/webgpu/stages";
import { plainTiles, softwareTiles } from "#controllers/rollout/webgpu/stages";
import { searchTiles, TileChoices } from "#controllers/rollout/webgpu/tileSearch";
import type { RolloutBackend } from "#domain/rollout";
import { createLinearAlgebra } from "#math/createLinearAlgebra";

export interface WebgpuOptions {
  /** What computes while the device is away. */
  readonly substitute: () => Promise<RolloutBackend>;
  /** Fixed tile sizes; searched for on the device where absent, unless it is a software driver. */
  readonly tiles?: Tiles;
  /** Where the sizes found are kept from one start to the next; nowhere when absent. */
  readonly tilesFile?: string;
  /** Searches on software drivers too. */
  readonly alwaysSearch?: boolean;
  /** For tests: another way to an adapter, time, and how long a device may be silent. */
  readonly find?: () => Promise<GpuAdapter | null>;
  readonly clockMs?: () => number;
  readonly answerMs?: number;
}

/** A GPU that says nothing for so long is lost: drivers themselves give up after 2 to 10 s. */
const ANSWER_MS = 20_000;

/** All backends of a process share one device, so that what one compiled serves the others. */
let shared: Promise<DeviceKeeper | null> | null = null;

/** What was found in this process, by the file it is kept in. */
const choicesByFile = new Map<string | null, TileChoices>();
const choicesOf = (file: string | null): TileChoices => {
  const known = choicesByFile.get(file) ?? new TileChoices(file);
  choicesByFile.set(file, known);
  return known;
};

const openKeeper = async (find: () => Promise<GpuAdapter | null>): Promise<DeviceKeeper | null> => {
  const adapter = await find();
  return adapter === null ? null : new DeviceKeeper(adapter, find);
};

const keeperOf = async (find: WebgpuOptions["find"]): Promise<DeviceKeeper | null> => {
  if (find !== undefined) return openKeeper(find);
  shared ??= openKeeper(findAdapter);
  return shared;
};

/**
 * Rollouts on a graphics adapter, in float32, through WebGPU; null: there is none. What all samples have in common is computed in float64 beside it, and
 * the device computes differences from that. A device that is lost is replaced by `substitute` in the same request and tried again later.
 */
export const createWebgpuBackend = async (options: WebgpuOptions): Promise<RolloutBackend | null> => {
  const keeper = await keeperOf(options.find);
  if (keeper === null) return null;
  const la = await createLinearAlgebra();
  const choices = choicesOf(options.tilesFile ?? null);
  const tune = async (gpu: GpuDevice, engine: GpuEngine): Promise<void> => {
    if (options.tiles !== undefined || (gpu.isSoftware && options.alwaysSearch !== true)) return;
    const known = choices.get(gpu, engine);
    if (known !== null) await engine.use(known);
    else choices.set(gpu, engine, await searchTiles(gpu, engine));
  };
  return {
    name: "webgpu",
    tolerance: { rtol: 1e-3, atol: 1e-4 },
    adapter: keeper.name,
    prepare: async (problem) => {
      const rollout = new RecoveringRollout({
        keeper,
        la,
        problem,
        tiles: (gpu) => options.tiles ?? (gpu.isSoftware ? softwareTiles : plainTiles),
        tune,
        substitute: options.substitute,
        clockMs: options.clockMs ?? (() => performance.now()),
        answerMs: options.answerMs ?? ANSWER_MS,
      });
      await rollout.ready();
      return rollout;
    },
    close: () => keeper.close(),
  };
};
