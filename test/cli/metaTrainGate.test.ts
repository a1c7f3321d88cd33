import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { fromFiles, fromFolder } from "#cli/meta/sourceSegments";
import { sourcesIn } from "#cli/sources/sourceFacts";

const folder = mkdtempSync(join(tmpdir(), "isotherm-meta-gate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROWS = 8 * 96;
/** A week of a free-floating zone in a mild climate; `airC` may put a fault into it. */
const csvOf = (airC: (row: number, cleanC: number) => number): string => {
  const lines = ["time,zoneAirTempC,heatingSetpointC,coolingSetpointC,outdoorAirTempC"];
  for (let row = 0; row < ROWS; row++) {
    const day = Math.sin((2 * Math.PI * row) / 96);
    const time = new Date(Date.UTC(1991, 0, 1) + row * 900_000).toISOString().slice(0, 16);
    lines.push(`${time},${airC(row, 21 + 1.5 * day + 0.2 * Math.sin(row / 7)).toFixed(3)},15,30,${(12 + 6 * day).toFixed(2)}`);
  }
  return `${lines.join("\n")}\n`;
};
const clean = csvOf((_, cleanC) => cleanC);
const spiky = csvOf((row, cleanC) => (row === 200 ? cleanC + 9 : cleanC));
const fahrenheit = csvOf((_, cleanC) => cleanC * 1.8 + 32);
const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const files = (...named: readonly string[]) => {
  const said: string[] = [];
  return { said, result: fromFiles(named, { starts: ["1991-01-01"], days: 7, building: "b" }, (line) => said.push(line)) };
};

describe("the training gate before meta-train", () => {
  it("keeps a faulty row out of a file's segments, says so, and leaves the others as they were", async () => {
    const { said, result } = files(`good=${written("good.csv", clean)}`, `bad=${written("bad.csv", spiky)}`);
    const { segments, rowsGated } = await result;
    const airOf = (k: number): Float64Array => segments[k]!.data.column("zone.zoneAirTempC");
    expect(rowsGated).toBe(1);
    expect(airOf(1)[200]).toBeNaN();
    expect(Array.from(airOf(0)).every(Number.isFinite)).toBe(true);
    expect(Array.from(airOf(1)).filter(Number.isNaN)).toHaveLength(1);
    expect(said.some((line) => line.startsWith("bad 1991-01-01: Training data:") && /jumped/.test(line))).toBe(true);
    expect(said.at(-1)).toMatch(/values of 1 of 1344 rows in 2 pieces of data/);
  });

  it("refuses a file in another unit, with its name", async () => {
    const file = written("fahrenheit.csv", fahrenheit);
    await expect(files(`f=${file}`).result).rejects.toMatchObject({ exitCode: 78, place: { file } });
  });

  it("leaves a refused run of a folder out with its reason and learns from the rest", async () => {
    const sources = join(folder, "sources");
    const put = (building: string, text: string): void => {
      mkdirSync(join(sources, building), { recursive: true });
      const bytes = gzipSync(text);
      const name = join(sources, building, "chicago-01-01");
      writeFileSync(`${name}.csv.gz`, bytes);
      const run = { building, weather: "chicago", start: "01-01", year: 1991, days: 8, seed: 1, zones: 1 };
      const zone = { id: "zone", floorAreaM2: 20, volumeM3: 60, multiplier: 1, designHeatingW: null, designCoolingW: null };
      const facts = {
        format: 1,
        run,
        weatherName: "chicago",
        engine: "test",
        version: "0.1.0",
        rows: ROWS,
        thermostatZones: 1,
        zones: [zone],
      };
      writeFileSync(`${name}.json`, JSON.stringify({ ...facts, sha256: createHash("sha256").update(bytes).digest("hex") }));
    };
    put("warm", clean);
    put("strange", fahrenheit);
    expect(await sourcesIn(sources)).toHaveLength(2);
    const said: string[] = [];
    const { segments, sources: learned, leftOut } = await fromFolder(sources, 1, (line) => said.push(line));
    expect(segments.map(({ group }) => group)).toEqual(["warm"]);
    expect(learned.map(({ building }) => building)).toEqual(["warm"]);
    expect(leftOut).toHaveLength(1);
    expect(leftOut[0]).toMatchObject({ name: "strange/chicago 1991-01-01" });
    expect(said.some((line) => line.startsWith("left out: strange/chicago"))).toBe(true);
  });
});
