import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { reportModule, type TestSummary } from "./scriptModules.js";

const { closingLine, report, verdict } = reportModule;
const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const summary: TestSummary = {
  passed: 5,
  failed: 0,
  skipped: 1,
  unhandledErrors: 0,
  failedNames: [],
  skippedNames: ["a.test.ts > needs a broker"],
};

describe("verdict on a test run", () => {
  it("is good only when something passed and nothing failed", () => {
    expect(verdict({ code: 0, summary })).toEqual({ ok: true, counts: { passed: 5, failed: 0, skipped: 1 }, problems: [] });
  });
  it.each([
    ["vitest died before reporting", 134, null, 1],
    ["a test failed", 1, { ...summary, failed: 2 }, 2],
    ["an error was raised outside any test", 1, { ...summary, unhandledErrors: 1 }, 1],
    ["an unhandled error was reported with exit code 0", 0, { ...summary, unhandledErrors: 1 }, 1],
    ["no test was there", 0, { ...summary, passed: 0, skipped: 0 }, 1],
    ["every test was skipped", 0, { ...summary, passed: 0 }, 1],
    ["vitest fails for a reason of its own", 1, summary, 1],
  ] as const)("is bad, with a failure counted, when %s", (_what, code, found, failed) => {
    const judged = verdict({ code, summary: found });
    expect(judged.ok).toBe(false);
    expect(judged.counts.failed).toBe(failed);
  });
});

describe("report of a test run", () => {
  it("names every skipped test and missing part", () => {
    const lines = report({ summary, problems: [], missing: [{ name: "Chromium", reason: "installing it needs root" }] });
    expect(lines).toContain("Skipped:");
    expect(lines).toContain("  a.test.ts > needs a broker");
    expect(lines).toContain("  Chromium (installing it needs root)");
  });
  it("closes with one line of a fixed form", () => {
    expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
  });
});

describe("summary reporter", { timeout: 60_000 }, () => {
  it("counts passed, failed and skipped tests, files that do not load and hooks that throw", () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-summary-"));
    try {
      symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
      mkdirSync(join(folder, "test"));
      const head = 'import { beforeAll, describe, expect, it } from "vitest";\n';
      writeFileSync(
        join(folder, "test/mixed.test.js"),
        `${head}describe("group", () => { it("passes", () => {}); it("fails", () => { expect(1).toBe(2); }); it.skip("needs a device", () => {}); it.todo("later"); });
         describe.skip("needs a server", () => { it("one", () => {}); it("two", () => {}); });`,
      );
      writeFileSync(join(folder, "test/broken.test.js"), "throw new Error('does not load');\n");
      writeFileSync(
        join(folder, "test/hook.test.js"),
        `${head}describe("hooked", () => { beforeAll(() => { throw new Error("no"); }); it("never runs", () => {}); });\n`,
      );
      const out = join(folder, "summary.json");
      const vitest = join(repository, "node_modules/vitest/vitest.mjs");
      const args = [vitest, "run", "--root", folder, `--reporter=${join(repository, "scripts/lib/summaryReporter.mjs")}`];
      const { status } = spawnSync(process.execPath, args, { cwd: folder, env: { ...process.env, ISOTHERM_TEST_SUMMARY: out } });
      const found = JSON.parse(readFileSync(out, "utf8")) as TestSummary;
      expect(status).toBe(1);
      expect(found.passed).toBe(1);
      expect([...found.failedNames].sort()).toEqual([
        "test/broken.test.js",
        "test/hook.test.js > hooked",
        "test/mixed.test.js > group > fails",
      ]);
      expect(found.failed).toBe(3);
      expect(found.skippedNames).toEqual(
        expect.arrayContaining([
          "test/mixed.test.js > group > needs a device",
          "test/mixed.test.js > needs a server > one",
          "test/mixed.test.js > needs a server > two",
        ]),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
