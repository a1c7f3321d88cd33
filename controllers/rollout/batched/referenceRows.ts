import { COOLING, HEATING } from "#controllers/rollout/batched/stepPredictor";
import type { RolloutRequirements } from "#controllers/rollout/requirements";
import { StandingStill } from "#controllers/rollout/webgpu/standingStill";
import type { FeatureSpec } from "#domain/features";
import type { BuildingModel } from "#domain/model";
import type { RolloutRequest } from "#domain/rollout";
import { evaluateTerm, plainTerm } from "#math/features";

/** A zone's inputs in every step and regime along the path that stands still, (T · regimes)×d; 0 behind a closed gate. */
export const referenceRows = (
  model: BuildingModel,
  needs: RolloutRequirements,
  features: FeatureSpec,
  regimes: number,
  request: RolloutRequest,
): Float64Array => {
  const d = features.length;
  const rows = new Float64Array(request.horizonSteps * regimes * d);
  const path = new StandingStill(model, needs, request);
  for (let t = 0; t < request.horizonSteps; t++, path.advance()) {
    features.forEach(({ term, scale }, c) => {
      const gate = term.kind === "gated" ? (term.mode === "heating" ? HEATING : COOLING) : null;
      const value = (evaluateTerm(plainTerm(term), path) as number) / scale;
      for (let g = 0; g < regimes; g++) if (gate === null || gate === g) rows[(t * regimes + g) * d + c] = value;
    });
  }
  return rows;
};
