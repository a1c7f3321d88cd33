// Blocked Cholesky, triangular solves and inverses on the matrix product.
import { gemm } from "./gemm";

/** Order of the diagonal blocks that are solved directly; the rest is products. */
const BLOCK: i32 = 64;
/** Columns per product where only a triangle of the result is wanted. */
const STRIP: i32 = 128;

function at(base: usize, i: i32, j: i32, ld: i32): usize {
  return base + ((<usize>i * <usize>ld + <usize>j) << 3);
}

/**
 * X ← T⁻¹ X for a triangular T of order n (at most BLOCK) whose element (r, s) lies at t + r·rowStride + s·columnStride (bytes);
 * lower triangular when `forward`, else upper. X is n×m with leading dimension ldx.
 */
function solveDiagonal(n: i32, m: i32, t: usize, rowStride: usize, columnStride: usize, forward: bool, x: usize, ldx: i32): void {
  let j: i32 = 0;
  for (; j + 16 <= m; j += 16) solveColumns16(n, t, rowStride, columnStride, forward, at(x, 0, j, ldx), (<usize>ldx) << 3);
  for (; j + 2 <= m; j += 2) solveColumns2(n, t, rowStride, columnStride, forward, at(x, 0, j, ldx), (<usize>ldx) << 3);
  if (j < m) solveColumn(n, t, rowStride, columnStride, forward, at(x, 0, j, ldx), (<usize>ldx) << 3);
}

function solveColumns16(n: i32, t: usize, rowStride: usize, columnStride: usize, forward: bool, x: usize, stride: usize): void {
  for (let step: i32 = 0; step < n; step++) {
    const r = forward ? step : n - 1 - step;
    const target = x + <usize>r * stride;
    let s0 = v128.load(target);
    let s1 = v128.load(target, 16);
    let s2 = v128.load(target, 32);
    let s3 = v128.load(target, 48);
    let s4 = v128.load(target, 64);
    let s5 = v128.load(target, 80);
    let s6 = v128.load(target, 96);
    let s7 = v128.load(target, 112);
    const first = forward ? 0 : r + 1;
    let factorAt = t + <usize>r * rowStride + <usize>first * columnStride;
    let known = x + <usize>first * stride;
    for (let count = step; count > 0; count--) {
      const factor = v128.load64_splat(factorAt);
      s0 = f64x2.sub(s0, f64x2.mul(factor, v128.load(known)));
      s1 = f64x2.sub(s1, f64x2.mul(factor, v128.load(known, 16)));
      s2 = f64x2.sub(s2, f64x2.mul(factor, v128.load(known, 32)));
      s3 = f64x2.sub(s3, f64x2.mul(factor, v128.load(known, 48)));
      s4 = f64x2.sub(s4, f64x2.mul(factor, v128.load(known, 64)));
      s5 = f64x2.sub(s5, f64x2.mul(factor, v128.load(known, 80)));
      s6 = f64x2.sub(s6, f64x2.mul(factor, v128.load(known, 96)));
      s7 = f64x2.sub(s7, f64x2.mul(factor, v128.load(known, 112)));
      factorAt += columnStride;
      known += stride;
    }
    const diagonal = v128.load64_splat(t + <usize>r * (rowStride + columnStride));
    v128.store(target, f64x2.div(s0, diagonal));
    v128.store(target, f64x2.div(s1, diagonal), 16);
    v128.store(target, f64x2.div(s2, diagonal), 32);
    v128.store(target, f64x2.div(s3, diagonal), 48);
    v128.store(target, f64x2.div(s4, diagonal), 64);
    v128.store(target, f64x2.div(s5, diagonal), 80);
    v128.store(target, f64x2.div(s6, diagonal), 96);
    v128.store(target, f64x2.div(s7, diagonal), 112);
  }
}

function solveColumns2(n: i32, t: usize, rowStride: usize, columnStride: usize, forward: bool, x: usize, stride: usize): void {
  for (let step: i32 = 0; step < n; step++) {
    const r = forward ? step : n - 1 - step;
    const target = x + <usize>r * stride;
    let sum = v128.load(target);
    const first = forward ? 0 : r + 1;
    let factorAt = t + <usize>r * rowStride + <usize>first * columnStride;
    let known = x + <usize>first * stride;
    for (let count = step; count > 0; count--) {
      sum = f64x2.sub(sum, f64x2.mul(v128.load64_splat(factorAt), v128.load(known)));
      factorAt += columnStride;
      known += stride;
    }
    v128.store(target, f64x2.div(sum, v128.load64_splat(t + <usize>r * (rowStride + columnStride))));
  }
}

