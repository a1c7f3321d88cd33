import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { builtFile } from "#cli/compare/builtProgram";
import { isRunning, lockFolder } from "#cli/compare/folderLock";
import { openResultFolder } from "#cli/compare/resultFolder";
import { runChild } from "#cli/compare/runChild";
import { splitOutput } from "#cli/compare/runOutput";
import { withDefaults } from "#cli/compare/simulateCommand";
import { IsothermError } from "#domain/errors";

const top = mkdtempSync(join(tmpdir(), "isotherm-compare-"));
let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(top, String(count++));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const codeOf = (error: unknown): number => (error instanceof IsothermError ? error.exitCode : 0);
const isBuilt = ((): boolean => {
  try {
    return builtFile("src/cli/compare/orphanGuard.js") !== "";
  } catch {
    return false;
  }
})();

describe("the lock of a folder", () => {
  it("refuses a second holder by the first one's number, and is free again afterwards", () => {
    mkdirSync(folder);
    const release = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(new RegExp(`being written by another isotherm compare \\(process ${process.pid}\\)`));
    release();
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });
  it.each([
    ["a process that is gone", { pid: 2 ** 22 + 1, began: "", host: hostname(), token: "x" }],
    ["a later process with the same number", { pid: process.pid, began: "1", host: hostname(), token: "x" }],
    ["a crash that cut it short", null],
  ])("is taken over from %s", (_what, owner) => {
    mkdirSync(folder);
    writeFileSync(join(folder, ".lock"), owner === null ? '{"pi' : JSON.stringify(owner));
    const release = lockFolder(folder);
    expect(JSON.parse(readFileSync(join(folder, ".lock"), "utf8")).pid).toBe(process.pid);
    release();
    expect(readdirSync(folder)).toEqual([]);
  });
  it("of another machine is left alone, with what to do", () => {
    mkdirSync(folder);
    writeFileSync(join(folder, ".lock"), JSON.stringify({ pid: 7, began: "", host: "elsewhere.example", token: "x" }));
    try {
      lockFolder(folder);
      expect.unreachable();
    } catch (error) {
      expect((error as IsothermError).describe()).toMatch(/process 7 on elsewhere\.example[\s\S]*remove .*\.lock/);
      expect(codeOf(error)).toBe(69);
    }
  });
});

const suite = { name: "a", suiteDigest: "1".repeat(16) };
const other = { name: "b", suiteDigest: "2".repeat(16) };
const finished = {
  figures: { controller: "rule" },
  timings: { wallMs: 1 },
} as unknown as Parameters<Awaited<ReturnType<typeof openResultFolder>>["keep"]>[1];

describe("a folder of results", () => {
  it("is refused when it holds something else, and left as it was", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "thesis.doc"), "years of work");
    await expect(openResultFolder(folder, suite, true)).rejects.toThrow(/not a suite's results \(thesis\.doc\)/);
    expect(readdirSync(folder)).toEqual(["thesis.doc"]);
  });
  it("is refused when it holds another suite's results, unless they may be replaced; runs that both have are kept", async () => {
    const first = await openResultFolder(folder, suite, false);
    for (const id of ["shared", "old"]) {
      writeFileSync(first.traceFile(id), "stepEnd\n");
      await first.keep(id, finished);
    }
    first.release();
    await expect(openResultFolder(folder, other, false)).rejects.toThrow(/another suite \(a\)/);
    const second = await openResultFolder(folder, other, true);
    expect(await second.removeOthers(new Set(["shared", "new"]))).toBe(1);
    expect(await second.finished("shared")).toEqual(finished);
    expect(await second.finished("old")).toBeNull();
    second.release();
    await expect(openResultFolder(folder, suite, false)).rejects.toThrow(/another suite \(b\)/);
  });
  it("does not trust a run whose trace or record is damaged, and sweeps half-written files", async () => {
    const open = await openResultFolder(folder, suite, false);
    writeFileSync(open.traceFile("one"), "stepEnd\n1991-01-01T00:15\n");
    await open.keep("one", finished);
    expect(await open.finished("one")).toEqual(finished);
    writeFileSync(open.traceFile("one"), "stepEnd\n1991-");
    expect(await open.finished("one")).toBeNull();
    writeFileSync(join(folder, "runs", "one.json"), '{"format":1,');
    expect(await open.finished("one")).toBeNull();
    writeFileSync(join(folder, "runs", ".one.csv.123.abc.tmp"), "half");
    await open.removeOthers(new Set(["one"]));
    expect(readdirSync(join(folder, "runs")).sort()).toEqual(["one.csv", "one.json"]);
    open.release();
  });
  it("is locked while it is open", async () => {
    const open = await openResultFolder(folder, suite, false);
    const refused = await openResultFolder(folder, suite, false).catch((error: unknown) => error);
    expect(codeOf(refused)).toBe(69);
    open.release();
  });
});

