import { ID_PATTERN, type PointName, sitePoint } from "#domain/points";

/**
 * Points that nobody measures: what the daemon itself knows of a step that is over, a forecast or a day, stored beside the measurements. A row describes the step that ended at its
 * time, as measured rows do. Entities hold a `+`, which no zone's id does, where they say how far ahead something was said.
 */

/** Of a zone, per control step. `discomfortKh`: kelvin-hours outside the band in an occupied step; `predictedMeanVote`: ISO 7730, −3 cold … +3 hot. */
export const comfortQuantities = ["comfortLowerC", "comfortUpperC", "predictedMeanVote", "discomfortKh"] as const;
/** Measured or derived by the sites that have it: what globe thermometers show, or a mean of air and radiant temperature. */
export const operativeQuantity = "operativeTempC";

/**
 * What the model said of a zone's temperature beside what came. `predictionErrorK`: measured − predicted; `predictionScore`: that error in standard deviations; `inside90Fraction`:
 * 1 inside the central 90 % interval, else 0; `predictionNlpd`: negative log predictive density; `modelVersionNumber`: n-th version that the site learned.
 */
export const modelQuantities = [
  "predictedAirTempC",
  "predictionStdDevK",
  "predictionErrorK",
  "predictionScore",
  "inside90Fraction",
  "predictionNlpd",
  "modelVersionNumber",
] as const;
export type ModelQuantity = (typeof modelQuantities)[number];
/** Control steps ahead at which predictions are compared with what came. */
export const modelLeadsSteps = [1, 12, 48] as const;
export type ModelLead = (typeof modelLeadsSteps)[number];

/** What a kilowatt-hour costs and emits in a step; with `hvac…` beside the HVAC meter, without beside the whole building's. */
export const tariffQuantities = ["hvacPricePerKwh", "hvacCarbonGPerKwh", "pricePerKwh", "carbonGPerKwh"] as const;
export type TariffQuantity = (typeof tariffQuantities)[number];

/** What a forecast said of the step that ended at the row's time; `issuedAtS`: when it was made, Unix seconds. */
export const forecastQuantities = [
  "outdoorAirTempC",
  "globalHorizontalIrradianceWm2",
  "outdoorRelativeHumidityPct",
  "windSpeedMps",
  "issuedAtS",
] as const;
export type ForecastQuantity = (typeof forecastQuantities)[number];
/** Hours ahead at which forecasts are kept. */
export const forecastLeadsH = [1, 6, 24] as const;
export type ForecastLead = (typeof forecastLeadsH)[number];

/** Of a local day, at its begin: energy by the baseline and as measured, what was saved with its interval, and how well the baseline fits. */
export const savingsQuantities = [
  "savingsBaselineKwh",
  "savingsActualKwh",
  "savingsSavedKwh",
  "savingsLowKwh",
  "savingsHighKwh",
  "savingsCvRmsePct",
  "savingsNmbePct",
] as const;
export type SavingsQuantity = (typeof savingsQuantities)[number];

export const comfortPoint = (zone: string, quantity: (typeof comfortQuantities)[number]): PointName => `${zone}.${quantity}`;
export const operativePoint = (zone: string): PointName => `${zone}.${operativeQuantity}`;
export const tariffPoint = (quantity: TariffQuantity): PointName => `building.${quantity}`;
export const savingsPoint = (quantity: SavingsQuantity): PointName => `building.${quantity}`;
/** One step ahead is the zone's own point, as it was before there were others. */
export const modelPoint = (zone: string, lead: ModelLead, quantity: ModelQuantity): PointName =>
  `${lead === 1 ? zone : `${zone}+${lead}`}.${quantity}`;
/** The provider's name as it is but for what would end it: `api%2Eopen-meteo%2Ecom+24h.outdoorAirTempC`. */
export const forecastPoint = (provider: string, leadH: ForecastLead, quantity: ForecastQuantity): PointName =>
  `${encodeURIComponent(provider).replaceAll(".", "%2E")}+${leadH}h.${quantity}`;

/** Zone and steps ahead of an entity that `modelPoint` made. */
export const modelEntity = (entity: string): { readonly zone: string; readonly lead: ModelLead } => {
  const [, zone, steps] = /^(.*)\+(12|48)$/.exec(entity) ?? [];
  return zone === undefined || !ID_PATTERN.test(zone) ? { zone: entity, lead: 1 } : { zone, lead: Number(steps) as ModelLead };
};

/** Provider and hours ahead of an entity that `forecastPoint` made; null where it did not. */
export const forecastEntity = (entity: string): { readonly provider: string; readonly leadH: ForecastLead } | null => {
  const [, encoded, hours] = /^([^+]*)\+(1|6|24)h$/.exec(entity) ?? [];
  if (encoded === undefined) return null;
  try {
    const provider = decodeURIComponent(encoded);
    // Another spelling of the same provider would be another point in the same place.
    return forecastPoint(provider, Number(hours) as ForecastLead, "issuedAtS") === `${entity}.issuedAtS`
      ? { provider, leadH: Number(hours) as ForecastLead }
      : null;
  } catch {
    return null;
  }
};

/** Point of the site's weather that a forecast's column has; null: it is no column. */
export const forecastColumn = (quantity: ForecastQuantity): PointName | null => (quantity === "issuedAtS" ? null : sitePoint(quantity));
