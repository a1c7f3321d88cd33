import { writeFileSync } from "node:fs";

/** What a finished vitest run did, from its reported modules: counts, and the full names of what failed or was skipped. */
export const summarize = (testModules, unhandledErrors) => {
  const summary = { passed: 0, failed: 0, skipped: 0, unhandledErrors: unhandledErrors.length, failedNames: [], skippedNames: [] };
  for (const testModule of testModules) {
    const file = testModule.relativeModuleId;
    for (const test of testModule.children.allTests()) {
      const { state } = test.result();
      const name = `${file} > ${test.fullName}`;
      if (state === "passed") summary.passed += 1;
      else if (state === "skipped") {
        summary.skipped += 1;
        summary.skippedNames.push(name);
      } else {
        // A test that is still pending when the run ends was never finished: that is no pass.
        summary.failed += 1;
        summary.failedNames.push(name);
      }
    }
    const suites = [...testModule.children.allSuites()];
    // An error outside any test (a file that does not load, a hook that throws) is counted once for its file or suite.
    for (const { errors, name } of [
      { errors: testModule.errors(), name: file },
      ...suites.map((suite) => ({ errors: suite.errors(), name: `${file} > ${suite.fullName}` })),
    ]) {
      if (errors.length === 0) continue;
      summary.failed += 1;
      summary.failedNames.push(name);
    }
    const emptySkipped = suites.filter((suite) => suite.state() === "skipped" && [...suite.children.allTests()].length === 0);
    summary.skippedNames.push(...emptySkipped.map((suite) => `${file} > ${suite.fullName} (whole suite)`));
  }
  return summary;
};

/** Vitest reporter that writes the run's exact counts as JSON to the file named by ISOTHERM_TEST_SUMMARY. */
export default class SummaryReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    const path = process.env.ISOTHERM_TEST_SUMMARY;
    if (path) writeFileSync(path, JSON.stringify(summarize(testModules, unhandledErrors)));
  }
}
