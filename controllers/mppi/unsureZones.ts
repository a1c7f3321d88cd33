import type { Admission } from "#controllers/admission";
import { zoneSpreadK } from "#controllers/mppi/cost";
import type { PlanProblem } from "#controllers/mppi/planProblem";
import type { PredictedCandidate } from "#controllers/mppi/pool";
import type { Sequence } from "#controllers/mppi/samples";
import type { CostProblem } from "#domain/cost";

/** A zone in which no given plan is sure enough. */
export interface UnsureZone {
  readonly z: number;
  /** The least spread that a given plan has there, K. */
  readonly surestK: number;
}

/** Zones whose spread exceeds the bound in every given plan that is finite: starting earlier, later or not at all does not make them any surer. */
export const unsureZones = (cost: CostProblem, given: readonly PredictedCandidate[], boundK: number): readonly UnsureZone[] => {
  const finite = given.filter(({ total }) => Number.isFinite(total));
  if (finite.length === 0) return [];
  return Array.from({ length: cost.nz }, (_, z) => ({
    z,
    surestK: finite.reduce((least, { result, k }) => Math.min(least, zoneSpreadK(cost, result, k, z)), Number.POSITIVE_INFINITY),
  })).filter(({ surestK }) => surestK > boundK);
};

/** [t][z] with the pinned zones' columns from `pinned`, the others' from `values`, or `otherwise`. */
const mixed = (
  values: Float64Array | undefined,
  otherwise: (z: number) => number,
  pinned: Float64Array,
  nz: number,
  zones: ReadonlySet<number>,
): Float64Array => pinned.map((value, i) => (zones.has(i % nz) ? value : (values?.[i] ?? otherwise(i % nz))));

/**
 * The same problem with some zones left to the rule: their setpoints are the rule's in every sequence, and neither their comfort nor their spread counts,
 * since no sequence can change them. Their power does, and their warmth in their neighbours. `wide`: the pair of each zone in which its equipment rests, for the other zones
 * of a problem that does not bound them.
 */
export const withRuleIn = (problem: PlanProblem, zones: ReadonlySet<number>, rule: Sequence, wide: Sequence): PlanProblem => {
  const { nz, occupied } = problem.cost;
  const { widest, tightest } = problem.admission;
  const side = (
    of: Admission["widest"],
    heatingOtherwise: (z: number) => number,
    coolingOtherwise: (z: number) => number,
  ): Required<Pick<Admission, "widest">>["widest"] => ({
    heatingSetpointC: mixed(of?.heatingSetpointC, heatingOtherwise, rule.heatingSetpointC, nz, zones),
    coolingSetpointC: mixed(of?.coolingSetpointC, coolingOtherwise, rule.coolingSetpointC, nz, zones),
  });
  return {
    ...problem,
    cost: { ...problem.cost, occupied: occupied.map((value, i) => (zones.has(i % nz) ? 0 : value)) },
    admission: {
      ...problem.admission,
      widest: side(
        widest,
        (z) => wide.heatingSetpointC[z]!,
        (z) => wide.coolingSetpointC[z]!,
      ),
      tightest: side(
        tightest,
        () => Number.POSITIVE_INFINITY,
        () => Number.NEGATIVE_INFINITY,
      ),
    },
  };
};
