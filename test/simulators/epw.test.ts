import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { IsothermError } from "#domain/errors";
import { parseEpw } from "#simulators/weather/epw";
import { bundledWeather, loadWeather } from "#simulators/weather/loadWeather";
import { weatherSeries } from "#simulators/weather/weatherSeries";
import { syntheticEpw } from "../data/syntheticEpw.js";

const golden = JSON.parse(readFileSync(new URL("../golden/epwBundled.json", import.meta.url), "utf8")) as {
  file: string;
  rows: number;
  dryBulbMeanC: number;
  relativeHumidityMeanPct: number;
  pressureMeanPa: number;
  windSpeedMeanMps: number;
  globalHorizontalSum: number;
  directNormalSum: number;
  diffuseHorizontalSum: number;
  row4500: { month: number; day: number; hour: number; dryBulbC: number; globalHorizontalWm2: number };
  years: number[];
}[];
const sum = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);
const caught = (act: () => unknown): IsothermError => {
  try {
    act();
  } catch (error) {
    if (error instanceof IsothermError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("bundled weather files", () => {
  it.each(bundledWeather)("$id parses to the sums that an independent reader finds", ({ id, file }) => {
    const want = golden.find((entry) => entry.file === file)!;
    const { epw } = loadWeather(id);
    expect(epw.hour.length).toBe(want.rows);
    expect(sum(epw.columns.dryBulbC) / want.rows).toBeCloseTo(want.dryBulbMeanC, 9);
    expect(sum(epw.columns.relativeHumidityPct) / want.rows).toBeCloseTo(want.relativeHumidityMeanPct, 9);
    expect(sum(epw.columns.pressurePa) / want.rows).toBeCloseTo(want.pressureMeanPa, 5);
    expect(sum(epw.columns.windSpeedMps) / want.rows).toBeCloseTo(want.windSpeedMeanMps, 9);
    expect(sum(epw.columns.globalHorizontalWm2)).toBe(want.globalHorizontalSum);
    expect(sum(epw.columns.directNormalWm2)).toBe(want.directNormalSum);
    expect(sum(epw.columns.diffuseHorizontalWm2)).toBe(want.diffuseHorizontalSum);
    expect([epw.month[4500], epw.day[4500], epw.hour[4500]]).toEqual([want.row4500.month, want.row4500.day, want.row4500.hour]);
    expect(epw.columns.dryBulbC[4500]).toBe(want.row4500.dryBulbC);
    expect(epw.columns.globalHorizontalWm2[4500]).toBe(want.row4500.globalHorizontalWm2);
    expect(epw.years).toEqual(want.years);
    expect(epw.groundTemps[0]?.monthlyC).toHaveLength(12);
  });
  it("names the place", () => {
    expect(loadWeather("pittsburgh").epw.location).toMatchObject({
      latitudeDeg: 40.35,
      longitudeDeg: -79.92,
      timeZoneH: -5,
      elevationM: 380,
    });
  });
});

describe("real-world variations of the format", () => {
  const normal = parseEpw(syntheticEpw(), "a.epw");
  it("reads minute field 60 like 0", () => {
    expect(parseEpw(syntheticEpw({ minute: "60" }), "a.epw").columns.dryBulbC).toEqual(normal.columns.dryBulbC);
  });
  it("reads LF like CRLF", () => {
    expect(parseEpw(syntheticEpw({ lineEnd: "\n" }), "a.epw").columns).toEqual(normal.columns);
  });
  it("reads accented place names in Latin-1 and in UTF-8", () => {
    const text = syntheticEpw({ location: "LOCATION,Almería,,ESP,SWEC,084870,36.85,-2.38,1.0,21.0" });
    expect(parseEpw(Buffer.from(text, "latin1"), "a.epw").location.name).toBe("Almería, ESP");
    expect(parseEpw(Buffer.from(text, "utf8"), "a.epw").location.name).toBe("Almería, ESP");
    expect(parseEpw(Buffer.from(`\uFEFF${text}`, "utf8"), "a.epw").location.name).toBe("Almería, ESP");
  });
  it("takes months from several years as one year", () => {
    const epw = parseEpw(syntheticEpw({ year: (month) => 1980 + ((month * 7) % 11) }), "a.epw");
    expect(epw.years.length).toBeGreaterThan(5);
    expect(epw.columns.dryBulbC).toEqual(normal.columns.dryBulbC);
  });
  it("accepts a location called unknown, with an empty state field", () => {
    expect(parseEpw(syntheticEpw({ location: "LOCATION,unknown,,,ECMWF/ERA,unknown,52.37,4.9,0.0,2.0" }), "a.epw").location).toMatchObject({
      name: "unknown place",
      latitudeDeg: 52.37,
    });
  });
  it("reads east longitudes and southern latitudes", () => {
    expect(
      parseEpw(syntheticEpw({ location: "LOCATION,Sydney,NSW,AUS,IWEC,947670,-33.95,151.18,10.0,3.0" }), "a.epw").location,
    ).toMatchObject({
      latitudeDeg: -33.95,
      longitudeDeg: 151.18,
      timeZoneH: 10,
    });
  });
  it("accepts spaces in DATA PERIODS", () => {
    expect(parseEpw(syntheticEpw({ dataPeriods: "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31" }), "a.epw").hour.length).toBe(8760);
  });
  it("reads files with 29 February, and repeats the 28th where a file has none", () => {
    const leap = weatherSeries(parseEpw(syntheticEpw({ leap: true, timeZoneH: 0 }), "leap.epw"));
    const plain = weatherSeries(parseEpw(syntheticEpw({ timeZoneH: 0 }), "plain.epw"));
    expect(leap.epw.leapYear).toBe(true);
    const noon29 = Date.UTC(1992, 1, 29, 12);
    expect(plain.at(noon29, 900).outdoorAirTempC).toBe(plain.at(noon29 - 86_400_000, 900).outdoorAirTempC);
    expect(leap.at(noon29, 900).outdoorAirTempC).toBe(leap.epw.columns.dryBulbC[59 * 24 + 11]);
    expect(leap.at(Date.UTC(1991, 2, 1, 12), 900).outdoorAirTempC).toBe(leap.epw.columns.dryBulbC[60 * 24 + 11]);
  });
  it("ignores quotes in comments and blank lines at the end", () => {
    const epw = parseEpw(`${syntheticEpw({ comment: 'COMMENTS 1,12" rain gauge' })}\r\n\r\n`, "a.epw");
    expect(epw.hour.length).toBe(8760);
  });
  it("counts missing values and bridges short gaps linearly", () => {
    const epw = parseEpw(
      syntheticEpw({
        cell: (field, row) =>
          row >= 100 && row < 103
            ? { 6: "99.9", 7: "99.9", 8: "999", 12: "9999", 13: "9999", 14: "9999", 15: "9999", 21: "999", 22: "99" }[field]
            : undefined,
      }),
      "a.epw",
    );
    expect(epw.missing).toMatchObject({ dryBulbC: 3, dewPointC: 3, relativeHumidityPct: 3, directNormalWm2: 3, windSpeedMps: 3 });
    const weather = weatherSeries(epw);
    const before = epw.columns.dryBulbC[99]!;
    const after = epw.columns.dryBulbC[103]!;
    const endOfRow = (row: number): number => Date.UTC(1991, 0, 1) - epw.location.timeZoneH * 3_600_000 + (row + 1) * 3_600_000;
    expect(weather.at(endOfRow(101), 900).outdoorAirTempC).toBeCloseTo((before + after) / 2, 10);
    for (let row = 98; row < 106; row++)
      for (const value of Object.values(weather.at(endOfRow(row), 900))) expect(Number.isFinite(value)).toBe(true);
  });
  it("derives humidity and sky radiation where the whole column is missing", () => {
    const full = weatherSeries(parseEpw(syntheticEpw(), "a.epw"));
    const derived = weatherSeries(parseEpw(syntheticEpw({ cell: (field) => ({ 8: "999", 12: "9999" })[field] }), "a.epw"));
    const t = Date.UTC(1991, 3, 5, 17);
    expect(derived.at(t, 900).outdoorRelativeHumidityPct).toBeCloseTo(full.at(t, 900).outdoorRelativeHumidityPct, 0);
    expect(derived.at(t, 900).horizontalInfraredWm2).toBeGreaterThan(150);
    expect(derived.at(t, 900).horizontalInfraredWm2).toBeLessThan(480);
  });
});

describe("broken weather files are refused with file and line", () => {
  // Eleven hundred lines are enough: every fault shows before the file ends.
  const lines = syntheticEpw().split("\r\n").slice(0, 1100);
  const withLine = (index: number, text: string | null): string =>
    (text === null ? lines.toSpliced(index, 1) : lines.with(index, text)).join("\r\n");
  it.each<[string, string, number, RegExp]>([
    ["an empty file", "", 1, /empty/],
    ["another kind of file", "time,value\n1,2\n", 1, /LOCATION/],
    ["a row cut in its middle", `${lines.slice(0, 500).join("\r\n")}\r\n${lines[500]!.slice(0, 40)}`, 501, /cut off/],
    ["a file cut between rows", lines.slice(0, 1000).join("\r\n"), 1000, /992 hourly rows/],
    ["a missing row", withLine(1000, null), 1001, /does not follow/],
    ["a repeated row", lines.toSpliced(1000, 0, lines[999]!).join("\r\n"), 1001, /does not follow/],
    ["a word where a number belongs", withLine(20, lines[20]!.split(",").with(6, "warm").join(",")), 21, /not a number: "warm"/],
    ["an impossible temperature", withLine(20, lines[20]!.split(",").with(6, "88.0").join(",")), 21, /outside/],
    ["hour 0", withLine(8, lines[8]!.split(",").with(3, "0").join(",")), 9, /hour/],
    ["a location without latitude", withLine(0, "LOCATION,Nowhere,,,X,1,,4.9,1,0"), 1, /latitude/],
    ["half-hourly rows", withLine(7, "DATA PERIODS,1,2,Data,Sunday,1/1,12/31"), 8, /records per hour/],
  ])("%s", (_, text, line, message) => {
    const error = caught(() => parseEpw(text, "bad.epw"));
    expect(error.kind).toBe("configuration");
    expect(error.place).toEqual({ file: "bad.epw", line });
    expect(error.message).toMatch(message);
  });
  it("gaps of more than a day", () => {
    const epw = parseEpw(syntheticEpw({ cell: (field, row) => (field === 6 && row >= 200 && row < 230 ? "99.9" : undefined) }), "gap.epw");
    const error = caught(() => weatherSeries(epw));
    expect(error.message).toMatch(/missing for 30 hours/);
    expect(error.place).toEqual({ file: "gap.epw", line: 209 });
  });
});

describe("loading by name or file", () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-epw-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  it("reads .epw and .epw.gz alike", () => {
    writeFileSync(join(folder, "a.epw"), syntheticEpw());
    writeFileSync(join(folder, "a.epw.gz"), gzipSync(syntheticEpw()));
    expect(loadWeather(join(folder, "a.epw.gz")).epw.columns).toEqual(loadWeather(join(folder, "a.epw")).epw.columns);
  });
  it("refuses unknown names, absent files and damaged archives, saying what to do", () => {
    expect(caught(() => loadWeather("atlantis")).todo).toMatch(/new-york, pittsburgh/);
    expect(caught(() => loadWeather(join(folder, "none.epw"))).place.file).toBe(join(folder, "none.epw"));
    writeFileSync(join(folder, "cut.epw.gz"), gzipSync(syntheticEpw()).subarray(0, 5000));
    expect(caught(() => loadWeather(join(folder, "cut.epw.gz"))).message).toMatch(/damaged or cut off/);
  });
});
