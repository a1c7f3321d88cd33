// Matrix product with packing and a 4×4 register tile. Addresses are bytes, leading dimensions elements, matrices row-major.
// Loop structure after Goto & van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).

const ROWS_PER_BLOCK: i32 = 128;
const INNER_PER_BLOCK: i32 = 256;
const COLUMNS_PER_BLOCK: i32 = 1024;

const PACKED_A_BYTES: i32 = ROWS_PER_BLOCK * INNER_PER_BLOCK * 8;
const PACKED_B_BYTES: i32 = COLUMNS_PER_BLOCK * INNER_PER_BLOCK * 8;
const TILE_BYTES: i32 = 16 * 8;

export function gemmScratchBytes(): i32 {
  return PACKED_A_BYTES + PACKED_B_BYTES + TILE_BYTES;
}

/** Panels of four along the packed direction, [count/4][k][4], times alpha, missing entries 0. `along`: the four lie side by side in memory. */
function pack(source: usize, ld: i32, along: bool, count: i32, k: i32, alpha: f64, out: usize): void {
  const stride: usize = (<usize>ld) << 3;
  let to = out;
  for (let i: i32 = 0; i < count; i += 4) {
    const width = min<i32>(4, count - i);
    if (width === 4 && along) {
      let from = source + ((<usize>i) << 3);
      const factor = f64x2.splat(alpha);
      for (let p: i32 = 0; p < k; p++) {
        v128.store(to, f64x2.mul(v128.load(from), factor));
        v128.store(to, f64x2.mul(v128.load(from, 16), factor), 16);
        from += stride;
        to += 32;
      }
    } else if (width === 4) {
      let from0 = source + <usize>i * stride;
      let from1 = from0 + stride;
      let from2 = from1 + stride;
      let from3 = from2 + stride;
      for (let p: i32 = 0; p < k; p++) {
        store<f64>(to, alpha * load<f64>(from0));
        store<f64>(to, alpha * load<f64>(from1), 8);
        store<f64>(to, alpha * load<f64>(from2), 16);
        store<f64>(to, alpha * load<f64>(from3), 24);
        from0 += 8;
        from1 += 8;
        from2 += 8;
        from3 += 8;
        to += 32;
      }
    } else {
      for (let p: i32 = 0; p < k; p++) {
        for (let r: i32 = 0; r < 4; r++) {
          const at = along ? <usize>p * stride + ((<usize>(i + r)) << 3) : <usize>(i + r) * stride + ((<usize>p) << 3);
          store<f64>(to + ((<usize>r) << 3), r < width ? alpha * load<f64>(source + at) : 0);
        }
        to += 32;
      }
    }
  }
}

/** 4×4 tile: C += A panel · B panel over k. */
function tile(k: i32, a: usize, b: usize, c: usize, ldc: i32): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  const end = a + ((<usize>k) << 5);
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let a0 = v128.load64_splat(a);
    s00 = f64x2.add(s00, f64x2.mul(a0, b0));
    s01 = f64x2.add(s01, f64x2.mul(a0, b1));
    a0 = v128.load64_splat(a, 8);
    s10 = f64x2.add(s10, f64x2.mul(a0, b0));
    s11 = f64x2.add(s11, f64x2.mul(a0, b1));
    a0 = v128.load64_splat(a, 16);
    s20 = f64x2.add(s20, f64x2.mul(a0, b0));
    s21 = f64x2.add(s21, f64x2.mul(a0, b1));
    a0 = v128.load64_splat(a, 24);
    s30 = f64x2.add(s30, f64x2.mul(a0, b0));
    s31 = f64x2.add(s31, f64x2.mul(a0, b1));
    a += 32;
    b += 32;
  }
  const stride: usize = (<usize>ldc) << 3;
  v128.store(c, f64x2.add(v128.load(c), s00));
  v128.store(c, f64x2.add(v128.load(c, 16), s01), 16);
  c += stride;
  v128.store(c, f64x2.add(v128.load(c), s10));
  v128.store(c, f64x2.add(v128.load(c, 16), s11), 16);
  c += stride;
  v128.store(c, f64x2.add(v128.load(c), s20));
  v128.store(c, f64x2.add(v128.load(c, 16), s21), 16);
  c += stride;
  v128.store(c, f64x2.add(v128.load(c), s30));
  v128.store(c, f64x2.add(v128.load(c, 16), s31), 16);
}

