import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { formatTimeCell, parseTimeCell } from "#adapters/csv/cells";
import { type ReadCsvOptions, readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { IsothermError } from "#domain/errors";

const root = mkdtempSync(join(tmpdir(), "isotherm-csv-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const fileWith = (content: string | Buffer, name = `${made++}.csv`): string => {
  const file = join(root, name);
  writeFileSync(file, content);
  return file;
};
const read = (content: string | Buffer, options?: ReadCsvOptions) => readDatasetCsv(fileWith(content), options);
const refusal = async (content: string | Buffer, options?: ReadCsvOptions): Promise<IsothermError> => {
  const file = fileWith(content);
  const outcome = await readDatasetCsv(file, options).catch((error) => error);
  expect(outcome).toBeInstanceOf(IsothermError);
  expect(outcome).toMatchObject({ kind: "configuration", exitCode: 78, place: { file } });
  expect(outcome.todo).not.toBe("");
  return outcome;
};
const T0 = Date.UTC(1991, 0, 1);
const rows = (count: number, cell: (i: number) => string = String, first = 0) =>
  Array.from({ length: count }, (_, i) => `${formatTimeCell(T0 + (first + i) * 900_000)},${cell(first + i)}`).join("\n");

describe("readDatasetCsv", () => {
  test.each(["pittsburgh", "new-york", "port-angeles"])("reads a year of %s from its compressed file", async (city) => {
    const file = fileURLToPath(new URL(`../../data/clue/${city}.csv.gz`, import.meta.url));
    const dataset = await readDatasetCsv(file, { require: ["zone.zoneAirTempC"] });
    expect(dataset.stepS).toBe(900);
    expect(dataset.timesMs).toHaveLength(35_040);
    expect(dataset.timesMs[0]).toBe(T0);
    expect(dataset.timesMs.at(-1)).toBe(Date.UTC(1991, 11, 31, 23, 45));
    expect([...dataset.columns.keys()]).toEqual([
      "site.outdoorAirTempC",
      "site.outdoorRelativeHumidityPct",
      "site.windSpeedMps",
      "site.directNormalIrradianceWm2",
      "zone.occupancyCount",
      "zone.zoneAirTempC",
      "zone.heatingSetpointC",
      "zone.coolingSetpointC",
    ]);
    for (const column of dataset.columns.values()) expect(column.every(Number.isFinite)).toBe(true);
    expect(dataset.warnings).toEqual([expect.stringMatching(/left out: nextZoneAirTempC/)]);
  });

  test("reads the rows that were published, at their times", async () => {
    const dataset = await readDatasetCsv(fileURLToPath(new URL("../../data/clue/pittsburgh.csv.gz", import.meta.url)), {
      zone: "space1-1",
    });
    const i = dataset.timesMs.indexOf(Date.UTC(1991, 0, 2, 7, 15));
    const row = ["site.outdoorAirTempC", "space1-1.zoneAirTempC", "space1-1.heatingSetpointC", "space1-1.coolingSetpointC"] as const;
    const values = row.map((point) => dataset.columns.get(point)![i]!);
    expect([values[0], Number(values[1]!.toFixed(2)), values[2], values[3]]).toEqual([-7.3, 16.31, 21.1, 23.9]);
  });

  test("knows bare, dotted and mapped columns; kilowatts become watts; zones of dotted names become lower-case", async () => {
    const dataset = await read(
      "stepEnd,SPACE1-1.zoneAirTempC,windSpeedMps,hvacPowerKw,Lobby T\n1991-01-01T00:15,20,1.5,6.95,19\n1991-01-01T00:30,21,2,0.5,18",
      {
        map: { "Lobby T": "Lobby.zoneAirTempC" },
      },
    );
    expect(Object.fromEntries([...dataset.columns].map(([point, values]) => [point, [...values]]))).toEqual({
      "space1-1.zoneAirTempC": [20, 21],
      "site.windSpeedMps": [1.5, 2],
      "building.hvacPowerW": [6950, 500],
      "Lobby.zoneAirTempC": [19, 18],
    });
    const mapped = await read("Timestamp;Temp\n1991-01-01 00:15:00;20\n1991-01-01 00:30:00;21\n", {
      map: { Timestamp: "time", Temp: "zoneAirTempC" },
      zone: "hall",
    });
    expect([...mapped.columns.get("hall.zoneAirTempC")!]).toEqual([20, 21]);
  });

  test("takes a byte order mark, CRLF, quotes, blank lines and compressed content under any name", async () => {
    const text = '\ufefftime,"zoneAirTempC"\r\n\r\n"1991-01-01T00:00","20.5"\r\n1991-01-01T00:15,21\r\n\r\n';
    for (const content of [text, gzipSync(text)]) expect([...(await read(content)).columns.get("zone.zoneAirTempC")!]).toEqual([20.5, 21]);
  });

  test("reads times with an offset, with Z, with seconds, and 24:00 as the end of the day", async () => {
    const cases: [string, number][] = [
      ["1991-01-01T00:15", T0 + 900_000],
      ["1991-01-01T00:15:30", T0 + 930_000],
      ["1991-01-01 00:15:30.250", T0 + 930_250],
      ["1991-01-01T00:15Z", T0 + 900_000],
      ["1991-01-01T01:15+01:00", T0 + 900_000],
      ["1990-12-31T19:15-0500", T0 + 900_000],
      ["1990-12-31T24:00", T0],
      ["2024-02-29T00:00", Date.UTC(2024, 1, 29)],
    ];
    for (const [text, ms] of cases) expect(parseTimeCell(text, "f", 1)).toBe(ms);
    for (const text of [
      "1991-02-29T00:00",
      "1991-13-01T00:00",
      "1991-01-01T25:00",
      "1991-01-01T24:15",
      "1991-01-01",
      "01.02.1991 00:00",
      "1e9",
      "",
    ])
      expect(() => parseTimeCell(text, "f", 7)).toThrow(IsothermError);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
        expect(parseTimeCell(formatTimeCell(ms), "f", 1)).toBe(ms);
      }),
    );
  });

  test("an hour that daylight saving repeats is fine where times carry their offset, and told of where they do not", async () => {
    const good = await read(
      "time,zoneAirTempC\n2026-10-25T02:30+02:00,1\n2026-10-25T02:00+01:00,2\n2026-10-25T02:30+01:00,3\n2026-10-25T03:00+01:00,4",
    );
    expect([...good.timesMs]).toEqual([0, 1, 2, 3].map((k) => Date.UTC(2026, 9, 25, 0, 30) + k * 1_800_000));
    const error = await refusal("time,zoneAirTempC\n2026-10-25T02:00,1\n2026-10-25T02:30,2\n2026-10-25T02:00,3\n2026-10-25T02:30,4");
    expect(error).toMatchObject({ place: { line: 4 }, todo: expect.stringMatching(/daylight saving/) });
  });

  test("fills gaps with missing rows and says so; refuses gaps that are too long", async () => {
    const dataset = await read(`time,zoneAirTempC\n${rows(5)}\n${rows(3, String, 9)}`);
    expect([...dataset.columns.get("zone.zoneAirTempC")!]).toEqual([
      0,
      1,
      2,
      3,
      4,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      9,
      10,
      11,
    ]);
    expect([...dataset.timesMs]).toEqual(Array.from({ length: 12 }, (_, i) => T0 + i * 900_000));
    expect(dataset.warnings).toEqual([expect.stringMatching(/1 gap\(s\) filled with 4 missing row\(s\).*line 7/)]);
    const long = `time,zoneAirTempC\n${rows(5)}\n${rows(3, String, 200)}`;
    expect(await refusal(long)).toMatchObject({ place: { line: 7 }, message: expect.stringMatching(/gap/) });
    expect((await read(long, { maxGapS: 3 * 86_400 })).timesMs).toHaveLength(203);
  });

  test("empty cells are missing, and counted", async () => {
    const dataset = await read("time,zoneAirTempC,occupancyCount\n1991-01-01T00:00,,0\n1991-01-01T00:15,NaN,1\n1991-01-01T00:30,20,null\n");
    expect([...dataset.columns.get("zone.zoneAirTempC")!]).toEqual([Number.NaN, Number.NaN, 20]);
    expect(dataset.warnings).toEqual([
      expect.stringMatching(/zoneAirTempC has 2 empty/),
      expect.stringMatching(/occupancyCount has 1 empty/),
    ]);
  });

  test("a row that is there twice is kept once if it says the same, refused if not", async () => {
    const dataset = await read(`time,zoneAirTempC\n${rows(3)}\n${rows(1, String, 2)}\n${rows(2, String, 3)}`);
    expect([...dataset.columns.get("zone.zoneAirTempC")!]).toEqual([0, 1, 2, 3, 4]);
    expect(dataset.warnings).toEqual([expect.stringMatching(/1 row\(s\) were there twice/)]);
    expect(await refusal(`time,zoneAirTempC\n${rows(3)}\n1991-01-01T00:30,99\n`)).toMatchObject({
      place: { line: 5 },
      message: expect.stringMatching(/twice/),
    });
  });

  test("counts lines past blank ones and line breaks in quotes", async () => {
    const error = await refusal('time,note,zoneAirTempC\n\n1991-01-01T00:00,"two\nlines",1\n1991-01-01T00:15,,2\n\n1991-01-01T00:30,,x\n');
    expect(error).toMatchObject({ place: { line: 7 }, message: expect.stringMatching(/"x"/) });
  });

  const good = `time,zoneAirTempC\n${rows(3)}`;
  const wrong: readonly [string, string | Buffer, number | undefined, RegExp, ReadCsvOptions?][] = [
    ["an empty file", "", undefined, /empty/],
    ["a header without rows", "time,zoneAirTempC\n", 1, /no rows/],
    ["a single row", "time,zoneAirTempC\n1991-01-01T00:00,20\n", 2, /One row/],
    ["no time column", "zoneAirTempC\n20\n21\n", 1, /no time column/],
    ["no known column", "time,foo\n1991-01-01T00:00,1\n1991-01-01T00:15,1\n", 1, /no column that isotherm knows/],
    ["a missing required column", good, 1, /Missing: zone\.heatingSetpointC/, { require: ["zone.heatingSetpointC"] }],
    ["a mapped column that is not there", good, 1, /no column "Temp"/, { map: { Temp: "zoneAirTempC" } }],
    ["a mapping to nothing known", good, 1, /is no point/, { map: { zoneAirTempC: "warmth" } }],
    ["two columns for one point", "time,zoneAirTempC,zone.zoneAirTempC\n1991-01-01T00:00,1,1\n", 1, /both zone\.zoneAirTempC/],
    ["a row with too many cells", `${good}\n1991-01-01T00:45,1,2\n`, 5, /cells, the header has 2/],
    ["a last row cut off", `${good}\n1991-01-01T00:45\n`, 5, /cells, the header has 2/],
    ["a word for a number", `${good}\n1991-01-01T00:45,warm\n`, 5, /"warm" is not a number/],
    ["infinity", `${good}\n1991-01-01T00:45,Infinity\n`, 5, /not a number/],
    ["a number that overflows", `${good}\n1991-01-01T00:45,1e999\n`, 5, /not a number/],
    ["a decimal comma", "time;zoneAirTempC\n1991-01-01T00:00;21,5\n", 2, /21,5/],
    ["hexadecimal", `${good}\n1991-01-01T00:45,0x10\n`, 5, /not a number/],
    ["an impossible date", `${good}\n1991-02-30T00:45,1\n`, 5, /not a time that exists/],
    ["times out of order", `${good}\n1990-01-01T00:45,1\n`, 5, /goes back/],
    ["a time off the grid", `${good}\n1991-01-01T00:46,1\n`, 5, /not on the grid/],
    ["an open quote", `${good}\n"1991-01-01T00:45,1\n`, undefined, /not valid CSV|cells/],
    ["binary junk", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 255, 254, 10, 13]), undefined, /binary/],
    ["a spreadsheet", Buffer.from("PK\u0003\u0004 something zipped"), undefined, /binary/],
    ["noise", Buffer.from(Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 255) + 1)), undefined, /binary/],
    ["a line without end", `time,zoneAirTempC\n${"1".repeat(2_000_000)}`, undefined, /binary|cells/],
    ["a compressed file cut off", gzipSync(`time,zoneAirTempC\n${rows(3000)}`).subarray(0, 5000), undefined, /damaged/],
    [
      "a compressed file with a wrong byte",
      Buffer.from(gzipSync(good).map((byte, i) => (i === 20 ? byte ^ 0xff : byte))),
      undefined,
      /damaged|./,
    ],
  ];
  test.each(wrong)("%s is one error that says where and what to do", async (_, content, line, message, options) => {
    const error = await refusal(content, options);
    expect(error.message).toMatch(message);
    if (line !== undefined) expect(error.place.line).toBe(line);
  });

  test("a file or folder that is not there or no file is said to be so", async () => {
    await expect(readDatasetCsv(join(root, "absent.csv"))).rejects.toMatchObject({
      kind: "configuration",
      message: "There is no such file.",
    });
    await expect(readDatasetCsv(root)).rejects.toMatchObject({ kind: "configuration", message: expect.stringMatching(/folder/) });
  });

  test("whatever the bytes, the outcome is a dataset or one IsothermError", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, headed) => {
        const content = headed ? Buffer.concat([Buffer.from("time,zoneAirTempC\n1991-01-01T00:00,20\n"), bytes]) : Buffer.from(bytes);
        const outcome = await read(content).catch((error) => error);
        expect(outcome instanceof IsothermError || "columns" in outcome).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
