import { z } from "zod";
import * as fields from "#config/fields";
import { daySet, hours } from "#config/week";

const { quantity, text } = fields;
const DAY_S = 86_400;

/** Prices or intensities by the hour, or finer, that somebody else writes. */
const rateSource = {
  file: text("CSV or JSON file that somebody keeps up to date", { maxLength: 1000, example: "prices.csv" }).optional(),
  url: fields
    .url(
      "Address that is asked for them; {from} {to} {fromDate} {toDate} {fromMs} {toMs} and {key} are filled in",
      ["http:", "https:"],
      "https://prices.example/day-ahead",
    )
    .optional(),
  key: fields.secretSource("Key of the address: in its header, or where {key} stands in the address").optional(),
  keyHeader: text("Header of the key; Authorization gets it as a bearer token", {
    pattern: /^[A-Za-z0-9-]{1,64}$/,
    what: "a header's name",
    example: "x-api-key",
  }).prefault("Authorization"),
  rows: text("Where the list of rows stands in JSON; absent: the document is the list", { example: "data" }).optional(),
  time: text("Column or JSON name of a row's start; absent: the usual names (time, start, from, …)", { example: "start" }).optional(),
  value: text("Column or JSON name of its value; absent: the usual names (price, value, …)", { example: "price" }).optional(),
  refresh: quantity("S", "How often the address is asked for news", { min: 60, max: 7 * DAY_S }).prefault("1 h"),
  timeout: quantity("S", "Time after which a request is given up", { min: 0.1, max: 300 }).prefault("10 s"),
  requestsPerDay: fields.wholeNumber("Most requests in a UTC day, counted across restarts", 1, 100_000).prefault(100),
};

/** What energy, its peak and its emissions cost: `planner.tariff` of a site file. */
export const tariff = z
  .strictObject({
    energy: fields.price("PerKwh", "Price of energy outside the periods below").prefault("0.12 /kWh"),
    periods: z
      .array(
        z
          .strictObject({
            days: daySet("Days of the period").prefault("daily"),
            hours: hours("Hours of the period, local time"),
            energy: fields.price("PerKwh", "Price of energy during it"),
          })
          .describe("A period of another price; the first that fits counts"),
      )
      .max(100)
      .prefault([])
      .describe("Times of use"),
    prices: z
      .strictObject({
        ...rateSource,
        unit: fields
          .unitOfRates("price", "Unit of the values; absent: what the column's title says, else the currency per kWh", "EUR/MWh")
          .optional(),
        scale: fields.number("What every value is multiplied by, for example 1.19 for value added tax", 0, 100, 1).prefault(1),
        add: fields.price("PerKwh", "What is added to every value after that: grid fees and levies").prefault("0 /kWh"),
      })
      .optional()
      .describe("Prices by the hour or finer, from a file or a feed; `energy` and `periods` count where it has none"),
    demand: fields.price("PerKw", "Charge per kW of the billing period's highest quarter-hour").prefault("0 /kW"),
    billingDay: fields.wholeNumber("Day of the month on which a billing period begins", 1, 28).prefault(1),
    demandFloor: quantity("Kw", "Peak that is paid for in any case, as contracts have it", { min: 0, max: 1e6 }).prefault("0 kW"),
    carbon: quantity("KgPerKwh", "Carbon intensity of the electricity", { min: 0, max: 10 }).prefault("0.4 kg/kWh"),
    intensities: z
      .strictObject({
        ...rateSource,
        unit: fields.unitOfRates("intensity", "Unit of the values; absent: what the column's title says, else kg/kWh", "g/kWh").optional(),
      })
      .optional()
      .describe("Carbon intensity by the hour or finer, from a file or a feed; `carbon` counts where it has none"),
    carbonPrice: fields.price("PerTonne", "What a tonne of emissions counts for beside the price of energy").prefault("0 /t"),
  })
  .prefault({})
  .describe("Tariff");
