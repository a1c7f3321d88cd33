import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { minimise, minimiseAsync, type Objective } from "#math/lbfgs";
import { expectClose, randomSource } from "./tools.js";

const rosenbrock: Objective = (x, gradient) => {
  const [a, b] = [x[0]!, x[1]!];
  gradient[0] = -400 * a * (b - a * a) - 2 * (1 - a);
  gradient[1] = 200 * (b - a * a);
  return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
};

const shiftedSquares: Objective = (x, gradient) => {
  let value = 0;
  x.forEach((xi, i) => {
    gradient[i] = 2 * (xi - 3);
    value += (xi - 3) ** 2;
  });
  return value;
};

describe("L-BFGS", () => {
  it("finds the minimum of Rosenbrock's function from the usual start", () => {
    const result = minimise(rosenbrock, Float64Array.of(-1.2, 1), { relativeFunctionTolerance: 0, gradientTolerance: 1e-9 });
    expectClose(result.x, [1, 1], 1e-8);
    expect(result.reason).toBe("gradient");
    expect(result.evaluations).toBeLessThan(80);
  });

  it("minimises random convex quadratics", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.integer(), (n, seed) => {
        const random = randomSource(seed);
        const scales = Float64Array.from({ length: n }, () => Math.exp(3 * random()));
        const centre = Float64Array.from({ length: n }, () => 5 * random());
        const quadratic: Objective = (x, gradient) => {
          let value = 0;
          for (let i = 0; i < n; i++) {
            gradient[i] = scales[i]! * (x[i]! - centre[i]!);
            value += 0.5 * scales[i]! * (x[i]! - centre[i]!) ** 2;
          }
          return value;
        };
        const result = minimise(quadratic, new Float64Array(n), { relativeFunctionTolerance: 0, gradientTolerance: 1e-7 });
        expectClose(result.x, centre, 1e-5);
      }),
    );
  });

  it("shrinks its step where the function is NaN beyond a wall", () => {
    const wall: Objective = (x, gradient) => {
      gradient[0] = -1 / (1 - x[0]!) + 20 * (x[0]! - 0.5);
      return x[0]! >= 1 ? Number.NaN : Math.log(1 - x[0]!) + 10 * (x[0]! - 0.5) ** 2;
    };
    const result = minimise(wall, Float64Array.of(-5));
    expect(result.reason).toBe("gradient");
    expect(20 * (result.x[0]! - 0.5)).toBeCloseTo(1 / (1 - result.x[0]!), 3);
  });

  it("stays inside its bounds and ends on the one that is in the way", () => {
    const seen: number[] = [];
    const result = minimise(
      (x, gradient) => {
        seen.push(...x);
        return shiftedSquares(x, gradient);
      },
      Float64Array.of(-9, 0, 1),
      { lower: [-1, -1, 5], upper: [2, 9, 9] },
    );
    expectClose(result.x, [2, 3, 5], 1e-6);
    expect(result.reason).toBe("gradient");
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...seen)).toBeLessThanOrEqual(9);
  });

  it("finds Rosenbrock's minimum on a bound", () => {
    const result = minimise(rosenbrock, Float64Array.of(-1.2, 1), {
      upper: [0.5, 10],
      relativeFunctionTolerance: 0,
      gradientTolerance: 1e-8,
    });
    expectClose(result.x, [0.5, 0.25], 1e-7);
  });

  it("says why it stopped", async () => {
    expect(minimise(rosenbrock, Float64Array.of(-1.2, 1), { maxIterations: 3 })).toMatchObject({ reason: "iterations", iterations: 3 });
    expect(minimise(rosenbrock, Float64Array.of(-1.2, 1), { maxEvaluations: 5 })).toMatchObject({ reason: "evaluations", evaluations: 5 });
    expect(minimise(rosenbrock, Float64Array.of(-1.2, 1), { relativeFunctionTolerance: 1 }).reason).toBe("function");
    expect(minimise(() => Number.NaN, Float64Array.of(1)).reason).toBe("start");
    const uphill: Objective = (x, gradient) => {
      gradient[0] = -1;
      return Math.abs(x[0]!);
    };
    expect(minimise(uphill, Float64Array.of(0)).reason).toBe("lineSearch");
    const abort = new AbortController();
    const iterations: number[] = [];
    const running = minimiseAsync(rosenbrock, Float64Array.of(-1.2, 1), {
      signal: abort.signal,
      onIteration: ({ iteration }) => iterations.push(iteration),
    });
    abort.abort();
    expect((await running).reason).toBe("aborted");
    expect(iterations).toEqual([0, 1].slice(0, iterations.length));
  });

  it("reports every iteration with a value that never rises", () => {
    const values: number[] = [];
    minimise(rosenbrock, Float64Array.of(-1.2, 1), { onIteration: ({ value }) => values.push(value) });
    expect(values.length).toBeGreaterThan(5);
    expect(values.every((value, i) => i === 0 || value <= values[i - 1]!)).toBe(true);
  });
});
