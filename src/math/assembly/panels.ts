// Distances, products and reductions on panels of four rows: [rows/4][dimension][4].

/** Panels of `count` rows of `inputs` (count×d): the `leafDims` columns named in `dims` (i32), each times its inverse scale; missing rows 0. */
export function packPanels(count: i32, d: i32, leafDims: i32, dims: usize, inverseScale: usize, inputs: usize, out: usize): void {
  for (let i: i32 = 0; i < count; i += 4) {
    for (let c: i32 = 0; c < leafDims; c++) {
      const column = load<i32>(dims + ((<usize>c) << 2));
      const scale = load<f64>(inverseScale + ((<usize>c) << 3));
      for (let r: i32 = 0; r < 4; r++) {
        const value = i + r < count ? scale * load<f64>(inputs + ((<usize>(i + r) * <usize>d + <usize>column) << 3)) : 0;
        store<f64>(out + ((<usize>r) << 3), value);
      }
      out += 32;
    }
  }
}

/** 4×4 squared distances of panel x (rows) and panel y (columns). */
function distanceTile(d: i32, x: usize, y: usize, out: usize, stride: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  const end = x + ((<usize>d) << 5);
  while (x < end) {
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    let row = v128.load64_splat(x);
    let left = f64x2.sub(row, y0);
    let right = f64x2.sub(row, y1);
    s00 = f64x2.add(s00, f64x2.mul(left, left));
    s01 = f64x2.add(s01, f64x2.mul(right, right));
    row = v128.load64_splat(x, 8);
    left = f64x2.sub(row, y0);
    right = f64x2.sub(row, y1);
    s10 = f64x2.add(s10, f64x2.mul(left, left));
    s11 = f64x2.add(s11, f64x2.mul(right, right));
    row = v128.load64_splat(x, 16);
    left = f64x2.sub(row, y0);
    right = f64x2.sub(row, y1);
    s20 = f64x2.add(s20, f64x2.mul(left, left));
    s21 = f64x2.add(s21, f64x2.mul(right, right));
    row = v128.load64_splat(x, 24);
    left = f64x2.sub(row, y0);
    right = f64x2.sub(row, y1);
    s30 = f64x2.add(s30, f64x2.mul(left, left));
    s31 = f64x2.add(s31, f64x2.mul(right, right));
    x += 32;
    y += 32;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  out += stride;
  v128.store(out, s10);
  v128.store(out, s11, 16);
  out += stride;
  v128.store(out, s20);
  v128.store(out, s21, 16);
  out += stride;
  v128.store(out, s30);
  v128.store(out, s31, 16);
}

/** 4×4 inner products of panel x (rows) and panel y (columns), added to `out` when `accumulate`. */
function productTile(d: i32, x: usize, y: usize, out: usize, stride: usize, accumulate: i32): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  const end = x + ((<usize>d) << 5);
  while (x < end) {
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    let row = v128.load64_splat(x);
    s00 = f64x2.add(s00, f64x2.mul(row, y0));
    s01 = f64x2.add(s01, f64x2.mul(row, y1));
    row = v128.load64_splat(x, 8);
    s10 = f64x2.add(s10, f64x2.mul(row, y0));
    s11 = f64x2.add(s11, f64x2.mul(row, y1));
    row = v128.load64_splat(x, 16);
    s20 = f64x2.add(s20, f64x2.mul(row, y0));
    s21 = f64x2.add(s21, f64x2.mul(row, y1));
    row = v128.load64_splat(x, 24);
    s30 = f64x2.add(s30, f64x2.mul(row, y0));
    s31 = f64x2.add(s31, f64x2.mul(row, y1));
    x += 32;
    y += 32;
  }
  storeRow(out, s00, s01, accumulate);
  storeRow(out + stride, s10, s11, accumulate);
  storeRow(out + 2 * stride, s20, s21, accumulate);
  storeRow(out + 3 * stride, s30, s31, accumulate);
}

