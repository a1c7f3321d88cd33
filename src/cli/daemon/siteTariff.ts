import { createHash } from "node:crypto";
import { join } from "node:path";
import { createRateFeed } from "#adapters/rates/rateFeed";
import { createRateFile } from "#adapters/rates/rateFile";
import { type RateSource, rateReader } from "#adapters/rates/rateSource";
import { energyPriceAt } from "#config/comfort";
import type { PlannerConfig, RateSourceConfig, SiteConfig } from "#config/siteConfig";
import type { AlarmBoard } from "#loop/alarmBoard";
import type { TariffOutlook } from "#loop/cycleParts";
import { type FilledRates, type RateLimits, ratesOver } from "#math/rateSeries";
import { carbonNames, priceNames } from "#math/rateText";
import { rateUnit } from "#math/rateUnit";

const DAY_MS = 86_400_000;
/** How far around now a feed is asked: yesterday's hours fill gaps, two days ahead are published at most. */
const DAYS_AHEAD = 3;
/** A source that has failed for so many of its intervals is told of even while what is known lasts. */
const SILENT_INTERVALS = 6;

/** What the site pays and emits per kWh, by the hour where a file or a feed says so. */
export interface SiteTariff {
  outlook(stepEndMs: ArrayLike<number>): SiteOutlook;
  /** In force at one moment. */
  now(timeMs: number): { readonly energyPricePerKwh: number; readonly carbonKgPerKwh: number };
  /** Reads files and feeds where it is time to; never rejects. */
  refresh(): Promise<void>;
  /** Raises or clears the alarms of prices and intensities for the coming steps. */
  check(stepEndMs: ArrayLike<number>): Promise<void>;
}
export interface SiteOutlook extends TariffOutlook {
  /** What the planner weighs a kWh with. */
  readonly weighedPerKwh: Float64Array;
}

export interface SiteTariffParts {
  readonly config: SiteConfig;
  readonly toLocalMs: (timeMs: number) => number;
  readonly nowMs: () => number;
  readonly alarms: Pick<AlarmBoard, "set">;
  readonly onError: (error: unknown) => void;
  /** Ends requests that are under way. */
  readonly signal: AbortSignal;
}

type RateKind = "prices" | "intensities";
const kinds = {
  prices: { names: priceNames, unit: "price", title: "Prices of energy", instead: "planner.tariff.energy" },
  intensities: { names: carbonNames, unit: "intensity", title: "Carbon intensities", instead: "planner.tariff.carbon" },
} as const;

/**
 * What a kWh counts for under an objective, with the price p (currency/kWh), the intensity c (kg/kWh) and a price of emissions q (currency/t):
 *   bill p + q c / 1000,   energy p₀,   carbon p₀ c / c₀        (p₀, c₀: what the site file says of all hours)
 */
export const weighedPrice = ({ objective, tariff }: PlannerConfig, pricePerKwh: number, carbonKgPerKwh: number): number => {
  const { energyPricePerKwh, carbonKgPerKwh: usualKgPerKwh, carbonPricePerTonne } = tariff;
  if (objective === "energy") return energyPricePerKwh;
  if (objective === "carbon") return usualKgPerKwh > 0 ? (energyPricePerKwh * carbonKgPerKwh) / usualKgPerKwh : energyPricePerKwh;
  return carbonPricePerTonne === 0 ? pricePerKwh : pricePerKwh + (carbonPricePerTonne * carbonKgPerKwh) / 1000;
};

const filledIn = (url: string, nowMs: number, key: string | null, toLocalMs: (timeMs: number) => number): string => {
  const localDay = Math.floor(toLocalMs(nowMs) / DAY_MS) * DAY_MS;
  // The local day's begin as an instant, but for clock changes: an hour more or less is asked for.
  const fromMs = nowMs - (toLocalMs(nowMs) - localDay) - DAY_MS;
  const toMs = fromMs + (1 + DAYS_AHEAD) * DAY_MS;
  const values: Readonly<Record<string, string>> = {
    from: new Date(fromMs).toISOString().slice(0, 19).concat("Z"),
    to: new Date(toMs).toISOString().slice(0, 19).concat("Z"),
    fromDate: new Date(localDay - DAY_MS).toISOString().slice(0, 10),
    toDate: new Date(localDay + DAYS_AHEAD * DAY_MS).toISOString().slice(0, 10),
    fromMs: String(fromMs),
    toMs: String(toMs),
    key: key ?? "",
  };
  return url.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? encodeURIComponent(values[name]!) : whole));
};

const openSource = async (
  kind: RateKind,
  source: RateSourceConfig,
  limits: RateLimits,
  { config, toLocalMs, nowMs, onError, signal }: SiteTariffParts,
): Promise<RateSource> => {
  const { file, url, key, keyHeader, rows, time, value, factor, scale, add } = source;
  const { names, unit: unitKind } = kinds[kind];
  const read = rateReader(
    { rows, time, value, valueNames: names, factor, scale, add, unitFactor: (unit) => rateUnit(unit, unitKind)?.factor ?? null, toLocalMs },
    limits,
  );
  if (file !== null) {
    const rateFile = createRateFile(file, read);
    // Known before the first decision; a feed may take its time.
    await rateFile.refresh();
    return rateFile;
  }
  const address = url ?? "";
  const inAddress = address.includes("{key}");
  const revealed = key?.reveal() ?? null;
  const reading = [address, rows, time, value, factor, scale, add, config.site.timeZone];
  return createRateFeed({
    url: () => filledIn(address, nowMs(), revealed, toLocalMs),
    name: new URL(address).host,
    headers:
      revealed === null || inAddress
        ? {}
        : { [keyHeader.toLowerCase()]: keyHeader.toLowerCase() === "authorization" ? `Bearer ${revealed}` : revealed },
    holdsKey: revealed !== null,
    fingerprint: createHash("sha256").update(JSON.stringify(reading)).digest("hex"),
    memoryFile: join(config.store.directory, `${kind}.json`),
    read,
    refreshMs: source.refreshMs,
    timeoutMs: source.timeoutMs,
    requestsPerDay: source.requestsPerDay,
    siteNowMs: nowMs,
    onError,
    signal,
  });
};

