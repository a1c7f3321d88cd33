import { describe, expect, it } from "vitest";
import { createActiveRows } from "#controllers/rollout/batched/activeRows";
import { RowSelections } from "#controllers/rollout/batched/rowSelections";
import type { KernelSpec } from "#domain/kernel";
import { factorise } from "#math/gaussianProcess";
import { kernelMatrix } from "#math/kernels";
import { MatrixPool } from "#math/matrixPool";
import { createReferenceLinearAlgebra } from "#math/referenceLinearAlgebra";
import { randomSource } from "../../math/tools.js";

const la = createReferenceLinearAlgebra();
const SHARED = 1;
const d = 3;
const m = 40;
/** Column 1 is shared and sharp, the others are the samples' own. */
const matern: KernelSpec = { kind: "scale", outputScale: 0.5, base: { kind: "matern52", lengthscales: [1, 0.05, 2] } };
const random = randomSource(7);
// Half of the basis rows with people, half without.
const basisInputs = Float64Array.from({ length: m * d }, (_, i) => (i % d === SHARED ? Math.floor(i / d) % 2 : random()));
const fitted = factorise({
  la,
  kernel: matern,
  x: basisInputs,
  n: m,
  d,
  y: Float64Array.from({ length: m }, random),
  noiseVariance: new Float64Array(m).fill(0.05),
  onWarning: (text) => expect.fail(text),
});
const posterior = {
  kernel: matern,
  meanCoefficients: new Float64Array(d),
  basisInputs,
  m,
  d,
  alpha: fitted.alpha,
  varianceRoot: la.inverseLower(m, fitted.choleskyLower),
  p: m,
};
const isShared = (c: number): boolean => c === SHARED;
const activeRows = createActiveRows({ posterior, terms: [matern], isShared, withVariance: true });
const at = (people: number): Float64Array => Float64Array.of(0, people, 0);

describe("basis rows that samples can be near to", () => {
  it("are those with the same people, where that counts sharply", () => {
    expect([...activeRows(at(1))]).toEqual(Array.from({ length: m / 2 }, (_, i) => 2 * i + 1));
    expect([...activeRows(at(0))]).toEqual(Array.from({ length: m / 2 }, (_, i) => 2 * i));
  });

  it("lose nothing: whatever the samples' own columns, the rows left out move mean and spread by less than a millionth of a kelvin each", () => {
    const left = new Set(Array.from({ length: m }, (_, i) => i));
    for (const row of activeRows(at(1))) left.delete(row);
    expect(left.size).toBe(m / 2);
    for (let trial = 0; trial < 50; trial++) {
      const x = Float64Array.of(2 * random(), 1, 2 * random());
      const k = kernelMatrix(la, matern, x, 1, basisInputs, m, d, new MatrixPool());
      for (const row of left) {
        const norm = Math.hypot(...Array.from({ length: m }, (_, i) => posterior.varianceRoot[i * m + row]!));
        expect(Math.max(norm, Math.abs(posterior.alpha[row]!)) * k[row]!).toBeLessThanOrEqual(1e-6);
      }
    }
  });

  it("are all where a linear factor of a product sees a column of the samples'", () => {
    const product: KernelSpec = { kind: "product", parts: [{ kind: "linear", dims: [0], lengthscales: [1] }, matern] };
    const none = createActiveRows({ posterior, terms: [product], isShared: () => false, withVariance: false });
    expect(none(at(1))).toHaveLength(m);
    // A factor of 0 wins: far away there is nothing to multiply.
    const far = createActiveRows({ posterior, terms: [product], isShared, withVariance: false });
    expect(far(Float64Array.of(0, 1e6, 0))).toHaveLength(0);
  });
});

describe("selections of basis rows", () => {
  const q = 2;
  const leading = Float64Array.from({ length: m * q }, random);
  const create = (most: number): RowSelections => new RowSelections({ la, posterior, leading, q, withVariance: true, most, activeRows });

  it("have a root that gives the same squares as the whole one", () => {
    const selections = create(3);
    const { selectionOf, fresh } = selections.choose([[at(1)], [at(0)], [at(1)]]);
    expect([...selectionOf]).toEqual([1, 2, 1]);
    expect(fresh).toEqual([1, 2]);
    for (const which of fresh) {
      const rows = selections.rows(which);
      const { values, width } = selections.root(which)!;
      expect(width).toBe(q + rows.length);
      const b = Float64Array.from({ length: width }, random);
      let [whole, own] = [0, 0];
      for (let i = 0; i < m; i++) {
        let sum = 0;
        for (let j = 0; j < q; j++) sum += leading[i * q + j]! * b[j]!;
        rows.forEach((row, j) => {
          sum += posterior.varianceRoot[i * m + row]! * b[q + j]!;
        });
        whole += sum ** 2;
      }
      for (let i = 0; i < width; i++) {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += values[i * width + j]! * b[j]!;
        own += sum ** 2;
        for (let j = i + 1; j < width; j++) expect(values[i * width + j]).toBe(0);
      }
      expect(Math.abs(own / whole - 1)).toBeLessThan(1e-9);
    }
  });

  it("are kept from one decision to the next, and give way to new ones", () => {
    const selections = create(2);
    expect(selections.choose([[at(1)]])).toEqual({ selectionOf: Int32Array.of(1), fresh: [1] });
    expect(selections.choose([[at(1)]])).toEqual({ selectionOf: Int32Array.of(1), fresh: [] });
    // One place only: the first step takes it, the other sees all rows.
    expect(selections.choose([[at(0)], [at(1)]])).toEqual({ selectionOf: Int32Array.of(1, 0), fresh: [1] });
    expect(selections.rows(1)[0]).toBe(0);
    expect(selections.rows(0)).toHaveLength(m);
  });

  it("hold the rows of all regimes of a step, and all rows where too few would be left out", () => {
    expect([...create(4).choose([[at(0), at(1)]]).selectionOf]).toEqual([0]);
    const same = create(4).choose([[at(1), at(1)]]);
    expect([...same.selectionOf]).toEqual([1]);
  });

  it("fall back on all rows where the product has no factor", () => {
    const flat = { ...posterior, varianceRoot: posterior.varianceRoot.slice(0, 5 * m), p: 5 };
    const selections = new RowSelections({
      ...{ la, posterior: flat, leading: leading.slice(0, 5 * q), q, withVariance: true, most: 3 },
      activeRows,
    });
    expect([...selections.choose([[at(1)]]).selectionOf]).toEqual([0]);
  });
});
