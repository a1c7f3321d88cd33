import { describe, expect, it } from "vitest";
import { DatasetRows } from "#math/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import { evaluateZone } from "#models/evaluation/evaluateZone";
import { shippedPriorFor } from "#models/shippedPriors";
import { fitZone } from "#models/thermostat/fitZone";
import { rcOffice } from "./rcZone.js";
import { la } from "./support.js";

const workday = (row: number): boolean => (Math.floor(row / 96) + 2) % 7 < 5;
const occupied = (row: number): boolean => workday(row) && row % 96 >= 26 && row % 96 < 72;

describe("a budgeted model of a July week in which a planner took over from the schedule", () => {
  it("is as good after 20 steps as the exact one, though cooling always held its setpoint", async () => {
    // Wednesday 26 June on: five days of schedule, then the planner's wide setback; equipment never runs at its limit.
    const { dataset, zones } = await rcOffice("new-york", "1991-06-26", 9, (row) => {
      if (row < 5 * 96) return occupied(row) ? [21.1, 23.9] : [12.8, 40];
      return occupied(row) ? [23, 26] : [15, 30];
    });
    const zone = zones[3]!;
    const neighbours = zones.filter((other) => other !== zone);
    const week = new DatasetRows(sliceDataset(dataset, 0, 7 * 96));
    const all = new DatasetRows(dataset);
    const rmse20K = async (budget: number | null): Promise<number> => {
      const { model } = await fitZone(la, week, zone, neighbours, shippedPriorFor(dataset)!.prior, { budget, maxIterations: 0 });
      return evaluateZone(la, model, all, 7 * 96, all.length).rmse20K!;
    };
    const exact = await rmse20K(null);
    const budgeted = await rmse20K(320);
    // The daemon's budget. Measured: 0.35 and 0.47 K (160 inputs: 0.62); with the deterministic training conditional 26.6 K.
    expect(exact).toBeLessThan(1);
    expect(budgeted).toBeLessThan(exact + 0.2);
  });
});
