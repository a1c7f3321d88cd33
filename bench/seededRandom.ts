/** Reproducible uniform numbers in [0, 1) for benchmark data: a 32-bit linear congruence, its high bits only. */
export const seededRandom = (seed: number): (() => number) => {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
};
