/** The last line of a test run, and of CI's whole run. */
export const closingLine = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** Counts and success of a vitest run from its exit code and summary (null where it wrote none). Every way to fail shows in the count of failures. */
export const verdict = ({ code, summary }) => {
  if (summary === null) {
    return {
      ok: false,
      counts: { passed: 0, failed: 1, skipped: 0 },
      problems: [`vitest ended with code ${code} before it could report its tests`],
    };
  }
  const { passed, failed, skipped, unhandledErrors } = summary;
  const problems = [];
  if (unhandledErrors > 0) problems.push(`${unhandledErrors} unhandled error${unhandledErrors === 1 ? "" : "s"} outside any test`);
  if (passed + failed === 0) problems.push(skipped > 0 ? "every test was skipped" : "no test was run");
  const counted = failed + unhandledErrors + (passed + failed === 0 ? 1 : 0);
  if (code !== 0 && counted === 0) problems.push(`vitest ended with code ${code} although no test failed`);
  return {
    ok: problems.length === 0 && failed === 0 && code === 0,
    counts: { passed, failed: counted + (code !== 0 && counted === 0 ? 1 : 0), skipped },
    problems,
  };
};

/** The lines between vitest's own output and the closing line. */
export const report = ({ summary, problems, missing, listSkipped = true }) => {
  const section = (title, lines) => (lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)]);
  return [
    ...section("Failed:", [...(summary?.failedNames ?? []), ...problems]),
    ...section("Skipped:", listSkipped ? (summary?.skippedNames ?? []) : []),
    ...section(
      "Missing parts, whose tests are skipped:",
      missing.map((part) => `${part.name} (${part.reason})`),
    ),
    "",
  ];
};
