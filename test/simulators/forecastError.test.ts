import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Forecast, ForecastProvider } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { PointName } from "#domain/points";
import {
  forecastErrorLevels,
  solarErrorModels,
  solarErrorsWm2,
  solarForecastWm2,
  temperatureErrorModels,
  temperatureErrorsK,
  withForecastError,
} from "#simulators/forecastError";

const startMs = Date.UTC(1991, 5, 21);
const hourMs = 3_600_000;
const erring = ["low", "medium", "high"] as const;
const temp: PointName = "site.outdoorAirTempC";
const global: PointName = "site.globalHorizontalIrradianceWm2";
const direct: PointName = "site.directNormalIrradianceWm2";
const people: PointName = "a.occupancyCount";

/** Weather that only depends on the time of a step's middle. */
const clearSky: ForecastProvider = {
  name: "perfect",
  forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
    const stepEndMs = Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000);
    const middleH = stepEndMs.map((endMs) => ((endMs - stepS * 500) / hourMs) % 24);
    const sun = middleH.map((h) => Math.max(0, 900 * Math.sin(((h - 6) / 12) * Math.PI)));
    return {
      issuedAtMs: fromMs,
      provider: "perfect",
      stepEndMs,
      columns: new Map<PointName, Float64Array>([
        [temp, middleH.map((h) => 15 - 5 * Math.cos((h / 12) * Math.PI))],
        [global, sun],
        [direct, sun.map((value) => 1.1 * value)],
        [people, middleH.map((h) => (h > 8 && h < 18 ? 3 : 0))],
      ]),
    };
  },
};
const moments = (values: readonly number[]): { mean: number; stdDev: number } => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, stdDev: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1)) };
};

describe("temperature errors", () => {
  const hours = 48;
  const draws = 6000;
  it.each(erring)("%s: mean and spread of every hour are those of the formula", (level) => {
    const model = temperatureErrorModels[level];
    const runs = Array.from({ length: draws }, (_, stream) => temperatureErrorsK(model, hours, 7, stream));
    let mean = model.firstMeanK;
    let variance = model.firstStdDevK ** 2;
    for (let h = 0; h < hours; h++) {
      if (h > 0) {
        mean = model.autocorrelation * mean + model.driftK;
        variance = model.autocorrelation ** 2 * variance + model.stdDevK ** 2;
      }
      const seen = moments(runs.map((run) => run[h]!));
      // Five standard errors of a mean and of a standard deviation.
      expect(Math.abs(seen.mean - mean), `hour ${h}`).toBeLessThan((5 * Math.sqrt(variance)) / Math.sqrt(draws));
      expect(Math.abs(seen.stdDev - Math.sqrt(variance)), `hour ${h}`).toBeLessThan((5 * Math.sqrt(variance)) / Math.sqrt(2 * draws));
    }
  });
  it.each(erring)("%s: the spread grows with the lead to K / √(1 − F²)", (level) => {
    const model = temperatureErrorModels[level];
    const runs = Array.from({ length: draws }, (_, stream) => temperatureErrorsK(model, 200, 3, stream));
    const spread = (h: number): number => moments(runs.map((run) => run[h]!)).stdDev;
    const stationary = model.stdDevK / Math.sqrt(1 - model.autocorrelation ** 2);
    expect(spread(6)).toBeGreaterThan(spread(0));
    expect(spread(24)).toBeGreaterThan(spread(6));
    expect(spread(199) / stationary).toBeCloseTo(1, 1);
  });
  it("grow from level to level", () => {
    const spread = (level: (typeof erring)[number]): number =>
      moments(Array.from({ length: 2000 }, (_, stream) => temperatureErrorsK(temperatureErrorModels[level], 24, 1, stream)[23]!)).stdDev;
    expect(spread("low")).toBeLessThan(spread("medium"));
    expect(spread("medium")).toBeLessThan(spread("high"));
  });
  it("of a shorter horizon are the first of a longer one", () =>
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.integer({ min: 1, max: 30 }), (seed, stream, hours) => {
        const model = temperatureErrorModels.high;
        expect([...temperatureErrorsK(model, hours, seed, stream)]).toEqual([
          ...temperatureErrorsK(model, 40, seed, stream).subarray(0, hours),
        ]);
      }),
    ));
});

