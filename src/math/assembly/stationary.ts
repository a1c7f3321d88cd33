// Stationary covariances of squared distances, two at a time, with an exponential of our own (WebAssembly has none).

/**
 * Constants of the exponential in memory: a splat load is one instruction, a constant vector three or more per use.
 * log2 e; 1.5·2^52, whose sum with a number has the nearest integer in its low bits; ln 2 in two parts, the first with 32 trailing
 * zero bits so that its product with an exponent is exact; −708; 1/n! for n = 0 to 12.
 */
const TABLE: usize = memory.data<f64>([
  1.4426950408889634,
  6755399441055744.0,
  0.6931471803691238,
  1.9082149292705877e-10,
  -708.0,
  1.0,
  1.0,
  1.0 / 2.0,
  1.0 / 6.0,
  1.0 / 24.0,
  1.0 / 120.0,
  1.0 / 720.0,
  1.0 / 5040.0,
  1.0 / 40320.0,
  1.0 / 362880.0,
  1.0 / 3628800.0,
  1.0 / 39916800.0,
  1.0 / 479001600.0,
]);

/**
 * exp of both lanes for arguments up to 700; below −708 it stays at exp(−708) ≈ 3e-308, NaN stays NaN.
 * exp(x) = 2^k exp(r), |r| ≤ ln 2 / 2, Taylor to r¹² (truncation 2e-16) in Estrin's order.
 */
function exp2Lanes(argument: v128): v128 {
  const x = f64x2.pmax(argument, v128.load64_splat(TABLE, 32));
  const round = v128.load64_splat(TABLE, 8);
  const shifted = f64x2.add(f64x2.mul(x, v128.load64_splat(TABLE)), round);
  const k = f64x2.sub(shifted, round);
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(k, v128.load64_splat(TABLE, 16))), f64x2.mul(k, v128.load64_splat(TABLE, 24)));
  const r2 = f64x2.mul(r, r);
  const r4 = f64x2.mul(r2, r2);
  const p01 = f64x2.add(v128.load64_splat(TABLE, 40), r);
  const p23 = f64x2.add(v128.load64_splat(TABLE, 56), f64x2.mul(r, v128.load64_splat(TABLE, 64)));
  const p45 = f64x2.add(v128.load64_splat(TABLE, 72), f64x2.mul(r, v128.load64_splat(TABLE, 80)));
  const p67 = f64x2.add(v128.load64_splat(TABLE, 88), f64x2.mul(r, v128.load64_splat(TABLE, 96)));
  const p89 = f64x2.add(v128.load64_splat(TABLE, 104), f64x2.mul(r, v128.load64_splat(TABLE, 112)));
  const pAB = f64x2.add(v128.load64_splat(TABLE, 120), f64x2.mul(r, v128.load64_splat(TABLE, 128)));
  const high = f64x2.add(f64x2.add(p89, f64x2.mul(r2, pAB)), f64x2.mul(r4, v128.load64_splat(TABLE, 136)));
  const middle = f64x2.add(f64x2.add(p45, f64x2.mul(r2, p67)), f64x2.mul(r4, high));
  const value = f64x2.add(f64x2.add(p01, f64x2.mul(r2, p23)), f64x2.mul(r4, middle));
  return i64x2.add(value, i64x2.shl(shifted, 52));
}

const RBF: i32 = 0;
const MATERN32: i32 = 1;

/** −1/2, −1, −3/2, −5/6, 5/3, √3, √5, 1. */
const FACTORS: usize = memory.data<f64>([-0.5, -1.0, -1.5, -5.0 / 6.0, 5.0 / 3.0, 1.7320508075688772, 2.23606797749979, 1.0]);

/**
 * k ← factor · covariance, plus what k held when `accumulate`, and, where dk is not 0, dk ← ∂k/∂(r²) without the factor.
 * Arrays must have room for an even length.
 * One loop with one call of the exponential, so that the compiler puts it in place; the branches on `kind` predict perfectly.
 */
export function stationary(kind: i32, length: i32, r2: usize, k: usize, dk: usize, factor: f64, accumulate: i32): void {
  const root: usize = kind == MATERN32 ? FACTORS + 40 : FACTORS + 48;
  const sign: usize = kind == RBF ? FACTORS : FACTORS + 8;
  const end = r2 + ((<usize>((length + 1) & ~1)) << 3);
  const scale = f64x2.splat(factor);
  while (r2 < end) {
    const squared = v128.load(r2);
    const s = kind == RBF ? squared : f64x2.mul(v128.load64_splat(root), f64x2.sqrt(squared));
    const e = exp2Lanes(f64x2.mul(v128.load64_splat(sign), s));
    let value = e;
    if (kind == RBF) {
      if (dk) v128.store(dk, f64x2.mul(v128.load64_splat(FACTORS), e));
    } else if (kind == MATERN32) {
      value = f64x2.add(e, f64x2.mul(s, e));
      if (dk) v128.store(dk, f64x2.mul(v128.load64_splat(FACTORS, 16), e));
    } else {
      const linear = f64x2.add(v128.load64_splat(FACTORS, 56), s);
      value = f64x2.mul(f64x2.add(linear, f64x2.mul(v128.load64_splat(FACTORS, 32), squared)), e);
      if (dk) v128.store(dk, f64x2.mul(f64x2.mul(v128.load64_splat(FACTORS, 24), linear), e));
    }
    value = f64x2.mul(value, scale);
    v128.store(k, accumulate ? f64x2.add(v128.load(k), value) : value);
    r2 += 16;
    k += 16;
    if (dk) dk += 16;
  }
}
