import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { isRunning } from "#cli/compare/folderLock";
import type { SuiteResults } from "#cli/compare/results";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist/src/main.js");
const top = mkdtempSync(join(tmpdir(), "isotherm-compare-run-"));
afterAll(() => rmSync(top, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
/** Starts compare; `ended` resolves however it ends. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [main, "compare", ...args], { cwd: top, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, out, err })));
  return { child, ended, said: () => err };
}
/** Processes that a process has started, where the system tells. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
const read = (folder: string, name = "results.json"): string => readFileSync(join(folder, name), "utf8");
const parsed = (folder: string): SuiteResults => JSON.parse(read(folder)) as SuiteResults;
const suiteFile = (name: string, text: string): string => {
  const file = join(top, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
};

const tiny = `name: tiny
defaults: {days: 1, history: none}
matrix:
  - controllers: [schedule, {controller: rule, lead: [0, 1, 2], ramp: [false, true]}]
`;
/** Long enough to be killed in, however slowly the second process starts. */
const slow = tiny.replace("days: 1", "days: 5");

describe.skipIf(!existsSync(main))("isotherm compare (needs `npm run build`)", () => {
  it("killed in the middle goes on where it stopped, to the same results.json, byte for byte; meanwhile a second one is refused", async () => {
    const suite = suiteFile("slow", slow);
    const [whole, broken] = [join(top, "whole"), join(top, "broken")];
    const uninterrupted = await start([suite, "--out", whole, "--jobs", "2"]).ended;
    expect(uninterrupted).toMatchObject({ code: 0 });

    const first = start([suite, "--out", broken, "--jobs", "2"]);
    await expect.poll(first.said, { timeout: 120_000 }).toMatch(/^\[1\/6\]/m);
    const second = await start([suite, "--out", broken]).ended;
    expect(second).toMatchObject({ code: 69, out: "" });
    expect(second.err).toContain(`being written by another isotherm compare (process ${first.child.pid})`);
    const runners = childrenOf(first.child.pid!);
    first.child.kill("SIGKILL");
    await first.ended;
    const finished = readdirSync(join(broken, "runs")).filter((name) => name.endsWith(".json"));
    expect(finished.length).toBeGreaterThan(0);
    expect(finished.length).toBeLessThan(6);
    expect(existsSync(join(broken, "results.json"))).toBe(false);
    // No run outlives its suite.
    await expect.poll(() => runners.filter(isRunning), { timeout: 30_000 }).toEqual([]);

    const writtenAt = finished.map((name) => statSync(join(broken, "runs", name)).mtimeMs);
    const again = await start([suite, "--out", broken, "--jobs", "1"]).ended;
    expect(again).toMatchObject({ code: 0 });
    expect(again.err).toContain("Going on where it stopped");
    expect(finished.map((name) => statSync(join(broken, "runs", name)).mtimeMs)).toEqual(writtenAt);
    expect(read(broken)).toBe(read(whole));
    expect(readdirSync(broken).sort()).toEqual(["report.html", "results.json", "runs", "suite.json", "timings.json"]);
    expect(Object.keys(JSON.parse(read(broken, "timings.json")))).toHaveLength(6);
    expect(read(broken)).not.toMatch(/"(wallMs|fitMs|decisionMs|peakRssMb)"/);
  }, 300_000);

  it("lists runs that fail with their reason, finishes the others, and ends with exit code 1", async () => {
    const suite = suiteFile(
      "failing",
      `name: failing
defaults: {days: 1, history: none}
matrix:
  - controllers: [schedule]
  - plant: replay
    data: nothing.csv
    controllers: [schedule]
`,
    );
    const { code, out, err } = await start([suite, "--out", join(top, "failing"), "--json"]).ended;
    expect(code).toBe(1);
    const results = JSON.parse(out) as SuiteResults;
    expect(out).toBe(`${JSON.stringify(parsed(join(top, "failing")))}\n`);
    expect(results.counts).toEqual({ done: 1, failed: 1, skipped: 0 });
    const failed = results.runs.find(({ status }) => status === "failed")!;
    expect(failed.reason).toMatch(/nothing\.csv/);
    expect(failed.exitCode).toBeGreaterThan(0);
    expect(err).toMatch(/failed: schedule, .*\n {2}.*nothing\.csv/);
    expect(read(join(top, "failing"), "report.html")).toContain("nothing.csv");
  }, 120_000);

  it("ends on Ctrl-C, with its runs, and leaves nothing half-written", async () => {
    const suite = suiteFile("long", "name: long\nmatrix:\n  - {days: 300, history: none, controllers: [rule, schedule]}\n");
    const folder = join(top, "long");
    const run = start([suite, "--out", folder, "--jobs", "2"]);
    await expect.poll(() => childrenOf(run.child.pid!).length, { timeout: 60_000 }).toBe(2);
    const runners = childrenOf(run.child.pid!);
    run.child.kill("SIGINT");
    const { code, out } = await run.ended;
    expect(code).toBe(130);
    expect(out).toBe("");
    expect(runners.filter(isRunning)).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(["runs", "suite.json"]);
    expect(readdirSync(join(folder, "runs"))).toEqual([]);
  }, 120_000);

  it.each([
    [["nowhere.yaml"], 78, /nowhere\.yaml: there is no such file/],
    [[], 2, /missing required argument/],
    [["tiny.yaml", "--jobs", "0"], 2, /--jobs "0" is not a whole number/],
    [["tiny.yaml", "--weather", "nowhere.epw"], 78, /weather file cannot be read/],
  ])("refuses %j with exit code %i", async (args, code, message) => {
    suiteFile("tiny", tiny);
    const ended = await start(args).ended;
    expect(ended.err).toMatch(message);
    expect(ended).toMatchObject({ code, out: "" });
  });

  it("makes the whole of quick.yaml, with a report that holds its figures", async () => {
    const folder = join(top, "quick");
    const { code, err } = await start([join(root, "suites/quick.yaml"), "--out", folder]).ended;
    expect(err).not.toContain("FAILED");
    expect(code).toBe(0);
    const { counts, runs, cases, versions } = parsed(folder);
    expect(counts.failed).toBe(0);
    expect(counts.done + counts.skipped).toBe(runs.length);
    // Only what needs an engine may be left out, and says why.
    for (const run of runs)
      if (run.status === "skipped") expect([run.options.plant, run.reason]).toEqual(["energyplus", expect.stringMatching(/EnergyPlus/i)]);
    expect(
      runs.filter(({ options, status }) => options.plant === "rc" && status === "done").map(({ options }) => options.controller),
    ).toEqual(expect.arrayContaining(["schedule", "rule", "rule-best", "mppi"]));
    expect(versions.backends).toHaveLength(1);
    const page = read(folder, "report.html");
    for (const { summaries } of cases)
      for (const { controller, figures, seeds } of summaries) {
        if (seeds.length === 0) continue;
        expect(page).toContain(controller);
        expect(page).toContain(figures.hvacElectricityKwh.mean.toFixed(1));
        expect(page).toContain(figures.cost.mean.toFixed(2));
      }
    expect(page.match(/<svg class="week"/g)).toHaveLength(counts.done);
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
  }, 600_000);
});
