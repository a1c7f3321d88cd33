import { getEnvironmentData, isMainThread, setEnvironmentData, type Worker } from "node:worker_threads";

/**
 * A thread that is ended while it loads a native module takes the whole process with it: the module's initialisation can neither finish nor throw
 * (`napi_throw` is fatal in a thread that stops). So a thread loads under this lock, and a thread is ended only by whoever holds it.
 */
const KEY = "isotherm.nativeLock";
const FREE = 0;
const HELD = 1;
/** Longer than any load; a holder that died leaves the lock to the next one after it. */
const PATIENCE_MS = 5_000;

const lock = ((): Int32Array => {
  const inherited = getEnvironmentData(KEY);
  if (inherited instanceof SharedArrayBuffer) return new Int32Array(inherited);
  const own = new SharedArrayBuffer(4);
  // Threads get a copy of the environment data when they start, so the outermost thread has to be the first to read this module.
  setEnvironmentData(KEY, own);
  return new Int32Array(own);
})();

const acquire = async (): Promise<void> => {
  const endMs = performance.now() + PATIENCE_MS;
  while (Atomics.compareExchange(lock, 0, FREE, HELD) !== FREE) {
    if (performance.now() > endMs) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
const release = (): void => {
  Atomics.store(lock, 0, FREE);
};

/** Runs `load` so that this thread is not ended in the middle of it. The main thread, which nobody ends, does not wait. */
export const withNativeLock = async <T>(load: () => Promise<T>): Promise<T> => {
  if (isMainThread) return load();
  await acquire();
  try {
    return await load();
  } finally {
    release();
  }
};

/** `worker.terminate()`, after it has loaded what it is loading. */
export const endWorker = async (worker: Worker): Promise<void> => {
  await acquire();
  try {
    await worker.terminate();
  } finally {
    release();
  }
};
