import type { HealthView } from "#dashboards/server/wire";

/** Health is asked for without a log-in: the disk is written to no more often than this. */
const PROBE_EVERY_MS = 10_000;
/** A store that takes nothing for so long does not work. */
const PROBE_LONGEST_MS = 15_000;

/**
 * Whether the store takes data, found out by writing: a disk that is full or read-only still answers questions. One write at a time, and not more than one in ten seconds; meanwhile the
 * last outcome counts. A write that does not end within 15 s has failed.
 */
export const createStoreHealth = (options: {
  readonly probe: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly monotonicMs?: () => number;
  readonly everyMs?: number;
  readonly longestMs?: number;
}): (() => Promise<HealthView["store"]>) => {
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  let last: { readonly atMs: number; readonly outcome: Promise<HealthView["store"]> } | null = null;
  const probe = async (): Promise<HealthView["store"]> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the store did not take a write in time")), options.longestMs ?? PROBE_LONGEST_MS);
    });
    try {
      await Promise.race([options.probe(), late]);
      return "ok";
    } catch (error) {
      options.onError(error);
      return "failing";
    } finally {
      clearTimeout(timer);
    }
  };
  return () => {
    const nowMs = monotonicMs();
    if (last === null || nowMs - last.atMs >= (options.everyMs ?? PROBE_EVERY_MS)) last = { atMs: nowMs, outcome: probe() };
    return last.outcome;
  };
};
