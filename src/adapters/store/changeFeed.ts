import type { StoreChange } from "#domain/store";

/** Handlers told of acknowledged changes, in the order they were added; one that throws is reported and hinders neither the others nor the store. */
export class ChangeFeed {
  readonly #handlers = new Set<(change: StoreChange) => void>();
  readonly #onWarning: (text: string) => void;

  constructor(onWarning: (text: string) => void) {
    this.#onWarning = onWarning;
  }

  add(handler: (change: StoreChange) => void): () => void {
    // Wrapped, so that the same function added twice is called twice and each removal takes away one.
    const entry = (change: StoreChange) => handler(change);
    this.#handlers.add(entry);
    return () => void this.#handlers.delete(entry);
  }

  tell(change: StoreChange): void {
    for (const handler of [...this.#handlers]) {
      try {
        handler(change);
      } catch (error) {
        this.#onWarning(`A listener to store changes failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  clear(): void {
    this.#handlers.clear();
  }
}
