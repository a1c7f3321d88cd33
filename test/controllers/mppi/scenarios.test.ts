import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forecastScenarios } from "#controllers/mppi/scenarios";
import type { Forecast } from "#domain/dataset";
import { type ForecastErrorAtLead, PEOPLE_POINT, PEOPLE_PROVIDER } from "#domain/forecastError";
import type { PointName } from "#domain/points";

const HOUR_MS = 3_600_000;
const OUTDOOR: PointName = "site.outdoorAirTempC";
const SUN: PointName = "site.globalHorizontalIrradianceWm2";
const BEAM: PointName = "site.directNormalIrradianceWm2";
const forecastOf = (columns: Readonly<Record<string, readonly number[]>>): Forecast => ({
  issuedAtMs: 0,
  provider: "web",
  stepEndMs: Float64Array.from(Object.values(columns)[0]!, (_, t) => (t + 1) * HOUR_MS),
  columns: new Map(Object.entries(columns).map(([point, values]) => [point as PointName, Float64Array.from(values)])),
});
const error = (point: PointName, hours: number, stdDev: number, more: Partial<ForecastErrorAtLead> = {}): ForecastErrorAtLead => ({
  provider: "web",
  point,
  leadS: 3600 * hours,
  count: 200,
  bias: 0,
  stdDev,
  ...more,
});
const valuesOf = (scenarios: ReturnType<typeof forecastScenarios>, point: PointName): number[][] =>
  scenarios.map(({ forecast }) => [...forecast.columns.get(point)!]);

describe("scenarios of a forecast's errors", () => {
  it("are the forecast alone where nothing, too little or no error is known", () => {
    const forecast = forecastOf({ [OUTDOOR]: [1, 2, 3] });
    for (const errors of [
      [],
      [error(OUTDOOR, 1, 2, { count: 95 })],
      [error(OUTDOOR, 1, Number.NaN)],
      [error(OUTDOOR, 1, 0)],
      [error(SUN, 1, 50)],
    ])
      expect(forecastScenarios(forecast, 0, errors)).toEqual([{ weight: 1, forecast }]);
  });

  it("move the outdoor temperature by √2 of its error either way: linear in lead, level outside, bias counted as error", () => {
    const forecast = forecastOf({ [OUTDOOR]: [0, 0, 0, 0, 0] });
    const errors = [error(OUTDOOR, 4, 3), error(OUTDOOR, 2, 0.6, { bias: 0.8 })];
    const scenarios = forecastScenarios(forecast, 0, errors);
    expect(scenarios.map(({ weight }) => weight)).toEqual([1 / 2, 1 / 4, 1 / 4]);
    const moved = [1, 1, 2, 3, 3].map((rms) => Math.SQRT2 * rms);
    const [as, up, down] = valuesOf(scenarios, OUTDOOR);
    expect(as).toEqual([0, 0, 0, 0, 0]);
    moved.forEach((value, t) => {
      expect(up![t]).toBeCloseTo(value, 12);
      expect(down![t]).toBeCloseTo(-value, 12);
    });
  });

  it("scale sun and people, between nothing and twice as much: nights stay dark, empty rooms empty", () => {
    const forecast = forecastOf({
      [SUN]: [0, 100, 400],
      [BEAM]: [0, 50, 800],
      "a.occupancyCount": [0, 3, 6],
      "b.occupancyCount": [0, 1, 2],
    });
    const errors = [error(SUN, 1, 100), error(PEOPLE_POINT, 1, 1, { provider: PEOPLE_PROVIDER })];
    const scenarios = forecastScenarios(forecast, 0, errors);
    expect(scenarios).toHaveLength(5);
    const reach = Math.sqrt(3);
    const [, sunnier, cloudier, fuller, emptier] = scenarios;
    expect([...sunnier!.forecast.columns.get(SUN)!].map((value) => Math.round(value))).toEqual([0, 200, Math.round(400 + 100 * reach)]);
    expect([...cloudier!.forecast.columns.get(SUN)!].map((value) => Math.round(value))).toEqual([0, 0, Math.round(400 - 100 * reach)]);
    expect(sunnier!.forecast.columns.get(BEAM)![2]).toBeCloseTo(800 * (1 + reach / 4), 9);
    expect(sunnier!.forecast.columns.get("a.occupancyCount")).toBe(forecast.columns.get("a.occupancyCount"));
    expect(fuller!.forecast.columns.get("a.occupancyCount")![2]).toBeCloseTo(6 * (1 + reach / 8), 9);
    expect(emptier!.forecast.columns.get("b.occupancyCount")![1]).toBeCloseTo(1 - reach / 4, 9);
    expect(fuller!.forecast.columns.get(SUN)).toBe(forecast.columns.get(SUN));
  });

  it("have mean, variance and all cubic costs of the errors right, and leave gaps gaps", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 }),
        (rms, [a, b, c, d]) => {
          const scenarios = forecastScenarios(forecastOf({ [OUTDOOR]: [0, Number.NaN] }), 0, [error(OUTDOOR, 1, rms)]);
          const mean = (f: (x: number) => number): number =>
            scenarios.reduce((sum, { weight, forecast }) => sum + weight * f(forecast.columns.get(OUTDOOR)![0]!), 0);
          // E[a + bx + cx² + dx³] for a symmetric x of variance rms².
          expect(mean((x) => a! + b! * x + c! * x * x + d! * x ** 3)).toBeCloseTo(a! + c! * rms * rms, 8);
          expect(scenarios.every(({ forecast }) => Number.isNaN(forecast.columns.get(OUTDOOR)![1]))).toBe(true);
        },
      ),
    );
  });
});
