const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

/** φ(x) = exp(−x²/2) / √(2π). */
export const normalPdf = (x: number): number => INVERSE_SQRT_2PI * Math.exp(-0.5 * x * x);

/**
 * Φ(x) to about 1e-14, relative in the lower tail too.
 * Near 0 the series Φ = ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …) (Marsaglia 2004), beyond 3 the continued fraction
 * 1 − Φ = φ(x) / (x + 1/(x + 2/(x + 3/(x + …)))) (Abramowitz & Stegun 26.2.14). NaN gives NaN.
 */
export const normalCdf = (x: number): number => {
  if (Number.isNaN(x)) return x;
  if (x < -3) return upperTail(-x);
  if (x > 3) return 1 - upperTail(x);
  let term = x;
  let sum = x;
  for (let i = 3; Math.abs(term) > 1e-18 * Math.abs(sum); i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + normalPdf(x) * sum;
};

/** 1 − Φ(x) for x ≥ 3. */
const upperTail = (x: number): number => {
  if (x > 39) return 0;
  let fraction = x;
  for (let i = 120; i >= 1; i--) fraction = x + i / fraction;
  return normalPdf(x) / fraction;
};

/** Φ⁻¹(p): Abramowitz & Stegun 26.2.23, then Halley steps on normalCdf; ±∞ at 0 and 1, NaN outside. */
export const normalQuantile = (p: number): number => {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  const tail = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(tail));
  let x = -(t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3));
  for (let step = 0; step < 3; step++) {
    const error = (normalCdf(x) - tail) / normalPdf(x);
    x -= error / (1 + 0.5 * x * error);
  }
  return p <= 0.5 ? x : -x;
};

/**
 * Quantile of Student's t with ν degrees of freedom (any real number from 1), from the normal one z (Abramowitz & Stegun 1964, 26.7.5):
 *   t ≈ z + (z³+z)/(4ν) + (5z⁵+16z³+3z)/(96ν²) + (3z⁷+19z⁵+17z³−15z)/(384ν³) + (79z⁹+776z⁷+1482z⁵−1920z³−945z)/(92160ν⁴); ν = 1 and 2 exactly.
 */
export const studentQuantile = (p: number, nu: number): number => {
  if (nu === 1) return Math.tan(Math.PI * (p - 0.5));
  if (nu === 2) return (2 * p - 1) / Math.sqrt(2 * p * (1 - p));
  const z = normalQuantile(p);
  const z2 = z * z;
  const terms = [
    z,
    (z * (z2 + 1)) / 4,
    (z * ((5 * z2 + 16) * z2 + 3)) / 96,
    (z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / 384,
    (z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945)) / 92_160,
  ];
  return terms.reduce((sum, term, k) => sum + term / nu ** k, 0);
};

/** Σ x_i / n; NaN for none. */
export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

/** Σ (x_i − mean)² / (n − ddof): of the values themselves with ddof 0 (default), unbiased for a sample with ddof 1; NaN without enough values. */
export const variance = (values: ArrayLike<number>, ddof: 0 | 1 = 0): number => {
  const centre = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2;
  return values.length > ddof ? sum / (values.length - ddof) : Number.NaN;
};

export const standardDeviation = (values: ArrayLike<number>, ddof: 0 | 1 = 0): number => Math.sqrt(variance(values, ddof));

/**
 * Quantiles of the values at the given fractions, linear between order statistics (Hyndman & Fan 1996, type 7: numpy's default).
 * No values, NaN among them or a fraction outside [0, 1] give NaN.
 */
export const quantiles = (values: ArrayLike<number>, fractions: readonly number[]): number[] => {
  const sorted = Float64Array.from(values).sort();
  const last = sorted.length - 1;
  return fractions.map((fraction) => {
    if (!(fraction >= 0 && fraction <= 1) || last < 0 || Number.isNaN(sorted[last]!)) return Number.NaN;
    const at = fraction * last;
    const below = Math.floor(at);
    const above = Math.ceil(at);
    return below === above ? sorted[below]! : sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
  });
};

export const quantile = (values: ArrayLike<number>, fraction: number): number => quantiles(values, [fraction])[0]!;

export const median = (values: ArrayLike<number>): number => quantile(values, 0.5);

/** ln Σ w_i exp(x_i) without overflow, all w_i = 1 where absent; −∞ for none. */
export const logSumExp = (values: ArrayLike<number>, weights?: ArrayLike<number>): number => {
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) if (weights === undefined || weights[i]! > 0) largest = Math.max(largest, values[i]!);
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < values.length; i++)
    if (weights === undefined || weights[i]! > 0) sum += (weights?.[i] ?? 1) * Math.exp(values[i]! - largest);
  return largest + Math.log(sum);
};

/** w_i exp(x_i) / Σ_j w_j exp(x_j), all w_i = 1 where absent: sums to 1; entries at −∞ get 0. All NaN where no entry is finite. */
export const softmax = (values: ArrayLike<number>, weights?: ArrayLike<number>): Float64Array => {
  const weight = (i: number): number => (weights === undefined ? 1 : weights[i]!);
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) if (weight(i) > 0) largest = Math.max(largest, values[i]!);
  const out = new Float64Array(values.length);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    out[i] = weight(i) > 0 ? weight(i) * Math.exp(values[i]! - largest) : 0;
    sum += out[i]!;
  }
  for (let i = 0; i < values.length; i++) out[i]! /= sum;
  return out;
};

/** Running count, mean and variance in one pass (Welford 1962). */
export class RunningMoments {
  #count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    this.#count++;
    const before = value - this.#mean;
    this.#mean += before / this.#count;
    this.#squares += before * (value - this.#mean);
  }
  get count(): number {
    return this.#count;
  }
  /** NaN before the first value. */
  get mean(): number {
    return this.#count > 0 ? this.#mean : Number.NaN;
  }
  variance(ddof: 0 | 1 = 0): number {
    return this.#count > ddof ? this.#squares / (this.#count - ddof) : Number.NaN;
  }
}
