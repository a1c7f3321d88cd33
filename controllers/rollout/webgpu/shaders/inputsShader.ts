import { FeatureCompiler, type FeatureIndex } from "#controllers/rollout/webgpu/shaders/features";
import {
  type Dimensions,
  float,
  inputsSlot,
  type ShaderSource,
  setpointFunction,
  shader,
} from "#controllers/rollout/webgpu/shaders/source";
import type { StandingStill } from "#controllers/rollout/webgpu/standingStill";
import type { FeatureSpec } from "#domain/features";
import { plainTerm } from "#math/features";

export interface ZoneInputs {
  readonly features: FeatureSpec;
  readonly ownColumns: readonly number[];
}

/** The expressions of a zone's own columns and the constants they read. */
export interface ZoneInputCode {
  readonly expressions: readonly string[];
  readonly constants: readonly ((source: StandingStill) => number)[];
}

export const zoneInputCode = ({ features, ownColumns }: ZoneInputs, index: FeatureIndex): ZoneInputCode => {
  const compiler = new FeatureCompiler(index);
  const expressions = ownColumns.map((c) => {
    const { term, scale } = features[c]!;
    return `${compiler.compile(plainTerm(term)) ?? "0.0"} * ${float(1 / scale)}`;
  });
  return { expressions, constants: compiler.constants };
};

/** Writes the own columns of every zone and sample: differences from the standing-still path, as if every gate were open. */
export const inputsShader = (
  dimensions: Dimensions,
  zones: readonly { readonly code: ZoneInputCode; readonly slot: number; readonly constants: number }[],
  temperatures: number,
): ShaderSource => {
  const first = inputsSlot(dimensions);
  const cases = zones.map(
    ({ code, slot, constants }, z) => `    case ${z}u: {
      constants = step.x * ${dimensions.record}u + ${constants}u;
${code.expressions.map((expression, o) => `      V[${slot + first + o}u * KP + k] = ${expression};`).join("\n")}
    }`,
  );
  return shader(
    "inputs",
    ["S", "U", "V"],
    dimensions,
    `var<private> constants: u32;
fn constant(i: u32) -> f32 { return S[constants + i]; }
fn value(slot: u32, k: u32) -> f32 { return V[slot * KP + k]; }
fn lagged(z: u32, lag: u32, k: u32) -> f32 { return V[(${temperatures}u + z * ${dimensions.lags}u + (step.x + ${dimensions.lags}u - lag) % ${dimensions.lags}u) * KP + k]; }
${setpointFunction(dimensions.zones)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  if (k >= step.y) { return; }
  switch (id.y) {
${cases.join("\n")}
    default: {}
  }
}`,
  );
};
