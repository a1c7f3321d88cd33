import { describe, expect, it } from "vitest";
import { daysFrom } from "#cli/dataOptions";
import type { Dataset } from "#domain/dataset";

const STEP_S = 900;
const FROM_MS = Date.UTC(1991, 0, 1);
const rowsFrom = (firstMs: number, rows: number): Dataset => ({
  stepS: STEP_S,
  timesMs: Float64Array.from({ length: rows }, (_, i) => firstMs + i * STEP_S * 1000),
  columns: new Map(),
});

describe("days of a data set", () => {
  it("begin at midnight's row, or a step after it in a file that begins there, as simulations write them", () => {
    expect(daysFrom(rowsFrom(FROM_MS, 96), FROM_MS, 1, "a.csv", "training")).toEqual({ first: 0, end: 96 });
    expect(daysFrom(rowsFrom(FROM_MS + STEP_S * 1000, 96), FROM_MS, 1, "a.csv", "training")).toEqual({ first: 0, end: 96 });
    expect(daysFrom(rowsFrom(FROM_MS - STEP_S * 1000, 97), FROM_MS, 1, "a.csv", "training")).toEqual({ first: 1, end: 97 });
  });

  it("are refused where the data begin later or end before", () => {
    for (const data of [rowsFrom(FROM_MS + 2 * STEP_S * 1000, 200), rowsFrom(FROM_MS, 95)])
      expect(() => daysFrom(data, FROM_MS, 1, "a.csv", "training")).toThrow(/The training days .* are not all in the data/);
  });
});
