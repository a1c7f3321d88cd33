import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import type { LinearAlgebra } from "#math/linearAlgebra";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { providers } from "./providers.js";
import { expectClose, randomSource } from "./tools.js";

const reference = createReferenceLinearAlgebra();
const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(15, 16, 17, 33, 63, 64, 65, 97));
const seeds = fc.integer({ min: 1, max: 1e6 });

const naiveProduct = (ta: boolean, tb: boolean, m: number, n: number, k: number, a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) out[i * n + j]! += (ta ? a[p * m + i]! : a[i * k + p]!) * (tb ? b[j * k + p]! : b[p * n + j]!);
    }
  }
  return out;
};

const positiveDefinite = (n: number, random: () => number): Float64Array => {
  const root = Float64Array.from({ length: n * n }, random);
  const out = naiveProduct(false, true, n, n, n, root, root);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!;
    out[i * n + i]! += 0.5;
  }
  return out;
};

const largestAbove = (n: number, l: Float64Array): number =>
  l.reduce((largest, value, at) => (at % n > Math.floor(at / n) ? Math.max(largest, Math.abs(value)) : largest), 0);

/** Values below 1e-290 count as 0. */
const relativeError = (actual: number, expected: number): number => Math.abs(actual - expected) / (Math.abs(expected) + 1e-277);

const lowerFactor = (n: number, random: () => number): Float64Array => {
  const a = positiveDefinite(n, random);
  expect(reference.cholesky(n, a)).toBe(0);
  return a;
};