/** A tile at the right or lower edge: computed aside, then the part inside C is added. */
function edgeTile(k: i32, a: usize, b: usize, c: usize, ldc: i32, rows: i32, columns: i32, aside: usize): void {
  memory.fill(aside, 0, TILE_BYTES);
  tile(k, a, b, aside, 4);
  for (let i: i32 = 0; i < rows; i++) {
    for (let j: i32 = 0; j < columns; j++) {
      const at = c + ((<usize>(i * ldc + j)) << 3);
      store<f64>(at, load<f64>(at) + load<f64>(aside + ((<usize>(i * 4 + j)) << 3)));
    }
  }
}

function scaleRows(m: i32, n: i32, beta: f64, c: usize, ldc: i32): void {
  if (beta === 1) return;
  for (let i: i32 = 0; i < m; i++) {
    const row = c + ((<usize>i * <usize>ldc) << 3);
    if (beta === 0) {
      memory.fill(row, 0, (<usize>n) << 3);
    } else {
      for (let j: i32 = 0; j < n; j++) {
        const at = row + ((<usize>j) << 3);
        store<f64>(at, beta * load<f64>(at));
      }
    }
  }
}

/** C (m×n) ← alpha op(A) op(B) + beta C. */
export function gemm(
  transposeA: i32,
  transposeB: i32,
  m: i32,
  n: i32,
  k: i32,
  alpha: f64,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  beta: f64,
  c: usize,
  ldc: i32,
  scratch: usize,
): void {
  scaleRows(m, n, beta, c, ldc);
  const packedA = scratch;
  const packedB = scratch + PACKED_A_BYTES;
  const aside = packedB + PACKED_B_BYTES;
  for (let j0: i32 = 0; j0 < n; j0 += COLUMNS_PER_BLOCK) {
    const columns = min<i32>(COLUMNS_PER_BLOCK, n - j0);
    for (let p0: i32 = 0; p0 < k; p0 += INNER_PER_BLOCK) {
      const inner = min<i32>(INNER_PER_BLOCK, k - p0);
      const fromB = transposeB ? b + ((<usize>j0 * <usize>ldb + <usize>p0) << 3) : b + ((<usize>p0 * <usize>ldb + <usize>j0) << 3);
      pack(fromB, ldb, transposeB === 0, columns, inner, 1, packedB);
      for (let i0: i32 = 0; i0 < m; i0 += ROWS_PER_BLOCK) {
        const rows = min<i32>(ROWS_PER_BLOCK, m - i0);
        const fromA = transposeA ? a + ((<usize>p0 * <usize>lda + <usize>i0) << 3) : a + ((<usize>i0 * <usize>lda + <usize>p0) << 3);
        pack(fromA, lda, transposeA !== 0, rows, inner, alpha, packedA);
        for (let j: i32 = 0; j < columns; j += 4) {
          const panelB = packedB + ((<usize>j * <usize>inner) << 3);
          for (let i: i32 = 0; i < rows; i += 4) {
            const panelA = packedA + ((<usize>i * <usize>inner) << 3);
            const to = c + ((<usize>(i0 + i) * <usize>ldc + <usize>(j0 + j)) << 3);
            if (i + 4 <= rows && j + 4 <= columns) tile(inner, panelA, panelB, to, ldc);
            else edgeTile(inner, panelA, panelB, to, ldc, min<i32>(4, rows - i), min<i32>(4, columns - j), aside);
          }
        }
      }
    }
  }
}
