/** What has to be undone at the end, in the opposite order, each within its time: nothing that hangs keeps the rest from being closed. */
export class Shutdown {
  readonly #steps: { readonly name: string; readonly close: () => Promise<void> | void; readonly longestMs: number }[] = [];

  /** `longestMs`: real time after which the next one is closed all the same. */
  add(name: string, close: () => Promise<void> | void, longestMs = 1_000): void {
    this.#steps.push({ name, close, longestMs });
  }

  async run(onProblem: (name: string, error: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { name, close, longestMs } = step;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not closed within ${longestMs} ms`)), longestMs);
      });
      try {
        await Promise.race([Promise.resolve().then(close), late]);
      } catch (error) {
        onProblem(name, error);
      } finally {
        clearTimeout(timer);
      }
    }
  }
}
