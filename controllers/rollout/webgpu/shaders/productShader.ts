import { depthOf, type Group, memberTables } from "#controllers/rollout/webgpu/shaders/group";
import { type Dimensions, type ShaderSource, shader, squaresSlot } from "#controllers/rollout/webgpu/shaders/source";

/**
 * A workgroup multiplies `rows` rows of the root with `samples` samples, `depth` entries at a time through workgroup memory; each thread keeps
 * `threadRows` × `threadSamples` sums in registers. All are multiples of 4; rows / threadRows must not exceed depth.
 */
export interface ProductTile {
  readonly rows: number;
  readonly samples: number;
  readonly depth: number;
  readonly threadRows: number;
  readonly threadSamples: number;
}

export const tileName = ({ rows, samples, depth, threadRows, threadSamples }: ProductTile): string =>
  `${rows}×${samples}×${depth} by ${threadRows}×${threadSamples}`;

export const threadsOf = ({ rows, samples, threadRows, threadSamples }: ProductTile): number =>
  (rows / threadRows) * (samples / threadSamples);

export const workgroupBytesOf = ({ rows, samples, depth }: ProductTile): number => 4 * depth * (rows + samples) + 16;

export const padded = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** Where a product's root stands and how large it is; a shader that is not specialised reads it from a buffer. */
export interface ProductShape {
  /** Entries of a row, linear columns included, in whole tiles of every depth. */
  readonly depth: number;
  /** Rows, in whole tiles of every height. */
  readonly rows: number;
}

/** Largest tile in each direction: what arrays are padded to. */
export const MOST_ROWS = 128;
export const MOST_SAMPLES = 128;
export const MOST_DEPTH = 16;

export const productShape = ({ plan }: Pick<Group, "plan">): ProductShape => ({
  depth: padded(depthOf(plan), MOST_DEPTH),
  rows: padded(plan.posterior.p, MOST_ROWS),
});

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * Σ_i (R b)_i² of a tile of rows for every listed sample, R = [E | W] and b its covariances' differences; one partial sum a row tile into V. Above the
 * diagonal of a triangular W nothing is computed. `isSpecialised` false: the same with sizes that the compiler does not know.
 */
