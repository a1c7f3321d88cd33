import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { driftAfter, driftStates } from "#math/drift";
import { normals } from "#math/random";
import { chooseDrift, defaultDrift, errorsAfterDrift } from "#models/thermostat/driftFit";

const STEP_S = 900;
const rms = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length);

/** e_i = b_i + white noise, b an autoregression. */
const errorsWith = (rho: number, driftK: number, noiseK: number, seed: number, n = 1344): Float64Array => {
  const z = new Float64Array(2 * n);
  normals(seed, 0, z);
  let b = 0;
  return Float64Array.from({ length: n }, (_, i) => {
    b = rho * b + driftK * Math.sqrt(1 - rho * rho) * z[2 * i]!;
    return b + noiseK * z[2 * i + 1]!;
  });
};

describe("the drift of a model", () => {
  it("is the filter of its docstring, and nothing where no error is known", () => {
    const model = { decay: [0.8, 0.99], gain: [0.5, 0.1], limitK: 1 };
    const states = driftStates(model, [0.2, Number.NaN, -3]);
    expect(states[0]).toEqual([0, 0]);
    expect(states[1]![0]).toBeCloseTo(0.8 * 0.5 * 0.2, 12);
    expect(states[1]![1]).toBeCloseTo(0.99 * 0.1 * 0.2, 12);
    expect(states[2]![0]).toBeCloseTo(0.8 * states[1]![0]!, 12);
    // An error beyond the limit counts as the limit.
    expect(states[3]![0]).toBeCloseTo(0.8 * (states[2]![0]! - 0.5), 12);
    expect(driftAfter(model, [1, 2], 3)).toBeCloseTo(0.8 ** 3 + 2 * 0.99 ** 3, 12);
  });

  it("stays bounded whatever the errors are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN)), { maxLength: 300 }),
        (errors) => {
          const model = defaultDrift(STEP_S);
          for (const state of driftStates(model, errors)) {
            const sum = state.reduce((total, value) => total + value, 0);
            expect(Math.abs(sum)).toBeLessThan(20);
          }
        },
      ),
    );
  });

  it("is chosen strong where errors last, and away where they are white", () => {
    const lasting = errorsWith(0.95, 0.1, 0.02, 5);
    const chosen = chooseDrift(lasting, STEP_S);
    expect(rms(errorsAfterDrift(lasting, chosen))).toBeLessThan(0.6 * rms(lasting));
    const white = errorsWith(0, 0, 0.1, 6);
    const least = chooseDrift(white, STEP_S);
    expect(Math.max(...least.gain)).toBeLessThanOrEqual(0.1);
    expect(rms(errorsAfterDrift(white, least))).toBeLessThan(1.02 * rms(white));
  });

  it("serves other days of the same zone too, not only those it was chosen on", () => {
    const all = errorsWith(0.93, 0.08, 0.03, 7, 2688);
    const chosen = chooseDrift(all.subarray(0, 1344).slice(), STEP_S);
    const later = all.slice(1344);
    expect(rms(errorsAfterDrift(later, chosen))).toBeLessThan(0.75 * rms(later));
  });

  it("is the usual one where too little was held out to choose by", () => {
    expect(chooseDrift(new Float64Array(95).fill(0.1), STEP_S)).toEqual(defaultDrift(STEP_S));
  });
});
