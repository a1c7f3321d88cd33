import { zoneParameters } from "#controllers/rollout/webgpu/layout";
import { isOpen } from "#controllers/rollout/webgpu/posteriorPlan";
import { depthOf, type Group, memberTables, sumSlots } from "#controllers/rollout/webgpu/shaders/group";
import { termPair } from "#controllers/rollout/webgpu/shaders/kernels";
import {
  type Dimensions,
  float,
  IS_FINITE,
  inputsSlot,
  modes,
  type ShaderSource,
  setpointFunction,
  shader,
  slots,
} from "#controllers/rollout/webgpu/shaders/source";
import { coolingEffort } from "#math/powerInputs";

/** `coolingEffortK` for a kelvin at the temperature reached. */
const EFFORT = `clamp(${float(coolingEffort.roomC - coolingEffort.supplyC)} / max(1.0, base + next - ${float(coolingEffort.supplyC)}), ${float(coolingEffort.least)}, ${float(coolingEffort.most)})`;

/** k(x, x) − k(x0, x0) of the own terms, from the differences `d(o)` of the open own columns of a regime. */
const ownPrior = (group: Group, g: number): string => {
  const { plan, model, record } = group;
  if (plan.hasConstantPrior || plan.terms.length === 0) return "0.0";
  const pairs = plan.leaves.map((leaf) => {
    const value = `S[s + ${record.diagonals[leaf.index]! + g}u]`;
    if (leaf.kind !== "linear") return { value, delta: null };
    const terms = leaf.own.flatMap(({ own }, i) => {
      if (!isOpen(plan.gates[own]!, g)) return [];
      const u = `(x${own} * M[m + ${model.inverse[leaf.index]! + i}u])`;
      const regime = plan.ownRegimes === 1 ? 0 : g;
      return [`(2.0 * S[s + ${record.points[leaf.index]! + regime * leaf.own.length + i}u] + ${u}) * ${u}`];
    });
    return { value, delta: terms.length === 0 ? null : `(${terms.join(" + ")})` };
  });
  const deltas = plan.terms.flatMap((term) => termPair(term, pairs, (i) => `M[m + ${model.scales + i}u]`).delta ?? []);
  return deltas.length === 0 ? "0.0" : deltas.join(" + ");
};

/** What the mean is in regime g. */
const meanOf = (group: Group, dimensions: Dimensions, g: number): string => {
  const { plan, model, record } = group;
  const sums = sumSlots(plan, dimensions);
  const own = plan.rows === 0 ? [] : [`V[(b + ${sums.mean + (plan.ownRegimes === 1 ? 0 : g)}u) * KP + k]`];
  const linear = plan.ownColumns.flatMap((_, o) => (isOpen(plan.gates[o]!, g) ? [`M[m + ${model.weights + o}u] * x${o}`] : []));
  return [`S[s + ${record.mean + g}u]`, ...own, ...linear].join(" + ");
};

/** The latent variance in regime g but for the squares of the root's product; writes the product's linear rows. */
const latentCase = (group: Group, dimensions: Dimensions, g: number): string => {
  const { plan, model, record } = group;
  const { linearColumns } = plan;
  const sums = sumSlots(plan, dimensions);
  const row = (plan.ownRegimes === 1 ? 0 : g) * depthOf(plan);
  const lines = linearColumns.map((o, l) => {
    if (!isOpen(plan.gates[o]!, g)) return `D[(ROW[member] + ${row + l}u) * KP + k] = 0.0;`;
    const slope = `S[s + ${record.slopes + g * linearColumns.length + l}u]`;
    return `D[(ROW[member] + ${row + l}u) * KP + k] = x${o}; latent += (${slope} + M[m + ${model.linear + l}u] * x${o}) * x${o};`;
  });
  const gain = plan.rows === 0 ? "" : `latent -= 2.0 * V[(b + ${sums.gain + g}u) * KP + k];`;
  return `case ${g}u: { latent = S[s + ${record.variance + g}u] + ${ownPrior(group, g)}; ${gain}
      ${lines.join("\n      ")} }`;
};

/**
 * Where the step takes each sample (`Transition`), in kelvin from the zone's temperature now, with what its spread needs; counts and lists the samples whose
 * variance is wanted. A sample with anything that is not finite fails from here on.
 */
