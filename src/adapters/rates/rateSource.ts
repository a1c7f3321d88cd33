import { type CleanRates, cleanRates, type RateLimits, type RateSeries } from "#math/rateSeries";
import { type RateTextOptions, readRates } from "#math/rateText";

/** Where prices or intensities by the hour come from: a file, or a feed. */
export interface RateSource {
  /** For people: a file's name, a feed's host. */
  readonly name: string;
  /** What is known now. What was good once stays while something newer cannot be read. */
  readonly series: RateSeries;
  /** Why nothing newer could be read; null: all is well. */
  readonly trouble: string | null;
  /** What was left out of the newest reading. */
  readonly notes: readonly string[];
  /** When it was read last, by the clock on the wall (Unix ms); null: never. */
  readonly readMs: number | null;
  /** Looks for something newer where it is time to. Never rejects, never runs twice at once. */
  refresh(): Promise<void>;
}

/** Text → checked rows: `readRates`, then `cleanRates`, with the notes of both. */
export type RateReader = (text: string) => CleanRates;
export const rateReader =
  (options: RateTextOptions, limits: RateLimits): RateReader =>
  (text) => {
    const read = readRates(text, options);
    if (!read.ok) return read;
    const clean = cleanRates(read.rows, limits);
    return clean.ok ? { ...clean, notes: [...read.notes, ...clean.notes] } : clean;
  };
