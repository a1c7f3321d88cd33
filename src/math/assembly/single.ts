// Single precision, four numbers a vector: covariances on panels of eight queries, [basis row][8], and the products of a variance root with them.

/**
 * Constants of the exponential: log2 e; 1.5·2^23, whose sum with a number has the nearest integer in its low bits; ln 2 in two parts, the first with
 * 10 trailing zero bits so that its product with an exponent is exact; −87; 1/n! for n = 0 to 7.
 */
const TABLE: usize = memory.data<f32>([
  1.4426950408889634,
  12582912.0,
  0.693115234375,
  3.19461815e-5,
  -87.0,
  1.0,
  1.0,
  1.0 / 2.0,
  1.0 / 6.0,
  1.0 / 24.0,
  1.0 / 120.0,
  1.0 / 720.0,
  1.0 / 5040.0,
]);

/** exp of four lanes for arguments up to 80; below −87 it stays at exp(−87) ≈ 2e-38, NaN stays NaN. exp(x) = 2^k exp(r), |r| ≤ ln 2 / 2, Taylor to r⁷. */
function expOf(argument: v128): v128 {
  const x = f32x4.pmax(argument, v128.load32_splat(TABLE, 16));
  const round = v128.load32_splat(TABLE, 4);
  const shifted = f32x4.add(f32x4.mul(x, v128.load32_splat(TABLE)), round);
  const k = f32x4.sub(shifted, round);
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(k, v128.load32_splat(TABLE, 8))), f32x4.mul(k, v128.load32_splat(TABLE, 12)));
  const r2 = f32x4.mul(r, r);
  const p01 = f32x4.add(v128.load32_splat(TABLE, 20), r);
  const p23 = f32x4.add(v128.load32_splat(TABLE, 28), f32x4.mul(r, v128.load32_splat(TABLE, 32)));
  const p45 = f32x4.add(v128.load32_splat(TABLE, 36), f32x4.mul(r, v128.load32_splat(TABLE, 40)));
  const p67 = f32x4.add(v128.load32_splat(TABLE, 44), f32x4.mul(r, v128.load32_splat(TABLE, 48)));
  const high = f32x4.add(p45, f32x4.mul(r2, p67));
  const value = f32x4.add(p01, f32x4.mul(r2, f32x4.add(p23, f32x4.mul(r2, high))));
  return i32x4.add(value, i32x4.shl(shifted, 23));
}

const RBF: i32 = 0;
const MATERN32: i32 = 1;

/** −1/2, √3, √5, 5/3, 1, −1. */
const FACTORS: usize = memory.data<f32>([-0.5, 1.7320508075688772, 2.23606797749979, 5.0 / 3.0, 1.0, -1.0]);

/** out ← factor · covariance of `vectors` vectors of squared distances, plus what `out` held when `accumulate`. One call of the exponential, so that the compiler puts it in place. */
export function singleStationary(kind: i32, vectors: i32, squared: usize, out: usize, factor: f32, accumulate: i32): void {
  const end = squared + ((<usize>vectors) << 4);
  const scale = f32x4.splat(factor);
  const root: usize = kind == MATERN32 ? FACTORS + 4 : FACTORS + 8;
  const sign: usize = kind == RBF ? FACTORS : FACTORS + 20;
  while (squared < end) {
    const r2 = v128.load(squared);
    const s = kind == RBF ? r2 : f32x4.mul(v128.load32_splat(root), f32x4.sqrt(r2));
    let value = expOf(f32x4.mul(v128.load32_splat(sign), s));
    if (kind != RBF) {
      let polynomial = f32x4.add(v128.load32_splat(FACTORS, 16), s);
      if (kind != MATERN32) polynomial = f32x4.add(polynomial, f32x4.mul(v128.load32_splat(FACTORS, 12), r2));
      value = f32x4.mul(polynomial, value);
    }
    value = f32x4.mul(value, scale);
    v128.store(out, accumulate ? f32x4.add(v128.load(out), value) : value);
    squared += 16;
    out += 16;
  }
}

/** Panels of eight rows of `inputs` (float64, count×d): (value − centre) · inverse of the columns named in `dims`, as float32, [count/8][leafDims][8]; missing rows 0. */
export function packSingle(count: i32, d: i32, leafDims: i32, dims: usize, centre: usize, inverse: usize, inputs: usize, out: usize): void {
  for (let i: i32 = 0; i < count; i += 8) {
    for (let c: i32 = 0; c < leafDims; c++) {
      const column = inputs + ((<usize>load<i32>(dims + ((<usize>c) << 2))) << 3);
      const middle = load<f64>(centre + ((<usize>c) << 3));
      const scale = load<f64>(inverse + ((<usize>c) << 3));
      for (let r: i32 = 0; r < 8; r++) {
        const value = i + r < count ? (load<f64>(column + ((<usize>(i + r) * <usize>d) << 3)) - middle) * scale : 0;
        store<f32>(out + ((<usize>r) << 2), <f32>value);
      }
      out += 32;
    }
  }
}

/**
 * out[i][8] = shared[i] + Σ_c (x_ic − y_c)² for `panels` panels of four basis rows [panels][d][4] and one panel y [d][8] of queries.
 */
