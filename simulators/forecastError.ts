import type { Forecast, ForecastProvider } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import { type PointName, sitePoint } from "#domain/points";
import { normals, uniforms } from "#math/random";

export const forecastErrorLevels = ["none", "low", "medium", "high"] as const;
export type ForecastErrorLevel = (typeof forecastErrorLevels)[number];

/** Outdoor temperature: e₀ ~ N(F₀, K₀²), eₕ₊₁ ~ N(F eₕ + μ, K²), in K, one value an hour. */
export interface TemperatureErrorModel {
  /** F₀ */
  readonly firstMeanK: number;
  /** K₀ */
  readonly firstStdDevK: number;
  /** F */
  readonly autocorrelation: number;
  /** K */
  readonly stdDevK: number;
  /** μ */
  readonly driftK: number;
}

/** Global horizontal irradiance: e₀ ~ Laplace(a₀, b₀), eₕ₊₁ ~ Laplace(φ eₕ + a, b), in W/m², one value an hour. */
export interface SolarErrorModel {
  /** a₀ */
  readonly firstMeanWm2: number;
  /** b₀ */
  readonly firstScaleWm2: number;
  /** φ */
  readonly autocorrelation: number;
  /** a */
  readonly meanWm2: number;
  /** b */
  readonly scaleWm2: number;
}

type Erring = Exclude<ForecastErrorLevel, "none">;

/** BOPTEST 0.8, forecast/forecast_uncertainty_params.json (ibpsa/project1-boptest, 0f8a467). */
export const temperatureErrorModels: Readonly<Record<Erring, TemperatureErrorModel>> = {
  low: { firstMeanK: 0, firstStdDevK: 0.6, autocorrelation: 0.92, stdDevK: 0.4, driftK: 0 },
  medium: { firstMeanK: 0.15, firstStdDevK: 1.2, autocorrelation: 0.93, stdDevK: 0.6, driftK: 0 },
  high: { firstMeanK: -0.58, firstStdDevK: 1.5, autocorrelation: 0.95, stdDevK: 0.7, driftK: -0.015 },
};
export const solarErrorModels: Readonly<Record<Erring, SolarErrorModel>> = {
  low: { firstMeanWm2: 4.44, firstScaleWm2: 57.42, autocorrelation: 0.62, meanWm2: 1.86, scaleWm2: 45.64 },
  medium: { firstMeanWm2: 15.02, firstScaleWm2: 122.6, autocorrelation: 0.63, meanWm2: 4.44, scaleWm2: 91.97 },
  high: { firstMeanWm2: 32.09, firstScaleWm2: 119.94, autocorrelation: 0.67, meanWm2: 10.63, scaleWm2: 87.44 },
};

const hourMs = 3_600_000;
/** Streams of random numbers that nothing else uses under the same seed. */
const temperatureStreams = 2 ** 44;
const solarStreams = 2 ** 45;
/** Of BOPTEST's forecaster: draws again while an hour with sun leaves the allowed band, this often at most. */
const solarDraws = 200;
const sunnyWm2 = 50;
const lowestShare = 0.2;
const highestShare = 2;
/** Solar constant: no irradiance forecast exceeds it. */
const solarConstantWm2 = 1361;

/** Errors eₕ of one forecast's hours, K; the first `hours` values are the same for every horizon. */
export function temperatureErrorsK(model: TemperatureErrorModel, hours: number, seed: number, stream: number): Float64Array {
  const draws = new Float64Array(hours);
  normals(seed, stream, draws);
  const errors = new Float64Array(hours);
  for (let h = 0; h < hours; h++)
    errors[h] =
      h === 0
        ? model.firstMeanK + model.firstStdDevK * draws[0]!
        : model.autocorrelation * errors[h - 1]! + model.driftK + model.stdDevK * draws[h]!;
  return errors;
}

/** Errors eₕ of one forecast's hours, W/m²; `draw` counts repeated draws. */
export function solarErrorsWm2(model: SolarErrorModel, hours: number, seed: number, stream: number, draw = 0): Float64Array {
  const draws = new Float64Array(hours);
  uniforms(seed, stream, draws, draw * hours);
  const errors = new Float64Array(hours);
  for (let h = 0; h < hours; h++)
    errors[h] =
      h === 0
        ? laplace(model.firstMeanWm2, model.firstScaleWm2, draws[0]!)
        : laplace(model.autocorrelation * errors[h - 1]! + model.meanWm2, model.scaleWm2, draws[h]!);
  return errors;
}

/** Quantile of the Laplace distribution: m − b sgn(u − ½) ln(1 − 2 |u − ½|). */
function laplace(mean: number, scale: number, u: number): number {
  const centred = u - 0.5;
  return mean - scale * Math.sign(centred) * Math.log(Math.max(Number.MIN_VALUE, 1 - 2 * Math.abs(centred)));
}

/**
 * Hourly irradiance as forecast: truth − error, drawn again while an hour above 50 W/m² leaves [0.2, 2] × truth, then a mean of three hours (zeros
 * and the two ends stay), then clipped to that band. So it is never negative, and zero where the truth is.
 */
export function solarForecastWm2(model: SolarErrorModel, truthWm2: Float64Array, seed: number, stream: number): Float64Array {
  const hours = truthWm2.length;
  let forecast = new Float64Array(hours);
  for (let draw = 0; draw < solarDraws; draw++) {
    const errors = solarErrorsWm2(model, hours, seed, stream, draw);
    forecast = truthWm2.map((truth, h) => truth - errors[h]!);
    if (!forecast.some((value, h) => truthWm2[h]! > sunnyWm2 && outsideBand(value, truthWm2[h]!))) break;
  }
  const smooth = forecast.map((value, h) =>
    value === 0 || h === 0 || h === hours - 1 ? value : (forecast[h - 1]! + value + forecast[h + 1]!) / 3,
  );
  return smooth.map((value, h) => Math.min(highestShare * truthWm2[h]!, Math.max(lowestShare * truthWm2[h]!, value)));
}
const outsideBand = (value: number, truth: number): boolean => value > highestShare * truth || value < lowestShare * truth;

