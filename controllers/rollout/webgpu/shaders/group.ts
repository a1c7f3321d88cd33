import type { ModelPlaces, RecordPlaces } from "#controllers/rollout/webgpu/layout";
import type { PosteriorPlan } from "#controllers/rollout/webgpu/posteriorPlan";
import { type Dimensions, inputsSlot, table } from "#controllers/rollout/webgpu/shaders/source";
import type { Transition } from "#domain/model";

/** Where one posterior's numbers begin in each buffer. */
export interface Member {
  /** Zone index; the number of zones for the power model. */
  readonly zone: number;
  readonly slot: number;
  readonly model: number;
  readonly record: number;
  /** Row of D. */
  readonly row: number;
  /** vec4 of W. */
  readonly root: number;
  /** Slot of each own column. */
  readonly inputs: readonly number[];
}

/** Posteriors of the same structure, which differ only in their numbers: one dispatch serves them all. */
export interface Group {
  readonly plan: PosteriorPlan;
  readonly transition: Transition;
  readonly model: ModelPlaces;
  readonly record: RecordPlaces;
  readonly members: readonly Member[];
}

/** Rows of D that one own regime of a posterior takes: linear columns, then basis rows. */
export const depthOf = ({ linearColumns, rows }: PosteriorPlan): number => linearColumns.length + rows;

/** Slots of own(x, X)α by own regime, and of the gains' sums by regime. */
export const sumSlots = (plan: PosteriorPlan, dimensions: Dimensions): { readonly mean: number; readonly gain: number } => {
  const mean = inputsSlot(dimensions) + plan.ownColumns.length;
  return { mean, gain: mean + plan.ownRegimes };
};

export const slotsOf = (plan: PosteriorPlan, dimensions: Dimensions): number =>
  sumSlots(plan, dimensions).gain + (plan.withVariance ? plan.regimes : 0);

export const memberTables = ({ members }: Group): string =>
  [
    table(
      "ZONE",
      members.map(({ zone }) => zone),
    ),
    table(
      "SLOT",
      members.map(({ slot }) => slot),
    ),
    table(
      "MODEL",
      members.map(({ model }) => model),
    ),
    table(
      "RECORD",
      members.map(({ record }) => record),
    ),
    table(
      "ROW",
      members.map(({ row }) => row),
    ),
    table(
      "ROOT",
      members.map(({ root }) => root),
    ),
  ].join("\n");
