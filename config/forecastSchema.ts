import { z } from "zod";
import * as fields from "#config/fields";

const { quantity, text } = fields;
const DAY_S = 86_400;

const source = z
  .strictObject({
    kind: fields.choice(
      "openMeteo: a service on the web that answers as Open-Meteo does; typical: a weather file's typical year; persistence: the last days again",
      ["openMeteo", "typical", "persistence"],
    ),
    url: fields.url("Address of the service, for openMeteo", ["http:", "https:"], "https://api.open-meteo.com/v1/forecast").optional(),
    key: fields.secretSource("Key of the service, sent as the parameter apikey").optional(),
    licence: text("What must be shown of where the data come from; absent: what Open-Meteo asks for at its own addresses", {
      maxLength: 300,
      example: "Weather data by Open-Meteo.com, CC BY 4.0",
    }).optional(),
    refresh: quantity("S", "How often the service is asked for news", { min: 60, max: 7 * DAY_S }).prefault("1 h"),
    timeout: quantity("S", "Time after which a request is given up", { min: 0.1, max: 300 }).prefault("10 s"),
    requestsPerDay: fields.wholeNumber("Most requests in a UTC day, counted across restarts", 1, 100_000).prefault(100),
    weather: text("Which weather, for typical: an id of isotherm simulate --list-weather, or an EPW file", {
      maxLength: 1000,
      example: "site.epw",
    }).optional(),
    blend: quantity("S", "How long a difference between forecast and the site's own station lasts; 0 s: the station changes nothing", {
      min: 0,
      max: 7 * DAY_S,
    }).optional(),
  })
  .describe("One source of weather forecasts");

/** Weather and occupancy of the coming hours: `forecast` of a site file. */
export const forecast = z
  .strictObject({
    provider: fields
      .choice("auto: the embedded building's own weather file, persistence for a real building; persistence: the last day again", [
        "auto",
        "persistence",
      ])
      .prefault("auto"),
    sources: z
      .array(source)
      .max(10)
      .optional()
      .describe("Forecasts of the weather for a real building, the first choice first; persistence stands behind them"),
    length: quantity("S", "How far ahead weather and occupancy are forecast", { min: 900, max: 7 * DAY_S }).prefault("24 h"),
    maxAge: quantity("S", "Age beyond which a forecast is no longer used", { min: 900, max: 7 * DAY_S }).prefault("6 h"),
  })
  .prefault({})
  .describe("Forecast of weather and occupancy");