/** Rates of one kind: those of its source, with gaps filled, or what the site file says of all hours. */
interface SiteRates {
  readonly source: RateSource | null;
  over(stepEndMs: ArrayLike<number>): FilledRates;
}

const steps = (count: number, of: number): string => (count === of ? `all ${of}` : `${count} of ${of}`);
const gapText = (kind: RateKind, { name }: RateSource, { fromEarlierDay, fromConfigured }: FilledRates, of: number): string | null => {
  const { title, instead } = kinds[kind];
  const parts = [
    ...(fromEarlierDay > 0 ? [`${steps(fromEarlierDay, of)} coming steps take the same hour of an earlier day`] : []),
    ...(fromConfigured > 0 ? [`${steps(fromConfigured, of)} coming steps take ${instead}`] : []),
  ];
  return parts.length === 0 ? null : `${title} (${name}) have gaps: ${parts.join(", ")}.`;
};

/** The site's tariff as its file says, from files and feeds where it names some. */
export const createSiteTariff = async (parts: SiteTariffParts): Promise<SiteTariff> => {
  const { config, toLocalMs, nowMs, alarms } = parts;
  const { planner, control } = config;
  const { tariff } = planner;
  const rates = async (kind: RateKind, limits: RateLimits, otherwise: (timeMs: number) => number): Promise<SiteRates> => {
    const given = tariff[kind];
    const source = given === null ? null : await openSource(kind, given, limits, parts);
    return {
      source,
      over: (stepEndMs) =>
        source === null
          ? // As the file has it, judged at the middle of the step.
            {
              values: Float64Array.from(stepEndMs, (endMs) => otherwise(endMs - control.stepS * 500)),
              fromEarlierDay: 0,
              fromConfigured: 0,
            }
          : ratesOver(source.series, stepEndMs, control.stepS, { otherwise, toLocalMs }),
    };
  };
  const known: Readonly<Record<RateKind, SiteRates>> = {
    prices: await rates("prices", { usual: tariff.energyPricePerKwh, mayBeNegative: true }, (timeMs) => energyPriceAt(config, timeMs)),
    intensities: await rates("intensities", { usual: tariff.carbonKgPerKwh, mayBeNegative: false }, () => tariff.carbonKgPerKwh),
  };
  const outlook = (stepEndMs: ArrayLike<number>): SiteOutlook => {
    const prices = known.prices.over(stepEndMs);
    const intensities = known.intensities.over(stepEndMs);
    const weighs: Readonly<Record<RateKind, boolean>> = {
      prices: planner.objective === "bill",
      intensities: planner.objective === "carbon" || (planner.objective === "bill" && tariff.carbonPricePerTonne > 0),
    };
    const notes = (["prices", "intensities"] as const).flatMap((kind) => {
      const { source } = known[kind];
      if (source === null || !weighs[kind]) return [];
      return gapText(kind, source, kind === "prices" ? prices : intensities, stepEndMs.length) ?? [];
    });
    return {
      energyPricePerKwh: prices.values,
      carbonKgPerKwh: known.intensities.source === null ? null : intensities.values,
      weighedPerKwh: prices.values.map((price, t) => weighedPrice(planner, price, intensities.values[t]!)),
      notes,
    };
  };
  const checkOne = async (kind: RateKind, stepEndMs: ArrayLike<number>): Promise<void> => {
    const { source, over } = known[kind];
    const given = tariff[kind];
    if (source === null || given === null) return;
    const gap = gapText(kind, source, over(stepEndMs), stepEndMs.length);
    const silentMs = source.readMs === null ? Number.POSITIVE_INFINITY : Date.now() - source.readMs;
    const isSilent = source.trouble !== null && (given.file !== null || silentMs > SILENT_INTERVALS * given.refreshMs);
    const { title } = kinds[kind];
    await alarms.set(
      gap !== null || isSilent,
      {
        id: kind === "prices" ? "energy-prices" : "carbon-intensities",
        level: "warning",
        text: `${gap ?? `${title} (${source.name}) cannot be read anew.`}${source.trouble === null ? "" : ` The newest could not be read: ${source.trouble}.`}${source.notes.length === 0 ? "" : ` Left out: ${source.notes.join(", ")}.`}`,
        action: `Check planner.tariff.${kind} in the site file and what stands behind it.`,
      },
      nowMs(),
    );
  };
  return {
    outlook,
    now: (timeMs) => {
      const at = [timeMs + control.stepS * 500];
      return { energyPricePerKwh: known.prices.over(at).values[0]!, carbonKgPerKwh: known.intensities.over(at).values[0]! };
    },
    refresh: async () => {
      await known.prices.source?.refresh();
      await known.intensities.source?.refresh();
    },
    check: async (stepEndMs) => {
      await checkOne("prices", stepEndMs);
      await checkOne("intensities", stepEndMs);
    },
  };
};
