import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSuite, parseSuite } from "#cli/compare/loadSuite";
import { createReport } from "#cli/compare/report/createReport";
import { signedPct, ticks } from "#cli/compare/report/format";
import { curvePath, drawnSteps, stepPath } from "#cli/compare/report/lines";
import { readTrace } from "#cli/compare/report/trace";
import { suiteResults, timingsOf } from "#cli/compare/results";
import type { SuiteRun } from "#cli/compare/runSuite";
import type { RunOptions } from "#cli/compare/simulateCommand";
import { uniform, uniforms } from "#math/random";

const top = mkdtempSync(join(tmpdir(), "isotherm-report-"));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const environment = {
  isotherm: "9.9.9",
  programDigest: "abcdef",
  node: "v20",
  platform: "linux-x64",
  energyplus: { version: "25.2.9", digest: "fedcba" },
  linearAlgebra: "default",
};
const zones = ["space1-1", "space2-1", "space3-1", "space4-1", "space5-1"];

/** Seven days of five zones that never repeat: as large as a real trace. */
function writeTrace(name: string, seed: number): void {
  const numbers = new Float64Array(672 * 21);
  uniforms(seed, 0, numbers);
  let drawn = 0;
  const columns = ["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"].flatMap((quantity) =>
    zones.map((zone) => `${zone}.${quantity}`),
  );
  const rows = Array.from({ length: 672 }, (_, i) => {
    const time = new Date(Date.UTC(1991, 0, 1) + (i + 1) * 900_000).toISOString().slice(0, 19);
    const busy = i % 96 >= 28 && i % 96 < 80;
    const cells = columns.map((column) => {
      const u = numbers[drawn++]!;
      if (column.endsWith("zoneAirTempC")) return (20 + 3 * Math.sin(i / 15) + u).toFixed(3);
      if (column.endsWith("heatingSetpointC")) return (15 + 6 * u).toFixed(3);
      return column.endsWith("coolingSetpointC") ? (24 + 6 * u).toFixed(3) : busy ? "3.000" : "0.000";
    });
    return [time, "1.000", ...cells, (20 * numbers[drawn++]!).toFixed(3)].join(",");
  });
  writeFileSync(join(top, `${name}.csv`), `${["stepEnd", "outdoorAirTempC", ...columns, "hvacPowerKw"].join(",")}\n${rows.join("\n")}\n`);
}

const figuresOf = (options: RunOptions, i: number) => ({
  controller: String(options.controller),
  plant: String(options.plant),
  steps: 672,
  occupiedSteps: 300,
  comfortViolationPct: options.controller === "schedule" ? 39.68 : options.controller === "clue" ? 12.34 + i / 100 : 0.125,
  comfortViolationPctByZone: { "space1-1": 0 },
  discomfortKh: 1.23 + i,
  hvacElectricityKwh: 600 + 3.21 * i,
  fuelKwh: 0,
  peakKw: 20 + i / 10,
  cost: 150 + 0.37 * i,
  emissionsKg: 200,
  fallbackPct: options.controller === "mppi" && options.fallback === true ? 2.5 : 0,
  seed: Number(options.seed),
  backend: options.controller === "mppi" ? "wasm" : null,
  ...(options.controller === "rule-best" ? { bestLead: 7, bestRamp: true } : {}),
});
const timings = { decisionMs: { p50: 12, p95: 34, max: 56 }, fitMs: 7890, peakRssMb: 321, wallMs: 65_432 };
const done = (options: RunOptions, id: string, i: number): SuiteRun => ({
  id,
  options,
  outcome: { status: "done", figures: figuresOf(options, i), timings },
});

