import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { writeDatasetCsv, writeTraceCsv } from "#adapters/csv/writeCsv";
import type { Dataset } from "#domain/dataset";
import type { Observation } from "#domain/points";

const root = mkdtempSync(join(tmpdir(), "isotherm-csvout-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each(["out.csv", "out.csv.gz"])("a dataset written to %s is read back the same, bit for bit", async (name) => {
  const file = join(root, name);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ noDefaultInfinity: true }), { minLength: 2, maxLength: 40 }),
      fc.integer({ min: 0, max: 4e9 }).map((s) => s * 1000),
      fc.constantFrom(1, 60, 900, 3600),
      async (values, startMs, stepS) => {
        const dataset: Dataset = {
          stepS,
          timesMs: Float64Array.from(values, (_, i) => startMs + i * stepS * 1000),
          columns: new Map([
            ["lobby.zoneAirTempC", Float64Array.from(values)],
            ["site.outdoorAirTempC", Float64Array.from(values, (value) => -value)],
          ]),
        };
        await writeDatasetCsv(file, dataset);
        const { warnings: _, ...back } = await readDatasetCsv(file);
        expect(back).toEqual(dataset);
      },
    ),
    { numRuns: 30 },
  );
});

test.each(["pittsburgh-jan-rule-lead1", "pittsburgh-jul-rule-lead1"])("a trace has the columns, order and digits of %s", async (name) => {
  const golden = fileURLToPath(new URL(`../../data/traces/${name}.csv.gz`, import.meta.url));
  const text = gunzipSync(readFileSync(golden)).toString("utf8").replaceAll("\r\n", "\n");
  const dataset = await readDatasetCsv(golden);
  const zones = [1, 2, 3, 4, 5].map((k) => `space${k}-1`);
  const steps = [...dataset.timesMs].map(
    (timeMs, i): Observation => ({ timeMs, values: new Map([...dataset.columns].map(([point, values]) => [point, values[i]!])) }),
  );
  const file = join(root, `${name}.csv`);
  await writeTraceCsv(file, zones, steps);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("a trace leaves cells empty where a value is missing", async () => {
  const file = join(root, "sparse.csv");
  await writeTraceCsv(file, ["z"], [{ timeMs: 0, values: new Map([["z.zoneAirTempC", 20.12345]]) }]);
  expect(readFileSync(file, "utf8")).toBe(
    "stepEnd,outdoorAirTempC,z.zoneAirTempC,z.heatingSetpointC,z.coolingSetpointC,z.occupancyCount,hvacPowerKw\n1970-01-01T00:00,,20.123,,,,\n",
  );
});

test("a run that breaks off leaves the old file and nothing else", async () => {
  const folder = mkdtempSync(join(root, "broken-"));
  const file = join(folder, "trace.csv");
  writeFileSync(file, "the old one");
  function* steps(): Iterable<Observation> {
    for (let i = 0; i < 5000; i++) yield { timeMs: i * 1000, values: new Map() };
    throw new Error("interrupted");
  }
  await expect(writeTraceCsv(file, ["z"], steps())).rejects.toThrow("interrupted");
  expect(readFileSync(file, "utf8")).toBe("the old one");
  expect(readdirSync(folder)).toEqual(["trace.csv"]);
});