describe("solar errors", () => {
  it.each(erring)("%s: Laplace steps around φ e + a", (level) => {
    const model = solarErrorModels[level];
    const first: number[] = [];
    const steps: number[] = [];
    for (let stream = 0; stream < 3000; stream++) {
      const errors = solarErrorsWm2(model, 8, 11, stream);
      first.push(errors[0]!);
      for (let h = 1; h < 8; h++) steps.push(errors[h]! - model.autocorrelation * errors[h - 1]!);
    }
    const check = (values: number[], mean: number, scale: number): void => {
      const seen = moments(values);
      const stdDev = Math.SQRT2 * scale;
      expect(Math.abs(seen.mean - mean)).toBeLessThan((5 * stdDev) / Math.sqrt(values.length));
      // Kurtosis of 6: the standard error of the spread is √(5/4n) of it.
      expect(Math.abs(seen.stdDev / stdDev - 1)).toBeLessThan(5 * Math.sqrt(5 / (4 * values.length)));
      // Mean absolute deviation of a Laplace distribution is its scale, not √(2/π) σ as of a normal one.
      expect(moments(values.map((v) => Math.abs(v - mean))).mean / scale).toBeCloseTo(1, 1);
    };
    check(first, model.firstMeanWm2, model.firstScaleWm2);
    check(steps, model.meanWm2, model.scaleWm2);
  });
  it("never make a forecast negative, nor light at night, nor more than twice the sun", () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1000, noNaN: true })), { minLength: 1, maxLength: 30 }),
        fc.constantFrom(...erring),
        fc.nat(1e6),
        (hourly, level, seed) => {
          const truth = Float64Array.from(hourly);
          const forecast = solarForecastWm2(solarErrorModels[level], truth, seed, 1);
          forecast.forEach((value, h) => {
            expect(value).toBeGreaterThanOrEqual(0.2 * truth[h]!);
            expect(value).toBeLessThanOrEqual(2 * truth[h]!);
          });
        },
      ),
      { numRuns: 40 },
    ));
});