function solveColumn(n: i32, t: usize, rowStride: usize, columnStride: usize, forward: bool, x: usize, stride: usize): void {
  for (let step: i32 = 0; step < n; step++) {
    const r = forward ? step : n - 1 - step;
    const target = x + <usize>r * stride;
    let sum = load<f64>(target);
    const first = forward ? 0 : r + 1;
    let factorAt = t + <usize>r * rowStride + <usize>first * columnStride;
    let known = x + <usize>first * stride;
    for (let count = step; count > 0; count--) {
      sum -= load<f64>(factorAt) * load<f64>(known);
      factorAt += columnStride;
      known += stride;
    }
    store<f64>(target, sum / load<f64>(t + <usize>r * (rowStride + columnStride)));
  }
}

/** b ← L⁻¹ b for one right-hand side, by dot products along the rows of L. */
function solveVector(n: i32, l: usize, b: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const row = at(l, i, 0, n);
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let p: i32 = 0;
    for (; p + 4 <= i; p += 4) {
      const offset = (<usize>p) << 3;
      s0 = f64x2.add(s0, f64x2.mul(v128.load(row + offset), v128.load(b + offset)));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(row + offset, 16), v128.load(b + offset, 16)));
    }
    s0 = f64x2.add(s0, s1);
    let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
    for (; p < i; p++) sum += load<f64>(row + ((<usize>p) << 3)) * load<f64>(b + ((<usize>p) << 3));
    const target = b + ((<usize>i) << 3);
    store<f64>(target, (load<f64>(target) - sum) / load<f64>(row + ((<usize>i) << 3)));
  }
}

/** b ← L⁻ᵀ b for one right-hand side, by updates along the rows of L. */
function solveVectorTransposed(n: i32, l: usize, b: usize): void {
  for (let i = n - 1; i >= 0; i--) {
    const row = at(l, i, 0, n);
    const target = b + ((<usize>i) << 3);
    const solved = load<f64>(target) / load<f64>(row + ((<usize>i) << 3));
    store<f64>(target, solved);
    const factor = f64x2.splat(solved);
    let p: i32 = 0;
    for (; p + 2 <= i; p += 2) {
      const offset = (<usize>p) << 3;
      v128.store(b + offset, f64x2.sub(v128.load(b + offset), f64x2.mul(factor, v128.load(row + offset))));
    }
    for (; p < i; p++) {
      const offset = (<usize>p) << 3;
      store<f64>(b + offset, load<f64>(b + offset) - solved * load<f64>(row + offset));
    }
  }
}

/** B (n×m) ← L⁻¹ B, or L⁻ᵀ B. */
export function solveLower(n: i32, m: i32, l: usize, b: usize, transpose: i32, scratch: usize): void {
  if (m === 1) {
    if (transpose) solveVectorTransposed(n, l, b);
    else solveVector(n, l, b);
    return;
  }
  const stride = (<usize>n) << 3;
  if (transpose) {
    for (let end = n; end > 0; end -= min<i32>(BLOCK, end)) {
      const size = min<i32>(BLOCK, end);
      const i = end - size;
      if (end < n) gemm(1, 0, size, m, n - end, -1, at(l, end, i, n), n, at(b, end, 0, m), m, 1, at(b, i, 0, m), m, scratch);
      solveDiagonal(size, m, at(l, i, i, n), 8, stride, false, at(b, i, 0, m), m);
    }
  } else {
    for (let i: i32 = 0; i < n; i += BLOCK) {
      const size = min<i32>(BLOCK, n - i);
      if (i > 0) gemm(0, 0, size, m, i, -1, at(l, i, 0, n), n, b, m, 1, at(b, i, 0, m), m, scratch);
      solveDiagonal(size, m, at(l, i, i, n), stride, 8, true, at(b, i, 0, m), m);
    }
  }
}