const smallSuite = parseSuite(
  `name: small
title: "A <b>small</b> suite & more"
description: "First.\\n\\nSecond."
matrix:
  - plant: energyplus
    seed: [1, 2, 3]
    controllers: [schedule, {controller: rule, lead: 4}, rule-best, {controller: mppi, fallback: [true, false]}, clue]
`,
  "small.yaml",
  top,
);
const smallRuns = (): SuiteRun[] =>
  smallSuite.runs.map(({ options }, i) => {
    const id = `small${i}`;
    if (options.controller === "mppi" && options.seed === 2)
      return { id, options, outcome: { status: "failed", reason: "it broke <here>\nsecond line", exitCode: 70 } };
    if (options.controller === "clue" && options.seed === 3) return { id, options, outcome: { status: "skipped", reason: "no engine" } };
    writeTrace(id, i);
    return done(options, id, i);
  });
const reportOf = (suite: typeof smallSuite, runs: readonly SuiteRun[]) => {
  const results = suiteResults(suite, runs, environment);
  return createReport(results, timingsOf(runs), (id) => join(top, `${id}.csv`)).then((page) => ({ results, page }));
};

describe("the report of a suite", () => {
  it("shows the figures of results.json: mean, worst and interval over seeds, rule-best's distance, failures with their reason, commands and versions", async () => {
    const { results, page } = await reportOf(smallSuite, smallRuns());
    expect(results.counts).toEqual({ done: 9, failed: 2, skipped: 1 });
    const [only] = results.cases;
    for (const { figures, againstRuleBest } of only!.summaries) {
      for (const [name, decimals] of [
        ["comfortViolationPct", 2],
        ["hvacElectricityKwh", 1],
        ["peakKw", 1],
        ["cost", 2],
      ] as const) {
        expect(page).toContain(figures[name].mean.toFixed(decimals));
        if (figures[name].halfWidth95 !== null)
          expect(page).toContain(`± ${figures[name].halfWidth95!.toFixed(decimals)}, worst ${figures[name].worst.toFixed(decimals)}`);
      }
      expect(page).toContain(signedPct(againstRuleBest.costPct));
    }
    expect(page).toContain("hindsight: lead 7 ramp");
    expect(page).toContain("it broke &lt;here&gt;\nsecond line");
    expect(page).toContain("no engine");
    expect(page).toContain("A &lt;b&gt;small&lt;/b&gt; suite &amp; more");
    // Published for New York's January week: CLUE on schedule data.
    expect(page).toMatch(/CLUE, schedule data<\/th><td>1<\/td><td>23\.10<\/td>/);
    for (const run of results.runs) {
      expect(page).toContain(run.id);
      expect(page).toContain(run.command.replaceAll("'", "&#39;"));
    }
    for (const version of ["9.9.9", "abcdef", "v20", "wasm", "25.2.9"]) expect(page).toContain(version);
  });
  it("needs nothing but itself", async () => {
    const { page } = await reportOf(smallSuite, smallRuns());
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\b(?:src|href)="(?:https?:|\/)/);
  });
  it("marks as best only controllers that keep comfort, hindsight aside", async () => {
    const { results, page } = await reportOf(smallSuite, smallRuns());
    const best = results.cases[0]!.summaries.filter(({ setting, keepsComfort }) => keepsComfort && setting.controller !== "rule-best");
    const cheapest = Math.min(...best.map(({ figures }) => figures.cost.mean)).toFixed(2);
    expect([...page.matchAll(/<td class="best"><b>([\d.]+)<\/b>/g)].map(([, text]) => text)).toContain(cheapest);
    // The schedule is cheaper, and breaks comfort.
    expect(Number(results.cases[0]!.summaries[0]!.figures.cost.mean.toFixed(2))).toBeLessThan(Number(cheapest));
  });
  it("stays below two million bytes for the whole of paper.yaml, with a plot for every run", async () => {
    const paper = loadSuite(fileURLToPath(new URL("../../suites/paper.yaml", import.meta.url)));
    for (let i = 0; i < 5; i++) writeTrace(`big${i}`, i);
    const runs = paper.runs.map(({ options }, i) => done(options, `big${i % 5}`, i % 40));
    // Ids are shared here only to write few traces; the plots are as many as the runs.
    const distinct = runs.map((run, i) => ({ ...run, id: `run${i}` }));
    const results = suiteResults(paper, distinct, environment);
    const page = await createReport(results, timingsOf(distinct), (id) => join(top, `big${Number(id.slice(3)) % 5}.csv`));
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
    expect(page.match(/<svg class="week"/g)).toHaveLength(148);
  });
  it("says so when no run was finished", async () => {
    const runs = smallSuite.runs.map(
      ({ options }, i): SuiteRun => ({ id: `f${i}`, options, outcome: { status: "failed", reason: "everything broke", exitCode: 70 } }),
    );
    const { page, results } = await reportOf(smallSuite, runs);
    expect(page).toContain("No run was finished");
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    expect(JSON.parse(JSON.stringify(results)).counts.failed).toBe(12);
  });
});

