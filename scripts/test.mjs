// `npm test`: builds, provides what tests need where it may, runs every test once and closes with "N passed, N failed, N skipped".
// With arguments (`npm test -- test/math`) they go to vitest, and nothing is installed.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "./build.mjs";
import { checkoutRoot, say, seconds } from "./lib/checkout.mjs";
import { findEnergyplus, installEnergyplus } from "./lib/energyplus.mjs";
import { findHomeAssistant, installHomeAssistant } from "./lib/homeAssistant.mjs";
import { optionalParts, provideParts } from "./lib/optionalParts.mjs";
import { runProcess, stopProcesses } from "./lib/runProcess.mjs";
import { closingLine, report, verdict } from "./lib/testReport.mjs";

const args = process.argv.slice(2);
const everything = args.length === 0;

const provide = async () => {
  if (!everything || process.env.ISOTHERM_NO_PROVISION === "1") {
    const absent = optionalParts
      .filter((part) => !part.isPresent())
      .map((part) => ({ name: part.name, reason: "absent, and not installed by this run" }));
    if (findEnergyplus(checkoutRoot) === null) absent.push({ name: "EnergyPlus", reason: "absent; npm run energyplus:install" });
    if (findHomeAssistant(checkoutRoot) === null)
      absent.push({ name: "Home Assistant's schemas", reason: "absent; npm test without arguments installs them" });
    return absent;
  }
  const began = Date.now();
  const missing = await provideParts({ say });
  const [energyplus, homeAssistant] = await Promise.all([
    installEnergyplus({ root: checkoutRoot, say }),
    installHomeAssistant({ root: checkoutRoot, say }),
  ]);
  if (energyplus.library === undefined) missing.push({ name: "EnergyPlus", reason: energyplus.reason });
  if (homeAssistant.python === undefined) missing.push({ name: "Home Assistant's schemas", reason: homeAssistant.reason });
  say(`Parts that tests need: ${missing.length === 0 ? "all here" : `${missing.length} missing`} (${seconds(Date.now() - began)})`);
  return missing;
};

const runVitest = async (summaryPath) => {
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const reporters = [
    ...(args.some((arg) => arg.startsWith("--reporter")) ? [] : ["--reporter=default"]),
    `--reporter=${join(checkoutRoot, "scripts/lib/summaryReporter.mjs")}`,
  ];
  const { code } = await runProcess(process.execPath, [vitest, "run", ...reporters, ...args], {
    cwd: checkoutRoot,
    env: { ...process.env, ISOTHERM_TEST_SUMMARY: summaryPath },
    inherit: true,
  });
  try {
    return { code, summary: JSON.parse(readFileSync(summaryPath, "utf8")) };
  } catch {
    return { code, summary: null };
  }
};

const scratch = mkdtempSync(join(tmpdir(), "isotherm-test-"));
let interrupted = false;
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    interrupted = true;
    stopProcesses();
  });
}

const built = await build({ ifStale: true }).catch((error) => {
  process.stderr.write(`build: ${error.message}\n`);
  return false;
});
if (!built) {
  say("The build failed, so no test was run.");
  say(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
} else {
  const missing = interrupted ? [] : await provide();
  const result = interrupted ? { code: 130, summary: null } : await runVitest(join(scratch, "summary.json"));
  const judged = verdict(result);
  for (const line of report({
    ...judged,
    summary: result.summary,
    missing,
    listSkipped: !args.some((arg) => /^(-t|--testNamePattern)/.test(arg)),
  }))
    say(line);
  say(closingLine(judged.counts));
  process.exitCode = judged.ok ? 0 : 1;
}
