import { expect, test } from "vitest";
import { createPersistenceForecast } from "#adapters/weather/persistenceForecast";
import type { Dataset } from "#domain/dataset";
import { type PointName, sitePoint, siteQuantities } from "#domain/points";
import { siteValues } from "#simulators/weather/epwForecastProvider";
import { loadWeather } from "#simulators/weather/loadWeather";

const stepS = 900;
const stepMs = stepS * 1000;
const dayMs = 86_400_000;
const monday = Date.UTC(2024, 0, 1);

const datasetOf = (fromMs: number, rows: number, values: Readonly<Record<PointName, (timeMs: number) => number>>): Dataset => {
  const timesMs = Float64Array.from({ length: rows }, (_, i) => fromMs + (i + 1) * stepMs);
  return {
    stepS,
    timesMs,
    columns: new Map(Object.entries(values).map(([point, of]) => [point as PointName, timesMs.map(of)])),
  };
};
const hourOf = (timeMs: number): number => (timeMs % dayMs) / 3_600_000;
const daily = (timeMs: number): number => 5 + 4 * Math.sin((2 * Math.PI * hourOf(timeMs)) / 24);

test("an ordinary day goes on as the days before it, an unusual one keeps a part of its difference that halves in 16.6 h", async () => {
  const fromMs = monday + 8 * dayMs;
  const unusualFromMs = fromMs - 6 * 3_600_000;
  const forecast = await createPersistenceForecast({
    history: () =>
      datasetOf(monday, 8 * 96, {
        "site.outdoorAirTempC": (timeMs) => daily(timeMs) + (timeMs > unusualFromMs ? 3 : 0),
        "site.windSpeedMps": () => 2,
      }),
  }).forecast(fromMs, stepS, 96);
  expect(forecast.provider).toBe("persistence");
  const tempC = forecast.columns.get("site.outdoorAirTempC")!;
  forecast.stepEndMs.forEach((endMs, j) => {
    // The first two hours after midnight and the last six before it: the anomaly is not yet in the mean of the days before.
    if (endMs - fromMs > 18 * 3_600_000) return;
    expect(tempC[j]).toBeCloseTo(daily(endMs) + (3 - 0) * Math.exp(-(endMs - fromMs) / dayMs), 6);
  });
  expect([...forecast.columns.get("site.windSpeedMps")!]).toEqual(new Array(96).fill(2));
});

test("people are expected as on days of the same kind", async () => {
  const count = (timeMs: number): number => {
    const weekend = [0, 6].includes(new Date(timeMs - 1).getUTCDay());
    return !weekend && hourOf(timeMs) > 8 && hourOf(timeMs) <= 17 ? 11 : 0;
  };
  const history = (days: number) => () => datasetOf(monday, days * 96, { "site.outdoorAirTempC": daily, "lobby.occupancyCount": count });
  // Friday night → Saturday, Sunday night → Monday.
  for (const [days, noonCount] of [
    [7 + 5, 0],
    [7 + 7, 11],
  ] as const) {
    const fromMs = monday + days * dayMs;
    const { columns, stepEndMs } = await createPersistenceForecast({ history: history(days) }).forecast(fromMs, stepS, 96);
    const noon = stepEndMs.findIndex((endMs) => hourOf(endMs) === 12);
    expect(columns.get("lobby.occupancyCount")![noon]).toBe(noonCount);
  }
});

test("times on the wall count across a change of the clocks", async () => {
  const changeMs = monday + 7 * dayMs + 3_600_000;
  const toLocalMs = (timeMs: number): number => timeMs + (timeMs >= changeMs ? 3_600_000 : 0);
  const count = (timeMs: number): number => (hourOf(toLocalMs(timeMs)) > 8 && hourOf(toLocalMs(timeMs)) <= 17 ? 5 : 0);
  const { columns, stepEndMs } = await createPersistenceForecast({
    history: () => datasetOf(monday, 7 * 96 + 16, { "site.outdoorAirTempC": daily, "lobby.occupancyCount": count }),
    toLocalMs,
  }).forecast(monday + 7 * dayMs + 4 * 3_600_000, stepS, 80);
  expect([...columns.get("lobby.occupancyCount")!]).toEqual(Array.from(stepEndMs, count));
});

test("on a real winter and summer it is closer than yesterday again and than the last value, and never leaves what weather can be", async () => {
  const weather = loadWeather("new-york");
  const at = (timeMs: number, point: PointName): number =>
    siteValues(weather.at(timeMs, stepS))[point.slice(5) as (typeof siteQuantities)[number]];
  for (const month of [0, 6]) {
    const errors = { persistence: 0, yesterday: 0, held: 0 };
    const startMs = Date.UTC(1991, month, 3);
    for (let day = 8; day < 24; day++)
      for (let hour = 0; hour < 24; hour += 6) {
        const fromMs = startMs + day * dayMs + hour * 3_600_000;
        const history = datasetOf(
          fromMs - 7 * dayMs,
          7 * 96,
          Object.fromEntries(siteQuantities.map((q) => [sitePoint(q), (t: number) => at(t, sitePoint(q))])),
        );
        const { columns } = await createPersistenceForecast({ history: () => history }).forecast(fromMs, stepS, 20);
        for (const [point, values] of columns)
          for (const value of values) {
            expect(Number.isFinite(value)).toBe(true);
            if (point !== "site.outdoorAirTempC") expect(value).toBeGreaterThanOrEqual(0);
          }
        const endMs = fromMs + 20 * stepMs;
        const truth = at(endMs, "site.outdoorAirTempC");
        errors.persistence += (columns.get("site.outdoorAirTempC")![19]! - truth) ** 2;
        errors.yesterday += (at(endMs - dayMs, "site.outdoorAirTempC") - truth) ** 2;
        errors.held += (at(fromMs, "site.outdoorAirTempC") - truth) ** 2;
      }
    expect(errors.persistence).toBeLessThan(errors.yesterday);
    expect(errors.persistence).toBeLessThan(errors.held);
  }
});

test("holds the last value with less than a day of history, and says what is missing without any outdoor temperature", async () => {
  const fromMs = monday + 2 * 3_600_000;
  const short = createPersistenceForecast({ history: () => datasetOf(monday, 8, { "site.outdoorAirTempC": () => 7 }) });
  const { columns } = await short.forecast(fromMs, stepS, 20);
  expect([...columns.get("site.outdoorAirTempC")!]).toEqual(new Array(20).fill(7));
  const none = createPersistenceForecast({ history: () => datasetOf(monday, 8, {}) });
  await expect(none.forecast(fromMs, stepS, 20)).rejects.toMatchObject({ kind: "retryable", message: /outdoor temperature/ });
});
