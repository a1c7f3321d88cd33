import type { OwnLeaf, PosteriorPlan } from "#controllers/rollout/webgpu/posteriorPlan";

/** Hands out consecutive places. */
export class Places {
  #size = 0;
  take(count: number): number {
    const at = this.#size;
    this.#size += count;
    return at;
  }
  get size(): number {
    return this.#size;
  }
}

/** Where one posterior's constants stand in the model's buffer, relative to its beginning. */
export interface ModelPlaces {
  /** By leaf: basis columns [own column of the leaf][row], divided by their lengthscales; and 1/ℓ of each. */
  readonly basis: readonly number[];
  readonly inverse: readonly number[];
  readonly scales: number;
  readonly alpha: number;
  /** By own column. */
  readonly weights: number;
  readonly inputFactors: number;
  /** Λ by linear column. */
  readonly linear: number;
  /** Of a zone: `zoneParameters`. */
  readonly zone: number;
  readonly size: number;
}

/** Where one posterior's numbers of a step stand in the record of that step, relative to their beginning. */
export interface RecordPlaces {
  /** By regime each: f0, latent variance there, and 1 where both are known. */
  readonly mean: number;
  readonly variance: number;
  readonly known: number;
  /** [regime][linear column]: what one unit adds to the variance. */
  readonly slopes: number;
  /** By leaf: reference point [own regime][own column of the leaf], scaled like the basis. */
  readonly points: readonly number[];
  /** By leaf: [own regime][row] of √c r0 and its exponential; a constant leaf's k0; a linear leaf's inner products. */
  readonly first: readonly number[];
  readonly second: readonly number[];
  /** [regime][row]: (K + noise)⁻¹ k0. */
  readonly gains: number;
  /** By leaf: k(x0, x0) [regime]. */
  readonly diagonals: readonly number[];
  /** Own columns' constants that features need: by zone only. */
  readonly features: number;
  /** Drift variances B_j, their sum, and the lead's factor. */
  readonly drift: number;
  readonly size: number;
}

/** Constants of a zone's transition and spread, in this order in the model's buffer; decays and gains of the drift follow. */
export const zoneParameters = [
  "heldOffsetK",
  "heldVarianceK2",
  "noiseVarianceK2",
  "spreadScale",
  "stateGain",
  "innovationVarianceK2",
  "demandDoubt",
  "capacityDoubt",
] as const;

export const isConstantLeaf = ({ own }: OwnLeaf): boolean => own.length === 0;

export const modelPlaces = (plan: PosteriorPlan, drifts: number): ModelPlaces => {
  const places = new Places();
  const { leaves, rows, ownColumns } = plan;
  return {
    basis: leaves.map(({ own }) => places.take(own.length * rows)),
    inverse: leaves.map(({ own }) => places.take(own.length)),
    scales: places.take(plan.scales.length),
    alpha: places.take(rows),
    weights: places.take(ownColumns.length),
    inputFactors: places.take(ownColumns.length),
    linear: places.take(plan.linearColumns.length),
    zone: places.take(zoneParameters.length + 2 * drifts),
    // Evaluated last.
    size: places.size,
  };
};

export const recordPlaces = (plan: PosteriorPlan, featureConstants: number, drifts: number): RecordPlaces => {
  const places = new Places();
  const { leaves, rows, regimes: R, ownRegimes: G, withVariance } = plan;
  return {
    mean: places.take(R),
    variance: places.take(R),
    known: places.take(R),
    slopes: places.take(R * plan.linearColumns.length),
    points: leaves.map(({ own }) => places.take(G * own.length)),
    first: leaves.map(() => places.take(G * rows)),
    second: leaves.map((leaf) => places.take(isConstantLeaf(leaf) || leaf.kind === "linear" ? 0 : G * rows)),
    gains: places.take(withVariance ? R * rows : 0),
    diagonals: leaves.map(() => places.take(plan.hasConstantPrior ? 0 : R)),
    features: places.take(featureConstants),
    drift: places.take(drifts + 2),
    // Evaluated last.
    size: places.size,
  };
};