describe("the output of a run", () => {
  const whole = {
    controller: "rule",
    plant: "rc",
    steps: 96,
    occupiedSteps: 52,
    comfortViolationPct: 1.5,
    comfortViolationPctByZone: { a: 1.5 },
    discomfortKh: 0.1,
    hvacElectricityKwh: 50,
    fuelKwh: 0,
    peakKw: 9,
    cost: 10,
    emissionsKg: 5,
    fallbackPct: 0,
    seed: 1,
    backend: null,
    decisionMs: { p50: 1, p95: 2, max: 3 },
    fitMs: 0,
    peakRssMb: 100,
    wallMs: 1000,
  };
  it("is split into what a repetition gives again and what it does not, unknown figures included", () => {
    const split = splitOutput(JSON.stringify({ ...whole, somethingNew: 4, somethingSlowMs: 5 }));
    expect(split).toMatchObject({ figures: { cost: 10, somethingNew: 4 }, timings: { wallMs: 1000, somethingSlowMs: 5 } });
    const nested = splitOutput(JSON.stringify({ ...whole, boptest: { ener_tot: 3, time_rat: 1e-6 } }));
    expect(nested).toMatchObject({ figures: { boptest: { ener_tot: 3 } }, timings: { boptest: { time_rat: 1e-6 } } });
    expect(JSON.stringify((nested as { figures: unknown }).figures)).not.toContain("time_rat");
    if (typeof split !== "string") expect(Object.keys(split.figures).filter((name) => /(Ms|Mb)$/.test(name))).toEqual([]);
  });
  it.each([
    ["", /printed no result/],
    ["day 1 of 1", /not one JSON object/],
    ["3", /not one JSON object/],
    [JSON.stringify({ ...whole, cost: null, fitMs: undefined }), /lacks cost, fitMs/],
  ])("is refused when it is no result: %s", (text, message) => {
    expect(splitOutput(text)).toMatch(message);
  });
});

describe.skipIf(!isBuilt)("a run in a process of its own (needs `npm run build`)", () => {
  const options = withDefaults({ controller: "rule" });
  const run = (script: string, timeLimitMs = 60_000, signal = new AbortController().signal) => {
    mkdirSync(folder, { recursive: true });
    const program = join(folder, "program.mjs");
    writeFileSync(program, script);
    return runChild(options, { program, traceFile: join(folder, "t.csv"), energyplus: null, timeLimitMs, signal });
  };
  it.each([
    [
      "an error's exit code and last words",
      'process.stderr.write("day 1 of 7: 3 kWh\\nno such prior\\n  Name another.\\n"); process.exit(78)',
      { reason: "no such prior\n  Name another.", exitCode: 78 },
    ],
    [
      "a crash by its signal",
      'process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 1e6)',
      { reason: "its process was ended by SIGKILL", exitCode: null },
    ],
    ["silence", "process.exit(3)", { reason: "it ended with exit code 3 and said nothing", exitCode: 3 }],
    ["something that is no result", 'process.stdout.write("hello")', { reason: "what it printed is not one JSON object", exitCode: 0 }],
  ])("is a failed run with its reason after %s", async (_what, script, outcome) => {
    expect(await run(script)).toEqual({ status: "failed", ...outcome });
  });
  it("is ended at the time limit", async () => {
    expect(await run("setInterval(() => {}, 1000)", 300)).toMatchObject({
      status: "failed",
      reason: expect.stringMatching(/^it took longer than the suite's/),
    });
  });
  it("is ended on an abort even if it does not listen", async () => {
    const abort = new AbortController();
    const began = run(
      'process.on("SIGTERM", () => {}); process.stdout.write(String(process.pid)); setInterval(() => {}, 1000)',
      60_000,
      abort.signal,
    );
    setTimeout(() => abort.abort(new Error("stop")), 500);
    await expect(began).rejects.toThrow("stop");
  });
  it("ends when the process that started it is gone", async () => {
    mkdirSync(folder, { recursive: true });
    const guard = builtFile("src/cli/compare/orphanGuard.js");
    const parent = join(folder, "parent.mjs");
    writeFileSync(
      parent,
      `import { spawn } from "node:child_process";
       const child = spawn(process.execPath, ["--import", ${JSON.stringify(guard)}, "--eval", "setInterval(() => {}, 1000)"], { stdio: ["ignore", "ignore", "ignore", "ipc"], detached: true });
       process.stdout.write(String(child.pid)); setInterval(() => {}, 1000);`,
    );
    const started = spawn(process.execPath, [parent], { stdio: ["ignore", "pipe", "inherit"] });
    const childPid = await new Promise<number>((resolve) => started.stdout.once("data", (text) => resolve(Number(text))));
    started.kill("SIGKILL");
    await expect.poll(() => isRunning(childPid), { timeout: 20_000 }).toBe(false);
  });
});