/** Upper factor of one diagonal block, row by row; returns 0 or the 1-based order of the first minor that is not positive. */
function factorDiagonal(size: i32, u: usize, n: i32): i32 {
  for (let r: i32 = 0; r < size; r++) {
    const row = at(u, r, 0, n);
    const pivot = load<f64>(row + ((<usize>r) << 3));
    if (!(pivot > 0)) return r + 1;
    const root = Math.sqrt(pivot);
    store<f64>(row + ((<usize>r) << 3), root);
    for (let j = r + 1; j < size; j++) {
      const to = row + ((<usize>j) << 3);
      store<f64>(to, load<f64>(to) / root);
    }
    for (let i = r + 1; i < size; i++) {
      const factor = load<f64>(row + ((<usize>i) << 3));
      const target = at(u, i, 0, n);
      let j = i;
      for (; j + 2 <= size; j += 2) {
        const offset = (<usize>j) << 3;
        v128.store(target + offset, f64x2.sub(v128.load(target + offset), f64x2.mul(f64x2.splat(factor), v128.load(row + offset))));
      }
      if (j < size) {
        const offset = (<usize>j) << 3;
        store<f64>(target + offset, load<f64>(target + offset) - factor * load<f64>(row + offset));
      }
    }
  }
  return 0;
}

/** Upper triangle ← transposed lower triangle, in blocks. */
function lowerToUpper(n: i32, a: usize): void {
  for (let i0: i32 = 0; i0 < n; i0 += 16) {
    for (let j0: i32 = 0; j0 <= i0; j0 += 16) {
      const iEnd = min<i32>(n, i0 + 16);
      for (let i = i0; i < iEnd; i++) {
        const jEnd = min<i32>(i, j0 + 16);
        for (let j = j0; j < jEnd; j++) store<f64>(at(a, j, i, n), load<f64>(at(a, i, j, n)));
      }
    }
  }
}

/** Lower triangle ← transposed upper triangle, which is cleared. */
function moveUpperToLower(n: i32, a: usize): void {
  for (let i0: i32 = 0; i0 < n; i0 += 16) {
    for (let j0: i32 = 0; j0 <= i0; j0 += 16) {
      const iEnd = min<i32>(n, i0 + 16);
      for (let i = i0; i < iEnd; i++) {
        const jEnd = min<i32>(i, j0 + 16);
        for (let j = j0; j < jEnd; j++) {
          store<f64>(at(a, i, j, n), load<f64>(at(a, j, i, n)));
          store<f64>(at(a, j, i, n), 0);
        }
      }
    }
  }
}

/**
 * In place: the lower triangle of A becomes L, the strict upper one 0; returns 0 or the 1-based order of the first minor that is not positive.
 * Works on U = Lᵀ in the upper triangle, where a block row is contiguous for the vector unit.
 */
export function cholesky(n: i32, a: usize, scratch: usize): i32 {
  lowerToUpper(n, a);
  for (let j: i32 = 0; j < n; j += BLOCK) {
    const size = min<i32>(BLOCK, n - j);
    const bad = factorDiagonal(size, at(a, j, j, n), n);
    if (bad) return j + bad;
    const rest = j + size;
    if (rest >= n) break;
    solveDiagonal(size, n - rest, at(a, j, j, n), 8, (<usize>n) << 3, true, at(a, j, rest, n), n);
    for (let c = rest; c < n; c += STRIP) {
      const columns = min<i32>(STRIP, n - c);
      gemm(1, 0, c + columns - rest, columns, size, -1, at(a, j, rest, n), n, at(a, j, c, n), n, 1, at(a, rest, c, n), n, scratch);
    }
  }
  moveUpperToLower(n, a);
  return 0;
}

/** out ← L⁻¹, lower triangular with zeros above. */
export function inverseLower(n: i32, l: usize, out: usize, scratch: usize): void {
  memory.fill(out, 0, (<usize>n * <usize>n) << 3);
  for (let i: i32 = 0; i < n; i += BLOCK) {
    const size = min<i32>(BLOCK, n - i);
    for (let c: i32 = 0; c < i; c += STRIP) {
      const columns = min<i32>(STRIP, i - c);
      gemm(0, 0, size, columns, i - c, -1, at(l, i, c, n), n, at(out, c, c, n), n, 0, at(out, i, c, n), n, scratch);
    }
    for (let r: i32 = 0; r < size; r++) store<f64>(at(out, i + r, i + r, n), 1);
    solveDiagonal(size, i + size, at(l, i, i, n), (<usize>n) << 3, 8, true, at(out, i, 0, n), n);
  }
}

/** out ← Xᵀ X for X = L⁻¹: (L Lᵀ)⁻¹, full and symmetric. */
export function inverseFromLowerInverse(n: i32, x: usize, out: usize, scratch: usize): void {
  for (let i: i32 = 0; i < n; i += STRIP) {
    const size = min<i32>(STRIP, n - i);
    gemm(1, 0, size, i + size, n - i, 1, at(x, i, i, n), n, at(x, i, 0, n), n, 0, at(out, i, 0, n), n, scratch);
  }
  lowerToUpper(n, out);
}
