import type { Objective } from "#math/lbfgs";

export interface AdamOptions {
  /** Step size α. */
  readonly learningRate: number;
  /** Decay of the gradient's running mean; default 0.9. */
  readonly beta1?: number;
  /** Decay of the squared gradient's running mean; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the squared gradient; default 1e-8. */
  readonly epsilon?: number;
}

export interface Adam {
  /** Moves x in place against the gradient g (same length). A gradient that is not finite is refused with a RangeError and changes nothing. */
  step(x: Float64Array, gradient: Float64Array): void;
}

/**
 * Adam for `size` parameters, starting from zero moments: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
 * x ← x − α (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) at step t = 1, 2, … (Kingma & Ba 2015, algorithm 1.)
 */
export const createAdam = (size: number, options: AdamOptions): Adam => {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const m = new Float64Array(size);
  const v = new Float64Array(size);
  let t = 0;
  return {
    step: (x, gradient) => {
      if (x.length !== size || gradient.length !== size) {
        throw new RangeError(`Adam for ${size} parameters got ${x.length} parameters and ${gradient.length} derivatives.`);
      }
      if (!gradient.every(Number.isFinite)) throw new RangeError("Adam got a gradient that is not finite.");
      t++;
      const correction1 = 1 - beta1 ** t;
      const correction2 = 1 - beta2 ** t;
      for (let i = 0; i < size; i++) {
        const g = gradient[i]!;
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        x[i]! -= (learningRate * (m[i]! / correction1)) / (Math.sqrt(v[i]! / correction2) + epsilon);
      }
    },
  };
};

export interface AdamRun extends AdamOptions {
  readonly iterations: number;
  readonly signal?: AbortSignal;
  readonly onIteration?: (iteration: number, value: number) => void;
}

/**
 * x after a fixed number of Adam steps from x0, letting the event loop run between them. There is no test of convergence: that is the method.
 * An abort throws the signal's reason.
 */
export const minimiseByAdam = async (objective: Objective, x0: Float64Array, run: AdamRun): Promise<Float64Array> => {
  const x = Float64Array.from(x0);
  const gradient = new Float64Array(x.length);
  const adam = createAdam(x.length, run);
  for (let iteration = 1; iteration <= run.iterations; iteration++) {
    run.signal?.throwIfAborted();
    const value = objective(x, gradient);
    adam.step(x, gradient);
    run.onIteration?.(iteration, value);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return x;
};