describe.each(providers)("linear algebra on $name", ({ load, missing }) => {
  const check = (name: string, body: (la: LinearAlgebra) => void): void => {
    it.skipIf(missing !== null)(missing === null ? name : `${name} (skipped: ${missing})`, async () => body(await load()));
  };

  check("multiplies with every transposition, alpha and beta", (la) => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(1, -0.5),
        fc.constantFrom(0, 1, -2),
        seeds,
        (m, n, k, ta, tb, alpha, beta, seed) => {
          const random = randomSource(seed);
          const a = Float64Array.from({ length: m * k }, random);
          const b = Float64Array.from({ length: k * n }, random);
          const c = Float64Array.from({ length: m * n }, random);
          const product = naiveProduct(ta, tb, m, n, k, a, b);
          const expected = c.map((value, i) => beta * value + alpha * product[i]!);
          la.gemm(ta, tb, m, n, k, alpha, a, b, beta, c);
          expectClose(c, expected, 1e-12, Math.sqrt(k));
        },
      ),
      { numRuns: 40 },
    );
  });

  check("multiplies matrices larger than every cache block", (la) => {
    const [m, n, k] = [141, 530, 300];
    const random = randomSource(3);
    const a = Float64Array.from({ length: m * k }, random);
    const b = Float64Array.from({ length: k * n }, random);
    const c = new Float64Array(m * n);
    la.gemm(false, false, m, n, k, 1, a, b, 0, c);
    expectClose(c, naiveProduct(false, false, m, n, k, a, b), 1e-12, Math.sqrt(k));
  });

  check("overwrites NaN in C when beta is 0", (la) => {
    const c = new Float64Array(1).fill(Number.NaN);
    la.gemm(false, false, 1, 1, 1, 1, Float64Array.of(2), Float64Array.of(3), 0, c);
    expect(c[0]).toBe(6);
  });

  check("only scales C when the inner dimension is 0", (la) => {
    const c = Float64Array.of(2, 4);
    la.gemm(false, false, 1, 2, 0, 1, new Float64Array(0), new Float64Array(0), 0.5, c);
    expect([...c]).toEqual([1, 2]);
  });

  check("factorises A = L Lᵀ with zeros above the diagonal", (la) => {
    fc.assert(
      fc.property(fc.oneof(size, fc.constantFrom(130, 200)), seeds, (n, seed) => {
        const a = positiveDefinite(n, randomSource(seed));
        const l = a.slice();
        expect(la.cholesky(n, l)).toBe(0);
        expect(largestAbove(n, l)).toBe(0);
        const expected = a.slice();
        reference.cholesky(n, expected);
        expectClose(l, expected, 1e-10, Math.sqrt(n));
        expectClose(naiveProduct(false, true, n, n, n, l, l), a, 1e-12, n);
      }),
      { numRuns: 10 },
    );
  });

  check("reads only the lower triangle when it factorises", (la) => {
    const a = Float64Array.of(4, 99, 2, 5);
    expect(la.cholesky(2, a)).toBe(0);
    expectClose(a, Float64Array.of(2, 0, 1, 2), 1e-15);
  });

  check("names the first minor that is not positive", (la) => {
    for (const n of [3, 70, 150]) {
      const a = new Float64Array(n * n);
      for (let i = 0; i < n; i++) a[i * n + i] = i === n - 2 ? -1 : 1;
      expect(la.cholesky(n, a)).toBe(n - 1);
    }
    expect(la.cholesky(2, Float64Array.of(1, Number.NaN, Number.NaN, 1))).toBe(2);
  });

  check("solves with L and with its transpose", (la) => {
    fc.assert(
      fc.property(fc.oneof(size, fc.constant(140)), size, fc.boolean(), seeds, (n, m, transpose, seed) => {
        const random = randomSource(seed);
        const l = lowerFactor(n, random);
        const b = Float64Array.from({ length: n * m }, random);
        const x = b.slice();
        la.solveLower(n, m, l, x, transpose);
        const expected = b.slice();
        reference.solveLower(n, m, l, expected, transpose);
        expectClose(x, expected, 1e-10, n);
        expectClose(naiveProduct(transpose, false, n, m, n, l, x), b, 1e-11, n * 10);
      }),
      { numRuns: 40 },
    );
  });

  check("inverts L and L Lᵀ", (la) => {
    fc.assert(
      fc.property(fc.oneof(size, fc.constant(140)), seeds, (n, seed) => {
        const l = lowerFactor(n, randomSource(seed));
        const inverse = la.inverseLower(n, l);
        expectClose(inverse, reference.inverseLower(n, l), 1e-10, n);
        const full = la.inverseFromCholesky(n, l);
        expectClose(full, reference.inverseFromCholesky(n, l), 1e-10, n);
        expect(largestAbove(n, inverse)).toBe(0);
        expect(full.every((value, at) => value === full[(at % n) * n + Math.floor(at / n)])).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  check("evaluates stationary covariances and derivatives to 1e-13, from r² = 0 to underflow, in place", (la) => {
    const r2 = Float64Array.from({ length: 4001 }, (_, i) => (i === 0 ? 0 : Math.exp(-30 + (i / 4000) * 42)));
    for (const kind of ["rbf", "matern32", "matern52"] as const) {
      const [expected, expectedDerivative] = [new Float64Array(r2.length), new Float64Array(r2.length)];
      reference.stationary(kind, r2.length, r2, expected, expectedDerivative);
      const k = r2.slice();
      const dk = new Float64Array(r2.length);
      la.stationary(kind, r2.length, k, k, dk);
      for (let i = 0; i < r2.length; i++) {
        const worst = Math.max(relativeError(k[i]!, expected[i]!), relativeError(dk[i]!, expectedDerivative[i]!));
        if (!(worst <= 1e-13)) expect.fail(`${kind} at r² = ${r2[i]}: relative error ${worst}`);
      }
      la.stationary(kind, 1, Float64Array.of(Number.NaN), k, null);
      expect(k[0]).toBeNaN();
    }
  });

  check("takes exponentials to a relative error of 1e-14 on [-700, 0]", (la) => {
    // rbf(r²) = exp(−r²/2), and halving is exact.
    const r2 = Float64Array.from({ length: 20_001 }, (_, i) => (i / 20_000) * 1400);
    const k = new Float64Array(r2.length);
    la.stationary("rbf", r2.length, r2, k, null);
    const worst = k.reduce((largest, value, i) => Math.max(largest, Math.abs(value / Math.exp(-r2[i]! / 2) - 1)), 0);
    expect(worst).toBeLessThan(1e-14);
  });

  check("measures squared distances of near-duplicate rows to full relative accuracy", (la) => {
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 20 }), seeds, (n, m, d, seed) => {
        const random = randomSource(seed);
        const x = Float64Array.from({ length: n * d }, () => 20 + random());
        const y = Float64Array.from({ length: m * d }, (_, i) => (i < n * d ? x[i]! + 1e-9 * random() : 20 + random()));
        const [r2, expected] = [new Float64Array(n * m), new Float64Array(n * m)];
        la.squaredDistances(n, m, d, x, y, r2);
        reference.squaredDistances(n, m, d, x, y, expected);
        expect(r2.every((value, i) => Math.abs(value - expected[i]!) <= 1e-13 * expected[i]!)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe("choice of linear algebra", () => {
  it("refuses BLAS with what to install when ISOTHERM_NO_BLAS hides it, and auto does without", async () => {
    const before = process.env.ISOTHERM_NO_BLAS;
    process.env.ISOTHERM_NO_BLAS = "1";
    try {
      await expect(createLinearAlgebra("blas")).rejects.toMatchObject({ kind: "retryable", exitCode: 69 });
      expect((await createLinearAlgebra("auto")).name).not.toBe("blas");
    } finally {
      if (before === undefined) delete process.env.ISOTHERM_NO_BLAS;
      else process.env.ISOTHERM_NO_BLAS = before;
    }
  });

  it("names the bad path in ISOTHERM_BLAS", async (context) => {
    if ((await import("#math/native").then(({ loadKoffi }) => loadKoffi())) === null) context.skip("koffi is not installed");
    const before = process.env.ISOTHERM_BLAS;
    process.env.ISOTHERM_BLAS = "/nowhere/libopenblas.so";
    try {
      await expect(createLinearAlgebra("auto")).rejects.toMatchObject({ kind: "configuration", message: /\/nowhere\/libopenblas\.so/ });
    } finally {
      if (before === undefined) delete process.env.ISOTHERM_BLAS;
      else process.env.ISOTHERM_BLAS = before;
    }
  });
});
