import type { FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { PackedCholesky } from "#math/choleskyUpdate";
import { CholeskyError, choleskyWithJitter } from "#math/choleskyWithJitter";
import type { Prediction } from "#math/gaussianProcess";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";
import type { PosteriorProblem } from "#models/posterior";

export interface OnlinePosteriorOptions {
  readonly la: LinearAlgebra;
  readonly features: FeatureSpec;
  readonly kernel: KernelSpec;
  readonly meanCoefficients: Float64Array;
  readonly d: number;
  /** K². */
  readonly noiseVariance: number;
  /** Rows held at most; the oldest leave. Default: no limit. */
  readonly window?: number;
  readonly onWarning: (text: string) => void;
}

/**
 * An exact GP posterior whose rows come and go: a sliding window. L Lᵀ = K + diag(σ² + extra) is updated in O(n²) a row (`PackedCholesky`), α = (K + …)⁻¹ r
 * is solved for when asked. Where rounding has cost a change its positive definiteness, the rows are factorised anew, with jitter if need be and a warning.
 * A row that is not finite throws RangeError and changes nothing.
 */
export class OnlinePosterior {
  readonly #options: OnlinePosteriorOptions;
  #factor = PackedCholesky.empty();
  /** n×d in the first n·d entries. */
  #x = new Float64Array(0);
  #residuals: number[] = [];
  #extraNoiseVariance: number[] = [];
  /** L⁻¹ r in the first n entries; null: to be solved for anew. */
  #whitened: Float64Array | null = null;
  #alpha: Float64Array | null = null;
  #refits = 0;

  constructor(options: OnlinePosteriorOptions) {
    if (!(options.noiseVariance > 0)) throw new RangeError(`A noise variance of ${options.noiseVariance} K² is none.`);
    if (options.window !== undefined && !(options.window >= 1)) throw new RangeError(`A window of ${options.window} rows holds nothing.`);
    this.#options = options;
  }

  /** The rows of a problem, factorised at once. */
  static of(problem: PosteriorProblem, window?: number): OnlinePosterior {
    const { n, d, x, residuals, extraNoiseVariance } = problem;
    const online = new OnlinePosterior({ ...problem, ...(window === undefined ? {} : { window }) });
    const first = Math.max(0, n - (window ?? n));
    online.#x = x.slice(first * d, n * d);
    online.#residuals = Array.from(residuals.subarray(first, n));
    online.#extraNoiseVariance = Array.from({ length: n - first }, (_, i) => extraNoiseVariance?.[first + i] ?? 0);
    online.refit();
    return online;
  }

  get n(): number {
    return this.#residuals.length;
  }

  /** How often rows had to be factorised anew because a change lost positive definiteness. */
  get refits(): number {
    return this.#refits;
  }

  /** (K + σ²I)⁻¹ r, n. */
  get alpha(): Float64Array {
    if (this.#alpha !== null) return this.#alpha;
    this.#whitened ??= this.#factor.solveLower(Float64Array.from(this.#residuals));
    this.#alpha = this.#factor.solveUpper(this.#whitened.slice(0, this.n));
    return this.#alpha;
  }

  /** Takes the newest row in. @param x d. @param residual y − βᵀx. @param extraNoiseVariance on top of σ², K². */
  add(x: Float64Array, residual: number, extraNoiseVariance = 0): void {
    const { la, kernel, d, noiseVariance, window } = this.#options;
    if (x.length !== d) throw new RangeError(`${x.length} inputs for a row of ${d}.`);
    if (!x.every(Number.isFinite) || !Number.isFinite(residual) || !(extraNoiseVariance >= 0 && Number.isFinite(extraNoiseVariance)))
      throw new RangeError("The row holds values that are not finite, or a negative noise variance.");
    const { n } = this;
    const column = kernelMatrix(la, kernel, x, 1, this.#x, n, d);
    const diagonal = kernelDiagonal(kernel, x, 1, d)[0]! + noiseVariance + extraNoiseVariance;
    if (this.#x.length < (n + 1) * d) {
      const larger = new Float64Array(Math.ceil(1.5 * (n + 1)) * d);
      larger.set(this.#x.subarray(0, n * d));
      this.#x = larger;
    }
    this.#x.set(x, n * d);
    this.#residuals.push(residual);
    this.#extraNoiseVariance.push(extraNoiseVariance);
    this.#alpha = null;
    this.#change(() => {
      this.#factor.append(column, diagonal);
      this.#appendWhitened(residual);
    });
    while (window !== undefined && this.n > window) this.remove(0);
  }

  /** Gives row i up, 0 the oldest; a row that is not there throws RangeError. */
  remove(i: number): void {
    const { d } = this.#options;
    this.#factor.remove(i, this.#whitened ?? undefined);
    this.#x.copyWithin(i * d, (i + 1) * d, this.n * d);
    this.#residuals.splice(i, 1);
    this.#extraNoiseVariance.splice(i, 1);
    this.#alpha = null;
  }

  /** Sets row i's noise on top of σ², e.g. as it ages: a rank-one update or downdate. @param extraNoiseVariance K². */
  setExtraNoise(i: number, extraNoiseVariance: number): void {
    const before = this.#extraNoiseVariance[i];
    if (before === undefined) throw new RangeError(`There is no row ${i} among ${this.n}.`);
    if (!(extraNoiseVariance >= 0 && Number.isFinite(extraNoiseVariance)))
      throw new RangeError("Noise variances are finite and not negative.");
    const change = new Float64Array(this.n);
    change[i] = Math.sqrt(Math.abs(extraNoiseVariance - before));
    this.#extraNoiseVariance[i] = extraNoiseVariance;
    this.#alpha = null;
    this.#whitened = null;
    this.#change(() => (extraNoiseVariance > before ? this.#factor.update(change) : this.#factor.downdate(change)));
  }

  /** Factorises all rows anew, n³/3. */
  refit(): void {
    const { la, kernel, d, noiseVariance, onWarning } = this.#options;
    const { n } = this;
    const x = this.#x.subarray(0, n * d);
    const covariance = kernelMatrix(la, kernel, x, n, x, n, d);
    for (let i = 0; i < n; i++) covariance[i * n + i]! += noiseVariance + this.#extraNoiseVariance[i]!;
    this.#factor = PackedCholesky.fromLower(n, choleskyWithJitter(la, n, covariance, onWarning).lower);
    this.#alpha = null;
    this.#whitened = null;
  }

  /** Mean without βᵀx and variance of the latent function at `inputs`, count×d: O(n²) each. */
  predict(inputs: Float64Array, count: number): Prediction {
    const { la, kernel, d } = this.#options;
    const { n, alpha } = this;
    const covariance = kernelMatrix(la, kernel, inputs, count, this.#x, n, d);
    const variance = kernelDiagonal(kernel, inputs, count, d);
    const mean = new Float64Array(count);
    for (let q = 0; q < count; q++) {
      const row = covariance.subarray(q * n, (q + 1) * n);
      for (let i = 0; i < n; i++) mean[q]! += row[i]! * alpha[i]!;
      this.#factor.solveLower(row);
      for (let i = 0; i < n; i++) variance[q]! -= row[i]! * row[i]!;
      variance[q] = Math.max(0, variance[q]!);
    }
    return { mean, variance };
  }

  /** The rows as `PosteriorData`, W = L⁻¹: n³/3, for what predicts many at once. */
  posterior(): PosteriorData {
    const { la, features, kernel, meanCoefficients, d } = this.#options;
    const { n } = this;
    const varianceRoot = la.inverseLower(n, this.#factor.toLower());
    return {
      features,
      kernel,
      meanCoefficients,
      basisInputs: this.#x.slice(0, n * d),
      m: n,
      d,
      alpha: this.alpha.slice(),
      varianceRoot,
      p: n,
    };
  }

  #appendWhitened(residual: number): void {
    const { n } = this;
    if (this.#whitened === null) return;
    if (this.#whitened.length < n) {
      const larger = new Float64Array(Math.ceil(1.5 * n));
      larger.set(this.#whitened);
      this.#whitened = larger;
    }
    this.#whitened[n - 1] = this.#factor.solveLast(this.#whitened, residual);
  }

  #change(change: () => void): void {
    try {
      change();
    } catch (error) {
      if (!(error instanceof CholeskyError)) throw error;
      this.#refits++;
      this.#options.onWarning(`${error.message} ${this.n} rows are factorised anew.`);
      this.refit();
    }
  }
}
