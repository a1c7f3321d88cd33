import { isOpen } from "#controllers/rollout/webgpu/posteriorPlan";
import type { Group } from "#controllers/rollout/webgpu/shaders/group";
import { depthOf, memberTables, sumSlots } from "#controllers/rollout/webgpu/shaders/group";
import { kernelFunctions, leafCode, sumOf, termPair } from "#controllers/rollout/webgpu/shaders/kernels";
import { type Dimensions, type ShaderSource, shader } from "#controllers/rollout/webgpu/shaders/source";

/** A workgroup takes `samples` samples and shares their basis rows among `lanes` threads each. */
export interface CovarianceTile {
  readonly samples: number;
  readonly lanes: number;
}

/**
 * own(x, X) − own(x0, X) of every basis row and sample into D, and its products with α (by own regime) and with the gains (by regime) into V.
 */
export const covarianceShader = (group: Group, dimensions: Dimensions, { samples, lanes }: CovarianceTile): ShaderSource => {
  const { plan, model, record } = group;
  const { leaves, rows, ownRegimes: G, regimes: R, withVariance } = plan;
  const regimes = Array.from({ length: G }, (_, g) => g);
  const sums = sumSlots(plan, dimensions);
  const targets = [
    ...regimes.map((g) => ({ slot: sums.mean + g, from: g, weight: `M[m + ${model.alpha}u + j]` })),
    ...(withVariance
      ? Array.from({ length: R }, (_, g) => ({
          slot: sums.gain + g,
          from: G === 1 ? 0 : g,
          weight: `S[s + ${record.gains + g * rows}u + j]`,
        }))
      : []),
  ];
  const depth = depthOf(plan);
  const used = new Set(leaves.flatMap(({ own }) => own.map(({ own: o }) => o)));
  const load = [...used].map(
    (o) => `let x${o} = V[INPUT[w.z * ${plan.ownColumns.length}u + ${o}u] * KP + k] * M[m + ${model.inputFactors + o}u];`,
  );
  for (const g of regimes) {
    for (const leaf of leaves) {
      leaf.own.forEach(({ own }, i) => {
        if (!isOpen(plan.gates[own]!, g)) return;
        load.push(`let u${leaf.index}_${i}_${g} = x${own} * M[m + ${model.inverse[leaf.index]! + i}u];`);
        if (leaf.kind !== "linear")
          load.push(`let p${leaf.index}_${i}_${g} = S[s + ${record.points[leaf.index]! + g * leaf.own.length + i}u];`);
      });
    }
  }
  plan.scales.forEach((_, i) => {
    load.push(`let c${i} = M[m + ${model.scales + i}u];`);
  });
  const body = regimes.map((g) => {
    const { code, pairs } = leafCode(leaves, {
      basis: (leaf, i) => `M[m + ${model.basis[leaf.index]! + i * rows}u + j]`,
      point: (leaf, i) => `p${leaf.index}_${i}_${g}`,
      input: (leaf, i) => (isOpen(plan.gates[leaf.own[i]!.own]!, g) ? `u${leaf.index}_${i}_${g}` : null),
      first: (leaf) => `S[s + ${record.first[leaf.index]! + g * rows}u + j]`,
      second: (leaf) => `S[s + ${record.second[leaf.index]! + g * rows}u + j]`,
      suffix: `_${g}`,
    });
    const { delta } = plan.terms.map((term) => termPair(term, pairs, (i) => `c${i}`)).reduce(sumOf);
    const store = withVariance ? `D[(ROW[w.z] + ${g * depth + plan.linearColumns.length}u + j) * KP + k] = delta${g};` : "";
    return `${code}\nlet delta${g} = ${delta ?? "0.0"};\n${store}`;
  });
  const threads = samples * lanes;
  return shader(
    "covariance",
    withVariance ? ["M", "S", "V", "D"] : ["M", "S", "V"],
    dimensions,
    `${memberTables(group)}
const INPUT = array<u32, ${group.members.length * plan.ownColumns.length}>(${group.members.flatMap(({ inputs }) => inputs.map((slot) => `${slot}u`)).join(", ")});
${kernelFunctions(leaves)}
var<workgroup> partial: array<f32, ${targets.length * threads}>;
@compute @workgroup_size(${samples}, ${lanes})
fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_id) l: vec3u) {
  let k = w.x * ${samples}u + l.x;
  let m = MODEL[w.z];
  let s = step.x * ${dimensions.record}u + RECORD[w.z];
${load.join("\n")}
${targets.map((_, i) => `var sum${i} = 0.0;`).join("\n")}
  for (var j = l.y; j < ${rows}u; j += ${lanes}u) {
${body.join("\n")}
${targets.map(({ from, weight }, i) => `sum${i} = fma(${weight}, delta${from}, sum${i});`).join("\n")}
  }
${targets.map((_, i) => `partial[${i * threads}u + l.y * ${samples}u + l.x] = sum${i};`).join("\n")}
  workgroupBarrier();
  if (l.y == 0u) {
${targets
  .map(
    ({ slot }, i) => `    { var sum = 0.0;
      for (var y = 0u; y < ${lanes}u; y++) { sum += partial[${i * threads}u + y * ${samples}u + l.x]; }
      V[(SLOT[w.z] + ${slot}u) * KP + k] = sum; }`,
  )
  .join("\n")}
  }
}`,
  );
};
