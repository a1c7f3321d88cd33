/**
 * Scratch matrices that a caller keeps between evaluations: fresh megabytes cost as much in page faults as the arithmetic on them.
 * Contents are undefined when taken, and every matrix taken is taken back at the next reset.
 */
export class MatrixPool {
  readonly #matrices = new Map<number, Float64Array[]>();
  readonly #taken = new Map<number, number>();

  take(length: number): Float64Array {
    const matrices = this.#matrices.get(length) ?? [];
    const taken = this.#taken.get(length) ?? 0;
    this.#matrices.set(length, matrices);
    this.#taken.set(length, taken + 1);
    matrices[taken] ??= new Float64Array(length);
    return matrices[taken];
  }

  reset(): void {
    this.#taken.clear();
  }
}
