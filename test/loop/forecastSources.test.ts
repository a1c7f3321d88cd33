import { describe, expect, it } from "vitest";
import type { Dataset, Forecast, ForecastProvider } from "#domain/dataset";
import { unavailableError } from "#domain/errors";
import type { PointName } from "#domain/points";
import { chainForecasts } from "#loop/forecastChain";
import { createForecastErrors } from "#loop/forecastErrors";
import { blendStation } from "#loop/stationBlend";

const HOUR_MS = 3_600_000;
const t0 = Date.parse("2026-03-10T12:00:00Z");
const OUTDOOR: PointName = "site.outdoorAirTempC";
const SUN: PointName = "site.globalHorizontalIrradianceWm2";

/** f at every step's end. */
const provider = (name: string, f: Readonly<Record<PointName, (timeMs: number) => number>>): ForecastProvider => ({
  name,
  forecast: async (fromMs, stepS, steps): Promise<Forecast> => {
    const stepEndMs = Float64Array.from({ length: steps }, (_, j) => fromMs + (j + 1) * stepS * 1000);
    return {
      issuedAtMs: fromMs,
      provider: name,
      stepEndMs,
      columns: new Map(Object.entries(f).map(([point, at]) => [point as PointName, stepEndMs.map(at)])),
    };
  },
});
const broken = (name: string): ForecastProvider => ({
  name,
  forecast: async () => {
    throw unavailableError(`${name} is silent`);
  },
});
/** Quarter-hours up to t0. */
const measured = (columns: Readonly<Record<PointName, readonly number[]>>): Dataset => {
  const rows = Object.values(columns)[0]!.length;
  return {
    stepS: 900,
    timesMs: Float64Array.from({ length: rows }, (_, i) => t0 - (rows - 1 - i) * 900_000),
    columns: new Map(Object.entries(columns).map(([point, values]) => [point as PointName, Float64Array.from(values)])),
  };
};

describe("a forecast beside the site's own station", () => {
  const weather = provider("web", { [OUTDOOR]: () => 10, [SUN]: () => 400, "site.outdoorRelativeHumidityPct": () => 95 });
  it("begins at what is measured and fades to what is forecast", async () => {
    const history = () =>
      measured({ [OUTDOOR]: [12, 12, 12, 14], [SUN]: [200, 200, 200, 200], "site.outdoorRelativeHumidityPct": [99, 99, 99, 99] });
    const { columns, stepEndMs, issuedAtMs } = await blendStation(weather, { history, tauS: 6 * 3600 }).forecast(t0, 900, 96);
    expect(stepEndMs[0]).toBe(t0 + 900_000);
    expect(issuedAtMs).toBe(t0);
    expect(columns.get(OUTDOOR)).toHaveLength(96);
    for (const j of [0, 3, 23, 95]) {
      const h = (j + 1) * 900;
      expect(columns.get(OUTDOOR)![j]).toBeCloseTo(10 + 2.5 * Math.exp(-h / (6 * 3600)), 12);
      expect(columns.get(SUN)![j]).toBeCloseTo(400 * (1 - 0.5 * Math.exp(-h / (3 * 3600))), 9);
      expect(columns.get("site.outdoorRelativeHumidityPct")![j]).toBeCloseTo(95 + 4 * Math.exp(-h / (6 * 3600)), 12);
    }
  });
  it("stays as it is where the station is silent, was away, or does not count", async () => {
    for (const history of [() => measured({ [OUTDOOR]: [Number.NaN, Number.NaN] }), () => measured({ "a.zoneAirTempC": [20] })]) {
      const { columns } = await blendStation(weather, { history, tauS: 21_600 }).forecast(t0, 900, 4);
      expect([...columns.get(OUTDOOR)!]).toEqual([10, 10, 10, 10]);
    }
    const far = measured({ [OUTDOOR]: [50] });
    expect([...(await blendStation(weather, { history: () => far, tauS: 0 }).forecast(t0, 900, 2)).columns.get(OUTDOOR)!]).toEqual([
      10, 10,
    ]);
  });
  it("is refused where it contradicts the station: a wrong unit, place or sensor", async () => {
    const history = () => measured({ [OUTDOOR]: [50, 50, 50, 50] });
    await expect(blendStation(weather, { history, tauS: 21_600 }).forecast(t0, 900, 4)).rejects.toThrow(
      "web says 10.0 °C of the last hour, the site's own sensor 50.0 °C",
    );
  });
});

