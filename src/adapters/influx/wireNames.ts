import {
  type comfortQuantities,
  type ForecastQuantity,
  forecastEntity,
  type ModelQuantity,
  modelEntity,
  type operativeQuantity,
  type SavingsQuantity,
  type TariffQuantity,
} from "#domain/figures";
import type { Decision } from "#domain/plan";
import type { buildingQuantities, PointName, siteQuantities, zoneQuantities } from "#domain/points";
import type { Alarm } from "#domain/store";

/** Every measurement, tag and field name that isotherm writes to or reads from InfluxDB stands in this file. */
export interface InfluxLine {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, number | string>>;
  readonly timeMs: number;
}

/** Where one point lives: its series and its field. */
export interface InfluxAddress {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly field: string;
}

type ZoneField = (typeof zoneQuantities)[number] | (typeof comfortQuantities)[number] | typeof operativeQuantity;
const zoneFields: Readonly<Record<ZoneField, string>> = {
  zoneAirTempC: "t_air_c",
  operativeTempC: "t_op_c",
  heatingSetpointC: "heat_sp_c",
  coolingSetpointC: "cool_sp_c",
  occupancyCount: "occ",
  relativeHumidityPct: "rh_pct",
  comfortLowerC: "band_lo_c",
  comfortUpperC: "band_hi_c",
  predictedMeanVote: "pmv",
  discomfortKh: "degree_hours",
};
const weatherFields: Readonly<Record<(typeof siteQuantities)[number], string>> = {
  outdoorAirTempC: "t_out_c",
  outdoorRelativeHumidityPct: "rh_pct",
  windSpeedMps: "wind_m_s",
  globalHorizontalIrradianceWm2: "ghi_w_m2",
  directNormalIrradianceWm2: "dni_w_m2",
  diffuseHorizontalIrradianceWm2: "dhi_w_m2",
};
const forecastFields: Readonly<Record<ForecastQuantity, string>> = {
  outdoorAirTempC: "t_out_c",
  outdoorRelativeHumidityPct: "rh_pct",
  windSpeedMps: "wind_m_s",
  globalHorizontalIrradianceWm2: "ghi_w_m2",
  issuedAtS: "issued_s",
};
const meterFields: Readonly<
  Record<(typeof buildingQuantities)[number] | TariffQuantity, readonly [meter: string, field: string, carrier?: string]>
> = {
  hvacPowerW: ["hvac", "power_w"],
  hvacEnergyKwh: ["hvac", "energy_kwh"],
  hvacPricePerKwh: ["hvac", "price_per_kwh"],
  hvacCarbonGPerKwh: ["hvac", "co2_g_per_kwh"],
  powerW: ["building", "power_w"],
  fuelPowerW: ["building", "power_w", "fuel"],
  pricePerKwh: ["building", "price_per_kwh"],
  carbonGPerKwh: ["building", "co2_g_per_kwh"],
};
const modelFields: Readonly<Record<ModelQuantity, string>> = {
  predictedAirTempC: "mean_c",
  predictionStdDevK: "sd_c",
  predictionErrorK: "resid_c",
  predictionScore: "z",
  inside90Fraction: "inside90",
  predictionNlpd: "nlpd",
  modelVersionNumber: "model_version_n",
};
const savingsFields: Readonly<Record<SavingsQuantity, string>> = {
  savingsBaselineKwh: "baseline_kwh",
  savingsActualKwh: "actual_kwh",
  savingsSavedKwh: "saved_kwh",
  savingsLowKwh: "ci_lo_kwh",
  savingsHighKwh: "ci_hi_kwh",
  savingsCvRmsePct: "cvrmse_pct",
  savingsNmbePct: "nmbe_pct",
};

const lookup = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);

/**
 * A value as a tag that line protocol carries unharmed: control characters, backslash and % become %XX (their UTF-8 bytes). The `influx` package escapes comma,
 * equals sign and space only; a newline would end the line and begin another measurement, a backslash at the end would swallow the separator.
 */
export function safeTag(value: string): string {
  const safe = value.replace(/[\p{Cc}\u2028\u2029\\%]/gu, (c) => encodeURIComponent(c));
  return safe === "" ? "%" : safe;
}

/** What `safeTag` was given. */
export const tagValue = (tag: string): string => (tag === "%" ? "" : tag.replace(/(%[0-9A-F]{2})+/g, (bytes) => decodeURIComponent(bytes)));

/** `supplyAirTempC` → `supply_air_temp_c`; what is not a letter, digit or underscore becomes `_xx`; never the reserved `time`. */
function fieldName(quantity: string): string {
  const snake = quantity.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
  const safe = snake.replace(/[^a-z0-9_]/g, (c) => `_${c.charCodeAt(0).toString(16)}`);
  return safe === "time" ? "time_value" : safe;
}

