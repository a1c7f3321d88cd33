import { describe, expect, it } from "vitest";
import type { PointName } from "#domain/points";
import { createHistoryBuffer } from "#loop/historyBuffer";

const point: PointName = "a.zoneAirTempC";
const row = (minute: number, value?: number) => ({
  timeMs: minute * 60_000,
  values: new Map<PointName, number>(value === undefined ? [] : [[point, value]]),
});
const values = (history: ReturnType<typeof createHistoryBuffer>) => [...(history.dataset().columns.get(point) ?? [])];

describe("history buffer", () => {
  it("puts observations on the nearest grid time and leaves rows without values for missed steps", () => {
    const history = createHistoryBuffer({ stepS: 900, maxRows: 10 });
    for (const one of [row(15.2, 20), row(29.8, 21), row(75, 22)]) history.add(one);
    expect([...history.dataset().timesMs].map((t) => t / 60_000)).toEqual([15, 30, 45, 60, 75]);
    expect(values(history)).toEqual([20, 21, Number.NaN, Number.NaN, 22]);
    expect(history.last(point)).toEqual({ value: 22, ageSteps: 0 });
  });
  it("replaces values of the same row and refuses older ones", () => {
    const history = createHistoryBuffer({ stepS: 900, maxRows: 10 });
    history.add(row(15, 20));
    expect(history.add(row(16, 20.5))).toBe(true);
    expect(history.add(row(0, 99))).toBe(false);
    expect(history.add(row(Number.NaN, 99))).toBe(false);
    expect(values(history)).toEqual([20.5]);
  });
  it("keeps no more rows than asked for, and none across a gap that is longer", () => {
    const history = createHistoryBuffer({ stepS: 900, maxRows: 3 });
    for (let k = 1; k <= 5; k++) history.add(row(15 * k, k));
    expect(values(history)).toEqual([3, 4, 5]);
    history.add(row(15 * 100, 100));
    expect(values(history)).toEqual([100]);
  });
  it("leaves out what is not finite", () => {
    const history = createHistoryBuffer({ stepS: 900, maxRows: 3 });
    history.add(row(15, 20));
    history.add(row(30, Number.NaN));
    expect(values(history)).toEqual([20, Number.NaN]);
    expect(history.last(point)).toEqual({ value: 20, ageSteps: 1 });
    expect(history.stateHistory(1)).toMatchObject({ rows: 1, nowMs: 1_800_000 });
  });
});
