/** f(x), with ∂f/∂x written to `gradient`. A value or gradient that is not finite counts as +∞: the step shrinks. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;
/** The same where the value comes from elsewhere, e.g. from other processes. A rejection ends the minimisation with it. */
export type AsyncObjective = (x: Float64Array, gradient: Float64Array) => number | Promise<number>;

export interface LbfgsIteration {
  readonly iteration: number;
  readonly evaluations: number;
  readonly x: Float64Array;
  readonly value: number;
  /** Largest entry of the projected gradient. */
  readonly gradientNorm: number;
}

export interface LbfgsOptions {
  readonly lower?: ArrayLike<number>;
  readonly upper?: ArrayLike<number>;
  /** Default 200. */
  readonly maxIterations?: number;
  /** Default 10 × maxIterations. */
  readonly maxEvaluations?: number;
  /** Stop when no entry of the projected gradient exceeds it; default 1e-5. */
  readonly gradientTolerance?: number;
  /** Stop when (f_old − f_new) ≤ tolerance · max(|f_old|, |f_new|, 1); default 1e-9. */
  readonly relativeFunctionTolerance?: number;
  /** Correction pairs kept; default 10. */
  readonly memory?: number;
  /** Checked before every evaluation: the best point so far comes back with reason "aborted". */
  readonly signal?: AbortSignal;
  readonly onIteration?: (state: LbfgsIteration) => void;
}

export interface LbfgsResult {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly iterations: number;
  readonly evaluations: number;
  /** "gradient" and "function" are convergence; "lineSearch": no step lowered f; "start": f(x0) is not finite. */
  readonly reason: "gradient" | "function" | "iterations" | "evaluations" | "lineSearch" | "aborted" | "start";
}

const ARMIJO = 1e-4;
const CURVATURE = 0.9;
const MAX_LINE_STEPS = 40;

interface Point {
  readonly x: Float64Array;
  readonly gradient: Float64Array;
  readonly value: number;
}

/**
 * Minimises f from x0 by limited-memory BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5).
 * Box bounds by projection: variables at a bound that the gradient pushes outwards stay there, trial points are projected.
 * The line search brackets a point with f(x⁺) ≤ f + 1e-4 gᵀ(x⁺ − x) and g⁺ᵀ(x⁺ − x) ≥ 0.9 gᵀ(x⁺ − x) (weak Wolfe along the projected path).
 */
export const minimise = (objective: Objective, x0: Float64Array, options: LbfgsOptions = {}): LbfgsResult => {
  const run = iterate(x0, options);
  let answer = Number.NaN;
  for (;;) {
    const { done, value } = run.next(answer);
    if (done) return value;
    if (value !== null) answer = objective(value.x, value.gradient);
  }
};

/** The same, letting the event loop run between iterations, so that an abort signal can arrive, and for objectives that take their time. */
export const minimiseAsync = async (objective: AsyncObjective, x0: Float64Array, options: LbfgsOptions = {}): Promise<LbfgsResult> => {
  const run = iterate(x0, options);
  let answer = Number.NaN;
  for (;;) {
    const { done, value } = run.next(answer);
    if (done) return value;
    if (value !== null) answer = await objective(value.x, value.gradient);
    else await new Promise((resolve) => setImmediate(resolve));
  }
};

/** A point to be evaluated, its gradient to be filled in and its value to be answered; null between iterations. */
type Question = { readonly x: Float64Array; readonly gradient: Float64Array } | null;
type Asking<T> = Generator<Question, T, number>;

function* iterate(x0: Float64Array, options: LbfgsOptions): Asking<LbfgsResult> {
  const { maxIterations = 200, gradientTolerance = 1e-5, relativeFunctionTolerance = 1e-9, memory = 10, signal } = options;
  const maxEvaluations = options.maxEvaluations ?? 10 * maxIterations;
  const box = createBox(x0.length, options.lower, options.upper);
  let evaluations = 0;
  let iterations = 0;
  const evaluate = function* (x: Float64Array): Asking<Point> {
    evaluations++;
    const gradient = new Float64Array(x.length);
    const value = yield { x, gradient };
    return Number.isFinite(value) && gradient.every(Number.isFinite) ? { x, gradient, value } : { x, gradient, value: Infinity };
  };
  const mayEvaluate = (): boolean => evaluations < maxEvaluations && signal?.aborted !== true;

  let current = yield* evaluate(box.project(x0));
  const finish = (reason: LbfgsResult["reason"]): LbfgsResult => ({ ...current, iterations, evaluations, reason });
  if (!Number.isFinite(current.value)) return finish("start");
  const pairs = createPairs(memory);
  for (;;) {
    const projected = box.projectedGradient(current);
    const gradientNorm = projected.reduce((largest, g) => Math.max(largest, Math.abs(g)), 0);
    options.onIteration?.({ iteration: iterations, evaluations, x: current.x, value: current.value, gradientNorm });
    if (gradientNorm <= gradientTolerance) return finish("gradient");
    if (iterations >= maxIterations) return finish("iterations");
    if (signal?.aborted) return finish("aborted");
    if (evaluations >= maxEvaluations) return finish("evaluations");
    yield null;

    let next: Point | null = null;
    for (let attempt = 0; next === null && attempt < 2; attempt++) {
      // Steepest descent second: the curvature pairs may be misleading where the first direction failed.
      if (attempt === 1 && pairs.size() === 0) break;
      if (attempt === 1) pairs.clear();
      const direction = box.feasible(current, pairs.direction(projected));
      if (dot(direction, current.gradient) >= 0) continue;
      const firstStep = pairs.size() > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(direction, direction)));
      next = yield* lineSearch(current, direction, firstStep, box.project, evaluate, mayEvaluate);
    }
    if (next === null) return finish(signal?.aborted ? "aborted" : evaluations >= maxEvaluations ? "evaluations" : "lineSearch");
    iterations++;
    pairs.add(difference(next.x, current.x), difference(next.gradient, current.gradient));
    const gain = current.value - next.value;
    const size = Math.max(Math.abs(current.value), Math.abs(next.value), 1);
    current = next;
    if (gain <= relativeFunctionTolerance * size) {
      const norm = box.projectedGradient(current).reduce((largest, g) => Math.max(largest, Math.abs(g)), 0);
      return finish(norm <= gradientTolerance ? "gradient" : "function");
    }
  }
}

