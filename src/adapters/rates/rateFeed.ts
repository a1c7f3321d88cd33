import { z } from "zod";
import type { RateReader, RateSource } from "#adapters/rates/rateSource";
import { createPoliteFeed, type PoliteFeedOptions } from "#adapters/web/politeFeed";
import { mergeRates, noRates, type RateRow, type RateSeries, rateSeries } from "#math/rateSeries";

export interface RateFeedOptions extends Omit<PoliteFeedOptions<never>, "row" | "read"> {
  readonly read: RateReader;
  /** Rows older than so long before the site's now are forgotten: gaps are filled from the last week. */
  readonly siteNowMs: () => number;
}

const KEPT_MS = 10 * 86_400_000;
type StoredRate = readonly [startMs: number, value: number];
const storedRate = z.tuple([z.number(), z.number()]);
const rateOf = ([startMs, value]: StoredRate): RateRow => ({ startMs, value });

/** Prices or intensities from an address on the web; see `createPoliteFeed` for how it asks. */
export const createRateFeed = async ({ read, siteNowMs, ...options }: RateFeedOptions): Promise<RateSource> => {
  const feed = await createPoliteFeed<StoredRate>({
    ...options,
    row: storedRate,
    read: (text, kept) => {
      const result = read(text);
      if (!result.ok) return result;
      const rows = mergeRates(kept.map(rateOf), result.rows, siteNowMs() - KEPT_MS);
      return { ok: true, rows: rows.map(({ startMs, value }): StoredRate => [startMs, value]), notes: result.notes };
    },
  });
  let known: { readonly rows: readonly StoredRate[]; readonly series: RateSeries } | null = null;
  return {
    name: feed.name,
    get series() {
      const { rows } = feed;
      if (known?.rows !== rows) known = { rows, series: rows.length === 0 ? noRates : rateSeries(rows.map(rateOf)) };
      return known.series;
    },
    get trouble() {
      return feed.trouble;
    },
    get notes() {
      return feed.notes;
    },
    get readMs() {
      return feed.readMs;
    },
    refresh: () => feed.refresh(),
  };
};