export function singleDistances(panels: i32, d: i32, x: usize, shared: usize, y: usize, out: usize): void {
  const yEnd = y + ((<usize>d) << 5);
  for (let i: i32 = 0; i < panels; i++) {
    let s00 = v128.load32_splat(shared);
    let s10 = v128.load32_splat(shared, 4);
    let s20 = v128.load32_splat(shared, 8);
    let s30 = v128.load32_splat(shared, 12);
    let s01 = s00;
    let s11 = s10;
    let s21 = s20;
    let s31 = s30;
    for (let at = y; at < yEnd; at += 32) {
      const y0 = v128.load(at);
      const y1 = v128.load(at, 16);
      let row = v128.load32_splat(x);
      let left = f32x4.sub(row, y0);
      let right = f32x4.sub(row, y1);
      s00 = f32x4.add(s00, f32x4.mul(left, left));
      s01 = f32x4.add(s01, f32x4.mul(right, right));
      row = v128.load32_splat(x, 4);
      left = f32x4.sub(row, y0);
      right = f32x4.sub(row, y1);
      s10 = f32x4.add(s10, f32x4.mul(left, left));
      s11 = f32x4.add(s11, f32x4.mul(right, right));
      row = v128.load32_splat(x, 8);
      left = f32x4.sub(row, y0);
      right = f32x4.sub(row, y1);
      s20 = f32x4.add(s20, f32x4.mul(left, left));
      s21 = f32x4.add(s21, f32x4.mul(right, right));
      row = v128.load32_splat(x, 12);
      left = f32x4.sub(row, y0);
      right = f32x4.sub(row, y1);
      s30 = f32x4.add(s30, f32x4.mul(left, left));
      s31 = f32x4.add(s31, f32x4.mul(right, right));
      x += 16;
    }
    v128.store(out, s00);
    v128.store(out, s01, 16);
    v128.store(out, s10, 32);
    v128.store(out, s11, 48);
    v128.store(out, s20, 64);
    v128.store(out, s21, 80);
    v128.store(out, s30, 96);
    v128.store(out, s31, 112);
    shared += 16;
    out += 128;
  }
}

/** out[i][8] = shared[i] + Σ_c x_ic y_c, plus what it held when `accumulate`; shapes as in singleDistances. */
export function singleProducts(panels: i32, d: i32, x: usize, shared: usize, y: usize, out: usize, accumulate: i32): void {
  const yEnd = y + ((<usize>d) << 5);
  for (let i: i32 = 0; i < panels; i++) {
    for (let r: i32 = 0; r < 4; r++) {
      let left = v128.load32_splat(shared);
      let right = left;
      let from = x + ((<usize>r) << 2);
      for (let at = y; at < yEnd; at += 32) {
        const row = v128.load32_splat(from);
        left = f32x4.add(left, f32x4.mul(row, v128.load(at)));
        right = f32x4.add(right, f32x4.mul(row, v128.load(at, 16)));
        from += 16;
      }
      v128.store(out, accumulate ? f32x4.add(v128.load(out), left) : left);
      v128.store(out, accumulate ? f32x4.add(v128.load(out, 16), right) : right, 16);
      shared += 4;
      out += 32;
    }
    x += (<usize>d) << 4;
  }
}

/** out ← out ∘ source, `vectors` vectors. */
export function singleMultiply(vectors: i32, source: usize, out: usize): void {
  const end = source + ((<usize>vectors) << 4);
  while (source < end) {
    v128.store(out, f32x4.mul(v128.load(out), v128.load(source)));
    source += 16;
    out += 16;
  }
}

/** out ← scale · source, plus what it held when `accumulate`, `vectors` vectors. */
export function singleAddScaled(vectors: i32, scale: f32, source: usize, out: usize, accumulate: i32): void {
  const end = source + ((<usize>vectors) << 4);
  const factor = f32x4.splat(scale);
  while (source < end) {
    const value = f32x4.mul(factor, v128.load(source));
    v128.store(out, accumulate ? f32x4.add(v128.load(out), value) : value);
    source += 16;
    out += 16;
  }
}

/** Rows whose products are summed in single precision before they join a sum in double precision. */
const CHUNK: i32 = 16;

function addDouble(to: usize, values: v128): void {
  v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(values)));
  const high = i8x16.shuffle(values, values, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  v128.store(to, f64x2.add(v128.load(to, 16), f64x2.promote_low_f32x4(high)), 16);
}

/**
 * Eight columns of differences from the reference point: out[i] = panel[i] − reference[i] for i < rows, row i of `out` at i · outStride bytes (0: not kept),
 * and sums[s][8] (float64) = Σ_i weights[s · ldWeights + i] · difference for s < count.
 */