export const productShader = (group: Group, dimensions: Dimensions, tile: ProductTile, isSpecialised = true): ShaderSource => {
  const { plan } = group;
  const { rows: BM, samples: BN, depth: BK, threadRows: RM, threadSamples: RN } = tile;
  const threads = threadsOf(tile);
  const [TX, TY] = [BN / RN, BM / RM];
  const shape = productShape(group);
  const linear = plan.linearColumns.length;
  const rowVectors = shape.rows / 4;
  const loadsA = Math.ceil((BK * BM) / 4 / threads);
  const loadsB = Math.ceil((BK * BN) / 4 / threads);
  const quads = BN / 4;
  const isWholeA = (BK * BM) / 4 === loadsA * threads;
  const isWholeB = (BK * BN) / 4 === loadsB * threads;
  if (threads % quads !== 0) throw new Error(`A product tile of ${tileName(tile)} shares its columns unevenly.`);
  const tiles = Math.ceil(plan.posterior.p / BM);
  const sizes = isSpecialised
    ? `const DEPTH = ${shape.depth}u;\nconst ROWVECTORS = ${rowVectors}u;`
    : // A value that only the running shader knows.
      `fn unknown(value: u32) -> u32 { return value + (step.z >> 31u); }\n`;
  const depthCode = isSpecialised ? "DEPTH" : `unknown(${shape.depth}u)`;
  const rowVectorsCode = isSpecialised ? "ROWVECTORS" : `unknown(${rowVectors}u)`;
  const end = plan.isLower ? `min(${depthCode}, (${linear}u + (tile + 1u) * ${BM}u + ${BK - 1}u) / ${BK}u * ${BK}u)` : depthCode;
  const guard = (isWhole: boolean, i: number, count: number, code: string): string =>
    isWhole ? code : `if (i + ${i * threads}u < ${count}u) { ${code} }`;
  const loadA = (at: string): string =>
    range(loadsA)
      .map((i) =>
        guard(
          isWholeA,
          i,
          (BK * BM) / 4,
          `nextA${i} = W[rootAt + (${at} + (i + ${i * threads}u) / ${BM / 4}u) * rowVectors + (i + ${i * threads}u) % ${BM / 4}u];`,
        ),
      )
      .join("\n");
  const loadB = (at: string): string =>
    range(loadsB)
      .map((i) => {
        const row = `(${at} + (i + ${i * threads}u) / ${quads}u) * KP`;
        return guard(
          isWholeB,
          i,
          (BK * BN) / 4,
          `{ let row = ${row}; nextB${i} = vec4f(D[column.x + row], D[column.y + row], D[column.z + row], D[column.w + row]); }`,
        );
      })
      .join("\n");
  const store = [
    ...range(loadsA).map((i) => guard(isWholeA, i, (BK * BM) / 4, `A[i + ${i * threads}u] = nextA${i};`)),
    ...range(loadsB).map((i) => guard(isWholeB, i, (BK * BN) / 4, `B[i + ${i * threads}u] = nextB${i};`)),
  ].join("\n");
  const accumulators = range(RM).flatMap((r) => range(RN / 4).map((c) => `s${r}_${c}`));
  const multiply = [
    ...range(RM / 4).map((r) => `let a${r} = A[kk * ${BM / 4}u + y + ${r * TY}u];`),
    ...range(RN / 4).map((c) => `let b${c} = B[kk * ${quads}u + x + ${c * TX}u];`),
    ...range(RM).flatMap((r) => range(RN / 4).map((c) => `s${r}_${c} = fma(vec4f(a${r >> 2}.${"xyzw"[r & 3]}), b${c}, s${r}_${c});`)),
  ].join("\n      ");
  const squares = range(RN / 4)
    .map(
      (c) =>
        `B[y * ${quads}u + x + ${c * TX}u] = ${range(RM)
          .map((r) => `s${r}_${c} * s${r}_${c}`)
          .join(" + ")};`,
    )
    .join("\n  ");
  return shader(
    `product ${isSpecialised ? tileName(tile) : "fixed"}`,
    ["W", "V", "D", "N", "L"],
    dimensions,
    `${memberTables(group)}
${sizes}
var<workgroup> A: array<vec4f, ${(BK * BM) / 4}>;
var<workgroup> B: array<vec4f, ${(BK * BN) / 4}>;
var<workgroup> listed: u32;
fn sample(zone: u32, j: u32, count: u32) -> u32 { return L[zone * KP + min(j, count - 1u)]; }
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_index) i: u32) {
  let zone = ZONE[w.z];
  if (i == 0u) { listed = atomicLoad(&N[KP + step.x * ${dimensions.zones}u + zone]); }
  let count = workgroupUniformLoad(&listed);
  let first = w.x * ${BN}u;
  if (first >= count) { return; }
  // The longest rows of a triangle first.
  let tile = ${tiles - 1}u - w.y;
  let rowVectors = ${rowVectorsCode};
  let rootAt = ROOT[w.z] + tile * ${BM / 4}u;
  let x = i % ${TX}u;
  let y = i / ${TX}u;
  let quad = first + 4u * (i % ${quads}u);
  let entries = vec4u(sample(zone, quad, count), sample(zone, quad + 1u, count), sample(zone, quad + 2u, count), sample(zone, quad + 3u, count));
  let column = (entries & vec4u(0x1fffffffu)) + (vec4u(ROW[w.z]) + (entries >> vec4u(29u)) * ${depthOf(plan)}u) * KP;
  let end = ${end};
${range(loadsA)
  .map((i) => `  var nextA${i} = vec4f();`)
  .join("\n")}
${range(loadsB)
  .map((i) => `  var nextB${i} = vec4f();`)
  .join("\n")}
${accumulators.map((name) => `  var ${name} = vec4f();`).join("\n")}
${loadA("0u")}
${loadB("0u")}
  for (var at = 0u; at < end; at += ${BK}u) {
    workgroupBarrier();
${store}
    workgroupBarrier();
    if (at + ${BK}u < end) {
${loadA(`(at + ${BK}u)`)}
${loadB(`(at + ${BK}u)`)}
    }
    for (var kk = 0u; kk < ${BK}u; kk++) {
      ${multiply}
    }
  }
  workgroupBarrier();
  ${squares}
  workgroupBarrier();
  if (i < ${quads}u) {
    var sum = vec4f();
    for (var r = 0u; r < ${TY}u; r++) { sum += B[r * ${quads}u + i]; }
    let slot = (SLOT[w.z] + ${squaresSlot(dimensions)}u + tile) * KP;
${range(4)
  .map(
    (c) => `    if (first + 4u * i + ${c}u < count) { V[slot + (sample(zone, first + 4u * i + ${c}u, count) & 0x1fffffffu)] = sum[${c}]; }`,
  )
  .join("\n")}
  }
}`,
  );
};
