import { resolve } from "node:path";
import { z } from "zod";
import { configurationError } from "#domain/errors";
import { type RateSeries, ratesOver } from "#math/rateSeries";
import { knowsAnything, type RateFile, type RateKind, rateFileSchema, readRateFile } from "#simulators/tariffSeries";
import { civilTime, type StandardTimeZone } from "#simulators/weather/localTime";
import { parseYaml, readTextFile } from "#simulators/yamlFile";

/** A price or intensity that changes with the time of the week: the first period that holds the time counts, `otherwise` where none does. */
export interface TimedRate {
  readonly otherwise: number;
  readonly periods: readonly {
    /** 0 Sunday … 6 Saturday. */
    readonly weekdays: readonly number[];
    readonly fromMinute: number;
    readonly untilMinute: number;
    readonly value: number;
  }[];
  /** Where a file says it by the hour: then the rest fills gaps that no earlier day fills. */
  readonly series?: RateSeries;
}

export interface Tariff {
  readonly name: string;
  readonly energyPricePerKwh: TimedRate;
  /** For each kW of the month's highest 15-minute mean; a run of d days pays d/30 of it. */
  readonly demandChargePerKwMonth: number;
  readonly fuelPricePerKwh: number;
  readonly carbonKgPerKwh: TimedRate;
  readonly fuelCarbonKgPerKwh: number;
}

const constant = (value: number): TimedRate => ({ otherwise: value, periods: [] });
const workdays = [1, 2, 3, 4, 5];
/** United States mean (EPA eGRID 2022, 823 lb CO2-equivalent per MWh) and natural gas (EPA, 53.06 kg per million Btu). */
const gridCarbonKgPerKwh = 0.373;
const gasCarbonKgPerKwh = 0.181;
const common = { fuelPricePerKwh: 0.05, carbonKgPerKwh: constant(gridCarbonKgPerKwh), fuelCarbonKgPerKwh: gasCarbonKgPerKwh };

/** The built-in tariffs; prices of the closed-loop protocol, in any currency. */
export const builtInTariffs: Readonly<Record<"flat" | "flat-demand" | "tou", Tariff>> = {
  flat: { name: "flat", energyPricePerKwh: constant(0.12), demandChargePerKwMonth: 0, ...common },
  "flat-demand": { name: "flat-demand", energyPricePerKwh: constant(0.12), demandChargePerKwMonth: 15, ...common },
  tou: {
    name: "tou",
    energyPricePerKwh: { otherwise: 0.1, periods: [{ weekdays: workdays, fromMinute: 14 * 60, untilMinute: 18 * 60, value: 0.4 }] },
    demandChargePerKwMonth: 0,
    ...common,
  },
};

/** Mean of a rate over the step that ends at `stepEndMs`, minute by minute in local standard time; a series by `ratesOver`. */
export function rateOver(rate: TimedRate, zone: StandardTimeZone, stepEndMs: number, stepS: number): number {
  if (rate.series !== undefined) {
    const { series, ...rest } = rate;
    const fill = { otherwise: () => rest.otherwise, toLocalMs: (timeMs: number) => timeMs + zone.timeZoneH * 3_600_000 };
    return ratesOver(series, [stepEndMs], stepS, fill).values[0]!;
  }
  if (rate.periods.length === 0) return rate.otherwise;
  const minutes = Math.max(1, Math.round(stepS / 60));
  // Differences from the first minute: a constant price comes out as it is, without rounding.
  let first = Number.NaN;
  let sum = 0;
  for (let k = 0; k < minutes; k++) {
    const { weekday, minuteOfDay } = civilTime(zone, stepEndMs - stepS * 1000 + (k * stepS * 1000) / minutes);
    const period = rate.periods.find((p) => p.weekdays.includes(weekday) && minuteOfDay >= p.fromMinute && minuteOfDay < p.untilMinute);
    const value = period?.value ?? rate.otherwise;
    if (k === 0) first = value;
    sum += value - first;
  }
  return first + sum / minutes;
}

/** Energy price of each coming step, for a planner. */
export const energyPrices = (tariff: Tariff, zone: StandardTimeZone, stepEndMs: ArrayLike<number>, stepS: number): Float64Array =>
  Float64Array.from(stepEndMs, (endMs) => rateOver(tariff.energyPricePerKwh, zone, endMs, stepS));

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const days = z
  .union([z.enum(["all", "weekdays", "weekends"]), z.array(z.enum(dayNames)).nonempty()])
  .transform((value) =>
    value === "all"
      ? [0, 1, 2, 3, 4, 5, 6]
      : value === "weekdays"
        ? workdays
        : value === "weekends"
          ? [0, 6]
          : value.map((name) => dayNames.indexOf(name)),
  );
