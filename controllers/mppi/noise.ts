import { normals, uniforms } from "#math/random";

/** Streams per decision: enough for every use of random numbers in one decision. */
const STREAMS_PER_TICK = 64;

/** Stream of the random numbers that decision `tick` uses for purpose `use` (0…63): nothing is shared between ticks. */
export const streamOf = (tick: number, use: number): number => {
  if (!Number.isInteger(use) || use < 0 || use >= STREAMS_PER_TICK) throw new RangeError(`A use of random numbers is 0…63, not ${use}.`);
  return tick * STREAMS_PER_TICK + use;
};

export interface NoiseShape {
  readonly count: number;
  readonly horizonSteps: number;
  readonly nz: number;
  /** τ: steps after which the correlation has fallen to 1/e. */
  readonly correlationSteps: number;
  /** Share c of the variance that all zones have in common, 0…1. */
  readonly sharedFraction: number;
}

/**
 * Smooth random numbers of variance 1, [k][t][z], the same for the same seed and stream.
 *   ε_0 = ξ_0,  ε_t = ρ ε_{t−1} + √(1 − ρ²) ξ_t,  ρ = exp(−1/τ),   ξ_{t,z} = √c · shared_t + √(1 − c) · own_{t,z}
 * First-order autoregressive (AR(1)) noise, because its variance is the same at every step and its correlation exp(−|t − s|/τ) is one number:
 * a building answers slowly, so noise that is white in time averages out before it moves a temperature and finds nothing. (Step holds and
 * splines do as well but have steps of different variance; jumps, which AR(1) lacks, come from shifted and swapped plans.)
 * Zones of one building start together, hence the shared part.
 */
export const correlatedNoise = (seed: number, stream: number, shape: NoiseShape): Float64Array => {
  const { count, horizonSteps, nz, correlationSteps, sharedFraction } = shape;
  const perStep = nz + 1;
  const white = new Float64Array(count * horizonSteps * perStep);
  normals(seed, stream, white);
  const rho = correlationSteps > 0 ? Math.exp(-1 / correlationSteps) : 0;
  const fresh = Math.sqrt(1 - rho * rho);
  const common = Math.sqrt(sharedFraction);
  const own = Math.sqrt(1 - sharedFraction);
  const out = new Float64Array(count * horizonSteps * nz);
  for (let k = 0; k < count; k++)
    for (let t = 0; t < horizonSteps; t++) {
      const from = (k * horizonSteps + t) * perStep;
      const to = (k * horizonSteps + t) * nz;
      for (let z = 0; z < nz; z++) {
        const xi = common * white[from]! + own * white[from + 1 + z]!;
        out[to + z] = t === 0 ? xi : rho * out[to - nz + z]! + fresh * xi;
      }
    }
  return out;
};

/** Uniform numbers one after the other from one stream. */
export class UniformSource {
  readonly #block = new Float64Array(512);
  readonly #seed: number;
  readonly #stream: number;
  #next = 512;
  #offset = 0;

  constructor(seed: number, stream: number) {
    this.#seed = seed;
    this.#stream = stream;
  }
  /** In [0, 1). */
  next(): number {
    if (this.#next === this.#block.length) {
      uniforms(this.#seed, this.#stream, this.#block, this.#offset);
      this.#offset += this.#block.length;
      this.#next = 0;
    }
    return this.#block[this.#next++]!;
  }
  /** Whole number 0…n − 1. */
  below(n: number): number {
    return Math.min(n - 1, Math.floor(this.next() * n));
  }
}
