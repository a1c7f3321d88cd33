import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelSpec } from "#domain/kernel";
import { DatasetRows } from "#math/datasetRows";
import { factorise } from "#math/gaussianProcess";
import { kernelMatrix } from "#math/kernels";
import { growZone } from "#models/growing/growZone";
import { effectiveDimension, ridgeLeverageScores, weightedRows } from "#models/growing/leverageScores";
import { RowDictionary } from "#models/growing/rowDictionary";
import { driftVariance, selectTrainingRows } from "#models/growing/selectTrainingRows";
import { fitZone } from "#models/thermostat/fitZone";
import { trainingRows } from "#models/thermostat/trainingRows";
import { expectClose, randomSource } from "../../math/tools.js";
import { daysOf, la, syntheticZone } from "../support.js";

const kernel: KernelSpec = { kind: "scale", outputScale: 1, base: { kind: "matern52", lengthscales: [0.5, 0.5] } };
const points = (n: number, seed: number): Float64Array => {
  const random = randomSource(seed);
  return Float64Array.from({ length: 2 * n }, () => 2 * random());
};
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const dictionaryOf = (budget: number, more: Partial<ConstructorParameters<typeof RowDictionary>[0]> = {}): RowDictionary =>
  new RowDictionary({ la, kernel, d: 2, regularisation: 0.01, budget, ...more });

describe("ridge leverage scores", () => {
  it("are the diagonal of K (K + Γ)⁻¹ where every row is kept", () => {
    const n = 30;
    const x = points(n, 3);
    const gamma = Float64Array.from(count(n), (i) => 0.01 * (1 + (i % 3)));
    const scores = ridgeLeverageScores(la, weightedRows(la, kernel, x, n, 2, new Float64Array(n).fill(1)), gamma);
    const k = kernelMatrix(la, kernel, x, n, x, n, 2);
    for (let i = 0; i < n; i++) {
      // Column i of K solved: (K + Γ)⁻¹ k_i.
      const { alpha } = factorise({
        la,
        kernel,
        x,
        n,
        d: 2,
        y: k.slice(i * n, (i + 1) * n),
        noiseVariance: gamma,
        onWarning: () => undefined,
      });
      expect(scores[i]!).toBeCloseTo(alpha[i]!, 8);
    }
    expect(effectiveDimension(scores)).toBeLessThan(n);
  });
});

