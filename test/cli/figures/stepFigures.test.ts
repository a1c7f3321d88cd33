import { describe, expect, it } from "vitest";
import { forecastFigures } from "#cli/daemon/figures/forecastFigures";
import { type StepFiguresParts, stepFigures } from "#cli/daemon/figures/stepFigures";
import type { Forecast } from "#domain/dataset";
import { comfortPoint, forecastPoint, operativePoint, tariffPoint } from "#domain/figures";
import { type PointName, sitePoint, zonePoint } from "#domain/points";
import { predictedMeanVote } from "#math/thermalComfort";

const stepMs = 900_000;
const endMs = 100 * stepMs;
const people = { airSpeedMps: 0.1, relativeHumidityPct: 50, activityMet: 1.2, clothingClo: 0.7 };
const parts = (more: Partial<StepFiguresParts> = {}): StepFiguresParts => ({
  zones: ["a", "b"],
  stepS: 900,
  points: ["building.hvacPowerW"],
  people,
  comfort: (zone) => ({ lowerC: 20, upperC: 24, occupied: zone === "a" }),
  tariff: () => ({ energyPricePerKwh: 0.3, carbonKgPerKwh: 0.4 }),
  ...more,
});
const figures = (values: readonly (readonly [PointName, number])[], more: Partial<StepFiguresParts> = {}): Record<string, number> =>
  Object.fromEntries(
    stepFigures(parts(more), endMs, new Map(values)).map(({ timeMs, point, value }) => {
      expect(timeMs).toBe(endMs);
      return [point, value];
    }),
  );
const vote = (airTempC: number, radiantTempC: number, more: Partial<typeof people> = {}): number =>
  predictedMeanVote({ ...people, ...more, airTempC, radiantTempC });

describe("what is known of a step that is over", () => {
  it("are bands always, and the vote and kelvin-hours outside the band where somebody was there", () => {
    expect(
      figures([
        [zonePoint("a", "zoneAirTempC"), 18],
        ["b.zoneAirTempC", 18],
      ]),
    ).toEqual({
      [comfortPoint("a", "comfortLowerC")]: 20,
      [comfortPoint("a", "comfortUpperC")]: 24,
      [comfortPoint("b", "comfortLowerC")]: 20,
      [comfortPoint("b", "comfortUpperC")]: 24,
      // max(0, 20 − 18) · 900 s / 3600
      [comfortPoint("a", "discomfortKh")]: 0.5,
      [comfortPoint("a", "predictedMeanVote")]: vote(18, 18),
      [tariffPoint("hvacPricePerKwh")]: 0.3,
      [tariffPoint("hvacCarbonGPerKwh")]: 400,
    });
    expect(figures([["a.zoneAirTempC", 25]])["a.discomfortKh"]).toBe(0.25);
    expect(figures([["a.zoneAirTempC", 21]])["a.discomfortKh"]).toBe(0);
  });

  it("nothing is said that nothing was measured or written of: no temperature, no people, no meter", () => {
    const silent = figures([], { points: [] });
    expect(Object.keys(silent).sort()).toEqual(["a.comfortLowerC", "a.comfortUpperC", "b.comfortLowerC", "b.comfortUpperC"]);
    expect(figures([["a.zoneAirTempC", 21]], { people: null })).not.toHaveProperty(["a.predictedMeanVote"]);
    // Where the vote has no settled value it is left out, not NaN.
    expect(Object.values(figures([["a.zoneAirTempC", 1e9]])).every(Number.isFinite)).toBe(true);
  });

  it("the vote takes what is measured before what is assumed, and radiant temperature from the operative one", () => {
    expect(
      figures([
        ["a.zoneAirTempC", 22],
        ["a.relativeHumidityPct", 30],
      ])["a.predictedMeanVote"],
    ).toBe(vote(22, 22, { relativeHumidityPct: 30 }));
    // In still air T_op = (T_air + T_r)/2; at 0.3 m/s T_op = 0.6 T_air + 0.4 T_r.
    const warm: readonly (readonly [PointName, number])[] = [
      ["a.zoneAirTempC", 22],
      [operativePoint("a"), 23],
    ];
    expect(figures(warm)["a.predictedMeanVote"]).toBeCloseTo(vote(22, 24), 12);
    const moving = { ...people, airSpeedMps: 0.3 };
    expect(figures(warm, { people: moving })["a.predictedMeanVote"]).toBeCloseTo(vote(22, 24.5, moving), 12);
  });

  it("price and intensity stand with each meter that the site has", () => {
    const both = figures([], { points: ["building.hvacEnergyKwh", "building.powerW"] });
    expect(both).toMatchObject({
      "building.hvacPricePerKwh": 0.3,
      "building.hvacCarbonGPerKwh": 400,
      "building.pricePerKwh": 0.3,
      "building.carbonGPerKwh": 400,
    });
    expect(figures([], { points: ["building.powerW"] })).not.toHaveProperty(["building.hvacPricePerKwh"]);
  });
});

describe("what a forecast said", () => {
  const fromMs = 1_000 * stepMs;
  const forecast = (steps: number, more: Partial<Forecast> = {}): Forecast => ({
    provider: "api.example",
    issuedAtMs: fromMs - 1_800_000,
    stepEndMs: Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepMs),
    columns: new Map([
      [sitePoint("outdoorAirTempC"), Float64Array.from({ length: steps }, (_, j) => j)],
      [sitePoint("windSpeedMps"), Float64Array.from({ length: steps }, (_, j) => (j === 3 ? Number.NaN : 2))],
      [sitePoint("directNormalIrradianceWm2"), new Float64Array(steps)],
    ]),
    ...more,
  });

  it("is kept 1, 6 and 24 hours ahead, at the time it was said of, with when it was made", () => {
    const found = forecastFigures(forecast(96), fromMs);
    const at = (hours: number) => found.filter(({ timeMs }) => timeMs === fromMs + hours * 3_600_000);
    expect(found).toHaveLength(at(1).length + at(6).length + at(24).length);
    // Row 3 ends an hour after; its wind is not known.
    expect(at(1).map(({ point, value }) => [point, value])).toEqual([
      [forecastPoint("api.example", 1, "outdoorAirTempC"), 3],
      [forecastPoint("api.example", 1, "issuedAtS"), (fromMs - 1_800_000) / 1000],
    ]);
    expect(at(24).map(({ point, value }) => [point, value])).toEqual([
      [forecastPoint("api.example", 24, "outdoorAirTempC"), 95],
      [forecastPoint("api.example", 24, "windSpeedMps"), 2],
      [forecastPoint("api.example", 24, "issuedAtS"), (fromMs - 1_800_000) / 1000],
    ]);
  });

  it("ends where the forecast ends, and says nothing of steps that no lead meets", () => {
    expect(new Set(forecastFigures(forecast(30), fromMs).map(({ timeMs }) => timeMs - fromMs))).toEqual(new Set([3_600_000, 21_600_000]));
    expect(forecastFigures(forecast(96), fromMs + 60_000)).toEqual([]);
  });
});
