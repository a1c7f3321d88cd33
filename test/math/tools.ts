import { expect } from "vitest";

/** Reproducible uniform numbers in (−1, 1). */
export const randomSource = (seed: number): (() => number) => {
  let state = BigInt(seed) * 2654435761n + 12345n;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 11n) / 2 ** 52 - 1;
  };
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
