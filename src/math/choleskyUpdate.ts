import { CholeskyError } from "#math/choleskyWithJitter";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** What a downdate or an added row must leave of a pivot, relative to its size, to count as positive definite. */
const LEAST_PIVOT = 1e-14;

/**
 * Cholesky factor L of a symmetric positive definite A = L Lᵀ whose rows come and go, float64, lower triangle packed by rows so that a row is added
 * without a copy of the rest. Every change costs O(n²) instead of a refit's n³/3, and works on whole rows: rotations are carried along a row, which
 * keeps memory access in order. (Golub & Van Loan 2013, section 6.5.4; downdate: Dongarra, Bunch, Moler & Stewart, LINPACK users' guide 1979, dchdd.)
 * A change that would lose positive definiteness throws CholeskyError and leaves the factor as it was.
 */
export class PackedCholesky {
  #packed: Float64Array;
  #n: number;
  #cosines = new Float64Array(0);
  #sines = new Float64Array(0);

  private constructor(n: number, packed: Float64Array) {
    this.#n = n;
    this.#packed = packed;
  }

  static empty(): PackedCholesky {
    return new PackedCholesky(0, new Float64Array(64));
  }

  /** From a dense L, n×n row-major; what stands above its diagonal is not read. */
  static fromLower(n: number, lower: Float64Array): PackedCholesky {
    const packed = new Float64Array(Math.max(64, start(n)));
    for (let i = 0; i < n; i++) packed.set(lower.subarray(i * n, i * n + i + 1), start(i));
    return new PackedCholesky(n, packed);
  }

  /** Factor of a dense A, n×n row-major, left untouched; A that is not positive definite throws CholeskyError. */
  static of(la: LinearAlgebra, n: number, a: Float64Array): PackedCholesky {
    const lower = a.slice(0, n * n);
    const order = la.cholesky(n, lower);
    if (order !== 0) throw lost(`The leading minor of order ${order} is not positive.`);
    return PackedCholesky.fromLower(n, lower);
  }

  get n(): number {
    return this.#n;
  }

