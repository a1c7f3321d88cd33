import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { comfortBand, duration, isoTime, monthDay, oneOf, wholeNumber } from "#cli/cliKit";
import { registerSimulate } from "#cli/simulate";
import { explorationPairs } from "#cli/simulateHistory";
import { IsothermError } from "#domain/errors";
import type { Decision } from "#domain/plan";
import type { PointName } from "#domain/points";
import { seenSources } from "#models/shippedPriors";

const main = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));

describe("option parsers", () => {
  it("take what they should", () => {
    expect(wholeNumber("--days", 1)("7")).toBe(7);
    expect(comfortBand("--comfort")("20:23.5")).toEqual({ lowerC: 20, upperC: 23.5 });
    expect(monthDay("--start")("02-29")).toBe("02-29");
    expect(duration("--age", "min")("2 h")).toBe(7200);
    expect(duration("--age", "min")("15")).toBe(900);
    expect(isoTime("--from")("1991-01-01T06:00")).toBe(Date.UTC(1991, 0, 1, 6));
    expect(isoTime("--from")("1991-01-01")).toBe(Date.UTC(1991, 0, 1));
  });
  it.each([
    ["a count of 0", () => wholeNumber("--days", 1)("0"), /--days "0" is not a whole number of at least 1/],
    ["half a day", () => wholeNumber("--days", 1)("1.5"), /whole number/],
    ["a band upside down", () => comfortBand("--comfort")("24:20"), /lower before upper/],
    ["31 February", () => monthDay("--start")("02-31"), /a day of the year such as/],
    ["no time", () => isoTime("--from")("yesterday"), /a time such as/],
    ["no duration", () => duration("--age", "s")("-5 s"), /a duration such as/],
    ["a misspelt name", () => oneOf("--controller", ["mppi", "rule"])("mpii"), /did you mean mppi\?/],
  ])("refuse %s with what would be right and exit code 2", (_what, parse, message) => {
    expect(parse).toThrow(message);
    try {
      parse();
    } catch (error) {
      expect((error as IsothermError).exitCode).toBe(2);
    }
  });
});

describe("simulate's command line", () => {
  it.each([
    [["--controller", "nobody"], /--controller "nobody" is not known/],
    [["--plant", "house"], /--plant "house" is not known/],
    [["--start", "13-01"], /--start "13-01" is not a day of the year/],
  ])("refuses %j as wrong usage", async (args, message) => {
    const program = new Command().exitOverride();
    registerSimulate(program);
    const error = await program.parseAsync(["simulate", ...args], { from: "user" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(IsothermError);
    expect((error as IsothermError).message).toMatch(message);
    expect((error as IsothermError).exitCode).toBe(2);
  });
});

describe("exploration of the history", () => {
  it("keeps the protocol's ranges, holds a pair for 1 to 4 steps, and is the same for the same seed", () => {
    const at = explorationPairs(3);
    const pairs = Array.from({ length: 2000 }, (_, step) => at(step));
    const runs: number[] = [];
    pairs.forEach((pair, i) => {
      expect(pair.heatingSetpointC).toBeGreaterThanOrEqual(15);
      expect(pair.heatingSetpointC).toBeLessThanOrEqual(22);
      expect(pair.coolingSetpointC).toBeGreaterThanOrEqual(Math.max(21, pair.heatingSetpointC));
      expect(pair.coolingSetpointC).toBeLessThanOrEqual(30);
      if (i > 0 && pair === pairs[i - 1]) runs[runs.length - 1]!++;
      else runs.push(1);
    });
    expect(new Set(runs.slice(0, -1))).toEqual(new Set([1, 2, 3, 4]));
    const again = explorationPairs(3);
    expect(pairs.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, step) => again(step)));
    expect(explorationPairs(4)(0)).not.toEqual(pairs[0]);
  });
});

describe("prior of a run", () => {
  const sources = ["new-york", "port-angeles"].map((weather) => ({ name: `office/${weather}`, weather, dayFingerprints: [] }));
  const dataset = { stepS: 900, timesMs: new Float64Array(0), columns: new Map() };
  it.each([
    [["new-york", "New York JFK"], ["office/new-york"]],
    [["USA_NY_New.York-J.F.Kennedy.Intl.AP.epw"], ["office/new-york"]],
    [["pittsburgh", "Pittsburgh Allegheny"], []],
    [["newyorkshire"], []],
  ])("has seen %j: %j", (names, seen) => {
    expect(seenSources(sources, dataset, names)).toEqual(seen);
  });
});

