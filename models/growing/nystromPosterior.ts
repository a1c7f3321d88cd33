import type { FeatureSpec } from "#domain/features";
import type { KernelSpec } from "#domain/kernel";
import type { PosteriorData } from "#domain/model";
import { PackedCholesky } from "#math/choleskyUpdate";
import { choleskyWithJitter } from "#math/choleskyWithJitter";
import { kernelDiagonal, kernelMatrix } from "#math/kernels";
import type { LinearAlgebra } from "#math/linearAlgebra";

export interface NystromOptions {
  readonly la: LinearAlgebra;
  readonly features: FeatureSpec;
  readonly kernel: KernelSpec;
  readonly meanCoefficients: Float64Array;
  readonly d: number;
  /** Z, m×d: the rows kept (see `RowDictionary`). */
  readonly basisInputs: Float64Array;
  readonly m: number;
  readonly onWarning: (text: string) => void;
}

/** Rows are taken in blocks of this many, so that memory does not grow with them. */
const BLOCK = 512;

/**
 * The posterior of any number of rows on m fixed inputs Z, kept up to date as rows come and go (fully independent training conditional;
 * Quiñonero-Candela & Rasmussen 2005, eq. 24). With L Lᵀ = K_zz, v_i = L⁻¹ k(Z, x_i), e_i = k(x_i, x_i) − ‖v_i‖² and D_i = row i's noise variance + e_i:
 * B = I + Σ v_i v_iᵀ / D_i, b = Σ v_i r_i / D_i; mean(x) = βᵀx + vᵀ B⁻¹ b, variance(x) = k(x, x) − vᵀ(I − B⁻¹) v. A row costs O(m²): a rank-one update or
 * downdate of B's Cholesky factor; many at once O(m²) each as one product.
 * Rows that are not finite throw RangeError.
 */
export class NystromPosterior {
  readonly #options: NystromOptions;
  /** L, m×m. */
  readonly #root: Float64Array;
  /** Σ v vᵀ / D + I where no factor is held. */
  #factor: PackedCholesky;
  readonly #right: Float64Array;
  #rows = 0;
  #unexplained = 0;
  #largestUnexplainedShare = 0;
  /** Σ r² / D, Σ log D: what the objective needs beside B and b. */
  #weightedSquares = 0;

