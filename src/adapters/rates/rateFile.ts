import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { RateReader, RateSource } from "#adapters/rates/rateSource";
import { noRates, type RateSeries, rateSeries } from "#math/rateSeries";

/** Ten years of quarter-hours. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Rates from a file that somebody else writes: read anew when its size or time changes. A file that is half written or gone leaves what was good. */
export const createRateFile = (file: string, read: RateReader, nowMs: () => number = Date.now): RateSource => {
  let series: RateSeries = noRates;
  let trouble: string | null = null;
  let notes: readonly string[] = [];
  let readMs: number | null = null;
  let seen = "";
  let running: Promise<void> | null = null;

  const look = async (): Promise<void> => {
    try {
      const { size, mtimeMs } = await stat(file);
      const version = `${size} ${mtimeMs}`;
      if (version === seen) return;
      if (size > MAX_BYTES) {
        trouble = `it holds ${size} bytes, more than ${MAX_BYTES}`;
        return;
      }
      const result = read(await readFile(file, "utf8"));
      seen = version;
      if (!result.ok) {
        trouble = result.problem;
        return;
      }
      series = rateSeries(result.rows);
      notes = result.notes;
      trouble = null;
      readMs = nowMs();
    } catch (error) {
      seen = "";
      const { code } = error as NodeJS.ErrnoException;
      trouble = code === "ENOENT" ? "it does not exist" : `it cannot be read (${code ?? String(error)})`;
    }
  };
  return {
    name: basename(file),
    get series() {
      return series;
    },
    get trouble() {
      return trouble;
    },
    get notes() {
      return notes;
    },
    get readMs() {
      return readMs;
    },
    refresh: () => {
      running ??= look().finally(() => {
        running = null;
      });
      return running;
    },
  };
};
