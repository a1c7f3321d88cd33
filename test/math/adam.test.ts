import { describe, expect, it } from "vitest";
import { createAdam, minimiseByAdam } from "#math/adam";

describe("Adam", () => {
  it("takes the steps that the update rule gives by hand", () => {
    const x = Float64Array.of(0, 5);
    const adam = createAdam(2, { learningRate: 0.1 });
    // Bias correction makes the first step the learning rate, whatever the gradient's size.
    adam.step(x, Float64Array.of(1, -200));
    expect(x[0]).toBeCloseTo(-0.1, 8);
    expect(x[1]).toBeCloseTo(5.1, 8);
    // m = 0.9·0.1 + 0.1·3 = 0.39, m̂ = 0.39/0.19; v = 0.999·0.001 + 0.001·9 = 0.009999, v̂ = 0.009999/0.001999.
    adam.step(x, Float64Array.of(3, -200));
    expect(x[0]).toBeCloseTo(-0.1 - (0.1 * (0.39 / 0.19)) / Math.sqrt(0.009999 / 0.001999), 8);
    expect(x[0]).toBeCloseTo(-0.1917781, 6);
    expect(x[1]).toBeCloseTo(5.2, 8);
  });

  it("moves nothing where the gradient is zero, and little where it is below epsilon", () => {
    const x = Float64Array.of(1, 1);
    createAdam(2, { learningRate: 0.5 }).step(x, Float64Array.of(0, 1e-8));
    expect(x[0]).toBe(1);
    expect(x[1]).toBeCloseTo(0.75, 8);
  });

  it("uses the decays that it is given", () => {
    const x = Float64Array.of(0);
    const adam = createAdam(1, { learningRate: 1, beta1: 0.5, beta2: 0.5, epsilon: 0 });
    adam.step(x, Float64Array.of(2));
    adam.step(x, Float64Array.of(-2));
    // m = 0.5·1 − 0.5·2 = −0.5, m̂ = −0.5/0.75; v = 0.5·2 + 0.5·4 = 3, v̂ = 3/0.75 = 4.
    expect(x[0]).toBeCloseTo(-1 + 0.5 / 0.75 / 2, 12);
  });

  it("refuses a gradient that is not finite and keeps its moments", () => {
    const x = Float64Array.of(1);
    const y = Float64Array.of(1);
    const disturbed = createAdam(1, { learningRate: 0.1 });
    const calm = createAdam(1, { learningRate: 0.1 });
    disturbed.step(x, Float64Array.of(2));
    calm.step(y, Float64Array.of(2));
    expect(() => disturbed.step(x, Float64Array.of(Number.NaN))).toThrow(RangeError);
    expect(() => disturbed.step(x, Float64Array.of(1, 2))).toThrow(RangeError);
    disturbed.step(x, Float64Array.of(0.5));
    calm.step(y, Float64Array.of(0.5));
    expect(x).toEqual(y);
  });

  it("finds the minimum of a badly scaled parabola and leaves its start alone", async () => {
    const start = Float64Array.of(3, -2);
    const seen: number[] = [];
    const x = await minimiseByAdam(
      ([a, b], gradient) => {
        gradient[0] = 2 * (a! - 1);
        gradient[1] = 200 * b!;
        return (a! - 1) ** 2 + 100 * b! * b!;
      },
      start,
      { learningRate: 0.05, iterations: 800, onIteration: (_, value) => seen.push(value) },
    );
    expect(start).toEqual(Float64Array.of(3, -2));
    expect(x[0]).toBeCloseTo(1, 3);
    expect(x[1]).toBeCloseTo(0, 3);
    expect(seen).toHaveLength(800);
    expect(seen[0]).toBe(404);
  });

  it("stops when it is aborted between two steps", async () => {
    const controller = new AbortController();
    let evaluations = 0;
    const run = minimiseByAdam(
      (x, gradient) => {
        gradient[0] = 2 * x[0]!;
        if (++evaluations === 3) controller.abort(new Error("enough"));
        return x[0]! ** 2;
      },
      Float64Array.of(1),
      { learningRate: 0.1, iterations: 1000, signal: controller.signal },
    );
    await expect(run).rejects.toThrow("enough");
    expect(evaluations).toBe(3);
  });
});