const clock = z
  .string()
  .regex(/^(([01]?\d|2[0-3]):[0-5]\d|24:00)$/, 'should be a time of day such as "14:00"')
  .transform((text) => {
    const [hours, minutes] = text.split(":").map(Number) as [number, number];
    return hours * 60 + minutes;
  });
const rateSchema = z.union(
  [
    z.number().finite().transform(constant),
    z
      .strictObject({
        otherwise: z.number().finite(),
        periods: z.array(
          z
            .strictObject({ days: days.default([0, 1, 2, 3, 4, 5, 6]), from: clock, until: clock, value: z.number().finite() })
            .refine((p) => p.from < p.until, '"from" should be before "until"; write a period over midnight as two'),
        ),
      })
      .transform(
        ({ otherwise, periods }): TimedRate => ({
          otherwise,
          periods: periods.map((p) => ({ weekdays: p.days, fromMinute: p.from, untilMinute: p.until, value: p.value })),
        }),
      ),
    rateFileSchema.transform((given) => ({ ...constant(given.otherwise), given })),
  ],
  { error: "should be a number, or otherwise: and periods: (days, from, until, value), or file: and otherwise:" },
);
const tariffSchema = z.strictObject({
  name: z.string().min(1).optional(),
  energyPricePerKwh: rateSchema,
  demandChargePerKwMonth: z.number().nonnegative().default(0),
  fuelPricePerKwh: z.number().nonnegative().default(0),
  carbonKgPerKwh: rateSchema.default(constant(gridCarbonKgPerKwh)),
  fuelCarbonKgPerKwh: z.number().nonnegative().default(gasCarbonKgPerKwh),
});

const utc: StandardTimeZone = { timeZoneH: 0 };

/** Reads a tariff from YAML text. All errors at once, each with its line, in one `IsothermError` (configuration); files that it names are read as those of `zone`. */
export function parseTariff(text: string, file: string, zone: StandardTimeZone = utc): Tariff {
  const { name, energyPricePerKwh, carbonKgPerKwh, ...rest } = parseYaml(
    text,
    file,
    tariffSchema,
    "tariff",
    "A tariff needs energyPricePerKwh; demandChargePerKwMonth, fuelPricePerKwh, carbonKgPerKwh and fuelCarbonKgPerKwh are optional.",
  );
  const withSeries = (rate: TimedRate | (TimedRate & { readonly given: RateFile }), kind: RateKind): TimedRate =>
    "given" in rate ? { ...constant(rate.otherwise), series: readRateFile(rate.given, file, kind, zone) } : rate;
  return {
    name: name ?? nameOf(file),
    energyPricePerKwh: withSeries(energyPricePerKwh, "price"),
    carbonKgPerKwh: withSeries(carbonKgPerKwh, "intensity"),
    ...rest,
  };
}

const nameOf = (file: string): string => file.replace(/^.*[/\\]/, "").replace(/\.(ya?ml|csv|json)$/i, "");

/** A tariff by built-in name, from a YAML file, or from a CSV or JSON file of energy prices by the hour (then without a demand charge). `zone`: of times without an offset. */
export function loadTariff(nameOrFile: string, zone: StandardTimeZone = utc): Tariff {
  if (Object.hasOwn(builtInTariffs, nameOrFile)) return builtInTariffs[nameOrFile as keyof typeof builtInTariffs];
  const todo = `Name one of ${Object.keys(builtInTariffs).join(", ")}, or a YAML, CSV or JSON file.`;
  if (/\.(csv|json)$/i.test(nameOrFile)) {
    const { otherwise } = builtInTariffs.flat.energyPricePerKwh;
    const series = readRateFile({ file: resolve(nameOrFile), otherwise, scale: 1, add: 0 }, nameOrFile, "price", zone);
    return { ...builtInTariffs.flat, name: nameOf(nameOrFile), energyPricePerKwh: { ...constant(otherwise), series } };
  }
  if (!/\.ya?ml$/i.test(nameOrFile)) throw configurationError(`there is no tariff "${nameOrFile}"`, { todo });
  return parseTariff(readTextFile(nameOrFile, "tariff", todo), nameOrFile, zone);
}

/** Refuses a tariff whose files say nothing of the days from `fromMs` to `toMs`: a run would be priced by what fills gaps. */
export function checkCovers({ energyPricePerKwh, carbonKgPerKwh }: Tariff, fromMs: number, toMs: number): void {
  for (const { series } of [energyPricePerKwh, carbonKgPerKwh]) {
    if (series === undefined || knowsAnything(series, fromMs, toMs)) continue;
    const day = (timeMs: number | undefined): string => (timeMs === undefined ? "none" : new Date(timeMs).toISOString().slice(0, 10));
    throw configurationError(
      `the tariff's file runs from ${day(series.startMs[0])} to ${day(series.endMs.at(-1))} and says nothing of the run from ${day(fromMs)} to ${day(toMs)}`,
      { todo: "Give the run its year with --year (and its day with --start), or another file." },
    );
  }
}