describe.skipIf(!existsSync(main))("the built command (needs `npm run build`)", () => {
  const run = (args: readonly string[], onStderr?: (text: string, kill: () => void) => void) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      let [out, err, killed] = ["", "", false];
      child.stdout.on("data", (text) => {
        out += text;
      });
      child.stderr.on("data", (text) => {
        err += text;
        onStderr?.(err, () => {
          if (!killed) {
            killed = true;
            child.kill("SIGINT");
          }
        });
      });
      child.on("close", (code) => resolve({ code, out, err }));
    });

  it.each([
    [["simulate", "--weather", "atlantis"], 78, /new-york, pittsburgh/],
    [["simulate", "--building", "castle"], 78, /five-zone-office/],
    [["simulate", "--plant", "boptest"], 78, /no mapping for the BOPTEST test case "five-zone-office"[\s\S]*bestest_air/],
    [["simulate", "--plant", "boptest", "--building", "http://127.0.0.1:9"], 69, /cannot be reached[\s\S]*BOPTEST_URL/],
    [["simulate", "--forecast-error", "huge"], 2, /--forecast-error/],
    [["simulate", "--nonsense"], 2, /unknown option/],
    [["simulat"], 2, /unknown command/],
    [["simulate", "--controller", "schedule", "--lead", "3"], 2, /--controller rule/],
  ])("ends %j with exit code %i and says what would be right", async (args, code, message) => {
    const result = await run(args);
    expect(result.err).toMatch(message);
    expect(result.code).toBe(code);
    expect(result.out).toBe("");
  });

  it("prints exactly one JSON object on standard output with the documented keys, and one line per day on standard error", async () => {
    const { code, out, err } = await run(["simulate", "--controller", "rule", "--lead", "4", "--days", "1", "--history", "none", "--json"]);
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(out)).sort()).toEqual(
      "controller plant steps occupiedSteps comfortViolationPct comfortViolationPctByZone discomfortKh hvacElectricityKwh fuelKwh peakKw cost emissionsKg decisionMs fitMs fallbackPct peakRssMb seed backend priorManifest wallMs boptest"
        .split(" ")
        .sort(),
    );
    expect(out.trim().split("\n")).toHaveLength(1);
    expect(err.trim().split("\n")).toEqual([expect.stringMatching(/^day 1 of 1: /)]);
  });

  it("writes what evaluate and train read: weather and every other point of each step, and what is in the trace", async () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-simulate-"));
    try {
      const [file, trace, decisions] = [join(folder, "days.csv"), join(folder, "trace.csv"), join(folder, "decisions.jsonl")];
      const { code } = await run([
        "simulate",
        "--controller",
        "rule",
        "--days",
        "2",
        "--history",
        "none",
        "--dataset",
        file,
        "--trace",
        trace,
        "--decisions",
        decisions,
        "--json",
      ]);
      expect(code).toBe(0);
      const dataset = await readDatasetCsv(file);
      expect(dataset.timesMs).toHaveLength(2 * 96);
      for (const point of [
        "site.outdoorAirTempC",
        "site.directNormalIrradianceWm2",
        "space1-1.zoneAirTempC",
        "building.hvacPowerW",
      ] as const)
        expect(dataset.columns.get(point as PointName)?.every(Number.isFinite)).toBe(true);
      const plans = readFileSync(decisions, "utf8")
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as Decision).plan);
      expect(plans).toHaveLength(2 * 96);
      expect(plans.every(({ source, reason }) => source === "rule" && reason.length > 0)).toBe(true);
      const [header, ...rows] = readFileSync(trace, "utf8").trim().split("\n");
      const at = header!.split(",").indexOf("space1-1.zoneAirTempC");
      const temperatures = dataset.columns.get("space1-1.zoneAirTempC" as PointName)!;
      expect(rows.map((row) => row.split(",")[at])).toEqual([...temperatures].map((value) => value.toFixed(3)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("ends on Ctrl-C, with nothing on standard output", async () => {
    const result = await run(["simulate", "--controller", "rule", "--days", "300", "--history", "none", "--json"], (err, kill) => {
      if (err.includes("day 1 of")) kill();
    });
    expect(result.code).toBe(130);
    expect(result.out).toBe("");
  });
});