describe("a provider with forecast errors", () => {
  it("is the provider itself without error", () => expect(withForecastError(clearSky, "none", 1)).toBe(clearSky));

  it("says the same for the same seed and hour, other things for others", async () => {
    const at = async (seed: number, fromMs: number): Promise<number[]> => [
      ...(await withForecastError(clearSky, "medium", seed).forecast(fromMs, 900, 96)).columns.get(temp)!,
    ];
    expect(await at(1, startMs)).toEqual(await at(1, startMs));
    expect(await at(1, startMs)).not.toEqual(await at(2, startMs));
    // The hour under way keeps its errors: the forecast of 00:15 is that of 00:00 without its first step.
    expect((await at(1, startMs + 900_000)).slice(0, 95)).toEqual((await at(1, startMs)).slice(1));
    expect((await at(1, startMs + hourMs)).slice(0, 92)).not.toEqual((await at(1, startMs)).slice(4));
  });

  it("leaves occupancy and whatever else it does not know alone, and says who it is", async () => {
    const truth = await clearSky.forecast(startMs, 900, 96);
    const forecast = await withForecastError(clearSky, "high", 1).forecast(startMs, 900, 96);
    expect(forecast.columns.get(people)).toEqual(truth.columns.get(people));
    expect(forecast.stepEndMs).toEqual(truth.stepEndMs);
    expect(forecast.provider).toBe("perfect with high error");
    expect((await clearSky.forecast(startMs, 900, 96)).columns.get(temp)).toEqual(truth.columns.get(temp));
  });

  it("is truth − error at whole hours, the first step's error being the model's first", async () => {
    const truth = (await clearSky.forecast(startMs, 3600, 24)).columns.get(temp)!;
    const forecast = (await withForecastError(clearSky, "low", 5).forecast(startMs, 3600, 24)).columns.get(temp)!;
    const errors = temperatureErrorsK(temperatureErrorModels.low, 24, 5, 2 ** 44 + startMs / hourMs);
    for (let h = 0; h < 24; h++) expect(truth[h]! - forecast[h]!).toBeCloseTo(errors[h]!, 12);
  });

  it("keeps the night dark and every irradiance within the physical, direct in the ratio of global", () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...erring), fc.nat(1e6), fc.nat(23 * 4), async (level, seed, quarter) => {
        const fromMs = startMs + quarter * 900_000;
        const truth = await clearSky.forecast(fromMs, 900, 60);
        const { columns } = await withForecastError(clearSky, level, seed).forecast(fromMs, 900, 60);
        truth.columns.get(global)!.forEach((sun, j) => {
          const value = columns.get(global)![j]!;
          if (sun === 0) expect(value).toBe(0);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(Math.min(1361, 2 * sun + 1e-9));
          if (sun > 0 && value < 1200) expect(columns.get(direct)![j]! / value).toBeCloseTo(1.1, 9);
        });
      }),
      { numRuns: 60 },
    ));

  it("takes different levels for temperature and sun", async () => {
    const truth = await clearSky.forecast(startMs, 900, 96);
    const mixed = await withForecastError(clearSky, { outdoorAirTemp: "none", solar: "medium" }, 1).forecast(startMs, 900, 96);
    expect(mixed.columns.get(temp)).toEqual(truth.columns.get(temp));
    expect(mixed.columns.get(global)).not.toEqual(truth.columns.get(global));
    expect(mixed.provider).toBe("perfect with none temperature and medium solar error");
  });

  it("errs by more at every level", async () => {
    const rmse = async (level: (typeof forecastErrorLevels)[number]): Promise<number> => {
      let sum = 0;
      for (let day = 0; day < 60; day++) {
        const fromMs = startMs + day * 24 * hourMs;
        const truth = (await clearSky.forecast(fromMs, 900, 96)).columns.get(temp)!;
        const forecast = (await withForecastError(clearSky, level, 1).forecast(fromMs, 900, 96)).columns.get(temp)!;
        truth.forEach((value, j) => {
          sum += (value - forecast[j]!) ** 2;
        });
      }
      return Math.sqrt(sum / (60 * 96));
    };
    const byLevel = await Promise.all(forecastErrorLevels.map(rmse));
    expect(byLevel[0]).toBe(0);
    expect([...byLevel].sort((a, b) => a - b)).toEqual(byLevel);
  });

  it("leaves missing values missing and serves providers without a past", async () => {
    const gappy: ForecastProvider = {
      name: "gappy",
      forecast: async (fromMs, stepS, steps) => {
        if (fromMs < startMs + 900_000) throw new IsothermError("retryable", "no data before the start");
        const forecast = await clearSky.forecast(fromMs, stepS, steps);
        forecast.columns.get(temp)![3] = Number.NaN;
        return { ...forecast, columns: new Map([...forecast.columns].filter(([point]) => point !== direct)) };
      },
    };
    const { columns } = await withForecastError(gappy, "high", 1).forecast(startMs + 900_000, 900, 96);
    expect(columns.get(temp)![3]).toBeNaN();
    expect(columns.get(temp)!.filter(Number.isFinite)).toHaveLength(95);
    expect(columns.has(direct)).toBe(false);
    expect(columns.get(global)!.every(Number.isFinite)).toBe(true);
    await expect(withForecastError(gappy, "high", 1).forecast(startMs, 900, 4)).rejects.toThrow(/no data before/);
    expect((await withForecastError(clearSky, "high", 1).forecast(startMs, 900, 0)).stepEndMs).toHaveLength(0);
    const oneHour = await withForecastError(clearSky, "high", 1).forecast(startMs, 900, 1);
    expect(Number.isFinite(oneHour.columns.get(temp)![0])).toBe(true);
  });
});
