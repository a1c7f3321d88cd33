import { expect } from "vitest";

/** Reproducible uniform numbers in (−1, 1): a 32-bit linear congruence, high bits only. */
export const randomSource = (seed: number): (() => number) => {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
  for (let i = 0; i < 8; i++) next();
  return () => (next() + next() / 2 ** 24) / 2 ** 23 - 1;
};

/** Every |actual − expected| ≤ tolerance · max(scale, |expected|). */
export const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, scale = 1): void => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const bound = tolerance * Math.max(scale, Math.abs(expected[i]!));
    if (!(Math.abs(actual[i]! - expected[i]!) <= bound)) {
      expect.fail(`entry ${i}: ${actual[i]} is not within ${bound} of ${expected[i]}`);
    }
  }
};
