import { appendFileSync, readFileSync } from "node:fs";

/**
 * Records that the rollout backend `name` really computed and was compared, for CI, which refuses a run in which one that it can have was skipped.
 * Appends one JSON line to the file named by ISOTHERM_BACKENDS_RAN (one write, so that several test processes may share the file); nothing without that.
 */
export const recordBackendRan = (name: string, env: NodeJS.ProcessEnv = process.env): void => {
  const path = env.ISOTHERM_BACKENDS_RAN;
  if (path !== undefined && path !== "") appendFileSync(path, `${JSON.stringify({ backend: name })}\n`);
};

/** Names recorded in the file at `path`, sorted, each once. Throws on a line that `recordBackendRan` did not write. */
export const backendsRan = (path: string): string[] => {
  const lines = readFileSync(path, "utf8").split("\n");
  const names = lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { backend: string }).backend);
  return [...new Set(names)].sort();
};