  constructor(options: NystromOptions) {
    const { la, kernel, d, basisInputs, m, onWarning } = options;
    this.#options = options;
    this.#root = choleskyWithJitter(la, m, kernelMatrix(la, kernel, basisInputs, m, basisInputs, m, d), onWarning).lower;
    const identity = new Float64Array(m * m);
    for (let i = 0; i < m; i++) identity[i * m + i] = 1;
    this.#factor = PackedCholesky.fromLower(m, identity);
    this.#right = new Float64Array(m);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Σ e_i = tr(K − K̃), K²: prior variance of the rows that Z leaves unexplained. */
  get unexplainedTrace(): number {
    return this.#unexplained;
  }

  /** max e_i / noise variance of row i. */
  get largestUnexplainedShare(): number {
    return this.#largestUnexplainedShare;
  }

  /** Σ r_i² / D_i. */
  get weightedSquares(): number {
    return this.#weightedSquares;
  }

  /**
   * Takes rows in. @param x count×d. @param residuals y − βᵀx, count. @param noiseVariance of each row, K², count. One row is a rank-one update, many are a
   * product and one factorisation.
   */
  add(x: Float64Array, residuals: Float64Array, noiseVariance: Float64Array): void {
    const { la, d, m } = this.#options;
    const count = residuals.length;
    checkRows(x, residuals, noiseVariance, count, d);
    if (count === 1) {
      this.#factor.update(this.#take(x, residuals, noiseVariance, 1));
      return;
    }
    const lower = this.#factor.toLower();
    const b = new Float64Array(m * m);
    la.gemm(false, true, m, m, m, 1, lower, lower, 0, b);
    for (let first = 0; first < count; first += BLOCK) {
      const end = Math.min(count, first + BLOCK);
      const part = this.#take(x.subarray(first * d, end * d), residuals.subarray(first, end), noiseVariance.subarray(first, end), 1);
      la.gemm(false, true, m, m, end - first, 1, part, part, 1, b);
    }
    this.#factor = PackedCholesky.of(la, m, b);
  }

  /** Gives one row up that was taken in with these very values; a row that was never there may throw CholeskyError, and nothing is changed then. */
  remove(x: Float64Array, residual: number, noiseVariance: number): void {
    const [residuals, noises] = [Float64Array.of(residual), Float64Array.of(noiseVariance)];
    checkRows(x, residuals, noises, 1, this.#options.d);
    const before = { right: this.#right.slice(), rows: this.#rows, unexplained: this.#unexplained, squares: this.#weightedSquares };
    const v = this.#take(x, residuals, noises, -1);
    try {
      this.#factor.downdate(v);
    } catch (error) {
      this.#right.set(before.right);
      this.#rows = before.rows;
      this.#unexplained = before.unexplained;
      this.#weightedSquares = before.squares;
      throw error;
    }
  }

  /** X = Z, α and W as `PosteriorData` wants them. */
  posterior(): PosteriorData {
    const { la, features, kernel, meanCoefficients, d, basisInputs, m } = this.#options;
    const alpha = this.#factor.solve(this.#right);
    la.solveLower(m, 1, this.#root, alpha, true);
    const gain = la.inverseFromCholesky(m, this.#factor.toLower());
    for (let i = 0; i < gain.length; i++) gain[i] = -gain[i]!;
    for (let i = 0; i < m; i++) gain[i * m + i]! += 1;
    const { lower } = choleskyWithJitter(la, m, gain, () => undefined);
    const varianceRoot = new Float64Array(m * m);
    la.gemm(true, false, m, m, m, 1, lower, la.inverseLower(m, this.#root), 0, varianceRoot);
    return { features, kernel, meanCoefficients, basisInputs, m, d, alpha, varianceRoot, p: m };
  }

  /** V D^−½ (m×count), with b, the counts and the sums moved by `sign` times these rows. */
  #take(x: Float64Array, residuals: Float64Array, noiseVariance: Float64Array, sign: 1 | -1): Float64Array {
    const { la, kernel, d, basisInputs, m } = this.#options;
    const count = residuals.length;
    const v = kernelMatrix(la, kernel, basisInputs, m, x, count, d);
    la.solveLower(m, count, this.#root, v, false);
    const left = kernelDiagonal(kernel, x, count, d);
    for (let i = 0; i < m; i++) for (let j = 0; j < count; j++) left[j]! -= v[i * count + j]! ** 2;
    for (let j = 0; j < count; j++) {
      const unexplained = Math.max(0, left[j]!);
      const variance = noiseVariance[j]! + unexplained;
      const precision = 1 / Math.sqrt(variance);
      for (let i = 0; i < m; i++) {
        v[i * count + j]! *= precision;
        this.#right[i]! += sign * v[i * count + j]! * residuals[j]! * precision;
      }
      this.#unexplained += sign * unexplained;
      if (sign > 0) this.#largestUnexplainedShare = Math.max(this.#largestUnexplainedShare, unexplained / noiseVariance[j]!);
      this.#weightedSquares += (sign * residuals[j]! ** 2) / variance;
    }
    this.#rows += sign * count;
    return v;
  }
}

const checkRows = (x: Float64Array, residuals: Float64Array, noiseVariance: Float64Array, count: number, d: number): void => {
  if (x.length !== count * d || noiseVariance.length !== count)
    throw new RangeError(`${x.length} inputs and ${noiseVariance.length} noise variances for ${count} rows of ${d}.`);
  if (!x.every(Number.isFinite) || !residuals.every(Number.isFinite)) throw new RangeError("The rows hold values that are not finite.");
  if (!noiseVariance.every((value) => value > 0 && Number.isFinite(value))) throw new RangeError("Noise variances are above 0.");
};
