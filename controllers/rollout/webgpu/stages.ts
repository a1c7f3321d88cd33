import type { GpuDevice, Stage } from "#controllers/rollout/webgpu/gpu";
import type { ModelLayout } from "#controllers/rollout/webgpu/modelLayout";
import { type CovarianceTile, covarianceShader } from "#controllers/rollout/webgpu/shaders/covarianceShader";
import { finishShader } from "#controllers/rollout/webgpu/shaders/finishShader";
import { depthOf, type Group } from "#controllers/rollout/webgpu/shaders/group";
import { inputsShader } from "#controllers/rollout/webgpu/shaders/inputsShader";
import { type ProductTile, productShader } from "#controllers/rollout/webgpu/shaders/productShader";
import { thermostatShader } from "#controllers/rollout/webgpu/shaders/thermostatShader";

/** Sizes that a device is free to choose. */
export interface GroupTiles {
  readonly product: ProductTile;
  readonly covariance: CovarianceTile;
}

export interface Tiles extends GroupTiles {
  /** false: the product does not know its sizes before it runs (what specialising is measured against). */
  readonly isSpecialised: boolean;
}

export const plainTiles: Tiles = {
  product: { rows: 64, samples: 64, depth: 16, threadRows: 4, threadSamples: 4 },
  covariance: { samples: 16, lanes: 16 },
  isSpecialised: true,
};

/** For drivers that compute on the processor: few threads, each with much to do, and short programs, because they compile slowly. */
export const softwareTiles: Tiles = {
  product: { rows: 32, samples: 32, depth: 16, threadRows: 8, threadSamples: 8 },
  covariance: { samples: 64, lanes: 1 },
  isSpecialised: true,
};

/** What one would write once for every model and device: small tiles, and sizes that the compiler does not know. Others are measured against it. */
export const fixedTiles: Tiles = {
  product: { rows: 32, samples: 32, depth: 8, threadRows: 4, threadSamples: 4 },
  covariance: { samples: 16, lanes: 16 },
  isSpecialised: false,
};

export interface GroupStages {
  /** null: no own terms. */
  readonly covariance: Stage | null;
  readonly thermostat: Stage | null;
  /** null: no variance that depends on the sample. */
  readonly product: Stage | null;
  readonly tiles: GroupTiles;
  readonly members: number;
  readonly rows: number;
}

export interface RolloutStages {
  readonly inputs: Stage;
  readonly groups: readonly GroupStages[];
  readonly power: GroupStages | null;
  /** Compiled when first asked for. */
  readonly finish: (wants: "trajectories" | "costs") => Promise<Stage>;
}

/** Compiles every stage of a laid out model; what the device has compiled before is taken as it is. */
export const compileStages = async (gpu: GpuDevice, layout: ModelLayout, tiles: Tiles): Promise<RolloutStages> => {
  const { dimensions, zones, temperatures } = layout;
  const groupStages = async (group: Group, isZone: boolean): Promise<GroupStages> => ({
    covariance: group.plan.rows === 0 ? null : await gpu.stage(covarianceShader(group, dimensions, tiles.covariance)),
    thermostat: isZone ? await gpu.stage(thermostatShader(group, dimensions, temperatures)) : null,
    product:
      isZone && depthOf(group.plan) > 0 ? await gpu.stage(productShader(group, dimensions, tiles.product, tiles.isSpecialised)) : null,
    tiles,
    members: group.members.length,
    rows: group.plan.posterior.p,
  });
  const [inputs, groups, power] = await Promise.all([
    gpu.stage(
      inputsShader(
        dimensions,
        zones.map(({ code, member, record }) => ({ code, slot: member.slot, constants: member.record + record.features })),
        temperatures,
      ),
    ),
    Promise.all(layout.groups.map((group) => groupStages(group, true))),
    layout.powerGroup === null ? null : groupStages(layout.powerGroup, false),
  ]);
  return { inputs, groups, power, finish: (wants) => gpu.stage(finishShader(layout.finish, dimensions, wants)) };
};
