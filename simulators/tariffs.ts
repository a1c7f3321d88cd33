import { z } from "zod";
import { configurationError } from "#domain/errors";
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

/** Mean of a rate over the step that ends at `stepEndMs`, minute by minute in local standard time. */
export function rateOver(rate: TimedRate, zone: StandardTimeZone, stepEndMs: number, stepS: number): number {
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
  ],
  { error: "should be a number, or otherwise: and periods: (days, from, until, value)" },
);
const tariffSchema = z.strictObject({
  name: z.string().min(1).optional(),
  energyPricePerKwh: rateSchema,
  demandChargePerKwMonth: z.number().nonnegative().default(0),
  fuelPricePerKwh: z.number().nonnegative().default(0),
  carbonKgPerKwh: rateSchema.default(constant(gridCarbonKgPerKwh)),
  fuelCarbonKgPerKwh: z.number().nonnegative().default(gasCarbonKgPerKwh),
});

/** Reads a tariff from YAML text. All errors at once, each with its line, in one `IsothermError` (configuration). */
export function parseTariff(text: string, file: string): Tariff {
  const { name, ...rest } = parseYaml(
    text,
    file,
    tariffSchema,
    "tariff",
    "A tariff needs energyPricePerKwh; demandChargePerKwMonth, fuelPricePerKwh, carbonKgPerKwh and fuelCarbonKgPerKwh are optional.",
  );
  return { name: name ?? file.replace(/^.*[/\\]/, "").replace(/\.ya?ml$/i, ""), ...rest };
}

/** A tariff by built-in name or from a YAML file. */
export function loadTariff(nameOrFile: string): Tariff {
  if (Object.hasOwn(builtInTariffs, nameOrFile)) return builtInTariffs[nameOrFile as keyof typeof builtInTariffs];
  const todo = `Name one of ${Object.keys(builtInTariffs).join(", ")}, or a YAML file.`;
  if (!/\.ya?ml$/i.test(nameOrFile)) throw configurationError(`there is no tariff "${nameOrFile}"`, { todo });
  return parseTariff(readTextFile(nameOrFile, "tariff", todo), nameOrFile);
}
