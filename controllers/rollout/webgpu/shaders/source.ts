/** Buffers that shaders name; what each holds is said in `engineBuffers.ts`. */
export type BufferName = "M" | "W" | "S" | "U" | "V" | "D" | "N" | "L" | "C" | "O";

const TYPES: Readonly<Record<BufferName, string>> = {
  M: "read> M: array<f32>",
  W: "read> W: array<vec4f>",
  S: "read> S: array<f32>",
  U: "read> U: array<u32>",
  V: "read_write> V: array<f32>",
  D: "read_write> D: array<f32>",
  N: "read_write> N: array<atomic<u32>>",
  L: "read_write> L: array<u32>",
  C: "read> C: array<f32>",
  O: "read_write> O: array<f32>",
};

export const isReadOnly = (name: BufferName): boolean => TYPES[name].startsWith("read>");

/** One compute shader: its buffers are bound in their order in group 0, the step in group 1. */
export interface ShaderSource {
  readonly label: string;
  readonly buffers: readonly BufferName[];
  readonly code: string;
}

/** Numbers that all shaders of one engine have in common. */
export interface Dimensions {
  /** Samples side by side in every array: a multiple of all tiles. */
  readonly stride: number;
  readonly zones: number;
  /** Temperatures a zone that are kept, the newest included. */
  readonly lags: number;
  /** Drift states a zone, at most. */
  readonly drifts: number;
  /** Row tiles of a product, at most. */
  readonly rowTiles: number;
  /** Numbers a step in the records. */
  readonly record: number;
}

/** Declarations that every shader begins with. `step`: t, samples, T, and where cooling setpoints begin. */
export const shader = (label: string, buffers: readonly BufferName[], dimensions: Dimensions, body: string): ShaderSource => ({
  label,
  buffers,
  code: [
    ...buffers.map((name, i) => `@group(0) @binding(${i}) var<storage, ${TYPES[name]};`),
    "@group(1) @binding(0) var<uniform> step: vec4u;",
    `const KP = ${dimensions.stride}u;`,
    body,
  ].join("\n"),
});

/** A float literal. */
export const float = (value: number): string => {
  const text = Math.fround(value).toString();
  return /[.e]/.test(text) ? text : `${text}.0`;
};

/** A table that a shader indexes by zone or by member of a group. */
export const table = (name: string, values: readonly number[]): string =>
  `const ${name} = array<u32, ${values.length}>(${values.map((value) => `${value}u`).join(", ")});`;

/** Places of a zone's values per sample, relative to its first one; the same for all zones. */
export const slots = {
  free: 0,
  heated: 1,
  cooled: 2,
  next: 3,
  mode: 4,
  latent: 5,
  heatingK: 6,
  coolingEffortK: 7,
  variance: 8,
  covariances: 9,
} as const;

/** Bits of `mode`. */
export const modes = { held: 1, heatedKnown: 2, cooledKnown: 4 } as const;

/** Where squares, inputs and sums of a zone begin, relative to its first slot. */
export const squaresSlot = ({ drifts }: Dimensions): number => slots.covariances + drifts;
export const inputsSlot = (dimensions: Dimensions): number => squaresSlot(dimensions) + dimensions.rowTiles;

/** WGSL may assume that no value is NaN or infinite: only bits tell. */
export const IS_FINITE = "fn isFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }";

/** Setpoint of sample k at step t as it was given, °C: side 0 heating, 1 cooling. */
export const setpointFunction = (zones: number): string =>
  `fn setpoint(side: u32, z: u32, t: u32, k: u32) -> f32 { return bitcast<f32>(U[side * step.w + (k * step.z + t) * ${zones}u + z]); }`;
