import { zoneParameters } from "#controllers/rollout/webgpu/layout";
import type { ModelLayout, PlacedPosterior } from "#controllers/rollout/webgpu/modelLayout";
import { basisCentre } from "#controllers/rollout/webgpu/posteriorRecord";
import { productShape } from "#controllers/rollout/webgpu/shaders/productShader";
import type { ZoneModel } from "#domain/model";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** The model's numbers as the shaders read them (`ModelPlaces`). */
export const modelNumbers = (layout: ModelLayout): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(layout.modelSize);
  for (const zone of layout.zones) {
    writePosterior(zone, out);
    writeZone(zone.zone, out, zone.member.model + zone.model.zone);
  }
  if (layout.power !== null) writePosterior(layout.power, out);
  return out;
};

const writePosterior = ({ plan, model, member, inputFactors }: PlacedPosterior, out: Float32Array): void => {
  const { basisInputs, alpha, m, d } = plan.posterior;
  const centre = basisCentre(plan);
  const at = member.model;
  for (const { index, kind, own } of plan.leaves) {
    own.forEach(({ column, inverse }, i) => {
      const from = at + model.basis[index]! + i * plan.rows;
      const middle = kind === "linear" ? 0 : centre[column]!;
      for (let j = 0; j < m; j++) out[from + j] = (basisInputs[j * d + column]! - middle) * inverse;
      out[at + model.inverse[index]! + i] = inverse;
    });
  }
  out.set(plan.scales, at + model.scales);
  if (plan.rows > 0) out.set(alpha, at + model.alpha);
  out.set(plan.weights, at + model.weights);
  out.set(inputFactors, at + model.inputFactors);
  plan.linearColumns.forEach((o, l) => {
    out[at + model.linear + l] = plan.linear[plan.ownColumns[o]!]!;
  });
};

const writeZone = (zone: ZoneModel, out: Float32Array, at: number): void => {
  const values: Record<(typeof zoneParameters)[number], number> = {
    heldOffsetK: zone.heldOffsetK,
    heldVarianceK2: zone.heldStdDevK ** 2,
    noiseVarianceK2: zone.noiseVarianceK2,
    spreadScale: zone.spreadScale,
    stateGain: zone.stateGain,
    innovationVarianceK2: zone.spread?.innovationVarianceK2 ?? 0,
    demandDoubt: zone.spread?.demandDoubt ?? 0,
    capacityDoubt: zone.spread?.capacityDoubt ?? 0,
  };
  const drift = zone.spread === undefined ? [] : [...(zone.drift?.decay ?? []), ...(zone.drift?.gain ?? [])];
  out.set([...zoneParameters.map((name) => values[name]), ...drift], at);
};

/** The roots R = [W X Λ | W] of all zones, entry by entry: rows side by side, padded with zeros to whole tiles. */
export const rootNumbers = (layout: ModelLayout, la: LinearAlgebra): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(layout.rootVectors * 4);
  for (const { plan, member } of layout.zones) {
    const { varianceRoot, basisInputs, p, m, d } = plan.posterior;
    const { rows } = productShape({ plan });
    const q = plan.linearColumns.length;
    const scaled = new Float64Array(m * q);
    plan.linearColumns.forEach((o, l) => {
      const c = plan.ownColumns[o]!;
      for (let j = 0; j < m; j++) scaled[j * q + l] = basisInputs[j * d + c]! * plan.linear[c]!;
    });
    const leading = new Float64Array(p * q);
    if (q > 0) la.gemm(false, false, p, q, m, 1, varianceRoot, scaled, 0, leading);
    const at = member.root * 4;
    for (let i = 0; i < p; i++) {
      for (let l = 0; l < q; l++) out[at + l * rows + i] = leading[i * q + l]!;
      for (let j = 0; j < plan.rows; j++) out[at + (q + j) * rows + i] = varianceRoot[i * m + j]!;
    }
  }
  return out;
};
