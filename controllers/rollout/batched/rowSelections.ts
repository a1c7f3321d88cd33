import type { PosteriorData } from "#domain/model";
import type { LinearAlgebra } from "#math/linearAlgebra";

/** A selection that leaves out less than this share of the rows is not worth a root of its own. */
const LEAST_LEFT_OUT = 0.2;

export interface RowSelectionOptions {
  readonly la: LinearAlgebra;
  readonly posterior: Omit<PosteriorData, "features">;
  /** E = W X Λ, p×q row-major: filled before the first `choose`. */
  readonly leading: Float64Array;
  readonly q: number;
  readonly withVariance: boolean;
  /** Selections that are kept; number 0, all rows, is always among them. */
  readonly most: number;
  readonly activeRows: (row: Float64Array) => Int32Array;
}

interface Selection {
  readonly rows: Int32Array;
  readonly key: string;
  /** R lower triangular with RᵀR = [E W_A]ᵀ[E W_A], width q + |A|. */
  readonly root: { readonly values: Float64Array; readonly width: number } | null;
}

/**
 * Selections A of a posterior's basis rows and their roots: ‖E Δ + W_A δ_A‖² = ‖R [Δ; δ_A]‖² with (q + |A|)² / 2 instead of p · m products a sample. Few differ over
 * a day (people are there or not), so that they are kept from decision to decision.
 */
export class RowSelections {
  readonly #options: RowSelectionOptions;
  /** By number; a number whose rows have no root stays empty. */
  readonly #kept: (Selection | undefined)[];
  #next = 1;

  constructor(options: RowSelectionOptions) {
    this.#options = options;
    this.#kept = [{ rows: Int32Array.from({ length: options.posterior.m }, (_, i) => i), key: "all", root: null }];
  }

  rows(which: number): Int32Array {
    return this.#kept[which]!.rows;
  }

  /** null: of all rows. */
  root(which: number): Selection["root"] {
    return this.#kept[which]!.root;
  }

  /** For every step the selection that holds what is active at any of its shared rows, and the ones that are new. */
  choose(steps: readonly (readonly Float64Array[])[]): { readonly selectionOf: Int32Array; readonly fresh: readonly number[] } {
    const used = new Set<number>([0]);
    const fresh: number[] = [];
    const selectionOf = Int32Array.from(steps, (shared) => {
      const rows = union(shared.map(this.#options.activeRows));
      if (rows.length > (1 - LEAST_LEFT_OUT) * this.#options.posterior.m) return 0;
      const key = rows.join(",");
      const known = this.#kept.findIndex((one) => one?.key === key);
      if (known >= 0) {
        used.add(known);
        return known;
      }
      const which = this.#free(used);
      if (which === null) return 0;
      const root = this.#options.withVariance ? this.#rootOf(rows) : null;
      if (this.#options.withVariance && root === null) return 0;
      this.#kept[which] = { rows, key, root };
      used.add(which);
      fresh.push(which);
      return which;
    });
    return { selectionOf, fresh };
  }

  /** A place that no step of this decision uses, the longest filled first. */
  #free(used: ReadonlySet<number>): number | null {
    const { most } = this.#options;
    for (let tried = 1; tried < most; tried++) {
      const which = this.#next;
      this.#next = this.#next + 1 < most ? this.#next + 1 : 1;
      if (!used.has(which)) return which;
    }
    return null;
  }

  /** null where the product is not positive definite in float64: there all rows are used. */
  #rootOf(active: Int32Array): Selection["root"] {
    const { la, posterior, leading, q } = this.#options;
    const { varianceRoot, p, m } = posterior;
    const width = q + active.length;
    if (width > p) return null;
    // From the last column to the first: the factor turned round is lower triangular on the right side.
    const columns = new Float64Array(p * width);
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < q; j++) columns[i * width + width - 1 - j] = leading[i * q + j]!;
      active.forEach((row, j) => {
        columns[i * width + width - 1 - q - j] = varianceRoot[i * m + row]!;
      });
    }
    const product = new Float64Array(width * width);
    la.gemm(true, false, width, width, p, 1, columns, columns, 0, product);
    if (la.cholesky(width, product) !== 0) return null;
    const values = new Float64Array(width * width);
    for (let i = 0; i < width; i++) for (let j = 0; j <= i; j++) values[i * width + j] = product[(width - 1 - j) * width + width - 1 - i]!;
    return { values, width };
  }
}

const union = (sets: readonly Int32Array[]): Int32Array =>
  sets.length === 1 ? sets[0]! : Int32Array.from([...new Set(sets.flatMap((rows) => [...rows]))].sort((a, b) => a - b));
