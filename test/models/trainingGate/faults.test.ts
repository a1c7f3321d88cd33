import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import { movement } from "#models/trainingGate/stuck";
import { dropout, fahrenheitHours, openWindow, outage, spike, stuckSensor } from "../../../bench/gateFaults.js";
import { AIR, found, pittsburghWeek, shareLeftOut, ZONE } from "./support.js";

const week = await pittsburghWeek();
const air = week.columns.get(AIR)!;
const outdoor = week.columns.get("site.outdoorAirTempC")!;
const sun = week.columns.get("site.directNormalIrradianceWm2")!;
const heating = week.columns.get("zone.heatingSetpointC")!;
const cooling = week.columns.get("zone.coolingSetpointC")!;
const row = (most: number) => fc.integer({ min: 24, max: 672 - 24 - most });
const runs = { numRuns: 60 };

describe("the training gate finds, wherever it lies,", () => {
  it("a stuck sensor, with the time at which it stopped and how long it stood", () => {
    fc.assert(
      fc.property(row(150), fc.integer({ min: 20, max: 150 }), (from, rows) => {
        const fault = stuckSensor(week, ZONE, from, rows);
        // Standing on a setpoint is what a thermostat does: only the rest can be told.
        const off: number[] = [];
        for (let i = from; i < fault.to; i++)
          if (Math.abs(air[from]! - heating[i]!) > 0.45 && Math.abs(air[from]! - cooling[i]!) > 0.45) off.push(i);
        fc.pre(off.length >= 14);
        // The gate's own exception, no wider: nothing that moves a zone moved.
        const span = { from, to: fault.to };
        fc.pre(movement(outdoor, span) > 0.5 || movement(sun, span) > 50 || movement(heating, span) > 0.2 || movement(cooling, span) > 0.2);
        const [finding] = found(fault.dataset, "stuck");
        expect(finding).toMatchObject({ action: "leftOut", point: AIR });
        expect(finding!.fromMs).toBeLessThanOrEqual(week.timesMs[off[0]!]!);
        expect(finding!.toMs).toBeGreaterThanOrEqual(week.timesMs[off.at(-1)!]!);
        expect(finding!.text).toMatch(/zone\.zoneAirTempC: the sensor stood still at .* left out of training/);
        expect(shareLeftOut(fault.dataset, off[0]!, off.at(-1)! + 1)).toBe(1);
      }),
      runs,
    );
  });

  it("spikes up and down of one to three rows, and no row beside them", () => {
    fc.assert(
      fc.property(
        row(3),
        fc.integer({ min: 1, max: 3 }),
        fc.double({ min: 5, max: 20, noNaN: true }),
        fc.boolean(),
        (from, rows, sizeK, up) => {
          // Where the zone itself moves as fast, at the start of heating, one step of a small spike is lost in it.
          fc.pre(Math.abs(air[from]! - air[from - 1]!) < 1 && Math.abs(air[from + rows]! - air[from + rows - 1]!) < 1);
          fc.pre(Math.abs(air[from + rows]! - air[from - 1]!) < 1.5);
          const fault = spike(week, ZONE, from, rows, up ? sizeK : -sizeK);
          const { dataset, report } = gateTrainingData(fault.dataset, [ZONE]);
          expect(report.rowsGated).toBe(rows);
          const gated = dataset.columns.get(AIR)!;
          for (let i = 0; i < air.length; i++) expect(Object.is(gated[i], i >= from && i < fault.to ? Number.NaN : air[i])).toBe(true);
        },
      ),
      runs,
    );
  });

  it("a cable without contact (0 °C), for a quarter of an hour or a day", () => {
    fc.assert(
      fc.property(row(96), fc.integer({ min: 1, max: 96 }), (from, rows) => {
        expect(shareLeftOut(dropout(week, ZONE, from, rows).dataset, from, from + rows)).toBe(1);
      }),
      runs,
    );
  });

  it("hours in °F in the midst of a week in °C", () => {
    fc.assert(
      fc.property(row(60), fc.integer({ min: 1, max: 60 }), (from, rows) => {
        expect(shareLeftOut(fahrenheitHours(week, ZONE, from, rows).dataset, from, from + rows)).toBe(1);
      }),
      runs,
    );
  });

  it("a window that stands open in a winter night", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 3, max: 8 }), (day, quarter, rows) => {
        const from = day * 96 + quarter;
        const [finding] = found(openWindow(week, ZONE, from, rows, 0.2).dataset, "openWindow");
        expect(finding).toMatchObject({ action: "leftOut", point: AIR });
        expect(Math.abs(finding!.fromMs - week.timesMs[from]!)).toBeLessThanOrEqual(900_000);
        expect(finding!.text).toMatch(/open window/);
      }),
      runs,
    );
  });

  it("a gap, which it only notes", () => {
    fc.assert(
      fc.property(row(96), fc.integer({ min: 4, max: 96 }), (from, rows) => {
        const [finding] = found(outage(week, from, rows).dataset, "gap");
        expect(finding).toMatchObject({ action: "noted", rows, fromMs: week.timesMs[from]!, toMs: week.timesMs[from + rows - 1]! });
      }),
      runs,
    );
  });
});