describe("curves", () => {
  it("keep the lowest and the highest of every bucket, and no more than two steps of it", () => {
    const values = Array.from({ length: 300 }, (_, i) => uniform(7, 0, i));
    for (const bucket of [1, 4, 7, 32]) {
      const steps = drawnSteps(values, bucket);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
      expect(steps.length).toBeLessThanOrEqual(2 * Math.ceil(300 / bucket));
      for (let from = 0; from < 300; from += bucket) {
        const part = values.slice(from, from + bucket);
        const drawn = steps.filter((step) => step >= from && step < from + bucket).map((step) => values[step]);
        expect(drawn).toEqual(expect.arrayContaining([Math.min(...part), Math.max(...part)]));
      }
    }
  });
  it("do not bridge a gap", () => {
    const scale = { x: (step: number) => 10 * step, y: (value: number) => value };
    expect(curvePath([1, 2, Number.NaN, 4, 5], 1, scale)).toBe("M0 1l10 1 M30 4l10 1");
    expect(curvePath([], 1, scale)).toBe("");
  });
  it("of setpoints have a corner only where the setpoint changes", () => {
    const scale = { x: (step: number) => 10 * (step + 1), y: (value: number) => value };
    expect(stepPath([5, 5, 7, 7], 1, scale)).toBe("M0 5H20V7H40");
  });
  it("have round ticks around their values", () => {
    expect(ticks(82.3, 89.9, 4)).toEqual([82, 84, 86, 88, 90]);
    expect(ticks(0, 0, 4)[0]).toBe(0);
    expect(ticks(5, 5, 4).length).toBeGreaterThan(1);
  });
  it("are read from a trace with its gaps", async () => {
    writeFileSync(
      join(top, "gap.csv"),
      "stepEnd,outdoorAirTempC,a.zoneAirTempC,hvacPowerKw\n1991-01-01T00:15:00,1,20.5,3\n1991-01-01T00:30:00,1,,3\n",
    );
    const trace = await readTrace(join(top, "gap.csv"));
    expect(trace.zones).toEqual(["a"]);
    expect(trace.timesMs).toEqual([Date.UTC(1991, 0, 1, 0, 15), Date.UTC(1991, 0, 1, 0, 30)]);
    expect(trace.column("a.zoneAirTempC")).toEqual([20.5, Number.NaN]);
  });
});

const executablePath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path): path is string => path !== undefined && existsSync(path),
);

describe.skipIf(executablePath === undefined)("the report in Chromium (skipped where no chromium is installed)", () => {
  let browser: Browser;
  const file = join(top, "report.html");
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    writeFileSync(file, (await reportOf(smallSuite, smallRuns())).page);
  });
  afterAll(() => browser?.close());

  it.each([360, 1280])("opens offline at %i px: nothing is asked for, nothing overflows, axe finds nothing", async (width) => {
    const context = await browser.newContext({ viewport: { width, height: 800 }, offline: true });
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => asked.push(message.text()));
    await page.goto(`file://${file}`);
    expect(asked).toEqual([`file://${file}`]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
    });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
      return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
    });
    expect(violations).toEqual([]);
    // Every chart speaks, every table has a caption.
    expect(await page.locator("svg[role=img]:not([aria-label])").count()).toBe(0);
    expect(
      await page.evaluate(() => [...document.querySelectorAll("table")].every((table) => (table.caption?.textContent ?? "") !== "")),
    ).toBe(true);
    await context.close();
  });
});
