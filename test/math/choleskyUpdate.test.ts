import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PackedCholesky } from "#math/choleskyUpdate";
import { CholeskyError } from "#math/choleskyWithJitter";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { expectClose, randomSource } from "./tools.js";

const la = createReferenceLinearAlgebra();

/** G Gᵀ + ridge · I with G n×n in (−1, 1). */
const positiveDefinite = (n: number, seed: number, ridge = 0.1): Float64Array => {
  const random = randomSource(seed);
  const g = Float64Array.from({ length: n * n }, () => random());
  const a = new Float64Array(n * n);
  la.gemm(false, true, n, n, n, 1, g, g, 0, a);
  for (let i = 0; i < n; i++) a[i * n + i]! += ridge;
  return a;
};
const rankOne = (a: Float64Array, v: Float64Array, sign: number): Float64Array =>
  a.map((value, at) => value + sign * v[Math.floor(at / v.length)]! * v[at % v.length]!);
const vector = (n: number, seed: number, scale = 1): Float64Array => {
  const random = randomSource(seed);
  return Float64Array.from({ length: n }, () => scale * random());
};
const submatrix = (a: Float64Array, n: number, rows: readonly number[]): Float64Array =>
  Float64Array.from(rows.flatMap((i) => rows.map((j) => a[i * n + j]!)));
const refit = (n: number, a: Float64Array): Float64Array => PackedCholesky.of(la, n, a).toLower();

const size = fc.integer({ min: 1, max: 24 });
const seed = fc.integer({ min: 1, max: 1e6 });

describe("a Cholesky factor whose rows come and go", () => {
  it("equals a refit within 1e-8 after a row is added", () => {
    fc.assert(
      fc.property(size, seed, (n, s) => {
        const a = positiveDefinite(n + 1, s);
        const rows = Array.from({ length: n }, (_, i) => i);
        const factor = PackedCholesky.of(la, n, submatrix(a, n + 1, rows));
        factor.append(
          Float64Array.from(rows, (i) => a[n * (n + 1) + i]!),
          a[a.length - 1]!,
        );
        expectClose(factor.toLower(), refit(n + 1, a), 1e-8);
      }),
    );
  });

  it("equals a refit within 1e-8 after any row is removed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 24 }), seed, fc.nat(), (n, s, pick) => {
        const a = positiveDefinite(n, s);
        const gone = pick % n;
        const factor = PackedCholesky.of(la, n, a);
        factor.remove(gone);
        const rows = Array.from({ length: n }, (_, i) => i).filter((i) => i !== gone);
        expectClose(factor.toLower(), refit(n - 1, submatrix(a, n, rows)), 1e-8);
      }),
    );
  });

  it("equals a refit within 1e-8 after A + v vᵀ and after A + v vᵀ − v vᵀ", () => {
    fc.assert(
      fc.property(size, seed, (n, s) => {
        const a = positiveDefinite(n, s);
        const v = vector(n, s + 1, 2);
        const factor = PackedCholesky.of(la, n, a);
        factor.update(v);
        expectClose(factor.toLower(), refit(n, rankOne(a, v, 1)), 1e-8);
        factor.downdate(v);
        expectClose(factor.toLower(), refit(n, a), 1e-8);
      }),
    );
  });

  it("stays positive definite and equal to a refit through a random life of 200 changes", () => {
    fc.assert(
      fc.property(seed, fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.nat()), { minLength: 200, maxLength: 200 }), (s, changes) => {
        const total = 220;
        const all = positiveDefinite(total, s, 1);
        const held: number[] = [];
        let next = 0;
        const factor = PackedCholesky.empty();
        for (const [kind, pick] of changes) {
          if (kind === 0 && held.length > 0) {
            factor.remove(pick % held.length);
            held.splice(pick % held.length, 1);
          } else {
            factor.append(
              Float64Array.from(held, (j) => all[next * total + j]!),
              all[next * total + next]!,
            );
            held.push(next++);
          }
        }
        const lower = factor.toLower();
        for (let i = 0; i < held.length; i++) expect(lower[i * held.length + i]!).toBeGreaterThan(0);
        expectClose(lower, refit(held.length, submatrix(all, total, held)), 1e-8);
      }),
      { numRuns: 5 },
    );
  });

  it("solves A x = b and knows log |A|", () => {
    const n = 30;
    const a = positiveDefinite(n, 5);
    const factor = PackedCholesky.of(la, n, a);
    const x = vector(n, 6);
    const b = new Float64Array(n);
    la.gemm(false, false, n, 1, n, 1, a, x, 0, b);
    expectClose(factor.solve(b), x, 1e-8);
    const lower = a.slice();
    la.cholesky(n, lower);
    expect(factor.logDeterminant()).toBeCloseTo(
      2 * Array.from({ length: n }, (_, i) => Math.log(lower[i * n + i]!)).reduce((p, q) => p + q, 0),
      9,
    );
  });

  it("refuses a downdate that would lose positive definiteness and stays as it was", () => {
    const n = 6;
    const a = positiveDefinite(n, 9);
    const factor = PackedCholesky.of(la, n, a);
    const before = factor.toLower();
    const tooMuch = Float64Array.from({ length: n }, (_, i) => (i === 3 ? 1.001 * Math.sqrt(a[3 * n + 3]!) : 0));
    expect(() => factor.downdate(tooMuch)).toThrow(CholeskyError);
    expect(factor.toLower()).toEqual(before);
  });

  it("refuses a row that the others determine, values that are not finite, and a row that is not there", () => {
    const a = positiveDefinite(4, 3);
    const factor = PackedCholesky.of(la, 4, a);
    const before = factor.toLower();
    expect(() => factor.append(a.slice(0, 4), a[0]!)).toThrow(CholeskyError);
    expect(() => factor.append(Float64Array.of(0, Number.NaN, 0, 0), 5)).toThrow(CholeskyError);
    expect(() => factor.update(Float64Array.of(0, Number.POSITIVE_INFINITY, 0, 0))).toThrow(CholeskyError);
    expect(() => factor.downdate(Float64Array.of(0, Number.NaN, 0, 0))).toThrow(CholeskyError);
    expect(() => factor.remove(4)).toThrow(RangeError);
    expect(() => factor.append(new Float64Array(3), 1)).toThrow(RangeError);
    expect(factor.toLower()).toEqual(before);
    expect(() => PackedCholesky.of(la, 2, Float64Array.of(1, 2, 2, 1))).toThrow(CholeskyError);
  });
});