/** The bracketed point, the best that satisfies the decrease condition where evaluations run out, or null. */
function* lineSearch(
  start: Point,
  direction: Float64Array,
  firstStep: number,
  project: (x: Float64Array) => Float64Array,
  evaluate: (x: Float64Array) => Asking<Point>,
  mayEvaluate: () => boolean,
): Asking<Point | null> {
  let low = 0;
  let high = Infinity;
  let best: Point | null = null;
  let bestSlope = dot(start.gradient, direction);
  let lowValue = start.value;
  let step = firstStep;
  for (let count = 0; count < MAX_LINE_STEPS && mayEvaluate(); count++) {
    const trial = yield* evaluate(project(start.x.map((value, i) => value + step * direction[i]!)));
    const move = difference(trial.x, start.x);
    const slope = dot(start.gradient, move);
    if (move.every((value) => value === 0)) return best;
    if (!(trial.value <= start.value + ARMIJO * slope)) {
      high = step;
    } else {
      const isClipped = best !== null && trial.x.every((value, i) => value === best!.x[i]);
      best = trial;
      if (dot(trial.gradient, move) >= CURVATURE * slope || isClipped) return trial;
      low = step;
      lowValue = trial.value;
      bestSlope = dot(trial.gradient, direction);
    }
    step = high === Infinity ? 2 * low : interpolate(low, lowValue, bestSlope, high, trial.value);
  }
  return best;
}

/** Minimum of the parabola through (low, value, slope) and (high, highValue), kept off the ends; the lower quarter where that is not finite. */
const interpolate = (low: number, lowValue: number, slope: number, high: number, highValue: number): number => {
  const width = high - low;
  const curvature = (highValue - lowValue - slope * width) / (width * width);
  const minimum = Number.isFinite(curvature) && curvature > 0 ? -slope / (2 * curvature) : 0.25 * width;
  return low + Math.min(0.9 * width, Math.max(0.1 * width, minimum));
};

/** Correction pairs and the two-loop recursion. */
const createPairs = (memory: number) => {
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  return {
    size: (): number => pairs.length,
    clear: (): void => {
      pairs.length = 0;
    },
    add: (s: Float64Array, y: Float64Array): void => {
      const product = dot(s, y);
      // Without positive curvature the approximation would stop being positive definite.
      if (product <= 1e-12 * Math.sqrt(dot(s, s) * dot(y, y))) return;
      pairs.push({ s, y, rho: 1 / product });
      if (pairs.length > memory) pairs.shift();
    },
    direction: (gradient: Float64Array): Float64Array => {
      const q = gradient.map((value) => -value);
      const weights: number[] = [];
      for (let i = pairs.length - 1; i >= 0; i--) {
        const { s, y, rho } = pairs[i]!;
        weights[i] = rho * dot(s, q);
        addTo(q, -weights[i]!, y);
      }
      const last = pairs.at(-1);
      if (last !== undefined) {
        const scale = 1 / (last.rho * dot(last.y, last.y));
        for (let i = 0; i < q.length; i++) q[i]! *= scale;
      }
      for (let i = 0; i < pairs.length; i++) {
        const { s, y, rho } = pairs[i]!;
        addTo(q, weights[i]! - rho * dot(y, q), s);
      }
      return q;
    },
  };
};

const createBox = (size: number, lower: ArrayLike<number> | undefined, upper: ArrayLike<number> | undefined) => {
  const low = (i: number): number => lower?.[i] ?? -Infinity;
  const high = (i: number): number => upper?.[i] ?? Infinity;
  for (let i = 0; i < size; i++) if (!(low(i) <= high(i))) throw new RangeError(`Bound ${i}: ${low(i)} is above ${high(i)}.`);
  const pushesOut = ({ x, gradient }: Point, i: number): boolean =>
    (x[i]! <= low(i) && gradient[i]! > 0) || (x[i]! >= high(i) && gradient[i]! < 0);
  return {
    project: (x: Float64Array): Float64Array => x.map((value, i) => Math.min(high(i), Math.max(low(i), value))),
    projectedGradient: (point: Point): Float64Array => point.gradient.map((value, i) => (pushesOut(point, i) ? 0 : value)),
    feasible: (point: Point, direction: Float64Array): Float64Array => direction.map((value, i) => (pushesOut(point, i) ? 0 : value)),
  };
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

const difference = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value - b[i]!);

const addTo = (target: Float64Array, factor: number, source: Float64Array): void => {
  for (let i = 0; i < target.length; i++) target[i]! += factor * source[i]!;
};
