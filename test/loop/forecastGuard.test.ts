import { describe, expect, it } from "vitest";
import type { Forecast } from "#domain/dataset";
import type { PointName } from "#domain/points";
import { guardForecasts } from "#loop/forecastGuard";

const stepMs = 900_000;
const point: PointName = "site.outdoorAirTempC";
const made = (fromMs: number, values: readonly number[]): Forecast => ({
  issuedAtMs: fromMs,
  provider: "test",
  stepEndMs: Float64Array.from(values, (_, j) => fromMs + (j + 1) * stepMs),
  columns: new Map([[point, Float64Array.from(values)]]),
});
const guarded = (answer: () => Promise<Forecast>, reading: number | null = null) => {
  const problems: string[] = [];
  return {
    problems,
    provider: guardForecasts(
      { name: "test", forecast: answer },
      { maxAgeS: 3600, newest: () => reading, onProblem: (text) => problems.push(text) },
    ),
  };
};

describe("guarded forecasts", () => {
  it("hold the value before a gap or an absurd value, and the last one past a short end", async () => {
    const { provider } = guarded(async () => made(0, [1, Number.NaN, 3, 900, 5, 6]));
    const { columns, stepEndMs } = await provider.forecast(0, 900, 8);
    expect([...columns.get(point)!]).toEqual([1, 1, 3, 3, 5, 6, 6, 6]);
    expect(stepEndMs).toHaveLength(8);
  });
  it("keep the last good forecast while it is young enough, shifted to now", async () => {
    let fails = false;
    const { provider, problems } = guarded(async () => {
      if (fails) throw new Error("away");
      return made(0, [1, 2, 3, 4, 5, 6]);
    }, -3);
    await provider.forecast(0, 900, 4);
    fails = true;
    expect([...(await provider.forecast(2 * stepMs, 900, 4)).columns.get(point)!]).toEqual([3, 4, 5, 6]);
    const old = await provider.forecast(5 * stepMs, 900, 4);
    expect(old.provider).toBe("last reading");
    expect([...old.columns.get(point)!]).toEqual([-3, -3, -3, -3]);
    expect(problems).toEqual(["away", "away"]);
  });
  it("reject where there is neither a forecast nor a reading", async () => {
    await expect(guarded(async () => made(0, [Number.NaN, Number.NaN])).provider.forecast(0, 900, 2)).rejects.toThrow(/neither/);
  });
});