export const thermostatShader = (group: Group, dimensions: Dimensions, temperatures: number): ShaderSource => {
  const { plan, transition, model, record } = group;
  const R = plan.regimes;
  const x = inputsSlot(dimensions);
  const put = (slot: number, value: string): string => `V[(b + ${slot}u) * KP + k] = ${value};`;
  const held = `M[m + ${model.zone + zoneParameters.indexOf("heldOffsetK")}u]`;
  const known = (g: number): string => `S[s + ${record.known + g}u] == 1.0`;
  const act =
    transition === "thermostat"
      ? `let free = now + ${meanOf(group, dimensions, 0)};
    let heated = now + ${meanOf(group, dimensions, 1)};
    let cooled = now + ${meanOf(group, dimensions, 2)};
    let held = ${held};
    var next = free;
    if (free < heatingSetpoint) {
      regime = select(1u, 0u, heated < free);
      isHeld = heated >= heatingSetpoint;
      next = select(select(heated, free, heated < free), heatingSetpoint + held, isHeld);
      ok = ok && ${known(1)};
    } else if (free > coolingSetpoint) {
      regime = 2u;
      isHeld = cooled <= coolingSetpoint;
      next = select(cooled, coolingSetpoint + held, isHeld);
      ok = ok && ${known(2)};
    }
    ${put(slots.free, "free")}
    ${put(slots.heated, "heated")}
    ${put(slots.cooled, "cooled")}
    ${put(slots.heatingK, "select(0.0, max(0.0, next - free), regime == 1u)")}
    ${put(slots.coolingEffortK, `select(0.0, max(0.0, free - next), regime == 2u) * ${EFFORT}`)}
    let mode = select(0u, ${modes.held}u, isHeld) + select(0u, ${modes.heatedKnown}u, ${known(1)}) + select(0u, ${modes.cooledKnown}u, ${known(2)});`
      : `let next = ${transition === "absolute" ? "" : "now + "}${meanOf(group, dimensions, 0)};
    let mode = 0u;`;
  return shader(
    "thermostat",
    ["M", "S", "U", "V", "D", "N", "L"],
    dimensions,
    `${memberTables(group)}
${IS_FINITE}
${setpointFunction(dimensions.zones)}
var<workgroup> wanted: array<u32, 64>;
var<workgroup> begin: u32;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_index) i: u32) {
  let k = w.x * 64u + i;
  let member = w.y;
  let zone = ZONE[member];
  let b = SLOT[member];
  let m = MODEL[member];
  let s = step.x * ${dimensions.record}u + RECORD[member];
  var isWanted = false;
  if (k < step.y && atomicLoad(&N[k]) == 0u) {
    let base = S[step.x * ${dimensions.record}u + zone];
    let heatingRaw = setpoint(0u, zone, step.x, k);
    let coolingRaw = setpoint(1u, zone, step.x, k);
    var ok = isFinite(heatingRaw) && isFinite(coolingRaw) && ${known(0)};
    let heatingSetpoint = heatingRaw - base;
    let coolingSetpoint = coolingRaw - base;
    let now = V[(${temperatures}u + zone * ${dimensions.lags}u + step.x % ${dimensions.lags}u) * KP + k];
${plan.ownColumns.map((_, o) => `    let x${o} = V[(b + ${x + o}u) * KP + k];`).join("\n")}
    var regime = 0u;
    var isHeld = false;
    ${act}
    ${put(slots.next, "next")}
    ${put(slots.mode, "f32(mode)")}
    var latent = 0.0;
    if (!isHeld) {
      switch (regime) {
      ${Array.from({ length: R }, (_, g) => latentCase(group, dimensions, g)).join("\n      ")}
      default: {}
      }
    }
    ${put(slots.latent, "latent")}
    ok = ok && isFinite(next) && isFinite(latent);
    if (!ok) { atomicMax(&N[k], step.z - step.x); }
    isWanted = ok && !isHeld;
    wanted[i] = select(0u, 1u + regime, isWanted);
  } else {
    wanted[i] = 0u;
  }
  workgroupBarrier();
  var before = 0u;
  for (var j = 0u; j < i; j++) { before += min(wanted[j], 1u); }
  if (i == 63u) {
    let total = before + min(wanted[63], 1u);
    begin = atomicAdd(&N[KP + step.x * ${dimensions.zones}u + zone], total);
  }
  workgroupBarrier();
  // A sample and, above bit 29, the own regime whose covariances it takes.
  if (isWanted) { L[zone * KP + begin + before] = k | (${plan.ownRegimes === 1 ? "0u" : "(wanted[i] - 1u)"} << 29u); }
}`,
  );
};
