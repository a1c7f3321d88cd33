import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Dataset } from "#domain/dataset";
import { inFahrenheit, stuckSensor } from "../../bench/gateFaults.js";
import { isotherm } from "../models/commands.js";
import { syntheticZone, withColumn } from "../models/support.js";

const folder = mkdtempSync(join(tmpdir(), "isotherm-bad-input-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = ({ timesMs, columns }: Dataset): readonly string[] => {
  const names = [...columns.keys()];
  const cell = (value: number): string => (Number.isNaN(value) ? "" : String(value));
  return [
    ["time", ...names].join(","),
    ...Array.from(timesMs, (time, i) =>
      [new Date(time).toISOString().slice(0, 19), ...names.map((name) => cell(columns.get(name)![i]!))].join(","),
    ),
  ];
};
let files = 0;
const csv = (lines: readonly string[]): string => {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
};
const clean = syntheticZone(4);
const days = ["--train-from", "1991-01-01", "--train-days", "3"];
const evaluate = (file: string, ...more: string[]) =>
  isotherm("evaluate", "--data", file, ...days, "--test-days", "1", "--prior", "none", "--budget", "60", "--json", ...more);
const train = (file: string) => isotherm("train", "--data", file, ...days, "--prior", "none", "--budget", "40", "--json");

/** Every number of the figures is finite; null where none was measured. */
const finite = (value: unknown): boolean =>
  value !== null && typeof value === "object" ? Object.values(value).every(finite) : typeof value !== "number" || Number.isFinite(value);

const rows = linesOf(clean);
const [header] = rows;
const autumn = [...rows.slice(0, 9), ...rows.slice(5, 9).map((line) => line.replace(/,(\d)/, ",1$1")), ...rows.slice(9)];

describe.each([
  ["evaluate", (file: string) => evaluate(file)],
  ["train", train],
] as const)("%s refuses, with exit code 78 and what is wrong,", (_name, run) => {
  it.each<[string, readonly string[], RegExp]>([
    ["no rows", [header!], /no rows/],
    ["one row", rows.slice(0, 2), /One row is not enough/],
    ["10,000 times the same row", [header!, ...new Array<string>(10_000).fill(rows[1]!)], /times do not go forward/],
    [
      "a temperature that never changes",
      linesOf(withColumn(clean, "zone.zoneAirTempC", () => 20.5)),
      /is 20\.5 °C in all 288 rows .* nothing to learn from/,
    ],
    ["a temperature that is nowhere", linesOf(withColumn(clean, "zone.zoneAirTempC", () => Number.NaN)), /zone\.zoneAirTempC has no value/],
    ["temperatures in °F", linesOf(inFahrenheit(clean)), /not in °C but, as it seems, in °F.*--units degF/s],
    [
      "one column in °F",
      linesOf(withColumn(clean, "zone.zoneAirTempC", (value) => value * 1.8 + 32)),
      /zone\.zoneAirTempC \(median .*Others are in °C/,
    ],
    ["rows in no order", [header!, ...rows.slice(50), ...rows.slice(1, 50)], /time goes back/],
    [
      "two rows of one time with other values",
      [...rows.slice(0, 20), rows[19]!.replace(/,(\d)/, ",1$1"), ...rows.slice(20)],
      /there twice, with different values/,
    ],
    ["an hour twice at the end of daylight saving time", autumn, /daylight saving time/],
  ])("%s", async (_case, lines, message) => {
    const { code, stdout, stderr } = await run(csv(lines));
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/fault of isotherm| at .*\.ts:/);
    expect([code, stdout]).toEqual([78, ""]);
  });
});

describe("evaluate and train repair, say so, and predict no NaN:", () => {
  it("10,000 repeats of one row among others", async () => {
    const repeated = csv([...rows.slice(0, 60), ...new Array<string>(10_000).fill(rows[59]!), ...rows.slice(60)]);
    const { code, stdout, stderr } = await evaluate(repeated);
    expect(code).toBe(0);
    expect(stderr).toMatch(/10000 row\(s\) were there twice/);
    const { fitMs: _a, predictMsPer1000: _b, ...figures } = JSON.parse(stdout);
    const { fitMs: _c, predictMsPer1000: _d, ...wanted } = JSON.parse((await evaluate(csv(rows))).stdout);
    expect(figures).toEqual(wanted);
  });

  it("a file in °F with --units degF: the figures of the same data in °C", async () => {
    const { code, stdout } = await evaluate(csv(linesOf(inFahrenheit(clean))), "--units", "degF");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).rmse1K).toBeCloseTo(JSON.parse((await evaluate(csv(rows))).stdout).rmse1K, 4);
  });

  it("a sensor that stood still, with when and why in the log", async () => {
    const { dataset } = stuckSensor(clean, "zone", 104, 24);
    for (const { code, stdout, stderr } of [await evaluate(csv(linesOf(dataset))), await train(csv(linesOf(dataset)))]) {
      expect(stderr).toMatch(
        /zone\.zoneAirTempC: the sensor stood still at .* from 1991-01-02 02:00 to 07:45 \(24 rows\): left out of training/,
      );
      expect(code).toBe(0);
      const figures = JSON.parse(stdout);
      expect(figures.rowsGated).toBe(24);
      expect(finite(figures)).toBe(true);
    }
  });

  it("empty cells in every column, at random", async () => {
    let holed = clean;
    let n = 0;
    for (const point of clean.columns.keys())
      holed = withColumn(holed, point, (value, row) => ((row * 7919 + 31 * n++) % 29 === 0 ? Number.NaN : value));
    for (const { code, stdout } of [await evaluate(csv(linesOf(holed))), await train(csv(linesOf(holed)))]) {
      expect(code).toBe(0);
      expect(finite(JSON.parse(stdout))).toBe(true);
    }
  });
});