describe("a dictionary of a stream", () => {
  it("never holds more than its budget, its probabilities only fall, and the newest rows are in it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e5 }),
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 0, max: 4 }),
        (seed, budget, newest) => {
          const x = points(200, seed);
          const dictionary = dictionaryOf(budget, { newest, seed });
          const before = new Map<number, number>();
          for (let first = 0; first < 200; first += 40) {
            dictionary.offer(
              count(40).map((i) => first + i),
              x.subarray(2 * first, 2 * (first + 40)),
            );
            const { ids, probability } = dictionary.rows;
            expect(ids.length).toBeLessThanOrEqual(budget);
            for (const [at, id] of ids.entries()) {
              expect(probability[at]!).toBeLessThanOrEqual((before.get(id) ?? 1) + 1e-12);
              before.set(id, probability[at]!);
            }
            expect(ids.slice(ids.length - newest)).toEqual(count(newest).map((i) => first + 40 - newest + i));
          }
          expect(dictionary.offered).toBe(200);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("keeps everything while the budget suffices, and drops rows that say nothing new first", () => {
    const all = dictionaryOf(50);
    all.offer(count(50), points(50, 1));
    expect(all.rows.ids).toEqual(count(50));
    expect(all.regularisation).toBe(0.01);
    // 200 rows at one place and 10 far from it and from one another.
    const x = Float64Array.from(count(210).flatMap((i) => (i < 200 ? [0, 0] : [5 * (i - 199), 0])));
    const few = dictionaryOf(40);
    few.offer(count(210), x);
    expect(few.rows.ids.filter((id) => id >= 200)).toHaveLength(10);
    expect(few.rows.ids.length).toBeLessThan(40);
  });

  it("goes on from what it knew as if it had never been away", () => {
    const x = points(160, 8);
    const through = dictionaryOf(30, { newest: 5 });
    const first = dictionaryOf(30, { newest: 5 });
    for (const one of [through, first]) one.offer(count(80), x.subarray(0, 160));
    const second = dictionaryOf(30, { newest: 5, from: first.state });
    for (const one of [through, second])
      one.offer(
        count(80).map((i) => 80 + i),
        x.subarray(160),
      );
    expect(second.state).toEqual(through.state);
  });

  it("forgets old rows sooner where it is told to, and rows that leave at once", () => {
    const x = points(300, 4);
    const ages = (forgettingRows: number): number => {
      const one = dictionaryOf(40, { forgettingRows });
      for (let first = 0; first < 300; first += 50)
        one.offer(
          count(50).map((i) => first + i),
          x.subarray(2 * first, 2 * (first + 50)),
        );
      return one.rows.ids.reduce((sum, id) => sum + 299 - id, 0) / one.rows.ids.length;
    };
    expect(ages(30)).toBeLessThan(0.6 * ages(Number.POSITIVE_INFINITY));
    const one = dictionaryOf(40);
    one.offer(count(20), points(20, 2));
    one.forget(new Set([3, 7, 99]));
    expect(one.rows.ids).toEqual(count(20).filter((i) => i !== 3 && i !== 7));
    expect(one.rows.x).toHaveLength(36);
  });

  it("refuses budgets, regularisations and rows that make no sense", () => {
    expect(() => dictionaryOf(0)).toThrow(RangeError);
    expect(() => dictionaryOf(5, { newest: 5 })).toThrow(RangeError);
    expect(() => dictionaryOf(5, { regularisation: 0 })).toThrow(RangeError);
    expect(() => dictionaryOf(5, { oversampling: 0.5 })).toThrow(RangeError);
    expect(() => dictionaryOf(5).offer([1], Float64Array.of(Number.NaN, 0))).toThrow(RangeError);
    expect(() => dictionaryOf(5).offer([1], Float64Array.of(1))).toThrow(RangeError);
  });
});

describe("training rows of a long history", () => {
  const data = new DatasetRows(syntheticZone(40, { seed: 3 }));

  it("keep to the budget, hold the newest, and carry the drift of their age", () => {
    const all = trainingRows(data, "zone", []);
    const { rows, extraNoiseVariance, state } = selectTrainingRows(la, all, data, null, { budget: 150, newest: 80 });
    expect(rows.n).toBeLessThanOrEqual(150);
    expect(rows.rows.slice(-80)).toEqual(all.rows.slice(-80));
    expect(extraNoiseVariance.subarray(-80).every((value) => value === 0)).toBe(true);
    expect(Math.max(...extraNoiseVariance)).toBeGreaterThan(0);
    expect(state.ids).toHaveLength(rows.n);
    expectClose([driftVariance(3, 10, 0.3), driftVariance(17, 10, 0.3)], [0, 0.09 * Math.expm1(1)], 1e-12);
  });

  it("make a zone's model with the week's hyperparameters that predicts no worse than the week alone where the building stays the same", async () => {
    const whole = syntheticZone(24, { seed: 5 });
    const history = daysOf(whole, "1991-01-01", 21);
    const week = new DatasetRows(daysOf(whole, "1991-01-15", 7));
    const fit = await fitZone(la, week, "zone", [], null, { budget: null, maxIterations: 8 });
    const { structure, toleranceK } = trainingRows(week, "zone", []);
    const { model, selected } = growZone(la, { ...fit, structure, toleranceK }, new DatasetRows(history), [], null, {
      budget: 500,
      newest: 350,
    });
    expect(selected.rows.n).toBeGreaterThan(fit.trainRows);
    expect(model.noiseVarianceK2).toBe(fit.model.noiseVarianceK2);
    const { evaluateZone } = await import("#models/evaluation/evaluateZone");
    const tested = new DatasetRows(whole);
    const [grown, alone] = [model, fit.model].map((one) => evaluateZone(la, one, tested, 21 * 96, 24 * 96).rmse1K);
    expect(grown!).toBeLessThan(1.05 * alone!);
  });
});