function storeRow(out: usize, left: v128, right: v128, accumulate: i32): void {
  v128.store(out, accumulate ? f64x2.add(v128.load(out), left) : left);
  v128.store(out, accumulate ? f64x2.add(v128.load(out, 16), right) : right, 16);
}

/** out[i·ldOut + q] = squared distance of row i of `panels` panels x to column q of one panel y. */
export function panelDistances(panels: i32, d: i32, x: usize, y: usize, out: usize, ldOut: i32): void {
  const stride = (<usize>ldOut) << 3;
  for (let i: i32 = 0; i < panels; i++) {
    distanceTile(d, x, y, out, stride);
    x += (<usize>d) << 5;
    out += stride << 2;
  }
}

/** out[i·ldOut + q] = inner product of row i of `panels` panels x and column q of one panel y, plus what it held when `accumulate`. */
export function panelProducts(panels: i32, d: i32, x: usize, y: usize, out: usize, ldOut: i32, accumulate: i32): void {
  const stride = (<usize>ldOut) << 3;
  for (let i: i32 = 0; i < panels; i++) {
    productTile(d, x, y, out, stride, accumulate);
    x += (<usize>d) << 5;
    out += stride << 2;
  }
}

/** Panels of every column: rows of `source` (count×d) without scaling. */
function packAll(count: i32, d: i32, source: usize, out: usize): void {
  for (let i: i32 = 0; i < count; i += 4) {
    for (let c: i32 = 0; c < d; c++) {
      for (let r: i32 = 0; r < 4; r++) {
        store<f64>(out + ((<usize>r) << 3), i + r < count ? load<f64>(source + ((<usize>(i + r) * <usize>d + <usize>c) << 3)) : 0);
      }
      out += 32;
    }
  }
}

/** r2[i·m + j] = ‖x_i − y_j‖²; r2 needs room for n rounded up to 4 rows, scratch for (m + 4)·d + 4·d + 16 values. */
export function squaredDistances(n: i32, m: i32, d: i32, x: usize, y: usize, r2: usize, scratch: usize): void {
  const packedX = scratch;
  const packedY = scratch + ((<usize>d) << 5);
  const aside = packedY + ((<usize>(m + 4) * <usize>d) << 3);
  packAll(m, d, y, packedY);
  const whole = m & ~3;
  for (let i: i32 = 0; i < n; i += 4) {
    packAll(min<i32>(4, n - i), d, x + ((<usize>i * <usize>d) << 3), packedX);
    const row = r2 + ((<usize>i * <usize>m) << 3);
    let panel = packedY;
    for (let j: i32 = 0; j < whole; j += 4) {
      distanceTile(d, packedX, panel, row + ((<usize>j) << 3), (<usize>m) << 3);
      panel += (<usize>d) << 5;
    }
    if (whole < m) {
      distanceTile(d, packedX, panel, aside, 32);
      for (let r: i32 = 0; r < 4; r++) {
        for (let j = whole; j < m; j++) {
          store<f64>(row + ((<usize>(r * m + j)) << 3), load<f64>(aside + ((<usize>(r * 4 + j - whole)) << 3)));
        }
      }
    }
  }
}

/** out ← scale · source, plus what out held when `accumulate`; an even number of values. */
export function addScaled(length: i32, scale: f64, source: usize, out: usize, accumulate: i32): void {
  const end = source + ((<usize>((length + 1) & ~1)) << 3);
  const factor = f64x2.splat(scale);
  while (source < end) {
    const scaled = f64x2.mul(factor, v128.load(source));
    v128.store(out, accumulate ? f64x2.add(v128.load(out), scaled) : scaled);
    source += 16;
    out += 16;
  }
}

/** out ← out ∘ source; an even number of values. */
export function multiplyInto(length: i32, source: usize, out: usize): void {
  const end = source + ((<usize>((length + 1) & ~1)) << 3);
  while (source < end) {
    v128.store(out, f64x2.mul(v128.load(out), v128.load(source)));
    source += 16;
    out += 16;
  }
}