export function singleDifferences(
  rows: i32,
  panel: usize,
  reference: usize,
  out: usize,
  outStride: usize,
  count: i32,
  weights: usize,
  ldWeights: i32,
  sums: usize,
): void {
  let at = panel;
  const end = panel + ((<usize>rows) << 5);
  while (at < end) {
    const base = v128.load32_splat(reference);
    const left = f32x4.sub(v128.load(at), base);
    const right = f32x4.sub(v128.load(at, 16), base);
    v128.store(at, left);
    v128.store(at, right, 16);
    if (outStride) {
      v128.store(out, left);
      v128.store(out, right, 16);
      out += outStride;
    }
    reference += 4;
    at += 32;
  }
  for (let s: i32 = 0; s < count; s++) {
    memory.fill(sums, 0, 64);
    let weight = weights + ((<usize>s * <usize>ldWeights) << 2);
    at = panel;
    while (at < end) {
      const stop = min<usize>(end, at + ((<usize>CHUNK) << 5));
      let left = f32x4.splat(0);
      let right = left;
      while (at < stop) {
        const factor = v128.load32_splat(weight);
        left = f32x4.add(left, f32x4.mul(factor, v128.load(at)));
        right = f32x4.add(right, f32x4.mul(factor, v128.load(at, 16)));
        weight += 4;
        at += 32;
      }
      addDouble(sums, left);
      addDouble(sums + 32, right);
    }
    sums += 64;
  }
}

/**
 * Columns to their places: the j-th of `count` columns, whose first entry lies at sources[j], goes to column j of the panels at `out`; entries of a column
 * are `stride` bytes apart on both sides. A column may move towards the beginning within the same panels.
 */
export function gatherSingle(rows: i32, count: i32, sources: usize, stride: usize, out: usize, panelBytes: usize): void {
  let offset: usize = 0;
  for (let i: i32 = 0; i < rows; i++) {
    for (let j: i32 = 0; j < count; j++) {
      const from = load<usize>(sources + ((<usize>j) << 2)) + offset;
      store<f32>(out + <usize>(j >> 3) * panelBytes + ((<usize>(j & 7)) << 2) + offset, load<f32>(from));
    }
    offset += stride;
  }
}

/** squares[8] (float64) += Σ_i block[i]² over `rows` rows of eight columns, `stride` bytes apart. */
export function singleSquares(rows: i32, block: usize, stride: usize, squares: usize): void {
  for (let i: i32 = 0; i < rows; i += CHUNK) {
    const stop = min<i32>(rows, i + CHUNK);
    let left = f32x4.splat(0);
    let right = left;
    for (let r = i; r < stop; r++) {
      const a = v128.load(block);
      const b = v128.load(block, 16);
      left = f32x4.add(left, f32x4.mul(a, a));
      right = f32x4.add(right, f32x4.mul(b, b));
      block += stride;
    }
    addDouble(squares, left);
    addDouble(squares + 32, right);
  }
}

/**
 * squares[panel][8] (float64) = ‖R b‖² of the columns b in `panels` panels, [panel][width][8], panelBytes apart. R comes as panels of four rows, one after
 * the other, [widths[i]][4]: only its first widths[i] columns are not zero there.
 */
export function singleRootSquares(
  rowPanels: i32,
  widths: usize,
  root: usize,
  panels: i32,
  columns: usize,
  panelBytes: usize,
  squares: usize,
): void {
  memory.fill(squares, 0, (<usize>panels) << 6);
  for (let i: i32 = 0; i < rowPanels; i++) {
    const width = load<i32>(widths + ((<usize>i) << 2));
    let column = columns;
    let square = squares;
    for (let panel: i32 = 0; panel < panels; panel++) {
      let s00 = f32x4.splat(0);
      let s01 = s00;
      let s10 = s00;
      let s11 = s00;
      let s20 = s00;
      let s21 = s00;
      let s30 = s00;
      let s31 = s00;
      let a = root;
      let b = column;
      const end = a + ((<usize>width) << 4);
      while (a < end) {
        const b0 = v128.load(b);
        const b1 = v128.load(b, 16);
        let a0 = v128.load32_splat(a);
        s00 = f32x4.add(s00, f32x4.mul(a0, b0));
        s01 = f32x4.add(s01, f32x4.mul(a0, b1));
        a0 = v128.load32_splat(a, 4);
        s10 = f32x4.add(s10, f32x4.mul(a0, b0));
        s11 = f32x4.add(s11, f32x4.mul(a0, b1));
        a0 = v128.load32_splat(a, 8);
        s20 = f32x4.add(s20, f32x4.mul(a0, b0));
        s21 = f32x4.add(s21, f32x4.mul(a0, b1));
        a0 = v128.load32_splat(a, 12);
        s30 = f32x4.add(s30, f32x4.mul(a0, b0));
        s31 = f32x4.add(s31, f32x4.mul(a0, b1));
        a += 16;
        b += 32;
      }
      addDouble(
        square,
        f32x4.add(f32x4.add(f32x4.mul(s00, s00), f32x4.mul(s10, s10)), f32x4.add(f32x4.mul(s20, s20), f32x4.mul(s30, s30))),
      );
      addDouble(
        square + 32,
        f32x4.add(f32x4.add(f32x4.mul(s01, s01), f32x4.mul(s11, s11)), f32x4.add(f32x4.mul(s21, s21), f32x4.mul(s31, s31))),
      );
      column += panelBytes;
      square += 64;
    }
    root += (<usize>width) << 4;
  }
}
