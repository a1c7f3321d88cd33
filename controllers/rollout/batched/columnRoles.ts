import { COOLING, type ColumnRole, HEATING } from "#controllers/rollout/batched/stepPredictor";
import type { FeatureSpec, PlainTerm } from "#domain/features";
import type { PointName } from "#domain/points";
import type { RolloutRequest } from "#domain/rollout";
import { evaluateTerm, type FeatureSource, factorsOf, plainTerm } from "#math/features";

/** True for terms that do not depend on the sample: weather, occupancy, time, a constant. */
const isShared = (term: PlainTerm): boolean =>
  factorsOf(term).every(({ kind }) => kind === "disturbance" || kind === "timeOfDay" || kind === "workday" || kind === "constant");

export const columnRoles = (features: FeatureSpec): readonly ColumnRole[] =>
  features.map(({ term }) => ({
    isShared: isShared(plainTerm(term)),
    gate: term.kind === "gated" ? (term.mode === "heating" ? HEATING : COOLING) : null,
  }));

const perSample = (): never => {
  throw new Error("A shared column asked for a sample's state.");
};

/** What shared terms are made from at step t. */
const sharedSource = (request: RolloutRequest, t: number): FeatureSource => ({
  count: 1,
  state: perSample,
  slowMean: perSample,
  effort: perSample,
  setpoint: perSample,
  disturbance: (point: PointName, lagSteps: number) =>
    t < lagSteps ? request.initial.disturbances.get(point)! : request.disturbances.get(point)![t - lagSteps]!,
  localMs: () => request.localMs[t]!,
});

/** The shared columns of every step and regime, (T · regimes)×d; 0 in the others and behind a closed gate. */
export const sharedRows = (features: FeatureSpec, roles: readonly ColumnRole[], regimes: number, request: RolloutRequest): Float64Array => {
  const d = features.length;
  const rows = new Float64Array(request.horizonSteps * regimes * d);
  for (let t = 0; t < request.horizonSteps; t++) {
    const source = sharedSource(request, t);
    features.forEach(({ term, scale }, c) => {
      const role = roles[c]!;
      if (!role.isShared) return;
      const value = (evaluateTerm(plainTerm(term), source) as number) / scale;
      for (let g = 0; g < regimes; g++) if (role.gate === null || role.gate === g) rows[(t * regimes + g) * d + c] = value;
    });
  }
  return rows;
};