describe("a chain of forecasts", () => {
  it("takes the first that can, says which, and comes back to a better one by itself", async () => {
    let isUp = false;
    const first: ForecastProvider = {
      name: "web",
      forecast: (...args) => (isUp ? provider("web", { [OUTDOOR]: () => 1 }) : broken("web")).forecast(...args),
    };
    const chain = chainForecasts([
      first,
      provider("blind", { [SUN]: () => 1 }),
      provider("typical", { [OUTDOOR]: () => 2 }),
      broken("last"),
    ]);
    expect(await chain.forecast(t0, 900, 4)).toMatchObject({ provider: "typical" });
    expect(chain.name).toBe("typical");
    expect(chain.states).toEqual([
      { name: "web", state: "failed", trouble: "web is silent" },
      { name: "blind", state: "failed", trouble: "blind has no outdoor temperature" },
      { name: "typical", state: "in-use", trouble: null },
      { name: "last", state: "stand-by", trouble: null },
    ]);
    isUp = true;
    expect(await chain.forecast(t0, 900, 4)).toMatchObject({ provider: "web" });
    expect(chain.states.map(({ state }) => state)).toEqual(["in-use", "stand-by", "stand-by", "stand-by"]);
  });
  it("passes over one that is mostly unknown, and tells all reasons where none can", async () => {
    const holes = provider("holes", { [OUTDOOR]: (timeMs) => (timeMs > t0 + 900_000 ? Number.NaN : 3) });
    await expect(chainForecasts([holes, broken("b")]).forecast(t0, 900, 4)).rejects.toThrow(
      "holes has no outdoor temperature; b is silent",
    );
  });
});

describe("errors of forecasts", () => {
  const at = (hours: number): number => t0 + hours * HOUR_MS;
  const issue = async (errors: ReturnType<typeof createForecastErrors>, name: string, hour: number, f: (timeMs: number) => number) =>
    errors.issued(await provider(name, { [OUTDOOR]: f, [SUN]: () => 0 }).forecast(at(hour), 3600, 24), at(hour));
  it("are learned by source and lead as bias and spread, with the weights that are written down", async () => {
    const errors = createForecastErrors();
    const seen: number[] = [];
    for (let hour = 0; hour < 60; hour++) {
      await issue(errors, "web", hour, () => 10);
      await issue(errors, "typical", hour, () => 8);
      const truth = 10 + Math.sin(hour);
      seen.push(truth - 10);
      errors.measured(
        at(hour),
        new Map([
          [OUTDOOR, truth],
          [SUN, 5],
        ]),
      );
    }
    const of = (provider: string, leadS: number) => errors.all().find((one) => one.provider === provider && one.leadS === leadS)!;
    // Forecasts of hour 0 on; those for hour 1 on are measured one hour ahead.
    const e = seen.slice(1);
    const w = e.map((_, i) => 2 ** (-(e.length - 1 - i) / (14 * 24)));
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const mean = sum(e.map((value, i) => w[i]! * value)) / sum(w);
    const spread = Math.sqrt(sum(e.map((value, i) => w[i]! * (value - mean) ** 2)) / sum(w));
    expect(of("web", 3600)).toMatchObject({ point: OUTDOOR, count: 59 });
    expect(of("web", 3600).bias).toBeCloseTo(mean, 12);
    expect(of("web", 3600).stdDev).toBeCloseTo(spread, 12);
    expect(of("typical", 3600).bias).toBeCloseTo(mean + 2, 12);
    expect(of("web", 86_400).count).toBe(36);
    // Nights teach nothing about the sun.
    expect(errors.all().some(({ point }) => point === SUN)).toBe(false);
  });
  it("outlive a restart with what still waits, and ignore what nobody measured", async () => {
    const before = createForecastErrors();
    await issue(before, "web", 0, () => 10);
    const after = createForecastErrors(JSON.parse(JSON.stringify(before.memory())));
    after.measured(at(1), new Map([[OUTDOOR, 11]]));
    after.measured(at(3), new Map());
    after.measured(at(7), new Map([[OUTDOOR, 99]]));
    expect(after.all()).toEqual([{ provider: "web", point: OUTDOOR, leadS: 3600, count: 1, bias: 1, stdDev: Number.NaN }]);
    const waiting = after.memory().pending.filter(({ point }) => point === OUTDOOR);
    expect(waiting.map(({ leadS }) => leadS / 3600)).toEqual([12, 24]);
  });
  it("of people are the building's as a whole, while somebody is expected or comes, and only where every zone counts them", () => {
    const errors = createForecastErrors();
    const people = (a: number, b: number) => ({
      stepEndMs: Float64Array.from({ length: 24 }, (_, t) => at(0) + (t + 1) * HOUR_MS),
      columns: new Map([
        ["a.occupancyCount" as const, new Float64Array(24).fill(a)],
        ["b.occupancyCount" as const, new Float64Array(24).fill(b)],
      ]),
    });
    errors.expected(people(2, 3), at(0));
    errors.measured(
      at(1),
      new Map([
        ["a.occupancyCount", 4],
        ["b.occupancyCount", 4],
      ]),
    );
    // One zone does not say: nothing is learned of three hours ahead.
    errors.measured(at(3), new Map([["a.occupancyCount", 4]]));
    expect(errors.all()).toEqual([
      { provider: "people", point: "building.occupancyCount", leadS: 3600, count: 1, bias: 3, stdDev: Number.NaN },
    ]);
    const night = createForecastErrors();
    night.expected(people(0, 0), at(0));
    night.measured(
      at(1),
      new Map([
        ["a.occupancyCount", 0],
        ["b.occupancyCount", 0],
      ]),
    );
    expect(night.all()).toEqual([]);
  });
});
