import { type DuckdbSession, isFatal, openSession, storeError } from "#adapters/store/duckdbSession";
import { IsothermError } from "#domain/errors";

/**
 * The one way to the database: operations run side by side on their session, and when DuckDB gives the session up (disk full, failed fsync),
 * the file is opened again before the next operation. `onOpen` rebuilds what is remembered from the file, since what was committed last is only known there.
 */
export class DuckdbGate {
  readonly #dataDir: string;
  readonly #file: string;
  readonly #readOnly: boolean;
  readonly #onOpen: (session: DuckdbSession) => Promise<void>;
  #session: DuckdbSession | null = null;
  #broken = false;
  #closed = false;
  #inFlight = 0;
  #idle: (() => void)[] = [];
  #opening: Promise<void> | null = null;

  constructor(dataDir: string, file: string, readOnly: boolean, onOpen: (session: DuckdbSession) => Promise<void>) {
    this.#dataDir = dataDir;
    this.#file = file;
    this.#readOnly = readOnly;
    this.#onOpen = onOpen;
  }

  /** Runs `work` on a healthy session; errors come out as IsothermErrors. */
  async use<T>(work: (session: DuckdbSession) => Promise<T>): Promise<T> {
    const session = await this.#healthy();
    this.#inFlight++;
    try {
      return await work(session);
    } catch (error) {
      if (isFatal(error)) this.distrust();
      throw storeError(error, this.#file);
    } finally {
      if (--this.#inFlight === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** Has the file opened again before the next operation: after a failed commit only the file knows what is in it. */
  distrust(): void {
    this.#broken = true;
  }

  async open(): Promise<void> {
    await this.#healthy();
  }

  async close(last: (session: DuckdbSession) => Promise<void>): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    await this.#quiet();
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    try {
      if (!this.#broken) await last(session);
    } finally {
      session.close();
    }
  }

  async #healthy(): Promise<DuckdbSession> {
    for (;;) {
      if (this.#closed)
        throw new IsothermError("permanent", "The store is closed.", { place: { file: this.#file }, todo: "Open it again." });
      if (this.#session !== null && !this.#broken) return this.#session;
      this.#opening ??= this.#reopen().finally(() => {
        this.#opening = null;
      });
      await this.#opening;
    }
  }

  async #reopen(): Promise<void> {
    await this.#quiet();
    this.#session?.close();
    this.#session = null;
    const session = await openSession(this.#dataDir, this.#readOnly);
    try {
      await this.#onOpen(session);
    } catch (error) {
      session.close();
      throw storeError(error, this.#file);
    }
    this.#session = session;
    this.#broken = false;
  }

  async #quiet(): Promise<void> {
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

/** Runs tasks one after the other, in the order they came; a failed one does not stop the next. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    // Not the result: a model of megabytes would stay in memory until the next task ends.
    const forget = (): void => undefined;
    this.#tail = result.then(forget, forget);
    return result;
  }

  async drained(): Promise<void> {
    await this.#tail;
  }
}