/** Four columns of `out` (leading dimension ld) ← a rows×4 panel. */
export function copyPanel(rows: i32, panel: usize, out: usize, ld: i32): void {
  const stride = (<usize>ld) << 3;
  for (let i: i32 = 0; i < rows; i++) {
    v128.store(out, v128.load(panel));
    v128.store(out, v128.load(panel, 16), 16);
    panel += 32;
    out += stride;
  }
}

/** Four columns of a rows×4 block with leading dimension ld: out[q] = Σ_i weights[i] · block[i][q]. */
export function weightedColumnSums(rows: i32, weights: usize, block: usize, ld: i32, out: usize): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  const stride = (<usize>ld) << 3;
  for (let i: i32 = 0; i < rows; i++) {
    const weight = v128.load64_splat(weights);
    s0 = f64x2.add(s0, f64x2.mul(weight, v128.load(block)));
    s1 = f64x2.add(s1, f64x2.mul(weight, v128.load(block, 16)));
    weights += 8;
    block += stride;
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
}

/** Four columns of a rows×4 block with leading dimension ld: out[q] = Σ_i block[i][q]². */
export function columnSquares(rows: i32, block: usize, ld: i32, out: usize): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  const stride = (<usize>ld) << 3;
  for (let i: i32 = 0; i < rows; i++) {
    const left = v128.load(block);
    const right = v128.load(block, 16);
    s0 = f64x2.add(s0, f64x2.mul(left, left));
    s1 = f64x2.add(s1, f64x2.mul(right, right));
    block += stride;
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
}

/** Columns that row panel `i` (rows i to i + 3) of a root with m columns uses: all, or up to the diagonal when lower triangular. */
function panelWidth(i: i32, m: i32, lower: i32): i32 {
  return lower ? min<i32>(m, i + 4) : m;
}

/** Row panels of W (p×m), [p/4][width][4], where a lower triangular W keeps only the columns up to its diagonal. */
export function packRoot(p: i32, m: i32, w: usize, lower: i32, out: usize): void {
  for (let i: i32 = 0; i < p; i += 4) {
    const width = panelWidth(i, m, lower);
    for (let c: i32 = 0; c < width; c++) {
      for (let r: i32 = 0; r < 4; r++) {
        store<f64>(out + ((<usize>r) << 3), i + r < p ? load<f64>(w + ((<usize>(i + r) * <usize>m + <usize>c) << 3)) : 0);
      }
      out += 32;
    }
  }
}

/** squares[4·panel + q] = ‖W k_q‖² for the columns k_q of `panels` column panels, [panel][panelRows][4], with W from packRoot. */
export function rootSquares(p: i32, m: i32, root: usize, lower: i32, panels: i32, panelRows: i32, columns: usize, squares: usize): void {
  memory.fill(squares, 0, (<usize>panels) << 5);
  const panelBytes = (<usize>panelRows) << 5;
  for (let i: i32 = 0; i < p; i += 4) {
    const width = panelWidth(i, m, lower);
    let column = columns;
    let square = squares;
    for (let panel: i32 = 0; panel < panels; panel++) {
      addTileSquares(width, root, column, square);
      column += panelBytes;
      square += 32;
    }
    root += (<usize>width) << 5;
  }
}

function addTileSquares(k: i32, a: usize, b: usize, square: usize): void {
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
  const left = f64x2.add(f64x2.add(f64x2.mul(s00, s00), f64x2.mul(s10, s10)), f64x2.add(f64x2.mul(s20, s20), f64x2.mul(s30, s30)));
  const right = f64x2.add(f64x2.add(f64x2.mul(s01, s01), f64x2.mul(s11, s11)), f64x2.add(f64x2.mul(s21, s21), f64x2.mul(s31, s31)));
  v128.store(square, f64x2.add(v128.load(square), left));
  v128.store(square, f64x2.add(v128.load(square, 16), right), 16);
}
