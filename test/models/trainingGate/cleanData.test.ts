import { describe, expect, it } from "vitest";
import { sliceDataset } from "#models/datasetSlice";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import { rcOffice } from "../rcZone.js";
import { cityYear } from "../support.js";
import { AIR, found, pittsburghWeek, ZONE } from "./support.js";

/** Share of clean rows that may be lost. Measured: years 0, weeks 0.016 % at most, the RC office 0. */
const MOST_LOST = 0.002;

const officeHours = (row: number): boolean => row % 96 >= 28 && row % 96 < 72;

describe("the training gate lets clean data through", () => {
  it.each(["pittsburgh", "new-york", "port-angeles"])("%s: the whole year, and every week of it", async (city) => {
    const year = await cityYear(city);
    const whole = gateTrainingData(year, [ZONE]);
    expect(whole.report.rowsGated).toBe(0);
    for (const [point, values] of year.columns) expect(whole.dataset.columns.get(point)).toEqual(values);
    let rows = 0;
    let lost = 0;
    for (let from = 0; from + 672 <= year.timesMs.length; from += 336) {
      lost += gateTrainingData(sliceDataset(year, from, from + 672), [ZONE]).report.rowsGated;
      rows += 672;
    }
    expect(lost / rows).toBeLessThan(MOST_LOST);
  });

  it.each([
    ["pittsburgh", "1991-01-01"],
    ["pittsburgh", "1991-07-01"],
  ])("the RC office, %s from %s, under its schedule and under setpoints that change every two hours", async (weather, from) => {
    const schedule = await rcOffice(weather, from, 7, (row) => (officeHours(row) ? [21.1, 23.9] : [12.8, 40]));
    const excited = await rcOffice(weather, from, 7, (row) => {
      const pick = Math.floor(row / 8) * 7;
      return [15 + (pick % 8), 23 + (pick % 7)];
    });
    for (const { dataset, zones } of [schedule, excited]) {
      const { report } = gateTrainingData(dataset, zones);
      expect(report.rowsGated / report.rowsOut).toBeLessThan(MOST_LOST);
    }
  });

  it("equipment that lets go by the hour and comes back, where the same fall once in a night is a window", async () => {
    const week = await pittsburghWeek();
    const air = week.columns.get(AIR)!;
    /** Falls by 3 K for an hour, from one o'clock of the second night on, every two hours. */
    const falling = (times: number) => ({
      ...week,
      columns: new Map([
        ...week.columns,
        [AIR, air.map((value, i) => (i >= 100 && i < 100 + 8 * times && (i - 100) % 8 < 4 ? value - 3 : value))],
      ]),
    });
    expect(found(falling(1), "openWindow")).toHaveLength(1);
    expect(found(falling(5), "openWindow")).toEqual([]);
  });
});