/** Series and field of a point. Quantities that no measurement is made for go to `isotherm_point`, so that nothing is left out. */
export function addressOf(building: string, point: PointName): InfluxAddress {
  const dot = point.indexOf(".");
  const entity = point.slice(0, dot);
  const quantity = point.slice(dot + 1);
  const tags = { building: safeTag(building) };
  const weather = entity === "site" ? lookup(weatherFields, quantity) : undefined;
  if (weather !== undefined) return { measurement: "isotherm_weather", tags: { ...tags, provider: "site", kind: "obs" }, field: weather };
  const meter = entity === "building" ? lookup(meterFields, quantity) : undefined;
  if (meter !== undefined)
    return { measurement: "isotherm_meter", tags: { ...tags, meter: meter[0], carrier: meter[2] ?? "electricity" }, field: meter[1] };
  const savings = entity === "building" ? lookup(savingsFields, quantity) : undefined;
  if (savings !== undefined) return { measurement: "isotherm_savings", tags, field: savings };
  const said = lookup(forecastFields, quantity);
  const forecast = said === undefined ? null : forecastEntity(entity);
  if (said !== undefined && forecast !== null) {
    const from = { provider: safeTag(forecast.provider), kind: "fcst", lead_h: String(forecast.leadH) };
    return { measurement: "isotherm_weather", tags: { ...tags, ...from }, field: said };
  }
  const isZone = entity !== "site" && entity !== "building";
  const zone = isZone ? lookup(zoneFields, quantity) : undefined;
  if (zone !== undefined) return { measurement: "isotherm_zone", tags: { ...tags, zone: safeTag(entity) }, field: zone };
  const model = isZone ? lookup(modelFields, quantity) : undefined;
  if (model !== undefined) {
    const of = modelEntity(entity);
    return { measurement: "isotherm_model", tags: { ...tags, zone: safeTag(of.zone), step: String(of.lead) }, field: model };
  }
  return {
    measurement: "isotherm_point",
    tags: { ...tags, entity: safeTag(entity), quantity: safeTag(quantity) },
    field: fieldName(quantity),
  };
}

/** Tags and fields of every measurement. `isotherm_point` has one field per series, named after the quantity as `pointField` says. */
export const measurements: Readonly<Record<string, { readonly tags: readonly string[]; readonly fields: readonly string[] | null }>> = {
  isotherm_zone: { tags: ["building", "zone"], fields: Object.values(zoneFields) },
  // `lead_h` stands with forecasts alone: a measurement is of no hour ahead.
  isotherm_weather: {
    tags: ["building", "provider", "kind", "lead_h"],
    fields: [...new Set([...Object.values(weatherFields), ...Object.values(forecastFields)])],
  },
  isotherm_meter: { tags: ["building", "meter", "carrier"], fields: [...new Set(Object.values(meterFields).map(([, field]) => field))] },
  isotherm_point: { tags: ["building", "entity", "quantity"], fields: null },
  isotherm_model: { tags: ["building", "zone", "step"], fields: Object.values(modelFields) },
  isotherm_savings: { tags: ["building"], fields: Object.values(savingsFields) },
  isotherm_decision: {
    tags: ["building", "zone", "source"],
    fields: ["heat_sp_c", "cool_sp_c", "cost_energy", "cost_comfort", "cost_uncert", "ess", "samples", "solve_ms", "reason"],
  },
  isotherm_alarm: { tags: ["building", "zone", "code"], fields: ["level", "active"] },
  isotherm_probe: { tags: ["building"], fields: ["up"] },
};

/** Field of `isotherm_point` for a quantity, e.g. `coverage90Fraction` → `coverage90_fraction`. */
export const pointField = (quantity: string): string => fieldName(quantity);

/** A decision as one line per zone. */
export function decisionLines(building: string, decision: Decision): readonly InfluxLine[] {
  const { plan } = decision;
  const numbers = {
    cost_energy: plan.chosen.cost.energy,
    cost_comfort: plan.chosen.cost.comfort,
    cost_uncert: plan.chosen.cost.uncertainty,
    ess: plan.diagnostics.effectiveSampleSize,
    samples: plan.diagnostics.numSamples,
    solve_ms: plan.diagnostics.solveMs,
  };
  return Object.entries(decision.command).map(([zone, setpoints]) => ({
    measurement: "isotherm_decision",
    tags: { building: safeTag(building), zone: safeTag(zone), source: safeTag(decision.source) },
    fields: {
      ...Object.fromEntries(
        Object.entries({ heat_sp_c: setpoints.heatingSetpointC, cool_sp_c: setpoints.coolingSetpointC, ...numbers }).filter(([, value]) =>
          Number.isFinite(value),
        ),
      ),
      reason: plan.reason,
    },
    timeMs: decision.timeMs,
  }));
}

export const alarmLevels = { info: 1, warning: 2, critical: 3 } as const;

/** An alarm as a line where it was raised (`active` 1) and one where it was cleared (`active` 0); level 1 info, 2 warning, 3 critical. */
export function alarmLines(building: string, alarm: Alarm): readonly InfluxLine[] {
  const line = (timeMs: number, active: 0 | 1): InfluxLine => ({
    measurement: "isotherm_alarm",
    tags: { building: safeTag(building), zone: safeTag(alarm.zone ?? "all"), code: safeTag(alarm.id) },
    fields: { level: alarmLevels[alarm.level], active },
    timeMs,
  });
  return alarm.clearedMs === null ? [line(alarm.sinceMs, 1)] : [line(alarm.sinceMs, 1), line(alarm.clearedMs, 0)];
}

/** What the health probe writes: one point per hour at most, since the same time and tags overwrite. */
export const probeLine = (building: string, nowMs: number): InfluxLine => ({
  measurement: "isotherm_probe",
  tags: { building: safeTag(building) },
  fields: { up: 1 },
  timeMs: Math.floor(nowMs / 3_600_000) * 3_600_000,
});