/**
 * Forecasts as wrong as weather forecasts are: BOPTEST's model of forecast uncertainty (Zabala, Zheng et al.; documented in BOPTEST's forecast module) over a
 * provider that is taken for the truth. Outdoor temperature and irradiance err, everything else (occupancy) stays. A forecast is issued anew on every full hour
 * and keeps its errors until the next; they depend only on seed and issue hour. Hour h of the forecast is the h-th clock hour, the first being the one under way;
 * between the middles of hours the temperature error and the ratio of forecast to true irradiance run straight, so that the weather's shape within an hour
 * stays; direct and diffuse irradiance share the ratio of the global one. Missing values stay missing; errors of the provider are passed on.
 */
export function withForecastError(
  provider: ForecastProvider,
  level: ForecastErrorLevel | { readonly outdoorAirTemp: ForecastErrorLevel; readonly solar: ForecastErrorLevel },
  seed: number,
): ForecastProvider {
  const { outdoorAirTemp, solar } = typeof level === "string" ? { outdoorAirTemp: level, solar: level } : level;
  if (outdoorAirTemp === "none" && solar === "none") return provider;
  const label = outdoorAirTemp === solar ? solar : `${outdoorAirTemp} temperature and ${solar} solar`;
  return {
    name: `${provider.name} with ${label} error`,
    forecast: async (fromMs, stepS, steps) => {
      const truth = await provider.forecast(fromMs, stepS, steps);
      if (steps === 0) return truth;
      const issueMs = Math.floor(fromMs / hourMs) * hourMs;
      const hours = Math.floor((truth.stepEndMs[steps - 1]! - 1 - issueMs) / hourMs) + 1;
      const stream = Math.floor(issueMs / hourMs);
      const columns = new Map(truth.columns);
      if (outdoorAirTemp !== "none") {
        // One hour more than is covered: the last steps' error must not depend on where the horizon ends.
        const errors = temperatureErrorsK(temperatureErrorModels[outdoorAirTemp], hours + 1, seed, temperatureStreams + stream);
        const point = sitePoint("outdoorAirTempC");
        const values = columns.get(point);
        if (values !== undefined)
          columns.set(
            point,
            values.map((value, j) => value - between(errors, issueMs, truth.stepEndMs[j]! - (stepS * 1000) / 2)),
          );
      }
      if (solar !== "none") {
        const rows = await fromFullHour(provider, truth, issueMs, fromMs, stepS);
        const hourly = hourlyMeans(rows, sitePoint("globalHorizontalIrradianceWm2"), issueMs, stepS, hours);
        const forecast = solarForecastWm2(solarErrorModels[solar], hourly, seed, solarStreams + stream);
        const ratios = forecast.map((value, h) => (hourly[h]! > 0 ? value / hourly[h]! : 1));
        for (const quantity of ["globalHorizontalIrradianceWm2", "directNormalIrradianceWm2", "diffuseHorizontalIrradianceWm2"] as const) {
          const values = columns.get(sitePoint(quantity));
          if (values === undefined) continue;
          columns.set(
            sitePoint(quantity),
            values.map((value, j) => clipWm2(value * between(ratios, issueMs, truth.stepEndMs[j]! - (stepS * 1000) / 2))),
          );
        }
      }
      return { ...truth, provider: `${truth.provider} with ${label} error`, columns };
    },
  };
}

/** NaN stays NaN. */
const clipWm2 = (value: number): number => Math.max(0, Math.min(solarConstantWm2, value));

/** The truth from the full hour on, so that an hour under way has its whole mean; as far as the provider has it. */
async function fromFullHour(
  provider: ForecastProvider,
  truth: Forecast,
  issueMs: number,
  fromMs: number,
  stepS: number,
): Promise<Forecast> {
  const before = (fromMs - issueMs) / (stepS * 1000);
  if (before === 0 || !Number.isInteger(before)) return truth;
  try {
    return await provider.forecast(issueMs, stepS, truth.stepEndMs.length + before);
  } catch (error) {
    // A provider without a past: the hour's rest stands for it.
    if (error instanceof IsothermError) return truth;
    throw error;
  }
}

/** Mean of the steps whose middles lie in each clock hour; 0 where there is none. */
function hourlyMeans({ stepEndMs, columns }: Forecast, point: PointName, issueMs: number, stepS: number, hours: number): Float64Array {
  const sums = new Float64Array(hours);
  const counts = new Float64Array(hours);
  columns.get(point)?.forEach((value, j) => {
    const hour = Math.floor((stepEndMs[j]! - (stepS * 1000) / 2 - issueMs) / hourMs);
    if (hour < 0 || hour >= hours || !Number.isFinite(value)) return;
    sums[hour]! += value;
    counts[hour]!++;
  });
  return sums.map((sum, h) => (counts[h] === 0 ? 0 : sum / counts[h]!));
}

/** Straight between the middles of hours, level before the first and after the last. */
function between(values: Float64Array, issueMs: number, atMs: number): number {
  const position = Math.min(values.length - 1, Math.max(0, (atMs - issueMs) / hourMs - 0.5));
  const low = Math.min(values.length - 2, Math.floor(position));
  if (values.length === 1) return values[0]!;
  return values[low]! + (position - low) * (values[low + 1]! - values[low]!);
}
