import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { PointName } from "#domain/points";
import { gateTrainingData } from "#models/trainingGate/gateTrainingData";
import { inFahrenheit } from "../../../bench/gateFaults.js";
import { cityYear, datasetOf, daysOf, syntheticZone, withColumn } from "../support.js";
import { AIR, found, pittsburghWeek, ZONE } from "./support.js";

const week = await pittsburghWeek();
const small = syntheticZone(2);

/** The rows of a data set in another order, or some of them several times. */
const rowsOf = (dataset: Dataset, rows: readonly number[]): Dataset => ({
  stepS: dataset.stepS,
  timesMs: Float64Array.from(rows, (row) => dataset.timesMs[row]!),
  columns: new Map([...dataset.columns].map(([point, values]) => [point, Float64Array.from(rows, (row) => values[row]!)])),
});

const refusal = (dataset: Dataset): IsothermError => {
  try {
    gateTrainingData(dataset, [ZONE]);
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  throw new Error("The gate let these data through.");
};

describe("the training gate puts times right", () => {
  it("whatever the order of the rows, they come out sorted, and it says so", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(
          Array.from(small.timesMs, (_, row) => row),
          { minLength: 192, maxLength: 192 },
        ),
        (order) => {
          const { dataset, report } = gateTrainingData(rowsOf(small, order), [ZONE]);
          expect(dataset).toEqual(small);
          expect(report.findings.some(({ reason, action }) => reason === "unordered" && action === "repaired")).toBe(
            order.some((row, i) => i > 0 && row < order[i - 1]!),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it("10,000 repeats of a row become one row", () => {
    const repeated = [
      ...Array.from({ length: 100 }, (_, i) => i),
      ...new Array(10_000).fill(100),
      ...Array.from({ length: 91 }, (_, i) => i + 101),
    ];
    const { dataset, report } = gateTrainingData(rowsOf(small, repeated), [ZONE]);
    expect(dataset).toEqual(small);
    expect(report).toMatchObject({ rowsIn: 10_191, rowsOut: 192 });
    expect(report.findings.find(({ reason }) => reason === "duplicateTime")).toMatchObject({ rows: 9_999, action: "repaired" });
  });

  it("where repeats of a time disagree, the values that do are left out and the others kept", () => {
    const twice = rowsOf(small, [...Array.from({ length: 192 }, (_, i) => i), 50]);
    twice.columns.get(AIR)![192]! += 1;
    const { dataset } = gateTrainingData(twice, [ZONE]);
    expect(dataset.columns.get(AIR)![50]).toBeNaN();
    expect(dataset.columns.get("site.outdoorAirTempC" as PointName)![50]).toBe(small.columns.get("site.outdoorAirTempC" as PointName)![50]);
  });

  it("rows that are not there become rows without values", () => {
    const kept = Array.from({ length: 192 }, (_, i) => i).filter((row) => row < 40 || row >= 60);
    const { dataset } = gateTrainingData(rowsOf(small, kept), [ZONE]);
    expect(dataset.timesMs).toEqual(small.timesMs);
    expect(dataset.columns.get(AIR)!.subarray(40, 60).every(Number.isNaN)).toBe(true);
  });

  it("an hour that local time has twice is refused, with what to export instead", () => {
    // 01:00 to 01:45 come again with other values.
    const hour = Array.from({ length: 192 }, (_, i) => i);
    const twice = rowsOf(small, [...hour.slice(0, 8), ...hour.slice(4)]);
    for (const row of [8, 9, 10, 11]) twice.columns.get(AIR)![row]! -= 0.7;
    const error = refusal(twice);
    expect(error.exitCode).toBe(78);
    expect(error.message).toMatch(/time goes back from 1991-01-01 01:45 to 1991-01-01 01:00/);
    expect(error.todo).toMatch(/daylight saving/);
  });
});

describe("the training gate refuses", () => {
  it.each([0, 1])("%i rows", (rows) => {
    expect(
      refusal(
        rowsOf(
          small,
          Array.from({ length: rows }, (_, i) => i),
        ),
      ).message,
    ).toMatch(/a step needs two/);
  });

  it("a temperature that never changes, and one that is nowhere", () => {
    expect(refusal(withColumn(week, AIR, () => 21)).message).toMatch(/is 21 °C in all 672 rows .* nothing to learn from/);
    expect(refusal(withColumn(week, AIR, () => Number.NaN)).message).toMatch(/has no value/);
  });

  it("a whole file in °F, winter and summer, and says which option reads it", async () => {
    for (const from of ["1991-01-08", "1991-07-01"]) {
      const error = refusal(inFahrenheit(daysOf(await cityYear("new-york"), from, 7)));
      expect(error.message).toMatch(/^The temperatures are not in °C but, as it seems, in °F: .*zoneAirTempC/);
      expect(error.todo).toMatch(/--units degF/);
      expect(error.exitCode).toBe(78);
    }
  });

  it.each<[string, (value: number) => number, RegExp]>([
    ["zone.zoneAirTempC", (value) => value * 1.8 + 32, /Some temperatures are .* in °F: zone\.zoneAirTempC \(median .*Others are in °C/],
    ["zone.heatingSetpointC", (value) => value * 1.8 + 32, /in °F: zone\.heatingSetpointC/],
    ["zone.zoneAirTempC", (value) => value + 273.15, /in K: zone\.zoneAirTempC/],
    ["site.outdoorAirTempC", (value) => value * 1.8 + 32, /in °F: site\.outdoorAirTempC/],
  ])("%s alone in another unit", (point, convert, message) => {
    expect(refusal(withColumn(week, point, convert)).message).toMatch(message);
  });
});

describe("the training gate leaves out, or notes,", () => {
  it("values that no sensor reads, and setpoints that cross", () => {
    const broken = withColumn(
      withColumn(week, "site.outdoorAirTempC", (value, row) => (row === 100 ? 999 : value)),
      "zone.heatingSetpointC",
      (value, row) => (row >= 200 && row < 204 ? 45 : value),
    );
    expect(found(broken, "outOfRange")).toMatchObject([{ point: "site.outdoorAirTempC", rows: 1 }]);
    expect(found(broken, "crossedSetpoints")[0]!.text).toMatch(/heating setpoint \(45\) lies above the cooling setpoint/);
    const gated = gateTrainingData(broken, [ZONE]).dataset;
    expect(
      gated.columns
        .get("zone.heatingSetpointC" as PointName)!
        .subarray(200, 204)
        .filter(Number.isNaN).length,
    ).toBeGreaterThan(0);
  });

  it("a weather station that stands still for days", () => {
    const broken = withColumn(week, "site.outdoorAirTempC", (value, row) => (row >= 200 && row < 400 ? -3.3 : value));
    expect(found(broken, "stuck")).toMatchObject([{ point: "site.outdoorAirTempC", rows: 200, action: "leftOut" }]);
  });

  it("columns that never change", () => {
    const finding = found(
      withColumn(week, "zone.coolingSetpointC", () => 26),
      "constant",
    );
    expect(finding).toMatchObject([{ point: "zone.coolingSetpointC", action: "noted" }]);
  });

  it("a fortnight of holiday, without losing a row of it", async () => {
    const month = daysOf(await cityYear("pittsburgh"), "1991-01-07", 28);
    const holiday = withColumn(month, "zone.occupancyCount", (value, row) => (row >= 7 * 96 && row < 21 * 96 ? 0 : value));
    expect(found(month, "holiday")).toEqual([]);
    const [finding] = found(holiday, "holiday");
    expect(finding!.text).toMatch(/nobody came on 10 working days in a row from 1991-01-14 .* to 1991-01-2[56]/);
    expect(gateTrainingData(holiday, [ZONE]).report.rowsGated).toBe(0);
  });

  it("nothing in a sensor of half kelvins, which stands still for hours by nature", () => {
    const coarse = withColumn(week, AIR, (value) => Math.round(value * 2) / 2);
    expect(found(coarse, "stuck")).toEqual([]);
    expect(found(datasetOf(Object.fromEntries(coarse.columns)), "spike")).toEqual([]);
  });
});