  /** L, n×n row-major, zeros above the diagonal. */
  toLower(): Float64Array {
    const n = this.#n;
    const lower = new Float64Array(n * n);
    for (let i = 0; i < n; i++) lower.set(this.#packed.subarray(start(i), start(i + 1)), i * n);
    return lower;
  }

  /** log |A| = 2 Σ log L_ii. */
  logDeterminant(): number {
    let sum = 0;
    for (let i = 0; i < this.#n; i++) sum += 2 * Math.log(this.#packed[start(i) + i]!);
    return sum;
  }

  /**
   * A becomes [A a; aᵀ d]: the new row of L is w = L⁻¹ a and √(d − ‖w‖²).
   * @param column a, n. @param diagonal d. Values that are not finite, and d − ‖w‖² ≤ 0, throw CholeskyError.
   */
  append(column: Float64Array, diagonal: number): void {
    const n = this.#n;
    checkLength(column, n);
    const row = this.solveLower(column.slice());
    let left = diagonal;
    for (let i = 0; i < n; i++) left -= row[i]! * row[i]!;
    if (!(left > LEAST_PIVOT * Math.abs(diagonal)) || !Number.isFinite(left)) {
      throw lost(`A row of variance ${diagonal} leaves ${left} when the ${n} rows before it are taken off.`);
    }
    this.#reserve(start(n + 1));
    this.#packed.set(row, start(n));
    this.#packed[start(n) + n] = Math.sqrt(left);
    this.#n = n + 1;
  }

  /**
   * A loses row and column k: the rows below become L̃ with L̃ L̃ᵀ = L₂₂ L₂₂ᵀ + l lᵀ, l their entries in column k. Always positive definite, so it cannot
   * fail. A row that is not there throws RangeError.
   * @param whitened w = L⁻¹ b, n, where one is kept: its first n − 1 entries become L̃⁻¹ of b without entry k, for O(n) more.
   */
  remove(k: number, whitened?: Float64Array): void {
    const n = this.#n;
    if (!Number.isInteger(k) || k < 0 || k >= n) throw new RangeError(`There is no row ${k} among ${n}.`);
    const carried = Float64Array.from({ length: n - k - 1 }, (_, i) => this.#packed[start(k + 1 + i) + k]!);
    this.#n = n - 1;
    this.#rotateIn(carried, k, true);
    if (whitened === undefined) return;
    // wᵀ is one more row of L: the same rotations act on it.
    let carry = whitened[k]!;
    for (let i = k; i < n - 1; i++) {
      const [c, s] = [this.#cosines[i - k]!, this.#sines[i - k]!];
      const entry = whitened[i + 1]!;
      whitened[i] = c * entry + s * carry;
      carry = c * carry - s * entry;
    }
  }

  /** A becomes A + v vᵀ. @param v n. Values that are not finite throw CholeskyError. */
  update(v: Float64Array): void {
    checkLength(v, this.#n);
    if (!v.every(Number.isFinite)) throw lost("The update holds values that are not finite.");
    this.#rotateIn(v.slice(), 0);
  }

  /** A becomes A − v vᵀ. @param v n. Where that is not positive definite, 1 − ‖L⁻¹ v‖² ≤ 0, CholeskyError. */
  downdate(v: Float64Array): void {
    const n = this.#n;
    checkLength(v, n);
    const p = this.solveLower(v.slice());
    let left = 1;
    for (let i = 0; i < n; i++) left -= p[i]! * p[i]!;
    if (!(left > LEAST_PIVOT) || !Number.isFinite(left)) throw lost(`A downdate leaves 1 − ‖L⁻¹v‖² = ${left}.`);
    const [c, s] = this.#rotations(n);
    let alpha = Math.sqrt(left);
    for (let k = n - 1; k >= 0; k--) {
      const length = Math.hypot(alpha, p[k]!);
      c[k] = alpha / length;
      s[k] = p[k]! / length;
      alpha = length;
    }
    const packed = this.#packed;
    for (let i = 0; i < n; i++) {
      let carry = 0;
      for (let k = i, at = start(i) + i; k >= 0; k--, at--) {
        const entry = packed[at]!;
        packed[at] = c[k]! * entry - s[k]! * carry;
        carry = c[k]! * carry + s[k]! * entry;
      }
    }
  }

  /** b ← L⁻¹ b, in place and returned. */
  solveLower(b: Float64Array): Float64Array {
    const packed = this.#packed;
    const n = this.#n;
    let i = 0;
    // Four rows at once: b is read a quarter as often, and no sum waits for its own additions.
    for (; i + 3 < n; i += 4) {
      const [row0, row1, row2, row3] = [start(i), start(i + 1), start(i + 2), start(i + 3)];
      let value0 = b[i]!;
      let value1 = b[i + 1]!;
      let value2 = b[i + 2]!;
      let value3 = b[i + 3]!;
      for (let k = 0; k < i; k++) {
        const known = b[k]!;
        value0 -= packed[row0 + k]! * known;
        value1 -= packed[row1 + k]! * known;
        value2 -= packed[row2 + k]! * known;
        value3 -= packed[row3 + k]! * known;
      }
      value0 /= packed[row0 + i]!;
      value1 = (value1 - packed[row1 + i]! * value0) / packed[row1 + i + 1]!;
      value2 = (value2 - packed[row2 + i]! * value0 - packed[row2 + i + 1]! * value1) / packed[row2 + i + 2]!;
      value3 -= packed[row3 + i]! * value0 + packed[row3 + i + 1]! * value1 + packed[row3 + i + 2]! * value2;
      b[i] = value0;
      b[i + 1] = value1;
      b[i + 2] = value2;
      b[i + 3] = value3 / packed[row3 + i + 3]!;
    }
    for (; i < n; i++) {
      const row = start(i);
      let value = b[i]!;
      for (let k = 0; k < i; k++) value -= packed[row + k]! * b[k]!;
      b[i] = value / packed[row + i]!;
    }
    return b;
  }

  /** The last entry of L⁻¹ b from b's last and the entries of L⁻¹ b before it, O(n). @param whitened n − 1 entries at least. */
  solveLast(whitened: Float64Array, last: number): number {
    const row = start(this.#n - 1);
    let left = last;
    for (let i = 0; i < this.#n - 1; i++) left -= this.#packed[row + i]! * whitened[i]!;
    return left / this.#packed[row + this.#n - 1]!;
  }

  /** b ← L⁻ᵀ b, in place and returned. */
  solveUpper(b: Float64Array): Float64Array {
    const packed = this.#packed;
    let i = this.#n - 1;
    // Four rows at once: b is read and written a quarter as often.
    for (; i >= 3; i -= 4) {
      const [row0, row1, row2, row3] = [start(i), start(i - 1), start(i - 2), start(i - 3)];
      const value0 = b[i]! / packed[row0 + i]!;
      const value1 = (b[i - 1]! - packed[row0 + i - 1]! * value0) / packed[row1 + i - 1]!;
      const value2 = (b[i - 2]! - packed[row0 + i - 2]! * value0 - packed[row1 + i - 2]! * value1) / packed[row2 + i - 2]!;
      const left = b[i - 3]! - packed[row0 + i - 3]! * value0 - packed[row1 + i - 3]! * value1 - packed[row2 + i - 3]! * value2;
      const value3 = left / packed[row3 + i - 3]!;
      b[i] = value0;
      b[i - 1] = value1;
      b[i - 2] = value2;
      b[i - 3] = value3;
      for (let k = 0; k < i - 3; k++)
        b[k] = b[k]! - packed[row0 + k]! * value0 - packed[row1 + k]! * value1 - packed[row2 + k]! * value2 - packed[row3 + k]! * value3;
    }
    for (; i >= 0; i--) {
      const row = start(i);
      const value = b[i]! / packed[row + i]!;
      b[i] = value;
      for (let k = 0; k < i; k++) b[k]! -= packed[row + k]! * value;
    }
    return b;
  }

  /** A⁻¹ b, a new array. */
  solve(b: Float64Array): Float64Array {
    checkLength(b, this.#n);
    return this.solveUpper(this.solveLower(b.slice()));
  }

  /**
   * Rows from `first` on: L̃ L̃ᵀ = L Lᵀ + x xᵀ, rotation k taken from row `first + k` and carried along every row below.
   * @param x what is carried, one a row. @param isGap rows and columns after `first` move up by one on the way: the triangle is read and written once.
   */
  #rotateIn(x: Float64Array, first: number, isGap = false): void {
    const packed = this.#packed;
    const count = x.length;
    const [c, s] = this.#rotations(count);
    const gap = Number(isGap);
    let i = 0;
    // Four rows at once: what is carried along one row waits for its own products, the others' fill the time.
    for (; i + 3 < count; i += 4) {
      if (isGap) for (let row = first + i; row < first + i + 4; row++) this.#moveUp(row, first);
      const [to0, to1, to2, to3] = [this.#at(i, first), this.#at(i + 1, first), this.#at(i + 2, first), this.#at(i + 3, first)];
      const [from0, from1] = [this.#at(i + gap, first) + gap, this.#at(i + 1 + gap, first) + gap];
      const [from2, from3] = [this.#at(i + 2 + gap, first) + gap, this.#at(i + 3 + gap, first) + gap];
      let x0 = x[i]!;
      let x1 = x[i + 1]!;
      let x2 = x[i + 2]!;
      let x3 = x[i + 3]!;
      for (let k = 0; k < i; k++) {
        const cosine = c[k]!;
        const sine = s[k]!;
        const entry0 = packed[from0 + k]!;
        const entry1 = packed[from1 + k]!;
        const entry2 = packed[from2 + k]!;
        const entry3 = packed[from3 + k]!;
        packed[to0 + k] = cosine * entry0 + sine * x0;
        packed[to1 + k] = cosine * entry1 + sine * x1;
        packed[to2 + k] = cosine * entry2 + sine * x2;
        packed[to3 + k] = cosine * entry3 + sine * x3;
        x0 = cosine * x0 - sine * entry0;
        x1 = cosine * x1 - sine * entry1;
        x2 = cosine * x2 - sine * entry2;
        x3 = cosine * x3 - sine * entry3;
      }
      this.#rotateRow(i, i, x0, from0, to0);
      this.#rotateRow(i + 1, i, x1, from1, to1);
      this.#rotateRow(i + 2, i, x2, from2, to2);
      this.#rotateRow(i + 3, i, x3, from3, to3);
    }
    for (; i < count; i++) {
      if (isGap) this.#moveUp(first + i, first);
      this.#rotateRow(i, 0, x[i]!, this.#at(i + gap, first) + gap, this.#at(i, first));
    }
  }

  /** Where column `first` of row `first + i` stands. */
  #at(i: number, first: number): number {
    return start(first + i) + first;
  }

  /** The first columns of the row below take the place of this row's. */
  #moveUp(row: number, columns: number): void {
    if (columns > 0) this.#packed.copyWithin(start(row), start(row + 1), start(row + 1) + columns);
  }

  /** Rotations `first` to i − 1 along row i, and rotation i from its diagonal. */
  #rotateRow(i: number, first: number, carried: number, from: number, to: number): void {
    const packed = this.#packed;
    const [c, s] = [this.#cosines, this.#sines];
    let carry = carried;
    for (let k = first; k < i; k++) {
      const entry = packed[from + k]!;
      packed[to + k] = c[k]! * entry + s[k]! * carry;
      carry = c[k]! * carry - s[k]! * entry;
    }
    packed[to + i] = packed[from + i]!;
    this.#rotateDiagonal(to + i, i, carry);
  }

  /** Makes rotation k from the diagonal entry at `at` and what was carried to it. */
  #rotateDiagonal(at: number, k: number, carry: number): void {
    const diagonal = this.#packed[at]!;
    const length = Math.hypot(diagonal, carry);
    this.#cosines[k] = diagonal / length;
    this.#sines[k] = carry / length;
    this.#packed[at] = length;
  }

  #rotations(count: number): readonly [Float64Array, Float64Array] {
    if (this.#cosines.length < count) {
      this.#cosines = new Float64Array(2 * count);
      this.#sines = new Float64Array(2 * count);
    }
    return [this.#cosines, this.#sines];
  }

  #reserve(length: number): void {
    if (this.#packed.length >= length) return;
    const larger = new Float64Array(Math.ceil(1.5 * length));
    larger.set(this.#packed);
    this.#packed = larger;
  }
}

/** Where row i begins in the packed triangle. */
const start = (i: number): number => (i * (i + 1)) / 2;

const checkLength = (values: Float64Array, n: number): void => {
  if (values.length !== n) throw new RangeError(`${values.length} values for ${n} rows.`);
};

const lost = (detail: string): CholeskyError =>
  new CholeskyError("not-positive-definite", `A changed covariance matrix is not positive definite. ${detail}`, {
    todo: "Factorise the rows anew with jitter, or look for rows that repeat or contradict each other.",
  });
